-- name_vi: Độ mới của số liệu theo nguồn
-- name_en: Freshness of the data by source
-- parameter: hours Int32 = 48 | trong số giờ gần đây / within the last hours
-- parameter: until Moment = now | đến thời điểm / up to
-- column: source_system | Nguồn
-- column: records | Số bản ghi
-- column: newest_event | Sự kiện mới nhất
-- column: newest_ingested | Tiếp nhận gần nhất
SELECT source_system, uniqExact(topic, partition, offset) AS records, max(event_time) AS newest_event, max(ingested_at) AS newest_ingested
FROM observations
WHERE event_time > {until:DateTime64(3, 'UTC')} - toIntervalHour({hours:Int32}) AND event_time <= {until:DateTime64(3, 'UTC')}
GROUP BY source_system
ORDER BY source_system
