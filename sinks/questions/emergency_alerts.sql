-- name_vi: Cảnh báo trong địa bàn khẩn cấp từ lúc mở đến lúc kết thúc
-- name_en: Alerts in an emergency's area between its opening and its close
-- parameter: emergency String = | mã tình huống, xem `nhip emergency list` / id of the emergency
-- column: opened_at | Mở lúc
-- column: severity | Mức cao nhất
-- column: title_vi | Nội dung
-- column: territory_name | Địa bàn
-- column: condition | Tình trạng
-- column: attention | Xử lý
-- column: mode | Loại
WITH
    (SELECT groupUniqArrayArray(units) FROM emergency_steps WHERE emergency = {emergency:String} AND did IN ('open', 'widen')) AS listed,
    (SELECT min(appended) + INTERVAL 10 SECOND FROM emergency_steps WHERE emergency = {emergency:String} AND did = 'open') AS begins,
    (SELECT if(count() = 0, now64(3, 'UTC'), min(appended) + INTERVAL 10 SECOND) FROM emergency_steps
        WHERE emergency = {emergency:String} AND did = 'close') AS ends
SELECT
    e.opened_at AS opened_at, e.severity AS severity, e.title_vi AS title_vi, coalesce(nullIf(t.name_vi, ''), e.place) AS territory_name,
    e.condition AS condition, e.attention AS attention, e.mode AS mode
FROM
(
    SELECT
        alert_id, any(territory) AS place, min(opened_at) AS opened_at, max(severity) AS severity,
        argMax(title_vi, tuple(alert_events.severity, -offset)) AS title_vi, argMax(condition, offset) AS condition,
        argMax(attention, offset) AS attention, any(mode) AS mode
    FROM alert_events
    WHERE territory IN
    (
        SELECT code FROM territories
        WHERE has(listed, 'VN') OR has(listed, code) OR has(listed, province)
            OR code IN (SELECT province FROM territories WHERE has(listed, code))
    )
    GROUP BY alert_id
    HAVING min(recorded_at) >= begins AND min(recorded_at) < ends
) AS e
LEFT JOIN territories AS t ON t.code = e.place
ORDER BY opened_at
LIMIT 1000
