-- name_vi: Chất lượng số liệu theo nguồn và chỉ số: đầy đủ, kịp thời, mức sửa đổi
-- name_en: Quality of data by provider and indicator: completeness, timeliness, size of revisions
-- parameter: indicator String = | mã chỉ số; để trống: tất cả / indicator; empty: all
-- parameter: provider String = | cơ quan cung cấp; để trống: tất cả / provider; empty: all
-- parameter: due_hours Int32 = 240 | số giờ sau kỳ còn được coi là kịp / hours after the period that are in time
-- parameter: since Moment = 01/01/2000 | các kỳ từ ngày / periods from
-- column: provider | Cơ quan cung cấp
-- column: indicator_name | Chỉ số
-- column: period_start | Kỳ (từ ngày)
-- column: reported | Đã báo cáo
-- column: expected | Phải báo cáo
-- column: completeness | Đầy đủ (%)
-- column: delay | Chậm trung vị (giờ)
-- column: in_time | Kịp thời
-- column: revised | Số liệu bị sửa
-- column: revision | Mức sửa bình quân (%)
-- Expected are the units that ever reported the indicator in periods of this type. Rule: indicators/quality.py.
SELECT
    q.provider AS provider,
    coalesce(nullIf(i.name_vi, ''), q.indicator) || if(q.component = '', '', ' · ' || q.component) AS indicator_name,
    q.period_start AS period_start, q.reported AS reported, q.expected AS expected, round(q.completeness_percent, 2) AS completeness,
    toDecimal64(round(q.median_delay_hours, 1), 1) AS delay, q.longest_delay_hours <= {due_hours:Int32} AS in_time, q.revised AS revised,
    if(isNaN(q.mean_revision_percent), NULL, toDecimal64(round(q.mean_revision_percent, 2), 2)) AS revision
FROM quality AS q
LEFT JOIN indicators AS i ON i.id = q.indicator
WHERE ({indicator:String} = '' OR q.indicator = {indicator:String}) AND ({provider:String} = '' OR q.provider = {provider:String})
    AND q.period_start >= {since:DateTime64(3, 'UTC')}
ORDER BY provider, indicator_name, period_start
LIMIT 1000
