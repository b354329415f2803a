-- Reports of each provider against their due days, for periods that end after a moment, as known at another.
SELECT q.provider AS provider, sum(q.on_time) AS on_time, sum(q.late) AS late, sum(q.missing) AS missing, sum(q.duplicates) AS duplicates,
    sum(q.second_sources) AS second_sources, groupUniqArrayIf(20)(q.indicator, q.missing > 0) AS lacking
FROM board_quality(@access, moment = {moment:DateTime64(3, 'UTC')}, since = {since:DateTime64(3, 'UTC')}) AS q
GROUP BY provider
HAVING on_time + late + missing + duplicates + second_sources > 0
ORDER BY provider
