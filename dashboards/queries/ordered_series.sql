-- How many series of each ad-hoc indicator have figures, and their newest event, as far as the reader may see.
SELECT indicator, count() AS series, max(latest_time) AS newest
FROM board_series(@access)
WHERE has({indicators:Array(String)}, indicator)
GROUP BY indicator
