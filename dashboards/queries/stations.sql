-- Every station's newest reading, sums of 24 hours, and its limits.
SELECT v.component AS component, v.territory AS territory, v.subject_id AS subject_id, v.latest AS latest, v.latest_time AS latest_time,
    v.h1_sum AS h1_sum, v.h24_sum AS h24_sum, v.h24_max AS h24_max, v.indicator AS indicator, s.name_vi AS name_vi, s.name_en AS name_en,
    s.lon AS lon, s.lat AS lat, s.limits AS limits, s.agency AS agency
FROM board_series(@access) AS v
INNER JOIN subjects AS s ON s.type = v.subject_type AND s.id = v.subject_id
WHERE v.subject_type = 'station' AND v.indicator = 'vn-1012/D.1' AND v.figure = 'actual' AND s.origin != 'published'
ORDER BY component, name_vi
