-- Figures held until their publication (concept held_figure_receipts, indicators/receipt.py): a report that was delivered is received, though nobody may see
-- it yet. Its receipt stands in `reports` beside the figure, under statuses of its own: `receipt`, and `receipt_gone` where it was taken back.
CREATE MATERIALIZED VIEW IF NOT EXISTS receipts_feed TO reports AS
SELECT
    splitByChar('|', assumeNotNull(reference))[1] AS indicator, splitByChar('|', assumeNotNull(reference))[2] AS component,
    splitByChar('|', assumeNotNull(reference))[6] AS figure, period_type, period_start, period_end, assumeNotNull(reference) AS series,
    cityHash64(series) AS series_hash, territory, provider, revision, if(status = 'deleted', 'receipt_gone', 'receipt') AS status,
    CAST(NULL, 'Nullable(Decimal(38, 6))') AS value, ingested_at AS received_at, source_record_id, topic, partition, offset
FROM observations
WHERE concept = 'held_figure_receipts' AND reference IS NOT NULL;

CREATE MATERIALIZED VIEW IF NOT EXISTS receipt_units_feed TO report_units AS
SELECT
    splitByChar('|', assumeNotNull(reference))[1] AS indicator, splitByChar('|', assumeNotNull(reference))[2] AS component, period_type,
    assumeNotNull(reference) AS series, cityHash64(series) AS series_hash, territory, min(ingested_at) AS first_at
FROM observations
WHERE concept = 'held_figure_receipts' AND reference IS NOT NULL AND status != 'deleted' AND endsWith(assumeNotNull(reference), '|actual')
GROUP BY indicator, component, period_type, series, series_hash, territory;

-- Quality of reports as before (0015 says what each means, 0018 why there are two ways); a report that was held came when its receipt says, and
-- is received before it is published. A receipt is no figure: it repeats, revises and contradicts none.
CREATE OR REPLACE VIEW board_quality AS
SELECT
    provider, indicator, component, figure, period_type, period_start, reported, expected, if(by_calendar, due, NULL) AS due_at,
    judged, on_time, late, if(judged AND expected > on_time + late, expected - on_time - late, 0) AS missing, delay AS median_delay_hours, longest AS longest_delay_hours,
    corrected AS revised, size AS mean_revision_percent, bias AS bias_percent, repeated AS duplicates, seconds AS second_sources
FROM
(
    SELECT
        if(owing != '', owing, sender) AS provider, indicator, component, figure, period_type, period_start, by_calendar, due, delay, longest, corrected,
        size, bias, repeated, seconds, length(arrived) AS reported, by_calendar AND due <= {moment:DateTime64(3, 'UTC')} AS judged,
        if(judged, length(arrived) - length(tardy), 0) AS on_time, multiIf(NOT judged, 0, named > 0, length(tardy), length(arrayIntersect(tardy, begun))) AS late,
        if(by_calendar, greatest(length(begun) + if(named > 0, length(arrayFilter(x -> NOT has(begun, x), tardy)), 0), named),
            uniqExactArray(arrived.1) OVER (PARTITION BY provider, indicator, component, figure, period_type)) AS expected
    FROM
    (
        SELECT *, arrayMap(x -> x.1, arrayFilter(x -> x.2 >= due, arrived)) AS tardy
FROM
(
    SELECT
        indicator, component, figure, period_type, period_start, area, sender, max(owner) AS owing, max(is_owed) AS by_calendar, max(until) AS due,
        max(always) AS named, groupArrayArray(came) AS arrived, groupArrayArray(owed) AS begun,
        max(half) AS delay, max(most) AS longest,
        sum(changed) AS corrected, max(mean_size) AS size, max(mean_change) AS bias, sum(again) AS repeated, sum(others) AS seconds
    FROM
    (
        SELECT
            indicator, component, figure, period_type, period_start, area, sender, '' AS owner, false AS is_owed,
            toDateTime64(0, 3, 'UTC') AS until, toUInt64(0) AS always, groupArrayIf((series_hash, first_at), live) AS came, emptyArrayUInt64() AS owed,
            if(empty(came), NULL, quantileExactInclusiveIf(0.5)(hours, live)) AS half, if(empty(came), NULL, maxIf(hours, live)) AS most,
            sum(changes) AS changed, avgIfOrNull(abs(change), counts) AS mean_size, avgIfOrNull(change, counts) AS mean_change,
            sum(repeats) AS again, sum(second) AS others
        FROM
        (
            SELECT
                indicator, component, figure, period_type, period_start, series_hash,
                if((indicator, component) IN (SELECT indicator, component FROM obligations WHERE area != 'VN'), t.area, 'VN') AS area,
                if(figure = 'actual' AND (indicator, component, period_type) IN (SELECT indicator, component, period_type FROM obligations), '', provider)
                    AS sender,
                toUInt8(status NOT IN ('deleted', 'receipt_gone')) AS live, 0 AS second, received_at AS first_at, 0 AS repeats,
                greatest(dateDiff('minute', period_end, received_at), 0) / 60 AS hours, 0 AS changes, false AS counts, toFloat64(0) AS change
            FROM reports AS r
            INNER JOIN
            (
                SELECT code, if(province = '', 'VN', province) AS area FROM territories
                WHERE has({territories:Array(String)}, 'VN') OR has({territories:Array(String)}, code)
                    OR (province != '' AND has({territories:Array(String)}, province))
            ) AS t ON t.code = r.territory
            WHERE r.period_end > {since:DateTime64(3, 'UTC')} AND r.received_at <= {moment:DateTime64(3, 'UTC')}
                AND (r.figure != 'actual' OR (r.indicator, r.component) IN (SELECT indicator, component FROM series_specs WHERE fold = 'reported'))
                AND r.series_hash NOT IN (SELECT cityHash64(series) FROM restricted_series WHERE access_level > {clearance:Int32})
                AND cityHash64(r.series_hash, r.period_start) NOT IN
                (
                    SELECT cityHash64(series_hash, period_start) AS unit FROM reports
                    WHERE period_end > {since:DateTime64(3, 'UTC')} AND received_at <= {moment:DateTime64(3, 'UTC')}
                    GROUP BY unit HAVING count() > 1
                )
            UNION ALL
            SELECT
                indicator, component, figure, period_type, period_start, series_hash, area, sender, max(was_live) AS live,
                countIf(was_live) - live AS second, minIf(came_at, was_live) AS first_at, sum(repeated) AS repeats,
                greatest(dateDiff('minute', max(ends), first_at), 0) / 60 AS hours, sum(moved) AS changes, max(comparable) AS counts,
                maxIf(percent, comparable) AS change
            FROM
            (
                SELECT
                    * EXCEPT (kept, alive, first_one, last_one, delivered),
                    if(empty(kept), notEmpty(delivered), kept[-1].7 != 'deleted') AS was_live, repeated + length(kept) - length(told) AS repeated,
                    arrayMin(arrayConcat(alive.2, delivered)) AS came_at, coalesce(last_one.6 != first_one.6, false) AS moved,
                    last_one.1 > first_one.1 AND coalesce(first_one.6 != 0 AND last_one.6 IS NOT NULL, false) AS comparable,
                    if(comparable, toFloat64(last_one.6 - first_one.6) * 100 / abs(toFloat64(first_one.6)), 0) AS percent
                FROM
                (
                    SELECT
                        * EXCEPT (sent), length(sent) - length(kept) AS repeated, arrayFilter(x -> x.7 != 'deleted', kept) AS alive,
                        alive[1] AS first_one, alive[-1] AS last_one, arrayCompact(x -> (ifNull(x.6, 0), x.7), kept) AS told
                    FROM
                    (
                        SELECT
                            indicator, component, figure, period_type, period_start, series_hash, provider, if(is_local, any(t.area), 'VN') AS area,
                            if(figure = 'actual' AND is_owed, '', provider) AS sender, max(period_end) AS ends,
                            (indicator, component) IN (SELECT indicator, component FROM obligations WHERE area != 'VN') AS is_local,
                            (indicator, component, period_type) IN (SELECT indicator, component, period_type FROM obligations) AS is_owed,
                            arraySort(groupUniqArrayIf((revision, received_at, topic, partition, offset, value, status),
                                status NOT IN ('receipt', 'receipt_gone'))) AS sent,
                            if(maxIf(revision, status = 'receipt') >= maxIf(revision, status = 'receipt_gone'),
                                groupUniqArrayIf(received_at, status = 'receipt'), []) AS delivered,
                            arrayCompact(x -> x.1, sent) AS kept
                        FROM reports AS r
                        INNER JOIN
                        (
                            SELECT code, if(province = '', 'VN', province) AS area FROM territories
                            WHERE has({territories:Array(String)}, 'VN') OR has({territories:Array(String)}, code)
                                OR (province != '' AND has({territories:Array(String)}, province))
                        ) AS t ON t.code = r.territory
                        WHERE r.period_end > {since:DateTime64(3, 'UTC')} AND r.received_at <= {moment:DateTime64(3, 'UTC')}
                            AND (r.figure != 'actual' OR (r.indicator, r.component) IN (SELECT indicator, component FROM series_specs WHERE fold = 'reported'))
                            AND r.series_hash NOT IN (SELECT cityHash64(series) FROM restricted_series WHERE access_level > {clearance:Int32})
                            AND cityHash64(r.series_hash, r.period_start) IN
                            (
                                SELECT cityHash64(series_hash, period_start) AS unit FROM reports
                                WHERE period_end > {since:DateTime64(3, 'UTC')} AND received_at <= {moment:DateTime64(3, 'UTC')}
                                GROUP BY unit HAVING count() > 1
                            )
                        GROUP BY indicator, component, figure, period_type, period_start, series_hash, provider
                    )
                )
            )
            GROUP BY indicator, component, figure, period_type, period_start, series_hash, area, sender
        )
        GROUP BY indicator, component, figure, period_type, period_start, area, sender
        UNION ALL
        SELECT
            o.indicator, o.component, 'actual', o.period_type, d.period_start, o.area, '', o.provider, true, d.due_at,
            toUInt64(o.since <= d.due_day AND (has({territories:Array(String)}, 'VN') OR has({territories:Array(String)}, o.area))),
            [], arrayMap(x -> x.1, arrayFilter(x -> x.2 <= d.due_day, u.begins)) AS owed, NULL, NULL, 0, NULL, NULL, 0, 0
        FROM obligations AS o
        INNER JOIN due_days AS d ON d.calendar = o.calendar AND d.period_type = o.period_type
        LEFT JOIN
        (
            SELECT indicator, component, period_type, area, groupArray((hash, begins_on)) AS begins
            FROM
            (
                SELECT
                    indicator, component, period_type, series_hash AS hash,
                    if((indicator, component) IN (SELECT indicator, component FROM obligations WHERE area != 'VN'), any(t.area), 'VN') AS area,
                    toDate32(toTimeZone(min(first_at), 'Asia/Ho_Chi_Minh')) AS begins_on
                FROM report_units AS r
                INNER JOIN
                (
                    SELECT code, if(province = '', 'VN', province) AS area FROM territories
                    WHERE has({territories:Array(String)}, 'VN') OR has({territories:Array(String)}, code)
                        OR (province != '' AND has({territories:Array(String)}, province))
                ) AS t ON t.code = r.territory
                WHERE first_at <= {moment:DateTime64(3, 'UTC')}
                    AND series NOT IN (SELECT series FROM restricted_series WHERE access_level > {clearance:Int32})
                GROUP BY indicator, component, period_type, hash
            )
            GROUP BY indicator, component, period_type, area
        ) AS u ON u.indicator = o.indicator AND u.component = o.component AND u.period_type = o.period_type AND u.area = o.area
        WHERE d.period_start <= {moment:DateTime64(3, 'UTC')} AND d.period_end > {since:DateTime64(3, 'UTC')} AND d.due_day < o.until
            AND (notEmpty(owed) OR o.since <= d.due_day)
    )
    GROUP BY indicator, component, figure, period_type, period_start, area, sender
    HAVING notEmpty(arrived) OR notEmpty(begun) OR named > 0 OR repeated > 0
        )
    )
);
