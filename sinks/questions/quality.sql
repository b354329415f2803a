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
-- The same numbers as of view board_quality for a reader of the country (0023 says how), its text written out: what stands in a view with parameters is
-- planned twice. Only what is answered is computed, and arrays go no further than they are counted.
WITH
    (SELECT argMax((batch, places, offsets), batch) FROM report_batches) AS closed,
    (
        SELECT groupUniqArray(cityHash64(series_hash, period_start)) FROM reports
        WHERE offset > transform(cityHash64(topic, partition), closed.2, closed.3, toInt64(-1))
    ) AS fresh,
    states AS
    (
        SELECT
            indicator, component, figure, period_type, period_start, period_end, series_hash, area, sender, live, second_sources, first_at,
            duplicates, revised, has_change, change
        FROM report_states
        WHERE batch = closed.1 AND unit NOT IN fresh AND known_from <= {as_of:DateTime64(3, 'UTC')} AND known_until > {as_of:DateTime64(3, 'UTC')}
        UNION ALL
        SELECT
            indicator, component, figure, period_type, period_start, period_end, series_hash, area, sender, live, second_sources, first_at,
            duplicates, revised, has_change, change
        FROM report_histories
        WHERE unit IN fresh AND known_from <= {as_of:DateTime64(3, 'UTC')} AND known_until > {as_of:DateTime64(3, 'UTC')}
    ),
    sent AS
    (
        SELECT
            indicator, component, figure, period_type, period_start, area, sender, '' AS owner, toDateTime64(0, 3, 'UTC') AS due_at, toUInt64(0) AS is_named,
            groupArrayIf(series_hash, live) AS came, groupArrayIf(first_at, live) AS came_at, emptyArrayUInt64() AS begun,
            quantileExactInclusiveIfOrNull(0.5)(greatest(dateDiff('minute', period_end, first_at), 0) / 60, live) AS middle,
            sum(revised) AS corrected, avgIfOrNull(abs(change), has_change) AS size,
            sum(duplicates) AS again, sum(second_sources) AS seconds
        FROM states
        WHERE period_end > {as_of:DateTime64(3, 'UTC')} - toIntervalMonth({months:Int32})
        GROUP BY indicator, component, figure, period_type, period_start, area, sender
        UNION ALL
        SELECT
            indicator, component, 'actual', period_type, period_start, area, '', owner, due_at, toUInt64(is_named),
            [], [], arrayFilter((x, at) -> at < due_at, u.units, u.begin) AS started, NULL, 0, NULL, 0, 0
        FROM report_debts AS d
        LEFT JOIN
        (
            SELECT indicator, component, period_type, area, groupArray(series_hash) AS units, groupArray(begins_at) AS begin
            FROM report_beginnings
            WHERE begins_at <= {as_of:DateTime64(3, 'UTC')}
            GROUP BY indicator, component, period_type, area
        ) AS u USING (indicator, component, period_type, area)
        WHERE period_start <= {as_of:DateTime64(3, 'UTC')} AND period_end > {as_of:DateTime64(3, 'UTC')} - toIntervalMonth({months:Int32})
            AND (notEmpty(started) OR d.is_named)
    ),
    reported AS
    (
        SELECT
            indicator, component, figure, period_type, period_start, area, if(max(owner) = '', sender, max(owner)) AS provider, max(due_at) AS due,
            due > 0 AS is_owed, due > 0 AND due <= {as_of:DateTime64(3, 'UTC')} AS is_judged, max(is_named) AS named,
            groupArrayArray(came) AS arrived, groupArrayArray(begun) AS begun_units, length(arrived) AS reported, length(begun_units) AS owed,
            arrayFilter((x, at) -> at >= due, arrived, groupArrayArray(came_at)) AS late_units, length(late_units) AS tardy,
            if(tardy = 0, 0, length(arrayIntersect(late_units, begun_units))) AS tardy_owed, if(is_owed, [], arrived) AS seen,
            max(middle) AS delay, sum(corrected) AS changed, max(size) AS mean_size, sum(again) AS repeated, sum(seconds) AS others
        FROM sent
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
        if(is_owed, greatest(owed + if(named > 0, tardy - tardy_owed, 0), named),
            uniqExactArray(seen) OVER (PARTITION BY is_owed, provider, indicator, component, figure, period_type)) AS expected,
        if(is_judged, reported - tardy, 0) AS on_time, multiIf(NOT is_judged, 0, named > 0, tardy, tardy_owed) AS late
    FROM reported
) AS q
LEFT JOIN indicators AS i ON i.id = q.indicator
LEFT JOIN agencies AS a ON a.code = q.provider
WHERE ({indicator:String} = '' OR q.indicator = {indicator:String}) AND ({provider:String} = '' OR q.provider = {provider:String})
ORDER BY missing + late DESC, period_start DESC, provider_name, indicator_name
LIMIT 1000
