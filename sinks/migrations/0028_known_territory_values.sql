-- Reported figures of whole territories as they stood at a moment, of one territory or of all («»): of a series and period the highest version that
-- had arrived, as board_territory_values (0010) says it of now. What has its newest version by then stood as it stands now; of the others, few
-- where the moment is near, the history is read.
CREATE OR REPLACE VIEW board_known_territory_values AS
WITH later AS
(
    SELECT indicator, territory, figure, component, period_type, period_start
    FROM territory_values FINAL
    WHERE ({territory:String} = '' OR territory_values.territory = {territory:String}) AND ingested_at > {moment:DateTime64(3, 'UTC')}
)
SELECT territory, figure, indicator, component, period_type, period_start, period_end, budget_year, measure_unit, status, value, provider, event_time,
    revision
FROM
(
    SELECT territory, figure, indicator, component, period_type, period_start, period_end, budget_year, measure_unit, access_level, status, value,
        provider, event_time, revision
    FROM territory_values FINAL
    WHERE ({territory:String} = '' OR territory_values.territory = {territory:String}) AND ingested_at <= {moment:DateTime64(3, 'UTC')}
    UNION ALL
    SELECT territory, figure, indicator, component, period_type, period_start, newest.1 AS period_end, newest.2 AS budget_year,
        newest.3 AS measure_unit, newest.4 AS access_level, newest.5 AS status, newest.6 AS value, newest.7 AS provider, newest.8 AS event_time,
        newest.9 AS revision
    FROM
    (
        SELECT
            territory, figure, indicator, component, period_type, period_start,
            argMax((observations.period_end, observations.budget_year, observations.measure_unit, observations.access_level, observations.status,
                observations.value, observations.provider, observations.event_time, observations.revision), (revision, -offset)) AS newest
        FROM observations
        WHERE (indicator, territory, figure, component, period_type, period_start) IN (later)
            AND ingested_at <= {moment:DateTime64(3, 'UTC')} AND subject_id = '' AND empty(dimensions)
        GROUP BY territory, figure, indicator, component, period_type, period_start
    )
)
WHERE status != 'deleted' AND access_level <= {clearance:Int32}
    AND territory IN
    (
        SELECT code FROM territories
        WHERE has({territories:Array(String)}, 'VN') OR has({territories:Array(String)}, code)
            OR (province != '' AND has({territories:Array(String)}, province))
    );

DROP VIEW IF EXISTS board_known_values;
