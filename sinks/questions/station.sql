-- name_vi: Số đo 24 giờ qua của một trạm
-- name_en: The last 24 hours of a station
-- parameter: station String = TV-HANOI | mã trạm / station
-- parameter: component String = river_level | đại lượng: river_level, rain, temperature, water_flow / quantity
-- parameter: until Moment = now | đến thời điểm, dd/mm/yyyy hh:mm / up to
-- column: event_time | Thời điểm
-- column: value | Giá trị
-- column: measure_unit | Đơn vị
-- column: status | Tình trạng
-- column: source_record_id | Bản ghi
-- Raw records in the revision in force; withdrawn ones are left out.
SELECT event_time, best.1 AS value, best.2 AS measure_unit, best.3 AS status, source_record_id
FROM
(
    SELECT
        source_system, source_record_id, max(event_time) AS event_time,
        argMax(tuple(value, measure_unit, status), tuple(revision, -offset)) AS best
    FROM observations
    WHERE indicator = 'vn-1012/D.1' AND subject_type = 'station' AND subject_id = {station:String} AND component = {component:String}
        AND observations.event_time > {until:DateTime64(3, 'UTC')} - INTERVAL 24 HOUR AND observations.event_time <= {until:DateTime64(3, 'UTC')}
    GROUP BY source_system, source_record_id
)
WHERE best.3 != 'deleted'
ORDER BY event_time
