-- Newest value of each series of a scenario in the area of one emergency, as far as the reader may see.
WITH (SELECT groupUniqArrayArray(units) FROM board_emergency_steps(@access) WHERE emergency = {emergency:String}) AS listed
SELECT indicator, component, territory, subject_type, subject_id, latest, latest_time
FROM board_series(@access)
WHERE figure = 'actual' AND empty(dimensions) AND has({series:Array(String)}, concat(indicator, '|', component))
    AND territory IN
    (
        SELECT code FROM territories
        WHERE has(listed, 'VN') OR has(listed, code) OR has(listed, province)
            OR code IN (SELECT province FROM territories WHERE has(listed, code))
    )
ORDER BY indicator, component, territory, subject_id
LIMIT 5000
