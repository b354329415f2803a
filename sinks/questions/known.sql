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
-- A record that was told once is added up as it is read; only those that were told again are sorted by revision. The first are found by a hash in
-- a pass of their own; two records under one hash are told apart after it.
WITH
    ({figure:String} = 'actual'
        AND ({indicator:String}, {component:String}) IN (SELECT indicator, component FROM series_specs WHERE fold = 'event')) AS is_event,
    told AS
    (
        SELECT
            territory, ingested_at <= {moment:DateTime64(3, 'UTC')} AS was_known, ifNull(value, 0) AS amount,
            multiIf(status = 'deleted', 0, isNull(value), 1, 2) AS state,
            bitOr(bitShiftLeft(toUInt128(toInt64(revision) + 2147483648), 64), toUInt128(9223372036854775807 - offset)) AS version,
            if(is_event, toDateTime64(toStartOfMonth(toTimeZone(observations.period_start, 'Asia/Ho_Chi_Minh')), 3, 'Asia/Ho_Chi_Minh'),
                observations.period_start) AS period,
            if(cityHash64(source_system, source_record_id) IN
            (
                SELECT cityHash64(source_system, source_record_id) AS unit FROM observations
                WHERE indicator = {indicator:String} AND component = {component:String} AND figure = {figure:String}
                GROUP BY unit HAVING count() > 1
            ), sipHash128(series, source_system, source_record_id), toFixedString('', 16)) AS record
        FROM observations
        WHERE indicator = {indicator:String} AND component = {component:String} AND figure = {figure:String}
            AND ({budget_year:Int32} = 0 OR budget_year = {budget_year:Int32})
    ),
    records AS
    (
        SELECT
            territory, period, record = toFixedString('', 16) AS once,
            argMaxIf(amount, version, was_known) AS last_then, argMaxIf(state, version, was_known) AS state_then,
            argMax(amount, version) AS last_now, argMax(state, version) AS state_now,
            if(once, sumIf(amount, was_known AND state = 2), if(state_then = 2, last_then, 0)) AS then,
            if(once, sumIf(amount, state = 2), if(state_now = 2, last_now, 0)) AS now,
            if(once, countIf(was_known AND state = 2), toUInt64(state_then = 2)) AS valued_then,
            if(once, countIf(state = 2), toUInt64(state_now = 2)) AS valued_now,
            if(once, countIf(was_known AND state > 0), toUInt64(state_then > 0)) AS live_then,
            if(once, countIf(state > 0), toUInt64(state_now > 0)) AS live_now
        FROM told
        GROUP BY territory, period, record
    )
SELECT
    coalesce(nullIf(t.name_vi, ''), r.territory) AS territory_name,
    r.period AS period_start,
    if(sum(r.valued_then) = 0, NULL, sum(r.then)) AS known_then,
    if(sum(r.valued_now) = 0, NULL, sum(r.now)) AS known_now,
    known_now - known_then AS difference,
    sum(r.live_then) AS records_then,
    sum(r.live_now) AS records_now
FROM records AS r
LEFT JOIN territories AS t ON t.code = r.territory
GROUP BY territory_name, period_start
ORDER BY territory_name, period_start
LIMIT 1000
