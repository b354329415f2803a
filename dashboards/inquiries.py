"""The two requests of alerts as they stand after what was done to them. Pure.

What was done is the acts on the wire (`alerts.actions`); whether an act counted is what the alerts process told of it in the story: an act
without its event is still on its way, one that was refused changed nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from dashboards import figures
from indicators.calendar import WorkingCalendar
from indicators.due import due_after
from indicators.inquiry import KINDS, NEXT, UNDER_WAY, Kind, asked_of, within_of
from indicators.rule import Rule

Row = dict[str, Any]
REFUSED: Final = "refused"
STATE_AFTER: Final = {"issue": "issued", "answer": "answered", "decide": "decided", "send_back": "issued", "withdraw": "withdrawn"}


class RequestError(ValueError):
    """What cannot be done to a request as it stands; the message says what can, Vietnamese first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it stands. Instants are epoch ms, 0: not yet. `to_agency`: who is asked; `by`: who issued it, `office`: in which
    office (`office@place`, empty: none was named); `answer_id`: the act that holds the answer, `looked`: has that office seen it?"""

    alert_id: str
    kind: Kind
    to_agency: str
    authority: str
    document_number: str
    by: str
    office: str
    issued_at: int
    due_at: int
    state: str = "issued"
    answer: str = ""
    answered_at: int = 0
    answer_id: str = ""
    looked: bool = False
    outcome: str = ""
    decided_at: int = 0

    def overdue(self, now: int) -> bool:
        """Issued, not answered, and past its deadline."""
        return self.state == "issued" and now > self.due_at

    def unread_by(self, office: str) -> bool:
        """Does its answer wait for a look of this office, which asked?"""
        return self.state == "answered" and office != "" and office == self.office and not self.looked

    @property
    def possible(self) -> tuple[str, ...]:
        """The acts that its state takes."""
        return tuple("send_back" if act == "return" else act for act in NEXT[self.state])


def requests_of(alert: Mapping[str, Any], acts: Iterable[Row], rule: Rule | None, calendar: WorkingCalendar) -> list[Request]:
    """The requests of an alert in the order of their issue, from its acts in order."""
    found: list[Request] = []
    for act in acts:
        if act["alert_id"] != alert["alert_id"] or act["transition"] in ("", REFUSED) or act["inquiry"] not in KINDS:
            continue
        at = figures.ms(act["acted_at"])
        if act["action"] == "issue":
            found.append(_issued(alert, act, rule, calendar, at))
            continue
        last = next((n for n in reversed(range(len(found))) if found[n].kind == act["inquiry"] and found[n].state in UNDER_WAY), None)
        if last is not None and act["action"] in found[last].possible:
            found[last] = _after(found[last], act, at)
    return found


def _issued(alert: Mapping[str, Any], act: Row, rule: Rule | None, calendar: WorkingCalendar, at: int) -> Request:
    kind: Kind = "data_query" if act["inquiry"] == "data_query" else "explanation_request"
    return Request(
        alert_id=alert["alert_id"],
        kind=kind,
        to_agency=asked_of(kind, alert["provider"], alert["agency"]),
        authority=act["authority"],
        document_number=act["document_number"],
        by=act["actor"],
        office=act["issuing_office"],
        issued_at=at,
        due_at=due_after(at, within_of(rule), calendar),
    )


def _after(request: Request, act: Row, at: int) -> Request:
    made = replace(request, state=STATE_AFTER[act["action"]])
    if act["action"] == "answer":
        return replace(made, answer=act["note"], answered_at=at, answer_id=act["action_id"], looked=bool(act["looked"]))
    if act["action"] == "send_back":
        return replace(made, answer="", answered_at=0, answer_id="", looked=False)
    return replace(made, outcome=act["outcome"], decided_at=at) if act["action"] == "decide" else made


def under_way(requests: Iterable[Request], kind: Kind) -> Request | None:
    """The request of a kind that is issued and neither decided nor withdrawn."""
    return next((one for one in requests if one.kind == kind and one.state in UNDER_WAY), None)


def waiting(acts: Iterable[Row], alert_id: str) -> bool:
    """Is an act on a request of this alert still on its way to the alerts process?"""
    return any(act["alert_id"] == alert_id and not act["transition"] for act in acts)
