-- Monthly totals of flows of one territory, of budget years from `year` on; for the country the sum over its provinces, or what is reported
-- for the country itself.
SELECT indicator, component, figure, pane, budget_year,
    if(countIf(territory = 'VN') > 0, sumIf(total, territory = 'VN'), sumIf(total, length(territory) = 2)) AS value,
    max(newest) AS event_time, max(inexact) AS inexact, uniqExact(territory) AS parts
FROM board_totals(@access)
WHERE budget_year >= {year:Int32} AND ({territory:String} = 'VN' OR territory = {territory:String})
    AND ({indicator:String} = '' OR indicator = {indicator:String})
GROUP BY indicator, component, figure, pane, budget_year
ORDER BY indicator, component, figure, pane
