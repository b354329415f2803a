"""Words of the pages of rules, in both languages; part of `words.TEXT`."""

from __future__ import annotations

from typing import Final

RULES: Final[dict[str, tuple[str, str]]] = {
    "rules": ("Quy tắc cảnh báo", "Rules of alerts"),
    "rule": ("Quy tắc", "Rule"),
    "rule_why": ("Quy tắc đã đặt cảnh báo này", "The rule behind this alert"),
    "rule_gone": ("Quy tắc này không còn trong danh mục của bản cài đặt.", "The installation's catalogue no longer holds this rule."),
    "rule_more": ("Trường hợp mẫu và chạy lại", "Golden cases and backtest"),
    "rule_status": ("Tình trạng", "Status"),
    "rule_owner": ("Cơ quan chủ trì", "Owner"),
    "rule_legal": ("Căn cứ pháp lý", "Legal basis"),
    "rule_in_words": ("Nội dung", "In words"),
    "rule_unset": ("mức mặc định, chờ xác nhận", "default limits, to be confirmed"),
    "rules_intro": (
        "{n} quy tắc, {at_work} đang áp dụng; {unset} quy tắc dùng mức mặc định, chờ cơ quan chủ trì xác nhận.",
        "{n} rules, {at_work} in force; {unset} use defaults that their owners have to confirm.",
    ),
    "ladder": ("Các mức", "Levels"),
    "raised_at": ("Báo khi", "Raised at"),
    "left_at": ("Rời mức khi", "Left at"),
    "golden_cases": ("Trường hợp mẫu", "Golden cases"),
    "golden_why": (
        "Từng bước số liệu vào và điều quy tắc phải nói; được chạy lại mỗi lần mở trang.",
        "What comes in step by step and what the rule must say; run anew each time the page is opened.",
    ),
    "golden_holds": ("đạt", "holds"),
    "golden_fails": ("không đạt", "fails"),
    "no_cases": ("Chưa đọc được trường hợp mẫu của quy tắc này.", "The golden cases of this rule could not be read."),
    "brought": ("Số liệu vào", "Comes in"),
    "must_say": ("Quy tắc phải nói", "Must say"),
    "when": ("Khi nào", "When"),
    "backtest": ("Chạy lại trên lịch sử", "Backtest"),
    "backtest_said": (
        "Số liệu từ {since} đến hết {until}; chạy lúc {ran}, phiên bản {version} của quy tắc.",
        "History from {since} to {until}; run at {ran}, version {version} of the rule.",
    ),
    "backtest_older": ("Quy tắc đã đổi phiên bản từ lần chạy này.", "The rule has a newer version than this run."),
    "backtest_none": ("Quy tắc chưa được chạy lại trên lịch sử.", "The rule has not been run over history."),
    "backtest_how": (
        "Bộ phận vận hành cũng chạy được bằng lệnh: nhip rules backtest {rule} --from dd/mm/yyyy --to dd/mm/yyyy --keep",
        "Operations may also run: nhip rules backtest {rule} --from dd/mm/yyyy --to dd/mm/yyyy --keep",
    ),
    "backtest_orders": ("Các lượt đặt từ trang này", "Ordered from this page"),
    "backtest_order": ("Chạy lại quy tắc này", "Run this rule over history"),
    "backtest_order_why": (
        "Chạy ở nền, không ảnh hưởng cảnh báo đang mở; kết quả hiện ở đây cho mọi người xem trong phạm vi của mình.",
        "Runs in the background and touches no open alert; what it finds is shown here to every reader within his scope.",
    ),
    "backtest_from": ("Từ ngày", "From"),
    "backtest_to": ("Đến hết ngày", "To the end of"),
    "backtest_why": ("Lý do (ghi vào nhật ký)", "Reason (for the audit)"),
    "backtest_start": ("Chạy lại", "Run"),
    "backtest_stop": ("Dừng", "Stop"),
    "backtest_stopping": ("đã yêu cầu dừng", "asked to stop"),
    "backtest_ordered_by": ("{by} đặt lúc {at}", "ordered by {by} at {at}"),
    "backtest_read": ("đã xét {share}% lịch sử", "{share}% of the history judged"),
    "backtest_silent": (
        "Chưa có tiến trình nào chạy lượt này: bộ phận vận hành kiểm tra tiến trình backtests (nhip status).",
        "No process works on it: operations look at the process backtests (nhip status).",
    ),
    "backtest_written": ("Đã ghi; trang báo khi có tiến triển.", "Written; the page tells when something moves."),
    "backtest_cannot": (
        "Quy tắc này không chạy lại được: nó không xét số liệu riêng, hoặc số liệu của nó chưa có nguồn cung cấp.",
        "This rule cannot be run over history: it judges no figure of its own, or nothing supplies its figure yet.",
    ),
    "backtest_calm": ("Trong khoảng này quy tắc không báo gì trong phạm vi của Ông/Bà.", "The rule says nothing within your scope here."),
    "backtest_mark": ("So sánh", "Comparison"),
    "series": ("Chuỗi", "Series"),
    "where": ("Ở đâu", "Where"),
    "step": ("Bước", "Step"),
}
