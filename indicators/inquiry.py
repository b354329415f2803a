"""The words of the two requests an alert may lead to, and the text of their draft. Pure; the requests themselves: alerts/inquiry.py.

*Đề nghị xác nhận số liệu* goes to whoever supplied the figure, *yêu cầu báo cáo, giải trình* to the agency that answers for its substance
(guide 7146 §3.5.2). The system drafts; the Office issues under a named authority with a document number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from indicators.numbers_vi import date_vi, time_vi
from indicators.rule import Rule
from indicators.rules.policy import Explanation, Span

Kind = Literal["data_query", "explanation_request"]
Outcome = Literal["true", "data_error", "accepted"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
UNDER_WAY: Final = ("issued", "answered")
"""States in which a request waits for its answer or its outcome."""
TITLES_VI: dict[Kind, str] = {"data_query": "Đề nghị xác nhận số liệu", "explanation_request": "Yêu cầu báo cáo, giải trình"}
TITLES_EN: dict[Kind, str] = {"data_query": "Data query", "explanation_request": "Request for explanation"}
OUTCOMES_VI: dict[Outcome, str] = {"true": "số liệu đúng", "data_error": "số liệu sai", "accepted": "chấp nhận giải trình"}
OUTCOMES_EN: dict[Outcome, str] = {"true": "figure confirmed", "data_error": "error of the data", "accepted": "explanation accepted"}
OUTCOMES_OF: dict[Kind, tuple[Outcome, ...]] = {"data_query": ("true", "data_error"), "explanation_request": ("accepted", "data_error")}
NEXT = {
    "drafted": ("issue", "withdraw"), "issued": ("answer", "withdraw"), "answered": ("decide", "return"), "decided": (), "withdrawn": (),
}  # fmt: skip
"""State → what can be done. An answer that does not answer is returned: the request is open again, under its old deadline."""


def asked_of(kind: Kind, provider: str, agency: str) -> str:
    """Who is asked: the `provider` for its figure, else the `agency` that answers for the substance (guide 7146 §3.5.2); empty: nobody
    is named."""
    return provider if kind == "data_query" else agency


def within_of(rule: Rule | None) -> Span:
    """How long whoever is asked has from the issue: what the rule says, or the default where it says nothing or is no more."""
    return (rule.explanation if rule and rule.explanation else Explanation()).within


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a draft says of its alert: its title and text as told, when it was opened (epoch ms), whether it is an exercise."""

    alert_id: str
    title_vi: str
    text_vi: str
    opened_at: int
    exercise: bool = False


def draft_text(about: About, kind: Kind, within: Span, agency: str) -> str:
    """The draft for the Office, with the blanks it fills in. `agency`: the name of whoever is asked."""
    days = within.after.days
    span = f"{days} ngày làm việc" if within.clock == "business" else f"{days} ngày"
    asked = (
        "xác nhận số liệu nêu trên là đúng; trường hợp sai, đề nghị đính chính tại nguồn"
        if kind == "data_query" else "báo cáo nguyên nhân, trách nhiệm và biện pháp khắc phục"
    )  # fmt: skip
    mark = "[DIỄN TẬP] " if about.exercise else ""
    return "\n".join([
        f"{mark}DỰ THẢO – {TITLES_VI[kind]}", "Số: ……………", f"Kính gửi: {agency}",
        f"Ngày {date_vi(about.opened_at)}, hệ thống ghi nhận: {about.title_vi}.", about.text_vi,
        f"Đề nghị {agency} {asked}, gửi về Văn phòng trong {span} kể từ ngày ban hành văn bản này.",
        f"Mã cảnh báo: {about.alert_id[:8]}, mở lúc {time_vi(about.opened_at)}.", "Thẩm quyền ký: ……………",
    ])  # fmt: skip
