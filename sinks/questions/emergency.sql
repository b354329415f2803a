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
-- One pass over the columns that are asked for: the pair (indicator, component) is held against the list once a series, not once a row; figures of
-- longer periods are looked for among the indicators that have any; of a series the newest event, then the revision, then the first that came
-- counts, written as one number. Series are told apart by a hash: of 6,000 two fall together once in 10^12.
WITH
    (
        SELECT
            (groupUniqArrayArrayIf(units, did IN ('open', 'widen')), minIf(appended, did = 'open') + INTERVAL 10 SECOND,
                if(countIf(did = 'close') = 0, now64(3, 'UTC'), minIf(appended, did = 'close') + INTERVAL 10 SECOND))
        FROM emergency_steps WHERE emergency = {emergency:String}
    ) AS steps,
    steps.1 AS listed, steps.2 AS begins, steps.3 AS ends
SELECT
    v.of AS indicator, v.part AS component, coalesce(nullIf(t.name_vi, ''), v.place) AS territory_name,
    coalesce(nullIf(s.name_vi, ''), v.subject) AS subject_name, v.at_open AS at_open, v.at_close AS at_close, v.unit AS measure_unit, v.told AS told
FROM
(
    SELECT
        any(indicator) AS of, any(component) AS part, any(territory) AS place, any(subject_type) AS kind, any(subject_id) AS subject,
        any(measure_unit) AS unit, argMaxIf(value, newest, ingested_at <= begins) AS at_open, argMax(value, newest) AS at_close,
        max(event_time) AS told
    FROM
    (
        SELECT
            indicator, component, territory, subject_type, subject_id, series, measure_unit, value, ingested_at, event_time,
            bitOr(bitOr(bitShiftLeft(toUInt128(toUnixTimestamp64Milli(event_time) + 4398046511104), 80),
                bitShiftLeft(toUInt128(toInt64(revision) + 2147483648), 48)), toUInt128(281474976710655 - offset)) AS newest
        FROM observations
        WHERE indicator IN
            (
                SELECT indicator FROM series_specs
                WHERE if({series:String} = '', concept_group = 'emergency', has(splitByChar(',', {series:String}), concat(indicator, '|', component)))
            )
            AND component IN
            (
                SELECT component FROM series_specs
                WHERE if({series:String} = '', concept_group = 'emergency', has(splitByChar(',', {series:String}), concat(indicator, '|', component)))
            )
            AND territory IN
            (
                SELECT code FROM territories
                WHERE has(listed, 'VN') OR has(listed, code) OR has(listed, province)
                    OR code IN (SELECT province FROM territories WHERE has(listed, code))
            )
            AND event_time > begins - toIntervalDay(400) AND event_time <= ends AND ingested_at <= ends
            AND (event_time > begins - toIntervalDay({days:Int32})
                OR (indicator IN (SELECT indicator FROM reports) AND period_type NOT IN ('instant', 'hour', 'day', 'week')))
            AND figure = 'actual' AND empty(dimensions) AND access_level = 0
    )
    GROUP BY cityHash64(series)
    HAVING (of, part) IN
    (
        SELECT indicator, component FROM series_specs
        WHERE if({series:String} = '', concept_group = 'emergency', has(splitByChar(',', {series:String}), concat(indicator, '|', component)))
    )
) AS v
LEFT JOIN territories AS t ON t.code = v.place
LEFT JOIN subjects AS s ON s.type = v.kind AND s.id = v.subject
ORDER BY indicator, component, territory_name, subject_name
LIMIT 1000
