"""Comparisons K1–K18 as pure operators over any series: each a question a leader asks of a figure, each an answer or a reason for none.

| kind | module | question |
|---|---|---|
| K1, K2, K3 | `change` | against the previous period, December, the same period (by the calendar or by Tết) |
| K4, K5 | `to_date` | average and total of the year to date |
| K6, K7 | `plan` | against the plan or estimate, against the path to a target |
| K8 | `trend` | does a point leave the trend of the year |
| K9 | `groups` | between groups: urban and rural, fast and slow provinces |
| K10, K11 | `standing` | across units at one level; places, ties, late units |
| K12, K13 | `denominator` | per person, per area, per enterprise; cost of a result |
| K14 | `steps` | time in each step, and the bottleneck |
| K15 | `direction` | up, down or stable, with an early warning |
| K16 | `forecast` | supply against forecast demand; where the year will end, with an interval |
| K17 | `prices` | constant and current prices |
| K18 | `status` | green, yellow, red against the schedule |

Numbers are exact (decimals in, fractions inside) and rounded once, to six decimals, half up. Figures are `Period → Decimal`, the newest
revision of each period.
"""
