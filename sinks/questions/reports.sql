-- name_vi: Báo cáo định kỳ theo đầu mối: đã nhận, còn thiếu so với nghĩa vụ báo cáo
-- name_en: Periodic reports by provider: what came and what is missing of what is owed
-- parameter: provider String = | cơ quan cung cấp; để trống: tất cả / provider; empty: all
-- parameter: incomplete Int32 = 0 | 1: chỉ báo cáo còn thiếu / only reports with something missing
-- parameter: since Moment = 01/01/2000 | các kỳ từ ngày / periods from
-- column: provider | Cơ quan cung cấp
-- column: period_type | Loại kỳ
-- column: period_start | Kỳ (từ ngày)
-- column: there | Đã có
-- column: owed | Phải có
-- column: completeness | Đầy đủ (%)
-- column: received | Nhận gần nhất
-- column: missing | Còn thiếu
-- What the stream judged by catalogue/obligations.yaml (stream_processors/due_result.py); at most 20 missing codes are named.
SELECT
    coalesce(nullIf(a.name_vi, ''), d.subject_id) AS provider, d.period_type AS period_type, d.period_start AS period_start, d.of AS there,
    d.expected AS owed, round(toDecimal64(d.of, 6) * 100 / d.expected, 2) AS completeness, d.event_time AS received, d.reason AS missing
FROM latest_derived AS d
LEFT JOIN agencies AS a ON a.code = d.subject_id
WHERE d.indicator = 'nhip/N.2' AND d.expected > 0 AND ({provider:String} = '' OR d.subject_id = {provider:String})
    AND ({incomplete:Int32} = 0 OR d.of < d.expected) AND d.period_start >= {since:DateTime64(3, 'UTC')}
ORDER BY period_start DESC, completeness, provider
LIMIT 1000
