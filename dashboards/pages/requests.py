"""The two requests an alert may lead to: the draft, the issue under a named authority with a document number, answer, outcome.

Đề nghị xác nhận số liệu goes to whoever supplied the figure, yêu cầu báo cáo, giải trình to the agency that answers for its substance.
Issuing, deciding, sending back and withdrawing take a reader who may issue (`access.MAY_ISSUE`); an answer is written down by whoever may
act on the alert. Whether the alert's state takes the act is decided by the alerts process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dashboards import acting, figures, inquiries
from dashboards.board import Answer, Forbidden, Query, Visit
from dashboards.database import Row
from dashboards.export import Table
from dashboards.inquiries import Request, RequestError
from dashboards.journal import JournalError, RequestActName
from dashboards.words import Words, word, words
from indicators.inquiry import (
    KINDS,
    OUTCOMES_EN,
    OUTCOMES_OF,
    OUTCOMES_VI,
    TITLES_EN,
    TITLES_VI,
    UNDER_WAY,
    About,
    Kind,
    Outcome,
    asked_of,
    draft_text,
    within_of,
)

STATES: Final = words(
    issued=("chờ trả lời", "waiting for its answer"),
    answered=("đã trả lời, chờ kết luận", "answered, to be decided"),
    decided=("đã kết luận", "decided"),
    withdrawn=("đã thu hồi", "withdrawn"),
)
LOOK: Final = "requests.look"
"""What the audit calls a look at an answer; the table `request_looks` is made of it (migration 0022)."""
OVERDUE: Final = Words("quá hạn trả lời", "answer overdue")


class RequestsQuery(Query):
    """The list of requests."""

    show: Literal["open", "all"] = Field("open", description="đang mở hay tất cả / open or all")


class RequestForm(BaseModel):
    """What the form of a request sends."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    action: RequestActName
    inquiry: Kind
    authority: str = Field("", max_length=200)
    document_number: str = Field("", max_length=100)
    outcome: Outcome | Literal[""] = ""
    note: str = Field("", max_length=2000)

    @model_validator(mode="after")
    def _says_enough(self) -> RequestForm:
        if self.action == "issue" and not (self.authority and self.document_number):
            raise ValueError("văn bản ban hành cần thẩm quyền ký và số văn bản / who issues it, under which document number?")
        if self.action in ("answer", "send_back") and not self.note:
            raise ValueError("cần ghi nội dung / say what")
        if self.action == "decide" and self.outcome not in OUTCOMES_OF[self.inquiry]:
            allowed = ", ".join(OUTCOMES_VI[outcome] for outcome in OUTCOMES_OF[self.inquiry])
            raise ValueError(f"kết luận phải là một trong: {allowed} / one of {', '.join(OUTCOMES_OF[self.inquiry])}")
        return self


async def answer(visit: Visit, query: RequestsQuery) -> Answer:
    """The list: answers that wait for this reader's outcome first, then what is overdue, then by deadline."""
    territory = visit.territory(query.territory) if query.territory else ""
    acts, alerts = await asyncio.gather(visit.ask("requests"), visit.ask("alerts", everything=1, severity=0, territory=territory))
    by_alert: dict[str, list[Row]] = {}
    for act in acts:
        by_alert.setdefault(act["alert_id"], []).append(act)
    lines = [line(visit, alert, one) for alert in alerts for one in requests_of(visit, alert, by_alert.get(alert["alert_id"], ()))]
    lines.sort(key=lambda line: (not line["mine"], not line["open"], not line["overdue"], line["due_ms"]))
    shown = {
        "territory": territory,
        "show": query.show,
        "requests": [line for line in lines if line["open"] or query.show == "all"],
        "counts": {"open": sum(line["open"] for line in lines), "all": len(lines)},
    }
    return Answer("requests.html", shown, table(visit, lines))


def requests_of(visit: Visit, alert: Row, acts: Iterable[Row]) -> list[Request]:
    """The requests of an alert in the order of their issue, from its acts in order."""
    return inquiries.requests_of(alert, acts, visit.board.rules.rules.get(alert["rule"]), visit.board.calendar)


async def unread(visit: Visit) -> int:
    """How many answers wait for a look of the reader's office; 0 for a reader of none."""
    return len(await visit.ask("answers", office=visit.account.office)) if visit.account.office else 0


async def look(visit: Visit, requests: Iterable[Request]) -> None:
    """The reader has the alert's page before him: answers to what his office asked are looked at now. What cannot be written down keeps
    its mark (the journal logs why); the page is shown all the same."""
    for one in requests:
        if one.unread_by(visit.account.office):
            with suppress(JournalError):
                await visit.write_down(LOOK, one.alert_id, one.answer_id)


def line(visit: Visit, alert: Row, one: Request) -> dict[str, Any]:
    """One request in words, with what the reader may do to it."""
    language, overdue = visit.language, one.overdue(visit.now)
    return {
        "alert": one.alert_id,
        "about": alert["title_vi"] if language == "vi" or not alert["title_en"] else alert["title_en"],
        "kind": one.kind,
        "title": (TITLES_VI if language == "vi" else TITLES_EN)[one.kind],
        "agency": visit.agency_name(one.to_agency),
        "authority": one.authority,
        "number": one.document_number,
        "by": f"{one.by}, {visit.office_name(one.office)}" if one.office else one.by,
        "issued": figures.instant(one.issued_at, language),
        "due_ms": one.due_at,
        "due": figures.instant(one.due_at, language),
        "state": OVERDUE.of(language) if overdue else word(STATES, one.state, language),
        "overdue": overdue,
        "open": one.state in UNDER_WAY,
        "mine": one.unread_by(visit.account.office),
        "answer": one.answer,
        "answered": figures.instant(one.answered_at, language) if one.answered_at else "",
        "late": one.answered_at > one.due_at,
        "outcome": outcome_text(visit, one.outcome),
        "acts": [act for act in one.possible if may(visit, act)],
        "outcomes": [(outcome, outcome_text(visit, outcome)) for outcome in OUTCOMES_OF[one.kind]],
    }


def outcome_text(visit: Visit, outcome: str) -> str:
    """An outcome in words."""
    names = OUTCOMES_VI if visit.language == "vi" else OUTCOMES_EN
    return next((text for name, text in names.items() if name == outcome), outcome)


def drafts(visit: Visit, alert: Row, requests: Sequence[Request]) -> list[dict[str, Any]]:
    """The drafts that may be issued: one a kind that names an agency and is not under way."""
    within = within_of(visit.board.rules.rules.get(alert["rule"]))
    found = []
    for kind in KINDS:
        agency = asked_of(kind, alert["provider"], alert["agency"])
        if not agency or inquiries.under_way(requests, kind) is not None:
            continue
        about = About(
            alert_id=alert["alert_id"],
            title_vi=alert["title_vi"],
            text_vi=alert["text_vi"],
            opened_at=figures.ms(alert["opened_at"]),
            exercise=alert["mode"] == "exercise",
        )
        known = visit.board.vocabulary.agency(agency)
        title = (TITLES_VI if visit.language == "vi" else TITLES_EN)[kind]
        text = draft_text(about, kind, within, known.name_vi if known else agency)
        found.append({"kind": kind, "title": title, "agency": visit.agency_name(agency), "text": text, "may": may(visit, "issue")})
    return found


def may(visit: Visit, act: str) -> bool:
    """May the reader do this to a request?"""
    return visit.access.may_act if act == "answer" else visit.access.may_issue


async def act(visit: Visit, alert_id: str, form: RequestForm) -> None:
    """Write an act on a request with its line of the audit. Raises Forbidden, Missing, RequestError or JournalError."""
    if not may(visit, form.action):
        raise Forbidden
    alert, acts = await asyncio.gather(acting.find(visit, alert_id), visit.ask("requests"))
    _check(visit, alert, acts, form)
    about = f"{form.inquiry} {form.document_number or form.outcome}".strip()
    await acting.write(
        visit,
        alert_id,
        form.action,
        form.note,
        why=f"{about}; {form.note}".strip("; "),
        inquiry=form.inquiry,
        authority=form.authority,
        document_number=form.document_number,
        outcome=form.outcome,
        issuing_office=visit.account.office if form.action == "issue" else "",
    )


def _check(visit: Visit, alert: Row, acts: Iterable[Row], form: RequestForm) -> None:
    """What can be told now: an act that the request's state refuses is not sent."""
    requests = requests_of(visit, alert, acts)
    found = inquiries.under_way(requests, form.inquiry)
    if form.action == "issue":
        if found is not None:
            raise RequestError("văn bản cùng loại đang chờ trả lời hoặc kết luận / one of this kind is under way")
        if not asked_of(form.inquiry, alert["provider"], alert["agency"]):
            raise RequestError("cảnh báo không nêu cơ quan để hỏi / the alert names no agency to ask")
        return
    if found is None or form.action not in found.possible:
        allowed = ", ".join(found.possible) if found else "issue"
        raise RequestError(f"văn bản chưa ở bước này / not in this state; có thể / possible: {allowed}")


def table(visit: Visit, lines: Iterable[dict[str, Any]]) -> Table:
    """The requests for export."""
    at = visit.lookup
    names = {
        "title": "request",
        "number": "document_number",
        "authority": "authority",
        "agency": "asked",
        "about": "alert",
        "issued": "issued_on",
        "due": "answer_due",
        "state": "condition",
        "answer": "request_answer",
        "outcome": "outcome",
    }
    columns = [(key, at.text(text)) for key, text in names.items()]
    return Table("van-ban-yeu-cau", columns, [[line[key] for key in names] for line in lines])
