-- name_vi: Chất lượng báo cáo theo cơ quan cung cấp và chỉ số: đúng hạn, chậm, thiếu, sửa đổi, trùng, một nguồn
-- name_en: Quality of reports by provider and indicator: on time, late, missing, revised, duplicated, single source
-- parameter: indicator String = | mã chỉ số; để trống: tất cả / indicator; empty: all
-- parameter: provider String = | cơ quan cung cấp; để trống: tất cả / provider; empty: all
-- parameter: months Int32 = 14 | các kỳ kết thúc trong số tháng gần đây / periods that end within the last months
-- parameter: as_of Moment = now | theo hiểu biết vào thời điểm, dd/mm/yyyy hh:mm / as known at a moment
-- column: provider_name | Cơ quan cung cấp
-- column: indicator_name | Chỉ số
-- column: figure | Số liệu
-- column: period_start | Kỳ (từ ngày)
-- column: due | Hạn báo cáo
-- column: reported | Đã báo cáo
-- column: expected | Phải báo cáo
-- column: completeness | Đầy đủ (%)
-- column: on_time | Đúng hạn
-- column: late | Chậm
-- column: missing | Thiếu
-- column: punctual | Đúng hạn (%)
-- column: delay | Chậm trung vị (giờ)
-- column: revised | Bị sửa
-- column: revision | Mức sửa bình quân (%)
-- column: duplicates | Gửi trùng
-- column: second_sources | Nguồn thứ hai
-- Due days and who owes what: catalogue/obligations.yaml, due-calendars.yaml. Rules: indicators/quality.py. The delay counts from the end of
-- the period; a report that is owed before its period ends has none.
SELECT
    coalesce(nullIf(a.name_vi, ''), q.provider) AS provider_name,
    coalesce(nullIf(i.name_vi, ''), q.indicator) || if(q.component = '', '', ' · ' || q.component) AS indicator_name,
    q.figure AS figure, q.period_start AS period_start, q.due_at AS due, q.reported AS reported, q.expected AS expected,
    if(q.expected = 0, NULL, round(toDecimal64(q.reported, 6) * 100 / greatest(q.expected, 1), 2)) AS completeness, q.on_time AS on_time, q.late AS late, q.missing AS missing,
    if(q.judged AND q.expected > 0, round(toDecimal64(q.on_time, 6) * 100 / greatest(q.expected, 1), 2), NULL) AS punctual,
    toDecimal64(round(q.median_delay_hours, 1), 1) AS delay, q.revised AS revised,
    toDecimal64(round(q.mean_revision_percent, 2), 2) AS revision, q.duplicates AS duplicates, q.second_sources AS second_sources
FROM board_quality(territories = ['VN'], clearance = 9, moment = {as_of:DateTime64(3, 'UTC')},
    since = {as_of:DateTime64(3, 'UTC')} - toIntervalMonth({months:Int32})) AS q
LEFT JOIN indicators AS i ON i.id = q.indicator
LEFT JOIN agencies AS a ON a.code = q.provider
WHERE ({indicator:String} = '' OR q.indicator = {indicator:String}) AND ({provider:String} = '' OR q.provider = {provider:String})
ORDER BY missing + late DESC, period_start DESC, provider_name, indicator_name
LIMIT 1000
