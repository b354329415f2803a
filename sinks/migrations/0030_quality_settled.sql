-- The quality of reports in half the time: what planning it took most of is prepared. Debts stand in a table, filled with the vocabulary; a state says since
-- when its unit reports; since when all units of an area report stands in `report_starts`. Between two foldings of everything (a `base`) the units that were
-- told of since are folded again and again, all of them each time, so that a reader takes the base but for those, and them from the newest batch.
DROP VIEW IF EXISTS report_debts;

CREATE TABLE IF NOT EXISTS report_debts
(
    indicator LowCardinality(String),
    component LowCardinality(String),
    period_type LowCardinality(String),
    period_start DateTime64(3, 'UTC'),
    period_end DateTime64(3, 'UTC'),
    area LowCardinality(String) COMMENT 'as in obligations: a province, or VN',
    owner LowCardinality(String) COMMENT 'provider that owes the figure',
    due_day Date32,
    due_at DateTime64(3, 'UTC') COMMENT 'end of the due day in Vietnam: what comes before it is in time',
    is_named Bool COMMENT 'the obligation names this day: owed though nobody reports yet'
)
ENGINE = MergeTree ORDER BY (period_end, indicator, component, area);

INSERT INTO report_debts
SELECT
    o.indicator, o.component, o.period_type, d.period_start, d.period_end, o.area, o.provider, d.due_day, d.due_at, o.since <= d.due_day
FROM obligations AS o
INNER JOIN due_days AS d ON d.calendar = o.calendar AND d.period_type = o.period_type
WHERE d.due_day < o.until;

ALTER TABLE report_batches ADD COLUMN IF NOT EXISTS base UInt64 COMMENT 'the batch that holds every other unit; 0: none counts';

ALTER TABLE report_batches ADD COLUMN IF NOT EXISTS newest DateTime64(3, 'UTC') COMMENT 'the latest arrival that was folded';

ALTER TABLE report_states ADD COLUMN IF NOT EXISTS begins_at DateTime64(3, 'UTC') COMMENT 'arrival of the first report of the series and kind of period';

ALTER TABLE report_states ADD COLUMN IF NOT EXISTS due_at DateTime64(3, 'UTC') COMMENT 'of the debt that it pays, the latest; 1970: of none';

TRUNCATE TABLE report_batches;

TRUNCATE TABLE report_states;

CREATE TABLE IF NOT EXISTS report_starts
(
    batch UInt64,
    indicator LowCardinality(String),
    component LowCardinality(String),
    period_type LowCardinality(String),
    area LowCardinality(String),
    begins Array(DateTime64(3, 'UTC')) COMMENT 'of every unit the arrival of its first report'
)
ENGINE = MergeTree
PARTITION BY batch
ORDER BY (indicator, component, period_type, area);

-- As before (0023 says what each part means), with the beginning of the unit.
CREATE OR REPLACE VIEW report_histories AS
WITH
    told AS
    (
        SELECT
            indicator, component, figure, period_type, period_start, series_hash, cityHash64(series_hash, period_start) AS unit, territory,
            if((indicator, component) IN (SELECT indicator, component FROM obligations WHERE area != 'VN') AND t.province != '', t.province, 'VN') AS area,
            if(figure = 'actual' AND (indicator, component, period_type) IN (SELECT indicator, component, period_type FROM obligations), '', provider)
                AS sender,
            max(reports.period_end) AS period_end, any(u.begins) AS begins_at,
            arraySort(groupUniqArray((provider, revision, received_at, topic, partition, offset, value, status))) AS words,
            arraySort(arrayDistinct(words.3)) AS arrivals
        FROM reports
        INNER JOIN territories AS t ON t.code = reports.territory
        LEFT JOIN
        (
            SELECT series_hash AS begun_series, period_type AS begun_type, min(first_at) AS begins FROM report_units GROUP BY begun_series, begun_type
        ) AS u ON begun_series = reports.series_hash AND begun_type = reports.period_type
        WHERE figure != 'actual' OR (indicator, component) IN (SELECT indicator, component FROM series_specs WHERE fold = 'reported')
        GROUP BY indicator, component, figure, period_type, period_start, series_hash, unit, territory, area, sender
    ),
    known AS
    (
        SELECT
            * EXCEPT (words, arrivals), known_from, known_until, arrayFilter(x -> x.3 <= known_from AND NOT startsWith(x.8, 'receipt'), words) AS sent,
            arrayCompact(x -> (x.1, x.2), sent) AS kept, arrayFilter(x -> x.8 != 'deleted', kept) AS figures,
            arrayCompact(x -> x.1, arrayReverse(arraySort(x -> (x.1, x.2, x.8 = 'receipt'),
                arrayFilter(x -> x.3 <= known_from AND startsWith(x.8, 'receipt'), words)))) AS newest_receipts,
            arrayFilter(x -> x.8 = 'receipt', newest_receipts).1 AS held_by,
            arrayFilter(x -> x.8 = 'receipt' AND x.3 <= known_from AND has(held_by, x.1), words) AS receipts
        FROM told
        ARRAY JOIN arrivals AS known_from, arrayPushBack(arrayPopFront(arrivals), toDateTime64('2299-12-31 00:00:00', 3, 'UTC')) AS known_until
    )
SELECT
    indicator, component, figure, period_type, period_start, period_end, series_hash, unit, territory, area, sender, known_from, known_until,
    arrayConcat(arrayFilter(x -> x.8 != 'deleted', arrayCompact(x -> x.1, arrayReverse(kept))).1,
        arrayFilter(x -> NOT has(kept.1, x), held_by)) AS live_by,
    toUInt8(notEmpty(live_by)) AS live, toUInt64(length(live_by) - live) AS second_sources,
    arrayMin(arrayFilter(x -> has(live_by, x.1), arrayConcat(figures, receipts)).3) AS first_at, begins_at,
    toUInt64(length(sent) - length(arrayCompact(x -> (x.1, ifNull(x.7, 0), x.8), kept))) AS duplicates,
    arrayZip(arrayCompact(x -> x.1, figures), arrayReverse(arrayCompact(x -> x.1, arrayReverse(figures)))) AS first_and_last,
    toUInt64(arrayCount(x -> ifNull(x.1.7 != x.2.7, false), first_and_last)) AS revised,
    arrayFilter(x -> x.2.2 > x.1.2 AND ifNull(x.1.7 != 0, false) AND x.2.7 IS NOT NULL, first_and_last) AS compared,
    notEmpty(compared) AS has_change,
    arrayMax(arrayMap(x -> toFloat64(assumeNotNull(x.2.7) - assumeNotNull(x.1.7)) * 100 / abs(toFloat64(assumeNotNull(x.1.7))), compared)) AS change
FROM known;

-- Quality of reports as before (0015 says what each number means), in one grouping: the due instant of a group is known only once its debt has met its figures,
-- so arrivals are gathered and held against it after. A report that says it came before the newest of the batch may let its series begin earlier: all of the
-- series is folded again. What came after the newest batch is looked up as a set and never written out as a constant: planning
-- takes a constant of 200,000 numbers apart again and again, for minutes.
CREATE OR REPLACE VIEW board_quality AS
WITH
    (SELECT argMax((batch, base, places, offsets, newest), batch) FROM report_batches) AS closed,
    has({territories:Array(String)}, 'VN') AS sees_all,
    (
        SELECT groupUniqArray(toString(code)) FROM territories
        WHERE NOT sees_all AND (has({territories:Array(String)}, code) OR (province != '' AND has({territories:Array(String)}, province)))
    ) AS places,
    (SELECT groupUniqArray(cityHash64(series)) FROM restricted_series WHERE access_level > {clearance:Int32}) AS hidden,
    fresh AS
    (
        SELECT cityHash64(series_hash, period_start) AS unit FROM reports
        WHERE offset > transform(cityHash64(topic, partition), closed.3, closed.4, toInt64(-1))
            OR series_hash IN
            (
                SELECT series_hash FROM reports
                WHERE offset > transform(cityHash64(topic, partition), closed.3, closed.4, toInt64(-1)) AND received_at < closed.5
            )
    ),
    states AS
    (
        SELECT
            indicator, component, figure, period_type, period_start, period_end, series_hash, territory, area, sender, known_from, known_until, live,
            second_sources, first_at, begins_at, duplicates, revised, has_change, change
        FROM report_states
        WHERE batch IN (closed.1, closed.2) AND unit NOT IN (SELECT unit FROM fresh)
            AND (batch = closed.1 OR unit NOT IN (SELECT unit FROM report_states WHERE batch = closed.1 AND closed.1 != closed.2))
        UNION ALL
        SELECT
            indicator, component, figure, period_type, period_start, period_end, series_hash, territory, area, sender, known_from, known_until, live,
            second_sources, first_at, begins_at, duplicates, revised, has_change, change
        FROM report_histories
        WHERE unit IN (SELECT unit FROM fresh)
    ),
    told AS
    (
        SELECT
            indicator, component, figure, period_type, period_start, period_end, area, sender, '' AS owner, toDateTime64(0, 3, 'UTC') AS due_at,
            toUInt64(0) AS is_named, toUInt64(0) AS begun, live, series_hash, first_at, begins_at, revised, duplicates, second_sources, has_change, change
        FROM states
        WHERE period_end > {since:DateTime64(3, 'UTC')} AND known_from <= {moment:DateTime64(3, 'UTC')}
            AND known_until > {moment:DateTime64(3, 'UTC')} AND (sees_all OR territory IN places) AND series_hash NOT IN hidden
        UNION ALL
        SELECT
            indicator, component, 'actual', period_type, period_start, period_end, area, '', owner, due_at,
            toUInt64(d.is_named AND (sees_all OR has({territories:Array(String)}, area))), arrayCount(at -> at < d.due_at, u.begins) AS units,
            0, 0, due_at, due_at, 0, 0, 0, false, 0
        FROM report_debts AS d
        LEFT JOIN
        (
            SELECT indicator, component, period_type, area, groupArray(begins_at) AS begins
            FROM report_beginnings
            WHERE begins_at <= {moment:DateTime64(3, 'UTC')} AND (sees_all OR territory IN places) AND series_hash NOT IN hidden
            GROUP BY indicator, component, period_type, area
        ) AS u USING (indicator, component, period_type, area)
        WHERE period_start <= {moment:DateTime64(3, 'UTC')} AND period_end > {since:DateTime64(3, 'UTC')} AND (units > 0 OR d.is_named)
    ),
    reported AS
    (
        SELECT
            indicator, component, figure, period_type, period_start, area, if(max(owner) = '', sender, max(owner)) AS provider, max(due_at) AS due,
            due > 0 AS is_owed, due > 0 AND due <= {moment:DateTime64(3, 'UTC')} AS is_judged, max(is_named) AS named, sum(live) AS came,
            sum(begun) AS owed, groupArrayIf(series_hash, live) AS arrived,
            arrayFilter(x -> x.1 >= due, groupArrayIf((first_at, begins_at), live)) AS late_ones, length(late_ones) AS tardy,
            arrayCount(x -> x.2 < due, late_ones) AS tardy_owed,
            quantileExactInclusiveIfOrNull(0.5)(greatest(dateDiff('minute', period_end, first_at), 0) / 60, live) AS delay,
            maxIfOrNull(greatest(dateDiff('minute', period_end, first_at), 0) / 60, live) AS most, sum(revised) AS changed,
            avgIfOrNull(abs(change), has_change) AS mean_size, avgIfOrNull(change, has_change) AS mean_change, sum(duplicates) AS repeated,
            sum(second_sources) AS others
        FROM told
        GROUP BY indicator, component, figure, period_type, period_start, area, sender
        HAVING came > 0 OR owed > 0 OR named > 0 OR repeated > 0
    )
SELECT
    provider, indicator, component, figure, period_type, period_start, came AS reported,
    if(is_owed, greatest(owed + if(named > 0, toUInt64(tardy - tardy_owed), 0), named),
        uniqExactArray(arrived) OVER (PARTITION BY provider, indicator, component, figure, period_type)) AS expected,
    if(is_owed, due, NULL) AS due_at, is_judged AS judged, if(is_judged, came - tardy, 0) AS on_time,
    multiIf(NOT is_judged, 0, named > 0, tardy, tardy_owed) AS late,
    if(is_judged AND expected > on_time + late, expected - on_time - late, 0) AS missing, delay AS median_delay_hours, most AS longest_delay_hours,
    changed AS revised, mean_size AS mean_revision_percent, mean_change AS bias_percent, repeated AS duplicates, others AS second_sources
FROM reported;
