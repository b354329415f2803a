-- Steps of emergencies (topic ops.emergency): one row a step, bytes as written, with what questions ask of them beside. What stands after
-- them is a function of their order by offset (indicators/emergency.py); a step takes effect ten seconds after it was appended.
CREATE TABLE IF NOT EXISTS emergency_steps
(
    topic LowCardinality(String),
    partition Int32,
    offset Int64,
    appended DateTime64(3, 'UTC'),
    step_key String,
    body String,
    emergency String DEFAULT JSONExtractString(body, 'emergency'),
    did LowCardinality(String) DEFAULT JSONExtractString(body, 'did'),
    scenario LowCardinality(String) DEFAULT JSONExtractString(body, 'scenario'),
    exercise Bool DEFAULT JSONExtractBool(body, 'exercise'),
    phase LowCardinality(String) DEFAULT JSONExtractString(body, 'phase'),
    actor LowCardinality(String) DEFAULT JSONExtractString(body, 'actor'),
    why String DEFAULT JSONExtractString(body, 'why'),
    document String DEFAULT JSONExtractString(body, 'document'),
    units Array(LowCardinality(String)) DEFAULT JSONExtract(body, 'area', 'units', 'Array(String)')
)
ENGINE = ReplacingMergeTree
ORDER BY (emergency, topic, partition, offset)
SETTINGS non_replicated_deduplication_window = 10000;

-- An emergency is seen, with all its steps, by those who may see one of its units, or the unit above one.
CREATE OR REPLACE VIEW board_emergency_steps AS
SELECT * FROM emergency_steps
WHERE emergency IN
(
    SELECT emergency FROM emergency_steps
    WHERE hasAny(units, (SELECT groupArray(code) FROM board_territories(territories = {territories:Array(String)})))
        OR has({territories:Array(String)}, 'VN')
        OR has(units, 'VN')
);
