-- Newest value of each series of the map's layers, as far as the reader may see.
SELECT indicator, component, territory, subject_type, subject_id, latest, latest_time
FROM board_series(@access)
WHERE figure = 'actual' AND empty(dimensions) AND subject_type != 'station' AND has({series:Array(String)}, concat(indicator, '|', component))
ORDER BY indicator, component, territory, subject_id
LIMIT 5000
