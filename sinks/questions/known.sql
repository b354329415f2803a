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
-- What is closed was folded beforehand into steps of what was known, and into hours of steps (sinks/preparation.py). Folded here, record by
-- record, is every record with a message after the offsets of the closed batch. They are found by a hash; two records under one hash are told
-- apart after it. Without a batch that is every record. Where nothing came after them nothing is folded: that part is left out.
-- first
WITH
    (
        {figure:String} = 'actual'
            AND ({indicator:String}, {component:String}) IN (SELECT indicator, component FROM series_specs WHERE fold = 'event')
    ) AS is_event,
    (
        SELECT argMax(tuple(batch, topic, partitions, offsets), batch) FROM known_batches
        WHERE indicator = {indicator:String} AND component = {component:String} AND figure = {figure:String} AND known_batches.by_month = is_event
            AND batch > (SELECT max(batch) FROM known_batches WHERE indicator = '')
    ) AS closed
SELECT
    is_event, closed.1 AS batch, closed.2 AS folded_topic, closed.3 AS partitions, closed.4 AS offsets,
    (
        SELECT count() FROM observations
        WHERE indicator = {indicator:String} AND component = {component:String} AND figure = {figure:String}
            AND (topic != closed.2 OR offset > transform(partition, closed.3, closed.4, toInt64(-1)))
    ) > 0 AS fresh
-- then
WITH
    {is_event:Bool} AS is_event,
    intDiv(toUnixTimestamp64Milli({moment:DateTime64(3, 'UTC')}), 3600000) AS hour_then,
-- if fresh
    touched AS
    (
        SELECT source_system, source_record_id, period_start
        FROM observations
        WHERE indicator = {indicator:String} AND component = {component:String} AND figure = {figure:String}
            AND (topic != {folded_topic:String} OR offset > transform(partition, {partitions:Array(Int32)}, {offsets:Array(Int64)}, toInt64(-1)))
    ),
    (
        SELECT
            tuple(
                multiIf(NOT is_event, min(period_start), min(period_start) < toDateTime64('1971-01-01', 3), min(period_start) - toIntervalDay(31),
                    toDateTime64(toStartOfMonth(toTimeZone(min(period_start), 'Asia/Ho_Chi_Minh')), 3, 'Asia/Ho_Chi_Minh')),
                multiIf(NOT is_event, max(period_start), max(period_start) > toDateTime64('2100-01-01', 3), max(period_start) + toIntervalDay(31),
                    addMonths(toDateTime64(toStartOfMonth(toTimeZone(max(period_start), 'Asia/Ho_Chi_Minh')), 3, 'Asia/Ho_Chi_Minh'), 1)))
        FROM touched
    ) AS stretch,
    told AS
    (
        SELECT
            territory, ingested_at <= {moment:DateTime64(3, 'UTC')} AS was_known, ifNull(value, 0) AS amount,
            multiIf(status = 'deleted', 0, isNull(value), 1, 2) AS state,
            bitOr(bitShiftLeft(toUInt128(toInt64(revision) + 2147483648), 64), toUInt128(9223372036854775807 - offset)) AS version,
            if(is_event, toDateTime64(toStartOfMonth(toTimeZone(observations.period_start, 'Asia/Ho_Chi_Minh')), 3, 'Asia/Ho_Chi_Minh'),
                observations.period_start) AS period,
            sipHash128(series, source_system, source_record_id) AS record,
            topic = {folded_topic:String} AND offset <= transform(partition, {partitions:Array(Int32)}, {offsets:Array(Int64)}, toInt64(-1)) AS was_folded
        FROM observations
        WHERE indicator = {indicator:String} AND component = {component:String} AND figure = {figure:String}
            AND ({budget_year:Int32} = 0 OR budget_year = {budget_year:Int32})
            AND observations.period_start BETWEEN stretch.1 AND stretch.2
            AND cityHash64(source_system, source_record_id) IN (SELECT cityHash64(source_system, source_record_id) FROM touched)
    ),
-- end
    known AS
    (
        SELECT
            territory, period,
            sumIf(amount, hour < hour_then) AS then, sum(amount) AS now, sumIf(valued, hour < hour_then) AS valued_then, sum(valued) AS valued_now,
            sumIf(live, hour < hour_then) AS live_then, sum(live) AS live_now
        FROM known_hours
        WHERE indicator = {indicator:String} AND component = {component:String} AND figure = {figure:String}
            AND batch = {batch:UInt64} AND budget_year = {budget_year:Int32}
        GROUP BY territory, period
        UNION ALL
        SELECT territory, period, amount, 0, valued, 0, live, 0
        FROM known_steps
        WHERE indicator = {indicator:String} AND component = {component:String} AND figure = {figure:String}
            AND batch = {batch:UInt64} AND has(years, {budget_year:Int32})
            AND known_at >= fromUnixTimestamp64Milli(hour_then * 3600000) AND known_at <= {moment:DateTime64(3, 'UTC')}
-- if fresh
        UNION ALL
        SELECT
            territory, period,
            if(state_then = 2, last_then, 0) - if(was_then = 2, folded_then, 0),
            if(state_now = 2, last_now, 0) - if(was_now = 2, folded_now, 0),
            toInt64(state_then = 2) - toInt64(was_then = 2), toInt64(state_now = 2) - toInt64(was_now = 2),
            toInt64(state_then > 0) - toInt64(was_then > 0), toInt64(state_now > 0) - toInt64(was_now > 0)
        FROM
        (
            SELECT
                territory, period,
                argMaxIf(amount, version, was_known) AS last_then, argMaxIf(state, version, was_known) AS state_then,
                argMax(amount, version) AS last_now, argMax(state, version) AS state_now,
                argMaxIf(amount, version, was_folded AND was_known) AS folded_then, argMaxIf(state, version, was_folded AND was_known) AS was_then,
                argMaxIf(amount, version, was_folded) AS folded_now, argMaxIf(state, version, was_folded) AS was_now
            FROM told
            GROUP BY territory, period, record
        )
-- end
    )
SELECT
    coalesce(nullIf(t.name_vi, ''), k.territory) AS territory_name,
    k.period AS period_start,
    if(sum(k.valued_then) = 0, NULL, sum(k.then)) AS known_then,
    if(sum(k.valued_now) = 0, NULL, sum(k.now)) AS known_now,
    known_now - known_then AS difference,
    sum(k.live_then) AS records_then,
    sum(k.live_now) AS records_now
FROM known AS k
LEFT JOIN territories AS t ON t.code = k.territory
GROUP BY territory_name, period_start
ORDER BY territory_name, period_start
LIMIT 1000
