-- name_vi: Cảnh báo đang mở
-- name_en: Open alerts
-- parameter: severity Int32 = 1 | từ mức này trở lên (1–5) / this severity or higher
-- parameter: territory String = | mã địa bàn; trống: tất cả / territory; empty: all
-- column: severity | Mức
-- column: title_vi | Nội dung
-- column: territory_name | Địa bàn
-- column: value | Giá trị
-- column: limit | Ngưỡng
-- column: attention | Xử lý
-- column: opened_at | Mở lúc
-- column: agency_name | Cơ quan chịu trách nhiệm
SELECT
    a.severity AS severity, a.title_vi AS title_vi, coalesce(nullIf(t.name_vi, ''), a.territory) AS territory_name, a.value AS value,
    a.limit AS limit, a.attention AS attention, a.opened_at AS opened_at, coalesce(nullIf(g.name_vi, ''), a.agency) AS agency_name
FROM open_alerts AS a
LEFT JOIN territories AS t ON t.code = a.territory
LEFT JOIN agencies AS g ON g.code = a.agency
WHERE a.severity >= {severity:Int32} AND ({territory:String} = '' OR a.territory = {territory:String})
ORDER BY severity DESC, opened_at
LIMIT 1000
