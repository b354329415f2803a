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
    "handed_back": "Trả lại", "tasked": "Giao thành nhiệm vụ", "escalated": "Chuyển cấp xử lý", "reminder": "Nhắc việc",
    "suppressed": "Tạm nén", "released": "Thôi nén", "issued": "Ban hành văn bản", "answered": "Đã trả lời", "decided": "Đã kết luận",
    "sent_back": "Trả lại nội dung trả lời", "withdrawn": "Thu hồi văn bản", "urged": "Đôn đốc",
}  # fmt: skip
LEADS_VI = {
    "escalated": ("[Chuyển cấp xử lý] ", "Chuyển cấp xử lý: từ {since} đến nay cảnh báo chưa được xử lý đúng thời hạn."),
    "for_coordination": ("[Đề nghị phối hợp] ", "Đề nghị phối hợp với {agency} xử lý."),
    "for_review": ("[Đề nghị Văn phòng xem xét] ",
                   "Đề nghị Văn phòng xử lý: quá thời hạn xem xét, cảnh báo được chuyển ra ngoài đơn vị. Chưa được xử lý từ {since}."),
    "not_leaving": ("[Đề nghị Văn phòng đôn đốc] ",
                    "Đề nghị Văn phòng đôn đốc: từ {since} đến nay cảnh báo chưa được xử lý đúng thời hạn; không chuyển ra ngoài đơn vị."),
    "reminder": ("[Nhắc việc] ", "Nhắc việc: từ {since} đến nay chưa có ai tiếp nhận cảnh báo."),
    "due_soon": ("[Nhắc việc] ", "Nhắc việc: còn {note} ngày là đến hạn."),
    "released": ("[Cảnh báo kéo dài] ", "Số liệu thôi dao động quanh giới hạn và vẫn vượt giới hạn."),
    "handed_back": ("[Trả lại] ", "Đơn vị nhận cảnh báo trả lại: {note}"),
}  # fmt: skip
"""What stands before the text of a step that figures did not cause: (before the title, first sentence)."""
STATUSES_VI = {"estimated": "ước thực hiện", "preliminary": "sơ bộ", "official": "chính thức", "revised": "đính chính", "deleted": "đã hủy"}
EXERCISE_VI, EXERCISE_EN = "[DIỄN TẬP] ", "[EXERCISE] "
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
