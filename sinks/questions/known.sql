-- name_vi: Đã biết gì vào một thời điểm, so với nay
-- name_en: What was known at a moment, against what is known now
-- parameter: moment Moment = now | thời điểm, dd/mm/yyyy hh:mm / moment
-- parameter: indicator String = vn-1012/A.II.3 | mã chỉ số / indicator
-- parameter: component String = | chỉ số thành phần / component
-- parameter: figure String = actual | số liệu / figure
-- parameter: budget_year Int32 = 0 | năm ngân sách; 0: tất cả / budget year; 0: all
-- column: territory_name | Địa bàn
-- column: period_start | Kỳ (từ ngày)
-- column: known_then | Biết lúc đó
-- column: known_now | Biết nay
-- column: difference | Chênh lệch
-- column: records_then | Số bản ghi lúc đó
-- column: records_now | Số bản ghi nay
-- Event figures: sum of the live records of each month; reported figures: the value of each period. By the adapter's clock (ingested_at).
WITH
    ({figure:String} = 'actual'
        AND ({indicator:String}, {component:String}) IN (SELECT indicator, component FROM series_specs WHERE fold = 'event')) AS is_event,
    records AS
    (
        SELECT
            territory, series, source_system, source_record_id,
            if(is_event, toDateTime64(toStartOfMonth(toTimeZone(observations.period_start, 'Asia/Ho_Chi_Minh')), 3, 'Asia/Ho_Chi_Minh'),
                observations.period_start) AS period,
            argMaxIf(tuple(value, status), tuple(revision, -offset), ingested_at <= {moment:DateTime64(3, 'UTC')}) AS then,
            countIf(ingested_at <= {moment:DateTime64(3, 'UTC')}) AS had,
            argMax(tuple(value, status), tuple(revision, -offset)) AS now
        FROM observations
        WHERE indicator = {indicator:String} AND component = {component:String} AND figure = {figure:String}
            AND ({budget_year:Int32} = 0 OR budget_year = {budget_year:Int32})
        GROUP BY territory, series, source_system, source_record_id, period
    )
SELECT
    coalesce(nullIf(t.name_vi, ''), r.territory) AS territory_name,
    r.period AS period_start,
    sumIf(r.then.1, r.had > 0 AND r.then.2 != 'deleted') AS known_then,
    sumIf(r.now.1, r.now.2 != 'deleted') AS known_now,
    known_now - known_then AS difference,
    countIf(r.had > 0 AND r.then.2 != 'deleted') AS records_then,
    countIf(r.now.2 != 'deleted') AS records_now
FROM records AS r
LEFT JOIN territories AS t ON t.code = r.territory
GROUP BY territory_name, period_start
ORDER BY territory_name, period_start
LIMIT 1000
