"""The table of comparisons: which operator answers K1–K18, and where the documents ask for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from indicators.comparisons import change, denominator, direction, forecast, groups, plan, prices, standing, status, steps, to_date, trend


class Kind(NamedTuple):
    """One kind of comparison: its names, its source, its operators; `worked`: the test of its worked example
    (tests/indicators/comparisons)."""

    name_vi: str
    name_en: str
    source: str
    operators: tuple[Callable[..., Any], ...]
    worked: str


KINDS: dict[str, Kind] = {
    "K1": Kind("so với kỳ liền kề trước", "against the previous period", "QĐ 1012 A.I; HD 7146 4.7.2 (v)", (change.previous_period,),
               "test_change::test_k1_against_the_previous_month"),
    "K2": Kind("so với tháng 12 năm trước", "against December of last year", "QĐ 1012 A.I.1", (change.december,),
               "test_change::test_k2_against_december_of_last_year"),
    "K3": Kind("so với cùng kỳ năm trước, theo lịch hoặc theo Tết", "against the same period, by the calendar or by Tết",
               "QĐ 1012 A.I; HD 7146 3.5.2", (change.same_period, change.same_period_by_tet),
               "test_change::test_k3_by_tet_compares_days_equally_far_from_tet"),
    "K4": Kind("bình quân từ đầu năm so với cùng kỳ", "average of the year to date", "QĐ 1012 A.I.2–5",
               (to_date.average_against_last_year,),
               "test_change::test_k4_is_the_mean_of_indices_over_the_mean_of_last_years"),
    "K5": Kind("lũy kế đến kỳ báo cáo", "cumulative to the reporting period", "QĐ 1012 A.II.1–2",
               (to_date.cumulative, to_date.flow_of_running_totals),
               "test_change::test_k5_adds_up_the_year_and_only_a_whole_one"),
    "K6": Kind("so với dự toán, kế hoạch được giao", "against the estimate or assigned plan", "QĐ 1012 A.II.1–2; HD 7146 4.7.2 (i)",
               (plan.against_plans,),
               "test_plan::test_k6_eleven_months_of_2022_against_both_plans"),
    "K7": Kind("so với lộ trình đến chỉ tiêu", "against the path to the target", "HD 7146 3.5.2 (iii)", (plan.against_path,),
               "test_plan::test_k7_the_guides_example_of_sixty_percent_in_june"),
    "K8": Kind("một điểm so với xu thế, điểm bất thường", "a point against the trend, outliers", "HD 7146 3.5.2 (i)",
               (trend.against_trend,),
               "test_trend_forecast::test_k8_a_point_off_the_trend"),
    "K9": Kind("giữa các nhóm phân tổ", "between groups", "HD 7146 3.5.2 (iv)", (groups.rates_by_group, groups.gap),
               "test_units::test_k9_groups_by_the_sums_of_their_members"),
    "K10": Kind("giữa các đơn vị cùng cấp", "across units at one level", "HD 7146 4.7.1", (standing.against_peers,),
               "test_units::test_k10_a_province_among_provinces"),
    "K11": Kind("xếp hạng, bảng điểm thi đua", "ranking", "HD 7146 4.7.1–2", (standing.ranking,),
               "test_units::test_k11_ties_share_a_place_and_late_units_have_none"),
    "K12": Kind("chuẩn hóa theo dân số, doanh nghiệp, diện tích", "normalised by a denominator", "HD 7146 4.7.2 (ii)",
                (denominator.normalised,),
               "test_units::test_k12_takes_the_newest_count_that_is_not_after_the_period_nor_too_old"),
    "K13": Kind("hiệu quả: chi phí cho một kết quả", "efficiency: cost of a result", "HD 7146 4.7.2 (iii)", (denominator.cost_per_result,),
               "test_units::test_k13_cost_of_one_skilled_worker_and_its_change"),
    "K14": Kind("thời gian từng bước, điểm nghẽn", "time in each step, the bottleneck", "HD 7146 4.7.2 (iv)",
                (steps.step_times, steps.bottleneck),
               "test_units::test_k14_time_in_each_step_and_the_bottleneck"),
    "K15": Kind("xu hướng tăng, giảm, ổn định; cảnh báo sớm", "direction with a dead band", "HD 7146 4.7.2 (v)", (direction.direction,),
               "test_trend_forecast::test_k15_direction_with_a_dead_band"),
    "K16": Kind("cung so với nhu cầu dự báo", "supply against forecast demand; forecast", "HD 7146 bảng 10, 5.3.1 (2)",
                (forecast.balance, forecast.forecast),
               "test_trend_forecast::test_k16_supply_against_forecast_demand"),
    "K17": Kind("giá so sánh và giá hiện hành", "constant and current prices", "QĐ 1012 B.1; Hải Phòng A.XIII.1–5; HD 7146 5.3.1",
                (prices.growth, prices.constant, prices.rebased),
               "test_units::test_k17_constant_and_current_prices"),
    "K18": Kind("màu trạng thái theo tiến độ", "status colour against the schedule", "HD 7146 5.1.3 (2)", (status.status,),
               "test_trend_forecast::test_k18_colours"),
}  # fmt: skip
"""QĐ 1012: Decision 1012/QĐ-TTg, appendix II; HD 7146: guide 7146/VPCP-KSTT."""
