-- name_vi: Độ mới của số liệu theo nguồn
-- name_en: Freshness of the data by source
-- parameter: hours Int32 = 48 | trong số giờ gần đây / within the last hours
-- parameter: until Moment = now | đến thời điểm / up to
-- column: source_system | Nguồn
-- column: records | Số bản ghi
-- column: newest_event | Sự kiện mới nhất
-- column: newest_ingested | Tiếp nhận gần nhất
-- Whole minutes: a moment within one stands for its end. What is sent again under its token was counted once.
SELECT source_system, sum(supply_minutes.records) AS records, max(supply_minutes.newest_event) AS newest_event,
    max(supply_minutes.newest_arrival) AS newest_ingested
FROM supply_minutes
WHERE minute > intDiv(toUnixTimestamp64Milli({until:DateTime64(3, 'UTC')}) + 59999, 60000) - {hours:Int32} * 60
    AND minute <= intDiv(toUnixTimestamp64Milli({until:DateTime64(3, 'UTC')}) + 59999, 60000)
GROUP BY source_system
ORDER BY source_system
