-- The newest reported value of an indicator in each province.
SELECT territory, argMax(v.value, v.period_start) AS value, max(v.event_time) AS event_time
FROM board_territory_values(@access) AS v
WHERE v.indicator = {indicator:String} AND v.component = {component:String} AND v.figure = 'actual' AND v.value IS NOT NULL
    AND length(v.territory) = 2 AND v.territory != 'VN'
GROUP BY territory
ORDER BY value
