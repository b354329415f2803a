-- name_vi: Các phép so sánh của một chỉ số: kỳ trước, cùng kỳ, lũy kế, kế hoạch, tỷ trọng, hạng
-- name_en: Comparisons of an indicator: previous period, same period, to date, plan, share, place
-- parameter: indicator String = vn-1012/A.II.5 | mã chỉ số / indicator
-- parameter: component String = export | chỉ số thành phần / component
-- parameter: territory String = VN | địa bàn / territory
-- column: period_start | Kỳ (từ ngày)
-- column: comparison | Phép so sánh
-- column: value | Giá trị
-- column: unit | Đơn vị
-- column: place | Hạng
-- column: coverage | Đơn vị đã báo cáo
-- column: reason | Vì sao chưa có
-- Which comparisons a row asks for: `comparisons` in catalogue/series.yaml.
SELECT
    d.period_start AS period_start,
    coalesce(nullIf(f.name_vi, ''), d.formula) AS comparison,
    d.value AS value, d.measure_unit AS unit, if(d.kind = 'rank', d.rank, NULL) AS place,
    toString(d.of) || '/' || toString(d.expected) AS coverage, d.reason AS reason
FROM latest_derived AS d
LEFT JOIN formulas AS f ON f.id = d.formula
WHERE d.indicator = {indicator:String} AND d.territory = {territory:String} AND match(d.formula, '^K[0-9]+[.]')
    AND splitByChar('|', d.result)[1] = d.formula
    AND ({component:String} = '' OR startsWith(d.component, {component:String} || '.'))
ORDER BY period_start DESC, d.formula
LIMIT 1000
