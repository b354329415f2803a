-- Monthly totals of one flow, or of all, as they were known at a moment; periods from `since` on.
SELECT indicator, component, figure, month AS pane, budget_year,
    if(countIf(territory = 'VN') > 0, sumIf(total, territory = 'VN'), sumIf(total, length(territory) = 2)) AS value,
    max(newest) AS event_time, 0 AS inexact, uniqExact(territory) AS parts
FROM board_known_totals(@access, moment = {moment:DateTime64(3, 'UTC')}, since = {since:DateTime64(3, 'UTC')})
WHERE ({indicator:String} = '' OR indicator = {indicator:String} AND component = {component:String})
    AND ({territory:String} = 'VN' OR territory = {territory:String})
GROUP BY indicator, component, figure, month, budget_year
ORDER BY indicator, component, figure, pane
