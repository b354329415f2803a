-- Periodic reports: every figure of a month or a longer period that is reported (plans too), as it was sent, narrow. What is sent daily and
-- oftener is watched for silence, not for a due day (indicators/obligation.py). A row in twice is one row after merging; whoever counts before
-- tells rows apart by their origin. Few beside `observations`: quality is read here, and never there.
CREATE TABLE IF NOT EXISTS reports
(
    indicator LowCardinality(String),
    component LowCardinality(String),
    figure LowCardinality(String),
    period_type LowCardinality(String),
    period_start DateTime64(3, 'UTC'),
    period_end DateTime64(3, 'UTC'),
    series String CODEC(ZSTD(1)),
    series_hash UInt64 COMMENT 'cityHash64(series)',
    territory LowCardinality(String),
    provider LowCardinality(String),
    revision Int32,
    status LowCardinality(String),
    value Nullable(Decimal(38, 6)),
    received_at DateTime64(3, 'UTC') COMMENT 'clock of arrival: ingested_at of the record',
    source_record_id String CODEC(ZSTD(1)),
    topic LowCardinality(String),
    partition Int32,
    offset Int64
)
ENGINE = ReplacingMergeTree
PARTITION BY toYear(period_start)
ORDER BY (indicator, component, figure, period_type, period_start, series_hash, provider, topic, partition, offset)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS reports_feed TO reports AS
SELECT
    indicator, component, figure, period_type, period_start, period_end, series, cityHash64(series) AS series_hash, territory, provider, revision,
    status, value, ingested_at AS received_at, source_record_id, topic, partition, offset
FROM observations
WHERE period_type NOT IN ('instant', 'hour', 'day', 'week');

INSERT INTO reports
SELECT
    indicator, component, figure, period_type, period_start, period_end, series, cityHash64(series), territory, provider, revision,
    status, value, ingested_at, source_record_id, topic, partition, offset
FROM observations
WHERE period_type NOT IN ('instant', 'hour', 'day', 'week');

-- Since when each series reports: from its first report on it is owed. A minimum may be taken twice.
CREATE TABLE IF NOT EXISTS report_units
(
    indicator LowCardinality(String),
    component LowCardinality(String),
    period_type LowCardinality(String),
    series String CODEC(ZSTD(1)),
    series_hash UInt64,
    territory LowCardinality(String),
    first_at SimpleAggregateFunction(min, DateTime64(3, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY (indicator, component, period_type, series_hash, series, territory)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS report_units_feed TO report_units AS
SELECT indicator, component, period_type, series, cityHash64(series) AS series_hash, territory, min(ingested_at) AS first_at
FROM observations
WHERE period_type NOT IN ('instant', 'hour', 'day', 'week') AND figure = 'actual' AND status != 'deleted'
GROUP BY indicator, component, period_type, series, series_hash, territory;

INSERT INTO report_units
SELECT indicator, component, period_type, series, cityHash64(series) AS series_hash, territory, min(ingested_at)
FROM observations
WHERE period_type NOT IN ('instant', 'hour', 'day', 'week') AND figure = 'actual' AND status != 'deleted'
GROUP BY indicator, component, period_type, series, series_hash, territory;

-- Who owes what (catalogue/obligations.yaml), and by when (due-calendars.yaml): loaded with the vocabulary.
CREATE TABLE IF NOT EXISTS obligations
(
    indicator LowCardinality(String),
    component LowCardinality(String),
    area LowCardinality(String) COMMENT 'territory of the figures that pay it: a province, or VN',
    period_type LowCardinality(String),
    provider LowCardinality(String),
    calendar LowCardinality(String),
    since Date32 COMMENT '31/12/2299: from its first report on',
    until Date32 COMMENT '31/12/2299: no end'
)
ENGINE = MergeTree ORDER BY (indicator, component, area);

CREATE TABLE IF NOT EXISTS due_days
(
    calendar LowCardinality(String),
    period_type LowCardinality(String),
    period_start DateTime64(3, 'UTC'),
    period_end DateTime64(3, 'UTC'),
    due_day Date32,
    due_at DateTime64(3, 'UTC') COMMENT 'end of the due day in Vietnam: what comes before it is in time'
)
ENGINE = MergeTree ORDER BY (calendar, period_type, period_start);

-- Quality of reports per provider, indicator and period, for periods that end after `since`, as known at `moment`. Rules:
-- indicators/quality.py. The provider is the one that owes the figure, whoever sent it; where nobody owes it, the one that sent it.
--   expected   units (series) whose first report came by the due day, one at least from the day an obligation names; where nobody owes it,
--              the units that reported it in any period of this type
--   on_time, late, missing   of those, judged once the due instant has passed; a figure that was taken back is missing
--   duplicates               reports that say again what is known: the same revision under another record or again, or a higher revision with
--                            the same value and status
--   second_sources           figures beyond the first provider's of one series and period: the rule of one source
-- One pass over the figures, one over who owes what, met by period: each join here would be planned anew with every question.
DROP VIEW IF EXISTS quality;

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
                indicator, component, figure, period_type, period_start, series_hash, area, sender, max(was_live) AS live,
                countIf(was_live) - live AS second, minIf(came_at, was_live) AS first_at, sum(repeated) AS repeats,
                greatest(dateDiff('minute', max(ends), first_at), 0) / 60 AS hours, sum(moved) AS changes, max(comparable) AS counts,
                maxIf(percent, comparable) AS change
            FROM
            (
                SELECT
                    * EXCEPT (kept, alive, first_one, last_one), kept[-1].7 != 'deleted' AS was_live, repeated + length(kept) - length(told) AS repeated,
                    arrayMin(alive.2) AS came_at, coalesce(last_one.6 != first_one.6, false) AS moved,
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
                            arraySort(groupUniqArray((revision, received_at, topic, partition, offset, value, status))) AS sent,
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
                            AND r.series NOT IN (SELECT series FROM restricted_series WHERE access_level > {clearance:Int32})
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
