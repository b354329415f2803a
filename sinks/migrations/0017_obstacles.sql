-- Obstacles of projects (indicator nhip/N.4), each as its newest revision says. Projects are subjects: depth 2. A withdrawal or a higher
-- clearance of the newest revision hides the obstacle whole.
CREATE OR REPLACE VIEW board_obstacles AS
SELECT obstacle, project, kind, agency, provider, content, document, begins, ends, removed, moved_at, territory
FROM
(
    SELECT
        source_record_id AS obstacle, subject_id AS project, dimensions[indexOf(dimensions.name, 'obstacle_kind')].value AS kind, agency,
        provider, ifNull(text, '') AS content, ifNull(reference, '') AS document, period_start AS begins, period_end AS ends,
        value = 0 AS removed, event_time AS moved_at, territory, access_level, status
    FROM observations
    WHERE indicator = 'nhip/N.4'
    ORDER BY revision DESC, appended DESC, offset DESC
    LIMIT 1 BY source_system, source_record_id
)
WHERE {depth:Int32} >= 2 AND status != 'deleted' AND access_level <= {clearance:Int32}
    AND territory IN
    (
        SELECT code FROM territories
        WHERE has({territories:Array(String)}, 'VN') OR has({territories:Array(String)}, code)
            OR (province != '' AND has({territories:Array(String)}, province))
    );
