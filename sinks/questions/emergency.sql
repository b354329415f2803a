-- name_vi: Số liệu của địa bàn khẩn cấp lúc mở và lúc kết thúc (đến nay nếu còn mở)
-- name_en: Figures of an emergency's area at its opening and at its close (or now)
-- parameter: emergency String = | mã tình huống, xem `nhip emergency list` / id of the emergency
-- parameter: series String = | các chuỗi «chỉ số|thành phần», cách nhau dấu phẩy; trống: mọi chuỗi / series «indicator|component» with commas
-- parameter: days Int32 = 35 | số đo trong số ngày trước lúc mở trở đi / readings from so many days before the opening on
-- column: indicator | Chỉ số
-- column: component | Thành phần
-- column: territory_name | Địa bàn
-- column: subject_name | Đối tượng
-- column: at_open | Lúc mở
-- column: at_close | Lúc kết thúc
-- column: measure_unit | Đơn vị
-- column: told | Số liệu lúc
-- As known then: by the clock of arrival. The newest period or reading of each series of the emergency group, corrections folded in. Readings
-- and daily reports go back `days`, figures of longer periods 400 days: what is older says nothing of the situation.
WITH
    (SELECT groupUniqArrayArray(units) FROM emergency_steps WHERE emergency = {emergency:String} AND did IN ('open', 'widen')) AS listed,
    (SELECT min(appended) + INTERVAL 10 SECOND FROM emergency_steps WHERE emergency = {emergency:String} AND did = 'open') AS begins,
    (SELECT if(count() = 0, now64(3, 'UTC'), min(appended) + INTERVAL 10 SECOND) FROM emergency_steps
        WHERE emergency = {emergency:String} AND did = 'close') AS ends
SELECT
    v.indicator AS indicator, v.component AS component, coalesce(nullIf(t.name_vi, ''), v.territory) AS territory_name,
    coalesce(nullIf(s.name_vi, ''), v.subject_id) AS subject_name, v.at_open AS at_open, v.at_close AS at_close,
    v.measure_unit AS measure_unit, v.told AS told
FROM
(
    SELECT
        indicator, component, territory, subject_type, subject_id, series, any(measure_unit) AS measure_unit,
        argMaxIf(value, tuple(event_time, revision, -offset), ingested_at <= begins) AS at_open,
        argMaxIf(value, tuple(event_time, revision, -offset), ingested_at <= ends) AS at_close,
        maxIf(event_time, ingested_at <= ends) AS told
    FROM observations
    WHERE (indicator, component) IN
        (
            SELECT indicator, component FROM series_specs
            WHERE if({series:String} = '', concept_group = 'emergency', has(splitByChar(',', {series:String}), concat(indicator, '|', component)))
        )
        AND territory IN
        (
            SELECT code FROM territories
            WHERE has(listed, 'VN') OR has(listed, code) OR has(listed, province)
                OR code IN (SELECT province FROM territories WHERE has(listed, code))
        )
        AND observations.event_time > begins - toIntervalDay(400) AND observations.event_time <= ends AND ingested_at <= ends
        AND (period_type NOT IN ('instant', 'hour', 'day', 'week') OR observations.event_time > begins - toIntervalDay({days:Int32}))
        AND figure = 'actual' AND empty(dimensions) AND access_level = 0
    GROUP BY indicator, component, territory, subject_type, subject_id, series
) AS v
LEFT JOIN territories AS t ON t.code = v.territory
LEFT JOIN subjects AS s ON s.type = v.subject_type AND s.id = v.subject_id
ORDER BY indicator, component, territory_name, subject_name
LIMIT 1000
