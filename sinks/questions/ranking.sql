-- name_vi: Xếp hạng giải ngân vốn đầu tư công của các tỉnh, thành phố
-- name_en: Ranking of provinces by disbursement of public investment
-- parameter: formula String = F02.province | công thức / formula
-- parameter: budget_year Int32 = 0 | năm ngân sách; 0: năm mới nhất / budget year; 0: the newest
-- parameter: as_of Moment = now | thời điểm xem, dd/mm/yyyy hh:mm / as it stood then
-- column: place | Hạng
-- column: territory_name | Tỉnh, thành phố
-- column: value | Tỷ lệ (%)
-- column: numerator | Đã giải ngân (VND)
-- column: denominator | Kế hoạch (VND)
-- column: at | Số liệu đến
-- Recomputed from the results in force at the moment (the rule of the view `board_known_results`):
-- places are shared by equal values.
WITH results AS
(
    SELECT territory, budget_year, argMax(value, period_start) AS value, argMax(numerator, period_start) AS numerator,
        argMax(denominator, period_start) AS denominator, argMax(event_time, period_start) AS at
    FROM
    (
        SELECT territory, budget_year, period_start, value, numerator, denominator, event_time, deleted
        FROM derived
        WHERE formula = {formula:String} AND appended <= {as_of:DateTime64(3, 'UTC')}
        ORDER BY territory, result, period_start, version DESC
        LIMIT 1 BY territory, result, period_start
    )
    WHERE NOT deleted
    GROUP BY territory, budget_year
)
SELECT
    rank() OVER (ORDER BY r.value DESC) AS place,
    coalesce(nullIf(t.name_vi, ''), r.territory) AS territory_name,
    r.value AS value, r.numerator AS numerator, r.denominator AS denominator, r.at AS at
FROM results AS r
LEFT JOIN territories AS t ON t.code = r.territory
WHERE r.value IS NOT NULL AND r.budget_year = if({budget_year:Int32} = 0, (SELECT max(budget_year) FROM results), {budget_year:Int32})
ORDER BY place, territory_name
