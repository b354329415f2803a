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
-- The same numbers as of view board_quality for a reader of the country (0030 says how), its text written out: what stands in a view with parameters is
-- planned twice. Reports that came since the newest batch are folded here; a batch follows them within seconds, and planning that part alone takes as long
-- as all the rest, so it stands here only while there are such.
-- first
WITH (SELECT argMax((batch, base, places, offsets, toUnixTimestamp64Milli(newest)), batch) FROM report_batches) AS closed
SELECT
    closed.1 AS batch, closed.2 AS base, closed.3 AS places, closed.4 AS offsets, closed.5 AS newest, batch != base AS refolded,
    base = 0 OR (SELECT count() FROM reports WHERE offset > transform(cityHash64(topic, partition), closed.3, closed.4, toInt64(-1))) > 0 AS fresh
-- then
WITH
-- if fresh
    fresh AS
    (
        SELECT cityHash64(series_hash, period_start) AS unit FROM reports
        WHERE offset > transform(cityHash64(topic, partition), {places:Array(UInt64)}, {offsets:Array(Int64)}, toInt64(-1))
            OR series_hash IN
            (
                SELECT series_hash FROM reports
                WHERE offset > transform(cityHash64(topic, partition), {places:Array(UInt64)}, {offsets:Array(Int64)}, toInt64(-1)) AND received_at < fromUnixTimestamp64Milli({newest:Int64})
            )
    ),
-- end
    told AS
    (
        SELECT
            indicator, component, figure, period_type, period_start, period_end, area, sender, '' AS owner, toDateTime64(0, 3, 'UTC') AS debt_at,
            toUInt64(0) AS is_named, toUInt64(0) AS begun, live, series_hash, first_at, begins_at, due_at, revised, duplicates, second_sources, has_change, change
        FROM report_states
        WHERE batch IN ({base:UInt64}, {batch:UInt64})
-- if refolded
            AND (batch = {batch:UInt64} OR unit NOT IN (SELECT unit FROM report_states WHERE batch = {batch:UInt64}))
-- end
-- if fresh
            AND unit NOT IN (SELECT unit FROM fresh)
-- end
            AND ({indicator:String} = '' OR indicator = {indicator:String}) AND period_end > {as_of:DateTime64(3, 'UTC')} - toIntervalMonth({months:Int32})
            AND known_from <= {as_of:DateTime64(3, 'UTC')} AND known_until > {as_of:DateTime64(3, 'UTC')}
-- if fresh
        UNION ALL
        SELECT
            indicator, component, figure, period_type, period_start, period_end, area, sender, '', toDateTime64(0, 3, 'UTC'),
            0, 0, live, series_hash, first_at, begins_at, d.due, revised, duplicates, second_sources, has_change, change
        FROM report_histories
        LEFT JOIN
        (
            SELECT indicator, component, period_type, period_start, area, '' AS sender, max(due_at) AS due FROM report_debts
            WHERE period_end > {as_of:DateTime64(3, 'UTC')} - toIntervalMonth({months:Int32}) AND period_start <= {as_of:DateTime64(3, 'UTC')}
            GROUP BY indicator, component, period_type, period_start, area
        ) AS d USING (indicator, component, period_type, period_start, area, sender)
        WHERE unit IN (SELECT unit FROM fresh)
            AND ({indicator:String} = '' OR indicator = {indicator:String}) AND period_end > {as_of:DateTime64(3, 'UTC')} - toIntervalMonth({months:Int32})
            AND known_from <= {as_of:DateTime64(3, 'UTC')} AND known_until > {as_of:DateTime64(3, 'UTC')}
-- end
        UNION ALL
        SELECT
            indicator, component, 'actual', period_type, period_start, period_end, area, '', owner, due_at, toUInt64(is_named),
            arrayCount(at -> at < d.due_at AND at <= {as_of:DateTime64(3, 'UTC')}, u.begins) AS units, 0, 0, due_at, due_at, due_at, 0, 0, 0, false, 0
        FROM report_debts AS d
        LEFT JOIN
        (
-- if fresh
            SELECT indicator, component, period_type, area, groupArray(begins_at) AS begins FROM report_beginnings GROUP BY indicator, component, period_type, area
-- else
            SELECT indicator, component, period_type, area, begins FROM report_starts WHERE batch = {batch:UInt64}
-- end
        ) AS u USING (indicator, component, period_type, area)
        WHERE period_start <= {as_of:DateTime64(3, 'UTC')} AND period_end > {as_of:DateTime64(3, 'UTC')} - toIntervalMonth({months:Int32})
            AND ({indicator:String} = '' OR indicator = {indicator:String}) AND (units > 0 OR is_named)
    ),
    reported AS
    (
        SELECT
            indicator, component, figure, period_type, period_start, area, if(max(owner) = '', sender, max(owner)) AS provider, max(debt_at) AS due,
            due > 0 AS is_owed, due > 0 AND due <= {as_of:DateTime64(3, 'UTC')} AS is_judged, max(is_named) AS named, sum(live) AS reported,
            sum(begun) AS owed, if(is_owed, [], groupArrayIf(series_hash, live)) AS seen,
            countIf(live AND first_at >= due_at) AS tardy, countIf(live AND first_at >= due_at AND begins_at < due_at) AS tardy_owed,
            quantileExactInclusiveIfOrNull(0.5)(greatest(dateDiff('minute', period_end, first_at), 0) / 60, live) AS delay,
            sum(revised) AS changed, avgIfOrNull(abs(change), has_change) AS mean_size, sum(duplicates) AS repeated, sum(second_sources) AS others
        FROM told
        GROUP BY indicator, component, figure, period_type, period_start, area, sender
        HAVING reported > 0 OR owed > 0 OR named > 0 OR repeated > 0
    )
SELECT
    coalesce(nullIf(a.name_vi, ''), q.provider) AS provider_name,
    coalesce(nullIf(i.name_vi, ''), q.indicator) || if(q.component = '', '', ' · ' || q.component) AS indicator_name,
    q.figure AS figure, q.period_start AS period_start, if(q.is_owed, q.due, NULL) AS due, q.reported AS reported, q.expected AS expected,
    if(q.expected = 0, NULL, round(toDecimal64(q.reported, 6) * 100 / greatest(q.expected, 1), 2)) AS completeness, q.on_time AS on_time,
    q.late AS late, if(q.is_judged AND q.expected > q.on_time + q.late, q.expected - q.on_time - q.late, 0) AS missing,
    if(q.is_judged AND q.expected > 0, round(toDecimal64(q.on_time, 6) * 100 / greatest(q.expected, 1), 2), NULL) AS punctual,
    toDecimal64(round(q.delay, 1), 1) AS delay, q.changed AS revised,
    toDecimal64(round(q.mean_size, 2), 2) AS revision, q.repeated AS duplicates, q.others AS second_sources
FROM
(
    SELECT
        provider, indicator, component, figure, period_start, reported, delay, changed, mean_size, repeated, others, is_judged, due, is_owed,
        if(is_owed, greatest(owed + if(named > 0, toUInt64(tardy - tardy_owed), 0), named),
            uniqExactArray(seen) OVER (PARTITION BY is_owed, provider, indicator, component, figure, period_type)) AS expected,
        if(is_judged, reported - tardy, 0) AS on_time, multiIf(NOT is_judged, 0, named > 0, tardy, tardy_owed) AS late
    FROM reported
) AS q
LEFT JOIN indicators AS i ON i.id = q.indicator
LEFT JOIN agencies AS a ON a.code = q.provider
WHERE {provider:String} = '' OR q.provider = {provider:String}
ORDER BY missing + late DESC, period_start DESC, provider_name, indicator_name
LIMIT 1000
