"""The table of comparisons: which operator answers K1–K18, and where the documents ask for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from indicators.comparisons import change, denominator, direction, forecast, groups, plan, prices, standing, status, steps, to_date, trend


class Kind(NamedTuple):
    """One kind of comparison: its names, its source, its operators."""

    name_vi: str
    name_en: str
    source: str
    operators: tuple[Callable[..., Any], ...]


KINDS: dict[str, Kind] = {
    "K1": Kind("so với kỳ liền kề trước", "against the previous period", "QĐ 1012 A.I; HD 7146 4.7.2 (v)", (change.previous_period,)),
    "K2": Kind("so với tháng 12 năm trước", "against December of last year", "QĐ 1012 A.I.1", (change.december,)),
    "K3": Kind("so với cùng kỳ năm trước, theo lịch hoặc theo Tết", "against the same period, by the calendar or by Tết",
               "QĐ 1012 A.I; HD 7146 3.5.2", (change.same_period, change.same_period_by_tet)),
    "K4": Kind("bình quân từ đầu năm so với cùng kỳ", "average of the year to date", "QĐ 1012 A.I.2–5",
               (to_date.average_against_last_year,)),
    "K5": Kind("lũy kế đến kỳ báo cáo", "cumulative to the reporting period", "QĐ 1012 A.II.1–2",
               (to_date.cumulative, to_date.flow_of_running_totals)),
    "K6": Kind("so với dự toán, kế hoạch được giao", "against the estimate or assigned plan", "QĐ 1012 A.II.1–2; HD 7146 4.7.2 (i)",
               (plan.against_plans,)),
    "K7": Kind("so với lộ trình đến chỉ tiêu", "against the path to the target", "HD 7146 3.5.2 (iii)", (plan.against_path,)),
    "K8": Kind("một điểm so với xu thế, điểm bất thường", "a point against the trend, outliers", "HD 7146 3.5.2 (i)",
               (trend.against_trend,)),
    "K9": Kind("giữa các nhóm phân tổ", "between groups", "HD 7146 3.5.2 (iv)", (groups.rates_by_group, groups.gap)),
    "K10": Kind("giữa các đơn vị cùng cấp", "across units at one level", "HD 7146 4.7.1", (standing.against_peers,)),
    "K11": Kind("xếp hạng, bảng điểm thi đua", "ranking", "HD 7146 4.7.1–2", (standing.ranking,)),
    "K12": Kind("chuẩn hóa theo dân số, doanh nghiệp, diện tích", "normalised by a denominator", "HD 7146 4.7.2 (ii)",
                (denominator.normalised,)),
    "K13": Kind("hiệu quả: chi phí cho một kết quả", "efficiency: cost of a result", "HD 7146 4.7.2 (iii)", (denominator.cost_per_result,)),
    "K14": Kind("thời gian từng bước, điểm nghẽn", "time in each step, the bottleneck", "HD 7146 4.7.2 (iv)",
                (steps.step_times, steps.bottleneck)),
    "K15": Kind("xu hướng tăng, giảm, ổn định; cảnh báo sớm", "direction with a dead band", "HD 7146 4.7.2 (v)", (direction.direction,)),
    "K16": Kind("cung so với nhu cầu dự báo", "supply against forecast demand; forecast", "HD 7146 bảng 10, 5.3.1 (2)",
                (forecast.balance, forecast.forecast)),
    "K17": Kind("giá so sánh và giá hiện hành", "constant and current prices", "QĐ 1012 B.1; Hải Phòng A.XIII.1–5; HD 7146 5.3.1",
                (prices.growth, prices.constant, prices.rebased)),
    "K18": Kind("màu trạng thái theo tiến độ", "status colour against the schedule", "HD 7146 5.1.3 (2)", (status.status,)),
}  # fmt: skip
"""QĐ 1012: Decision 1012/QĐ-TTg, appendix II; HD 7146: guide 7146/VPCP-KSTT."""
