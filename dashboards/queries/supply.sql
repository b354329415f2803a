-- Supply by provider and source since a moment.
SELECT provider, source_system, groupUniqArray(indicator) AS indicators, groupUniqArray(period_type) AS period_types, sum(records) AS records, sum(corrections) AS corrections,
    max(newest_event) AS newest_event, max(newest_arrival) AS newest_arrival
FROM board_supply(@access, since = {since:DateTime64(3, 'UTC')})
GROUP BY provider, source_system
ORDER BY provider, source_system
