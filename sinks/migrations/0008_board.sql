-- What the board may read. Every view takes the access of its reader, so that no question can forget it:
--   territories  codes the reader may see; VN: the whole country. A province holds its commune-level units.
--   depth        0 totals, 1 dimensions, 2 subjects (project, hospital, department), 3 source records. Stations are public: depth 0.
--   clearance    highest access_level of observations (0 public … 9) the reader may see.
--   operands     «formula|indicator» and «indicator|operand»: what results are made of; a result is withheld with any of its operands.
-- Proven by tests/dashboards/test_access_matrix.py.

CREATE OR REPLACE VIEW board_territories AS
SELECT code FROM territories
WHERE has({territories:Array(String)}, 'VN') OR has({territories:Array(String)}, code)
    OR (province != '' AND has({territories:Array(String)}, province));

-- Series and indicators with records above the reader's clearance: folds of them would tell what the records may not.
CREATE OR REPLACE VIEW board_withheld AS
SELECT indicator, series FROM observations WHERE access_level > {clearance:Int32} GROUP BY indicator, series;

CREATE OR REPLACE VIEW board_withheld_results AS
SELECT splitByChar('|', pair)[1] AS name
FROM (SELECT arrayJoin({operands:Array(String)}) AS pair)
WHERE splitByChar('|', pair)[2] IN (SELECT indicator FROM board_withheld(clearance = {clearance:Int32}));

CREATE OR REPLACE VIEW board_values AS
SELECT * FROM latest_values
WHERE access_level <= {clearance:Int32}
    AND multiIf(subject_type NOT IN ('', 'station'), 2, notEmpty(dimensions), 1, 0) <= {depth:Int32}
    AND territory IN (SELECT code FROM board_territories(territories = {territories:Array(String)}));

CREATE OR REPLACE VIEW board_panes AS
SELECT * FROM latest_panes
WHERE multiIf(subject_type NOT IN ('', 'station'), 2, notEmpty(dimensions), 1, 0) <= {depth:Int32}
    AND territory IN (SELECT code FROM board_territories(territories = {territories:Array(String)}))
    AND series NOT IN (SELECT series FROM board_withheld(clearance = {clearance:Int32}));

-- Totals of flows by territory: the figure reported as a total where there is one, the sum of its parts otherwise. Depth 0 for every reader.
-- A total is withheld with any of its series. Rain is a flow, but over stations it is never added.
CREATE OR REPLACE VIEW board_totals AS
SELECT
    indicator, component, figure, territory, kind, pane, budget_year,
    if(countIf(empty(dimensions) AND subject_type = '') > 0, sumIf(sum, empty(dimensions) AND subject_type = ''), sum(sum)) AS total,
    max(last_time) AS newest, max(inexact) AS inexact
FROM latest_panes
WHERE (indicator, component) IN (SELECT indicator, component FROM series_specs WHERE additivity = 'flow')
    AND subject_type != 'station'
    AND territory IN (SELECT code FROM board_territories(territories = {territories:Array(String)}))
    AND indicator NOT IN (SELECT indicator FROM board_withheld(clearance = {clearance:Int32}))
GROUP BY indicator, component, figure, territory, kind, pane, budget_year;

CREATE OR REPLACE VIEW board_series AS
SELECT * FROM latest_aggregates
WHERE multiIf(subject_type NOT IN ('', 'station'), 2, notEmpty(dimensions), 1, 0) <= {depth:Int32}
    AND territory IN (SELECT code FROM board_territories(territories = {territories:Array(String)}))
    AND series NOT IN (SELECT series FROM board_withheld(clearance = {clearance:Int32}));

CREATE OR REPLACE VIEW board_results AS
SELECT * FROM latest_derived
WHERE multiIf(subject_type NOT IN ('', 'station'), 2, splitByChar('|', result)[4] != '', 1, 0) <= {depth:Int32}
    AND territory IN (SELECT code FROM board_territories(territories = {territories:Array(String)}))
    AND indicator NOT IN (SELECT indicator FROM board_withheld(clearance = {clearance:Int32}))
    AND formula NOT IN (SELECT name FROM board_withheld_results(operands = {operands:Array(String)}, clearance = {clearance:Int32}));

-- The same as it stood at a moment.
CREATE OR REPLACE VIEW board_known_results AS
SELECT * FROM known_derived(moment = {moment:DateTime64(3, 'UTC')})
WHERE multiIf(subject_type NOT IN ('', 'station'), 2, splitByChar('|', result)[4] != '', 1, 0) <= {depth:Int32}
    AND territory IN (SELECT code FROM board_territories(territories = {territories:Array(String)}))
    AND indicator NOT IN (SELECT indicator FROM board_withheld(clearance = {clearance:Int32}))
    AND formula NOT IN (SELECT name FROM board_withheld_results(operands = {operands:Array(String)}, clearance = {clearance:Int32}));

-- Source records in every revision: the end of a figure's lineage. A row may stand twice before merging: read with LIMIT 1 BY its origin.
CREATE OR REPLACE VIEW board_records AS
SELECT
    topic, partition, offset, appended, indicator, component, figure, territory, subject_type, subject_id, dimensions, period_type,
    period_start, value, measure_unit, status, revision, event_time, published_at, ingested_at, source_system, source_record_id, provider,
    access_level, quality_flags
FROM observations
WHERE {depth:Int32} >= 3 AND access_level <= {clearance:Int32}
    AND territory IN (SELECT code FROM board_territories(territories = {territories:Array(String)}));

-- Alerts follow territory and clearance, not depth: an alert is what leaders are told, its figures with it.
CREATE OR REPLACE VIEW board_alerts AS
SELECT * FROM latest_alerts
WHERE territory IN (SELECT code FROM board_territories(territories = {territories:Array(String)}))
    AND series NOT IN (SELECT series FROM board_withheld(clearance = {clearance:Int32}))
    AND indicator NOT IN (SELECT name FROM board_withheld_results(operands = {operands:Array(String)}, clearance = {clearance:Int32}));

CREATE OR REPLACE VIEW board_alert_events AS
SELECT
    event_id, alert_id, sequence, transition, condition, attention, title_vi, text_vi, title_en, recorded_at, actor, note, severity, value,
    limit, gap, event_time, source_topic, source_partition, source_offset, source_record_id
FROM alert_events
WHERE alert_id IN
(
    SELECT alert_id FROM board_alerts(
        territories = {territories:Array(String)}, clearance = {clearance:Int32}, operands = {operands:Array(String)})
)
LIMIT 1 BY event_id;

-- Who was told, by office; addresses stay out.
CREATE OR REPLACE VIEW board_told AS
SELECT notification_key, alert_id, event_id, state, reason, channel, recipient, severity, transition, repeated, requested_at, changed_at
FROM latest_notifications
WHERE alert_id IN
(
    SELECT alert_id FROM board_alerts(
        territories = {territories:Array(String)}, clearance = {clearance:Int32}, operands = {operands:Array(String)})
);

-- Supply by provider and source within a stretch of arrival time.
CREATE OR REPLACE VIEW board_supply AS
SELECT
    provider, source_system, indicator, period_type, uniqExact(topic, partition, offset) AS records, max(event_time) AS newest_event,
    max(ingested_at) AS newest_arrival,
    uniqExactIf((topic, partition, offset), revision > 0) AS corrections
FROM observations
WHERE access_level <= {clearance:Int32} AND ingested_at >= {since:DateTime64(3, 'UTC')}
    AND territory IN (SELECT code FROM board_territories(territories = {territories:Array(String)}))
GROUP BY provider, source_system, indicator, period_type;

-- Refusals carry no territory: for readers of the whole country, from depth 2. The bytes stay out.
CREATE OR REPLACE VIEW board_refused AS
SELECT dead_letter_id, stage, reason, field, detail, source, place, original_topic, original_partition, original_offset, attempts, first_seen
FROM dead_letters
WHERE has({territories:Array(String)}, 'VN') AND {depth:Int32} >= 2
LIMIT 1 BY dead_letter_id;

-- How far each table has come, for readers of the whole country.
CREATE OR REPLACE VIEW board_operations AS
SELECT * FROM
(
    SELECT 'observations' AS name, count() AS rows, uniqExact(topic, partition) AS partitions, max(appended) AS newest FROM observations
    UNION ALL SELECT 'panes', count(), uniqExact(topic, partition), max(appended) FROM panes
    UNION ALL SELECT 'aggregates', count(), uniqExact(topic, partition), max(appended) FROM aggregates
    UNION ALL SELECT 'derived', count(), uniqExact(topic, partition), max(appended) FROM derived
    UNION ALL SELECT 'alert_events', count(), uniqExact(topic, partition), max(appended) FROM alert_events
    UNION ALL SELECT 'notifications', count(), uniqExact(topic, partition), max(appended) FROM notifications
    UNION ALL SELECT 'dead_letters', count(), uniqExact(topic, partition), max(appended) FROM dead_letters
    UNION ALL SELECT 'audit', count(), uniqExact(topic, partition), max(appended) FROM audit
)
WHERE has({territories:Array(String)}, 'VN') AND {depth:Int32} >= 2;

-- Totals of flows by month as they were known at a moment, from the live records of then (clock of arrival). Withheld as board_totals is.
CREATE OR REPLACE VIEW board_known_totals AS
SELECT
    indicator, component, figure, territory, month, budget_year,
    if(countIf(whole) > 0, sumIf(value, whole), sum(value)) AS total, max(event_time) AS newest
FROM
(
    SELECT
        indicator, component, figure, territory, budget_year, value, event_time,
        splitByChar('|', series)[4] = '' AND splitByChar('|', series)[5] = '' AS whole,
        toInt64(dateDiff('month', toDateTime('1970-01-01 00:00:00', 'Asia/Ho_Chi_Minh'), toTimeZone(period_start, 'Asia/Ho_Chi_Minh'))) AS month
    FROM known_records(moment = {moment:DateTime64(3, 'UTC')})
    WHERE (indicator, component) IN (SELECT indicator, component FROM series_specs WHERE additivity = 'flow' AND fold = 'event')
        AND subject_type != 'station' AND figure = 'actual'
        AND territory IN (SELECT code FROM board_territories(territories = {territories:Array(String)}))
        AND indicator NOT IN (SELECT indicator FROM board_withheld(clearance = {clearance:Int32}))
)
GROUP BY indicator, component, figure, territory, month, budget_year;

-- Values in force as they were known at a moment (clock of arrival).
CREATE OR REPLACE VIEW board_known_values AS
SELECT * FROM known_records(moment = {moment:DateTime64(3, 'UTC')})
WHERE access_level <= {clearance:Int32}
    AND multiIf(subject_type NOT IN ('', 'station'), 2, splitByChar('|', series)[5] != '', 1, 0) <= {depth:Int32}
    AND territory IN (SELECT code FROM board_territories(territories = {territories:Array(String)}));
