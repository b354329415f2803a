-- What was known of each periodic report, and since when: the question `quality` folds no report twice. Of a unit (one series and period, of one
-- sender) a state holds from one arrival until the next. `report_histories` says them all; what is closed stands in `report_states`, folded on the
-- sink's schedule (sinks/report_preparation.py); a reader takes the newest batch and folds only units with a message after its offsets.
CREATE TABLE IF NOT EXISTS report_batches
(
    batch UInt64 COMMENT 'milliseconds since 1970, then 20 bits by lot',
    places Array(UInt64) COMMENT 'cityHash64(topic, partition)',
    offsets Array(Int64) COMMENT 'beside places: the last offset that was folded',
    rows UInt64 COMMENT 'rows of reports when they were folded'
)
ENGINE = ReplacingMergeTree
ORDER BY batch
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS report_states
(
    batch UInt64,
    indicator LowCardinality(String),
    component LowCardinality(String),
    figure LowCardinality(String),
    period_type LowCardinality(String),
    period_start DateTime64(3, 'UTC'),
    period_end DateTime64(3, 'UTC'),
    series_hash UInt64,
    unit UInt64 COMMENT 'hash of series and start of the period',
    territory LowCardinality(String),
    area LowCardinality(String) COMMENT 'as in obligations: a province, or VN',
    sender LowCardinality(String) COMMENT 'provider that sent it; empty where somebody owes it, whoever sent it',
    known_from DateTime64(3, 'UTC') COMMENT 'arrival that brought this state about' CODEC(Delta, LZ4),
    known_until DateTime64(3, 'UTC') COMMENT 'arrival that ended it',
    live UInt8 COMMENT '1: there, 0: taken back',
    second_sources UInt64 COMMENT 'live figures beyond that of the first provider',
    first_at DateTime64(3, 'UTC') COMMENT 'arrival of the first report; 1970 where it is not live',
    duplicates UInt64,
    revised UInt64 COMMENT 'providers whose newest figure differs from their first',
    has_change Bool COMMENT 'the size of a revision is known: the first value was not zero',
    change Float64 COMMENT 'newest against first figure, percent'
)
ENGINE = MergeTree
PARTITION BY batch
ORDER BY (indicator, component, figure, period_type, period_start, series_hash);

-- Rules: indicators/quality.py. A word is one report as it was sent. Of each revision of a provider the word that came first is kept; a receipt
-- (0019) is no figure: it says when the report came, and that it is there while nobody may see it.
CREATE OR REPLACE VIEW report_histories AS
WITH
    told AS
    (
        SELECT
            indicator, component, figure, period_type, period_start, series_hash, cityHash64(series_hash, period_start) AS unit, territory,
            if((indicator, component) IN (SELECT indicator, component FROM obligations WHERE area != 'VN') AND t.province != '', t.province, 'VN') AS area,
            if(figure = 'actual' AND (indicator, component, period_type) IN (SELECT indicator, component, period_type FROM obligations), '', provider)
                AS sender,
            max(reports.period_end) AS period_end,
            arraySort(groupUniqArray((provider, revision, received_at, topic, partition, offset, value, status))) AS words,
            arraySort(arrayDistinct(words.3)) AS arrivals
        FROM reports
        INNER JOIN territories AS t ON t.code = reports.territory
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
    arrayMin(arrayFilter(x -> has(live_by, x.1), arrayConcat(figures, receipts)).3) AS first_at,
    toUInt64(length(sent) - length(arrayCompact(x -> (x.1, ifNull(x.7, 0), x.8), kept))) AS duplicates,
    arrayZip(arrayCompact(x -> x.1, figures), arrayReverse(arrayCompact(x -> x.1, arrayReverse(figures)))) AS first_and_last,
    toUInt64(arrayCount(x -> ifNull(x.1.7 != x.2.7, false), first_and_last)) AS revised,
    arrayFilter(x -> x.2.2 > x.1.2 AND ifNull(x.1.7 != 0, false) AND x.2.7 IS NOT NULL, first_and_last) AS compared,
    notEmpty(compared) AS has_change,
    arrayMax(arrayMap(x -> toFloat64(assumeNotNull(x.2.7) - assumeNotNull(x.1.7)) * 100 / abs(toFloat64(assumeNotNull(x.1.7))), compared)) AS change
FROM known;

-- The debts of each due day, and since when every unit reports: a minimum over what was told, a receipt too.
CREATE OR REPLACE VIEW report_debts AS
SELECT
    o.indicator AS indicator, o.component AS component, o.period_type AS period_type, d.period_start AS period_start, d.period_end AS period_end,
    o.area AS area, o.provider AS owner, d.due_day AS due_day, d.due_at AS due_at, o.since <= d.due_day AS is_named
FROM obligations AS o
INNER JOIN due_days AS d ON d.calendar = o.calendar AND d.period_type = o.period_type
WHERE d.due_day < o.until;

CREATE OR REPLACE VIEW report_beginnings AS
SELECT
    indicator, component, period_type, series_hash, territory,
    if((indicator, component) IN (SELECT indicator, component FROM obligations WHERE area != 'VN') AND t.province != '', t.province, 'VN') AS area,
    min(first_at) AS begins_at
FROM report_units
INNER JOIN territories AS t ON t.code = report_units.territory
GROUP BY indicator, component, period_type, series_hash, territory, area;

-- Quality of reports as before (0015 says what each number means), of states instead of reports.
CREATE OR REPLACE VIEW board_quality AS
WITH
    (SELECT argMax((batch, places, offsets), batch) FROM report_batches) AS closed,
    (
        SELECT groupUniqArray(cityHash64(series_hash, period_start)) FROM reports
        WHERE offset > transform(cityHash64(topic, partition), closed.2, closed.3, toInt64(-1))
    ) AS fresh,
    has({territories:Array(String)}, 'VN') AS sees_all,
    (
        SELECT groupUniqArray(toString(code)) FROM territories
        WHERE NOT sees_all AND (has({territories:Array(String)}, code) OR (province != '' AND has({territories:Array(String)}, province)))
    ) AS places,
    (SELECT groupUniqArray(cityHash64(series)) FROM restricted_series WHERE access_level > {clearance:Int32}) AS hidden,
    states AS
    (
        SELECT
            indicator, component, figure, period_type, period_start, period_end, series_hash, unit, territory, area, sender, known_from,
            known_until, live, second_sources, first_at, duplicates, revised, has_change, change
        FROM report_states
        WHERE batch = closed.1 AND unit NOT IN fresh
        UNION ALL
        SELECT
            indicator, component, figure, period_type, period_start, period_end, series_hash, unit, territory, area, sender, known_from,
            known_until, live, second_sources, first_at, duplicates, revised, has_change, change
        FROM report_histories
        WHERE unit IN fresh
    ),
    sent AS
    (
        SELECT
            indicator, component, figure, period_type, period_start, area, sender, '' AS owner, toDateTime64(0, 3, 'UTC') AS due_at, toUInt64(0) AS is_named,
            groupArrayIf(series_hash, live) AS came, groupArrayIf(first_at, live) AS came_at, emptyArrayUInt64() AS begun,
            quantileExactInclusiveIfOrNull(0.5)(greatest(dateDiff('minute', period_end, first_at), 0) / 60, live) AS middle,
            maxIfOrNull(greatest(dateDiff('minute', period_end, first_at), 0) / 60, live) AS longest,
            sum(revised) AS corrected, avgIfOrNull(abs(change), has_change) AS size, avgIfOrNull(change, has_change) AS bias,
            sum(duplicates) AS again, sum(second_sources) AS seconds
        FROM states
        WHERE period_end > {since:DateTime64(3, 'UTC')} AND known_from <= {moment:DateTime64(3, 'UTC')}
            AND known_until > {moment:DateTime64(3, 'UTC')} AND (sees_all OR territory IN places) AND series_hash NOT IN hidden
        GROUP BY indicator, component, figure, period_type, period_start, area, sender
        UNION ALL
        SELECT
            indicator, component, 'actual', period_type, period_start, area, '', owner, due_at,
            toUInt64(is_named AND (sees_all OR has({territories:Array(String)}, area))),
            [], [], arrayFilter((x, at) -> at < due_at, u.units, u.begin) AS started, NULL, NULL, 0, NULL, NULL, 0, 0
        FROM report_debts AS d
        LEFT JOIN
        (
            SELECT indicator, component, period_type, area, groupArray(series_hash) AS units, groupArray(begins_at) AS begin
            FROM report_beginnings
            WHERE begins_at <= {moment:DateTime64(3, 'UTC')} AND (sees_all OR territory IN places) AND series_hash NOT IN hidden
            GROUP BY indicator, component, period_type, area
        ) AS u USING (indicator, component, period_type, area)
        WHERE period_start <= {moment:DateTime64(3, 'UTC')} AND period_end > {since:DateTime64(3, 'UTC')} AND (notEmpty(started) OR d.is_named)
    ),
    reported AS
    (
        SELECT
            indicator, component, figure, period_type, period_start, area, if(max(owner) = '', sender, max(owner)) AS provider, max(due_at) AS due,
            due > 0 AS is_owed, due > 0 AND due <= {moment:DateTime64(3, 'UTC')} AS is_judged, max(is_named) AS named,
            groupArrayArray(came) AS arrived, groupArrayArray(begun) AS owed, arrayFilter((x, at) -> at >= due, arrived, groupArrayArray(came_at)) AS tardy,
            if(empty(tardy), 0, length(arrayIntersect(tardy, owed))) AS tardy_owed, max(middle) AS delay, max(longest) AS most, sum(corrected) AS changed,
            max(size) AS mean_size, max(bias) AS mean_change, sum(again) AS repeated, sum(seconds) AS others
        FROM sent
        GROUP BY indicator, component, figure, period_type, period_start, area, sender
        HAVING notEmpty(arrived) OR notEmpty(owed) OR named > 0 OR repeated > 0
    )
SELECT
    provider, indicator, component, figure, period_type, period_start, length(arrived) AS reported,
    if(is_owed, greatest(length(owed) + if(named > 0, toUInt64(length(tardy) - tardy_owed), 0), named),
        uniqExactArray(arrived) OVER (PARTITION BY provider, indicator, component, figure, period_type)) AS expected,
    if(is_owed, due, NULL) AS due_at, is_judged AS judged, if(is_judged, length(arrived) - length(tardy), 0) AS on_time,
    multiIf(NOT is_judged, 0, named > 0, length(tardy), tardy_owed) AS late,
    if(is_judged AND expected > on_time + late, expected - on_time - late, 0) AS missing, delay AS median_delay_hours, most AS longest_delay_hours,
    changed AS revised, mean_size AS mean_revision_percent, mean_change AS bias_percent, repeated AS duplicates, others AS second_sources
FROM reported;
