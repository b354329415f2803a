-- name_vi: Một chỉ số theo phân tổ, từng kỳ (thuế theo sắc thuế, xuất khẩu theo nhóm hàng…)
-- name_en: An indicator over one of its dimensions, period by period
-- parameter: indicator String = vn-1012/A.II.4 | mã chỉ số, danh mục/mã / catalogue/code
-- parameter: component String = | chỉ số thành phần / component
-- parameter: dimension String = tax_type | phân tổ: tax_type, hs2, market…; trống: tổng số / dimension; empty: the total
-- parameter: territory String = | mã địa bàn; trống: cộng các địa bàn / territory; empty: all added up
-- parameter: budget_year Int32 = 0 | năm ngân sách; 0: mọi năm / budget year; 0: all
-- column: period | Kỳ từ ngày
-- column: part | Phân tổ
-- column: value | Giá trị
-- column: measure_unit | Đơn vị
-- column: places | Số địa bàn
-- column: at | Số liệu đến
-- Sums of dimension sets, made by the stream: `catalogue/series.yaml` says over which dimensions a row is added up.
SELECT
    formatDateTime(period_start, '%d/%m/%Y', 'Asia/Ho_Chi_Minh') AS period,
    part,
    sum(value) AS value,
    any(measure_unit) AS measure_unit,
    uniqExact(territory) AS places,
    max(event_time) AS at
FROM
(
    SELECT
        period_start, territory, value, measure_unit, event_time, splitByChar('|', result)[4] AS dimensions,
        if(dimensions = '', '', substring(dimensions, position(dimensions, '=') + 1)) AS part
    FROM latest_derived
    WHERE startsWith(formula, 'SET.') AND indicator = {indicator:String} AND component = {component:String}
        AND ({territory:String} = '' OR territory = {territory:String})
        AND ({budget_year:Int32} = 0 OR budget_year = {budget_year:Int32}) AND isNotNull(value)
)
WHERE if({dimension:String} = '', dimensions = '', startsWith(dimensions, concat({dimension:String}, '=')))
    AND NOT match(dimensions, ';')
GROUP BY period_start, part
ORDER BY period_start DESC, value DESC
LIMIT 1000
