"""Words of the requests that alerts lead to, in both languages; part of `words.TEXT`."""

from __future__ import annotations

from typing import Final

REQUESTS: Final[dict[str, tuple[str, str]]] = {
    "requests": ("Văn bản yêu cầu", "Requests"),
    "request": ("Văn bản", "Request"),
    "requests_open": ("Đang mở", "Open"),
    "requests_all": ("Tất cả", "All"),
    "requests_of_alert": ("Đề nghị xác nhận, yêu cầu giải trình", "Data queries and requests for explanation"),
    "no_requests": ("Chưa có văn bản nào đang chờ trả lời.", "No request is waiting."),
    "no_requests_why": (
        "Văn bản được dự thảo và ban hành trên trang của từng cảnh báo.",
        "Requests are drafted and issued on the page of an alert.",
    ),
    "draft": ("Dự thảo", "Draft"),
    "draft_to": ("gửi {agency}", "to {agency}"),
    "authority": ("Thẩm quyền ký", "Authority"),
    "authority_hint": ("chức danh người có thẩm quyền, không ghi tên người soạn", "the office in whose name it is issued"),
    "asked": ("Cơ quan được hỏi", "Who is asked"),
    "issued_on": ("Ban hành", "Issued"),
    "issued_by": ("{by} ghi nhận", "recorded by {by}"),
    "answer_due": ("Hạn trả lời", "Answer due"),
    "request_answer": ("Nội dung trả lời", "Answer"),
    "answered_late": ("trả lời quá hạn", "answered late"),
    "answer_to_you": ("trả lời chưa xem", "answer not looked at"),
    "answers_unread": ("{n} trả lời chưa xem", "{n} answers not looked at"),
    "answers_of_office": ("về văn bản đơn vị Ông/Bà đã ban hành.", "to what your office issued."),
    "answer_goes_to": (
        "Trả lời và việc quá hạn được báo về {office}, hiện trên bảng cho tài khoản của đơn vị này.",
        "The answer, or that it is overdue, is told to {office}, and marked here for its accounts.",
    ),
    "answer_goes_to_operator": (
        "Tài khoản của Ông/Bà chưa gắn với đơn vị nào: trả lời được báo về trực vận hành. Quản trị viên gắn đơn vị cho tài khoản.",
        "Your account sits in no office: the answer is told to the operations desk. The administrator can give the account its office.",
    ),
    "outcome": ("Kết luận", "Outcome"),
    "issue": ("Ban hành", "Issue"),
    "answer": ("Ghi nội dung trả lời", "Record the answer"),
    "decide": ("Kết luận", "Decide"),
    "send_back": ("Trả lại nội dung trả lời", "Send the answer back"),
    "withdraw": ("Thu hồi", "Withdraw"),
    "request_waiting": ("Một bước vừa ghi đang chờ tiến trình cảnh báo.", "A step just written waits for the alerts process."),
    "only_office": (
        "Ban hành, kết luận và thu hồi dành cho tài khoản lãnh đạo; Ông/Bà xem được dự thảo.",
        "Only accounts of leaders issue, decide and withdraw; you can read the draft.",
    ),
}
