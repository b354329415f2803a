-- name_vi: Giá trị mới nhất của một chỉ số theo địa bàn
-- name_en: Newest value of an indicator by territory
-- parameter: indicator String = vn-1012/D.1 | mã chỉ số, danh mục/mã / catalogue/code
-- parameter: component String = | chỉ số thành phần; trống: tất cả / component; empty: all
-- parameter: figure String = actual | số liệu: actual, plan, plan_pm, budget_estimate… / figure
-- parameter: territory String = | mã địa bàn; trống: tất cả / territory; empty: all
-- column: territory_name | Địa bàn
-- column: component | Thành phần
-- column: subject_name | Đối tượng
-- column: dimensions | Phân tổ
-- column: at | Thời điểm số liệu
-- column: value | Giá trị
-- column: measure_unit | Đơn vị
-- column: status | Tình trạng
-- Reported figures: the value in force of the newest period. Figures made of events: the newest record, corrections folded in (stage 1).
SELECT
    coalesce(nullIf(t.name_vi, ''), v.territory) AS territory_name,
    v.component AS component,
    coalesce(nullIf(s.name_vi, ''), v.subject_id) AS subject_name,
    v.dimensions AS dimensions,
    v.at AS at,
    v.value AS value,
    if(v.measure_unit = '', p.measure_unit, v.measure_unit) AS measure_unit,
    v.status AS status
FROM
(
    SELECT
        indicator, component, territory, subject_type, subject_id, splitByChar('|', series)[5] AS dimensions,
        argMax(value, period_start) AS value, max(event_time) AS at,
        argMax(measure_unit, period_start) AS measure_unit, argMax(status, period_start) AS status
    FROM latest_values
    WHERE indicator = {indicator:String} AND figure = {figure:String}
        AND ({component:String} = '' OR component = {component:String}) AND ({territory:String} = '' OR territory = {territory:String})
        AND ({figure:String} != 'actual' OR (indicator, component) NOT IN (SELECT indicator, component FROM series_specs WHERE fold = 'event'))
    GROUP BY indicator, component, territory, subject_type, subject_id, series
    UNION ALL
    SELECT
        indicator, component, territory, subject_type, subject_id, splitByChar('|', series)[5] AS dimensions, latest AS value,
        latest_time AS at, '' AS measure_unit, '' AS status
    FROM latest_aggregates
    WHERE indicator = {indicator:String} AND figure = {figure:String} AND {figure:String} = 'actual'
        AND ({component:String} = '' OR component = {component:String}) AND ({territory:String} = '' OR territory = {territory:String})
        AND (indicator, component) IN (SELECT indicator, component FROM series_specs WHERE fold = 'event')
) AS v
LEFT JOIN territories AS t ON t.code = v.territory
LEFT JOIN subjects AS s ON s.type = v.subject_type AND s.id = v.subject_id
LEFT JOIN series_specs AS p ON p.indicator = v.indicator AND p.component = v.component
ORDER BY territory_name, component, subject_name, dimensions
LIMIT 1000
