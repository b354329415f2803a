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
-- One pass over few columns: what the text of a series says (`indicator|component|territory|subject||figure`) is held against what is asked for once a
-- series, not once a row; figures of longer periods are looked for among the indicators that have any, and 400 days of rows only where one has; of a
-- series the newest event, then the revision, then the first that came counts, written as one number. Series are told apart by a hash: of 6,000 two
-- fall together once in 10^12.
-- first
WITH
    (
        SELECT groupUniqArray((indicator, component)) FROM series_specs
        WHERE if({series:String} = '', concept_group = 'emergency', has(splitByChar(',', {series:String}), concat(indicator, '|', component)))
    ) AS wanted
SELECT
    toUnixTimestamp64Milli(minIf(appended, did = 'open')) + 10000 AS begins,
    if(countIf(did = 'close') = 0, toUnixTimestamp64Milli(now64(3, 'UTC')), toUnixTimestamp64Milli(minIf(appended, did = 'close')) + 10000) AS ends,
    groupUniqArrayArrayIf(units, did IN ('open', 'widen')) AS listed, NOT has(listed, 'VN') AS is_part,
    arrayDistinct(wanted.1) AS indicators, arrayMap(x -> concat(x.1, '|', x.2), wanted) AS pairs,
    (SELECT groupUniqArray(toString(indicator)) FROM reports WHERE indicator IN wanted.1) AS reporting, notEmpty(reporting) AS has_longer
FROM emergency_steps WHERE emergency = {emergency:String}
-- then
WITH
    fromUnixTimestamp64Milli({begins:Int64}, 'UTC') AS begins, fromUnixTimestamp64Milli({ends:Int64}, 'UTC') AS ends
SELECT
    v.of AS indicator, v.part AS component, coalesce(nullIf(t.name_vi, ''), v.place) AS territory_name,
    coalesce(nullIf(s.name_vi, ''), v.subject) AS subject_name, v.at_open AS at_open, v.at_close AS at_close, v.unit AS measure_unit, v.told AS told
FROM
(
    SELECT
        splitByChar('|', any(series)) AS parts, parts[1] AS of, parts[2] AS part, parts[3] AS place, splitByChar(':', parts[4])[1] AS kind,
        substring(parts[4], position(parts[4], ':') + 1) AS subject, any(measure_unit) AS unit,
        argMaxIf(value, newest, ingested_at <= begins) AS at_open, argMax(value, newest) AS at_close,
        max(event_time) AS told
    FROM
    (
        SELECT
            series, measure_unit, value, ingested_at, event_time,
            bitOr(bitOr(bitShiftLeft(toUInt128(toUnixTimestamp64Milli(event_time) + 4398046511104), 80),
                bitShiftLeft(toUInt128(toInt64(revision) + 2147483648), 48)), toUInt128(281474976710655 - offset)) AS newest
        FROM observations
        WHERE indicator IN {indicators:Array(String)} AND access_level = 0
-- if is_part
            AND territory IN
            (
                SELECT code FROM territories
                WHERE has({listed:Array(String)}, code) OR has({listed:Array(String)}, province)
                    OR code IN (SELECT province FROM territories WHERE has({listed:Array(String)}, code))
            )
-- end
            AND event_time <= ends AND ingested_at <= ends
-- if has_longer
            AND event_time > begins - toIntervalDay(400)
            AND (event_time > begins - toIntervalDay({days:Int32})
                OR (indicator IN {reporting:Array(String)} AND period_type NOT IN ('instant', 'hour', 'day', 'week')))
-- else
            AND event_time > begins - toIntervalDay({days:Int32})
-- end
    )
    GROUP BY cityHash64(series)
    HAVING endsWith(any(series), '||actual') AND has({pairs:Array(String)}, concat(of, '|', part))
) AS v
LEFT JOIN territories AS t ON t.code = v.place
LEFT JOIN subjects AS s ON s.type = v.kind AND s.id = v.subject
ORDER BY indicator, component, territory_name, subject_name
LIMIT 1000
