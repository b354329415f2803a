"""The two requests an alert may lead to, from draft to outcome. Pure.

*Đề nghị xác nhận số liệu* goes to whoever supplied the figure: is it right? *Yêu cầu báo cáo, giải trình* goes to the agency that answers
for its substance (guide 7146 §3.5.2): why is it so? A machine demands nothing: the system drafts, the Office issues under a named authority
with a document number, and only from then on the deadline runs. The outcome is said by whoever issued it: the figure was true, it was an
error of the data, or the explanation is accepted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import uuid5

from alerts.ids import NAMESPACE
from alerts.messages import Names
from indicators.calendar import WorkingCalendar
from indicators.due import due_after
from indicators.inquiry import NEXT, OUTCOMES_OF, OUTCOMES_VI, About, Kind, Outcome, asked_of, draft_text
from indicators.rules.policy import Span

if TYPE_CHECKING:
    from alerts.alert import Alert  # which remembers its requests

PLACE = "@"
"""Stands in the id of every recipient: `office@place`."""


class InquiryError(ValueError):
    """What cannot be done to a request in its state; the message says what can, Vietnamese first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """One request. Instants are epoch ms; 0: not yet. `authority`: the office in whose name it is issued, never a person. `issued_by`: the
    recipient (`office@place`) that issued it and is told of the answer, empty where none was named. `urged_at`: when an overdue answer was
    urged."""

    id: str
    alert_id: str
    kind: Kind
    to_agency: str
    text_vi: str
    drafted_at: int
    state: str = "drafted"
    authority: str = ""
    document_number: str = ""
    issued_at: int = 0
    due_at: int = 0
    answer: str = ""
    answered_at: int = 0
    outcome: str = ""
    decided_at: int = 0
    issued_by: str = ""
    urged_at: int = 0

    def overdue(self, now: int) -> bool:
        """Issued, not answered, and past its deadline."""
        return self.state == "issued" and now > self.due_at

    @property
    def late(self) -> bool:
        """Was it answered after its deadline?"""
        return self.answered_at > self.due_at > 0


def draft(alert: Alert, kind: Kind, within: Span, names: Names, now: int) -> Inquiry:
    """The draft for an alert as it stands; the same alert in the same need of attention gives the same id. Raises InquiryError where the
    alert does not say who would be asked."""
    c = alert.evidence
    to_agency = asked_of(kind, c.provider, c.agency)
    if not to_agency:
        raise InquiryError("Cảnh báo không nêu cơ quan để hỏi | the alert names no agency to ask: set it in the series or the subject")
    identity = str(uuid5(NAMESPACE, f"inquiry|{alert.alert_id}|{kind}|{alert.memory.attention_since}"))
    about = About(
        alert_id=alert.alert_id, title_vi=alert.title_vi, text_vi=alert.text_vi, opened_at=alert.opened_at,
        exercise=c.mode == "exercise",
    )  # fmt: skip
    text = draft_text(about, kind, within, names.agency_name(to_agency))
    return Inquiry(id=identity, alert_id=alert.alert_id, kind=kind, to_agency=to_agency, text_vi=text, drafted_at=now)


def issue(inquiry: Inquiry, authority: str, document_number: str, within: Span, calendar: WorkingCalendar, now: int) -> Inquiry:
    """Issued by the Office under a named authority with a document number: the deadline runs. Raises InquiryError."""
    _can(inquiry, "issue")
    if not authority.strip() or not document_number.strip():
        raise InquiryError("Thiếu thẩm quyền ký hoặc số văn bản | who issues it, under which document number?")
    return replace(
        inquiry, state="issued", authority=authority.strip(), document_number=document_number.strip(), issued_at=now,
        due_at=due_after(now, within, calendar),
    )  # fmt: skip


def answer(inquiry: Inquiry, text: str, now: int) -> Inquiry:
    """What the agency answers. Raises InquiryError."""
    _can(inquiry, "answer")
    if not text.strip():
        raise InquiryError("Thiếu nội dung trả lời | an answer says something")
    return replace(inquiry, state="answered", answer=text.strip(), answered_at=now)


def send_back(inquiry: Inquiry) -> Inquiry:
    """The answer does not answer: open again, the deadline stays. Raises InquiryError."""
    _can(inquiry, "return")
    return replace(inquiry, state="issued", answer="", answered_at=0)


def decide(inquiry: Inquiry, outcome: Outcome, now: int) -> Inquiry:
    """The outcome. Raises InquiryError where it is none of this kind of request."""
    _can(inquiry, "decide")
    allowed = OUTCOMES_OF[inquiry.kind]
    if outcome not in allowed:
        words = ", ".join(OUTCOMES_VI[o] for o in allowed)
        raise InquiryError(f"Kết quả phải là một trong: {words} | the outcome is one of {', '.join(allowed)}")
    return replace(inquiry, state="decided", outcome=outcome, decided_at=now)


def withdraw(inquiry: Inquiry) -> Inquiry:
    """Not needed any more. Raises InquiryError once it is answered."""
    _can(inquiry, "withdraw")
    return replace(inquiry, state="withdrawn")


def _can(inquiry: Inquiry, act: str) -> None:
    if act not in NEXT[inquiry.state]:
        rest = ", ".join(NEXT[inquiry.state]) or "không còn bước nào / nothing"
        raise InquiryError(f"Văn bản đang ở trạng thái {inquiry.state}, chỉ có thể: {rest} | in this state only these can be done")
