"""Words of messages: plans, severities, statuses, transitions and durations in Vietnamese; the terms of the source documents."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

PLANS_VI = {
    "plan": "kế hoạch", "plan_pm": "kế hoạch Thủ tướng Chính phủ giao", "plan_local": "kế hoạch địa phương giao",
    "plan_carried_over": "kế hoạch vốn kéo dài", "budget_estimate": "dự toán giao",
}  # fmt: skip
PLANS_EN = {
    "plan": "the plan", "plan_pm": "the Prime Minister's plan", "plan_local": "the local plan",
    "plan_carried_over": "the carried-over plan", "budget_estimate": "the budget estimate",
}  # fmt: skip
SEVERITIES_VI = {0: "hết", 1: "nhắc", 2: "chú ý", 3: "cảnh báo", 4: "khẩn", 5: "thảm họa"}
SEVERITIES_EN = {0: "over", 1: "notice", 2: "attention", 3: "warning", 4: "urgent", 5: "disaster"}
TRANSITIONS_VI = {
    "opened": "Cảnh báo mới", "worse": "Nặng thêm", "better": "Giảm mức", "cleared": "Hết cảnh báo", "corrected": "Đính chính",
    "cancelled": "Đính chính: hủy cảnh báo", "acknowledged": "Đã tiếp nhận", "explained": "Đã giải trình", "shelved": "Gác lại",
    "unshelved": "Thôi gác lại", "closed": "Đã đóng", "commented": "Ghi chú", "refused": "Không thực hiện được",
}  # fmt: skip
STATUSES_VI = {"estimated": "ước thực hiện", "preliminary": "sơ bộ", "official": "chính thức", "revised": "đính chính", "deleted": "đã hủy"}
EXERCISE_VI = "[DIỄN TẬP] "
REPEATED_VI = "[gửi lại] "


def plan_of(comparison: str, plans: dict[str, str]) -> str:
    """The plan named in a condition's `comparison` («path plan_pm», «plan_pm», «limit»); empty where it names none."""
    words = comparison.replace(":", " ").replace(",", " ").replace("/", " ").split()
    return next((plans[word] for word in words if word in plans), "")


def duration_vi(milliseconds: int) -> str:
    """A duration in words: «2 giờ 10 phút», «3 ngày 4 giờ», «dưới 1 phút». The two largest steps, cut not rounded; a negative one is
    none."""
    minutes = max(milliseconds, 0) // 60_000
    days, rest = divmod(minutes, 1440)
    hours, minutes = divmod(rest, 60)
    parts = [f"{n} {word}" for n, word in ((days, "ngày"), (hours, "giờ"), (minutes, "phút")) if n]
    return " ".join(parts[:2]) or "dưới 1 phút"


def number_en(value: Decimal, places: int = 2) -> str:
    """`1,234.50` for English titles; half up."""
    return f"{value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):,}"
