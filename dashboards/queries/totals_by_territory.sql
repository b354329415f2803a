-- The budget year's total of one flow in each province, with its newest month.
SELECT territory, argMax(value, budget_year) AS value, max(budget_year) AS year, argMax(event_time, budget_year) AS event_time
FROM
(
    SELECT territory, budget_year, sum(total) AS value, max(newest) AS event_time
    FROM board_totals(@access)
    WHERE indicator = {indicator:String} AND component = {component:String} AND figure = 'actual' AND length(territory) = 2
    GROUP BY territory, budget_year
)
GROUP BY territory
ORDER BY value DESC
