"""What one act of a person makes of an alert: its next state, the name of the step, and what is remembered of it. Pure.

Nothing here moves `attention_since`: handing an alert back, or taking it from the shelf, gives nobody more time than an opening did.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from alerts.action import Action
from alerts.alert import Alert, Memory
from alerts.inquiries import Inquiries, kept, under_way
from alerts.inquiry import Inquiry, InquiryError
from alerts.lifecycle import INQUIRY_ACTS, STORY, State, step
from indicators.inquiry import NEXT
from indicators.rule import Rule

REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Acted:
    """The outcome of one act. `transition`: its name in the story, `refused` where it changes nothing; `inquiry`: the request it is
    about."""

    transition: str
    state: State
    memory: Memory
    note: str
    inquiry: Inquiry | None = None


def acted(alert: Alert, act: Action, rule: Rule | None, inquiries: Inquiries) -> Acted:
    """What the act does to the alert as it stands."""
    after = step(alert.state_at(act.acted_at), act.action)
    if after.refusal:
        return _refused(alert, act, after.refusal)
    if act.action not in INQUIRY_ACTS:
        transition = STORY[act.action]
        return Acted(transition, after.state, _after(alert.memory, act, transition, after.state), act.note)
    try:
        inquiry = inquiries.after(alert, act, rule)
    except InquiryError as error:
        return _refused(alert, act, str(error))
    transition = STORY[act.action]
    memory = replace(_after(alert.memory, act, transition, after.state), inquiries=kept(alert, inquiry))
    if transition == "answered" and inquiry.kind == "explanation_request":
        memory = replace(memory, explained=True)
    note = act.note if act.action != "answer" else ""
    return Acted(transition, after.state, memory, inquiries.note(transition, inquiry, note), inquiry)


def refusal(alert: Alert, act: Action) -> str:
    """Why an act would be refused as the alert stands, as far as that can be said without rules and names; empty: it would not."""
    after = step(alert.state_at(act.acted_at), act.action)
    if after.refusal or act.action not in INQUIRY_ACTS:
        return after.refusal
    found = under_way(alert, act.inquiry)
    if act.action == "issue":
        return "văn bản cùng loại đang chờ trả lời hoặc kết luận | one of this kind is under way" if found else ""
    allowed = NEXT[found.state] if found else ()
    wanted = "return" if act.action == "send_back" else act.action
    return "" if wanted in allowed else f"không thực hiện được lúc này | not now; possible: {', '.join(allowed) or '–'}"


def _refused(alert: Alert, act: Action, why: str) -> Acted:
    state = alert.state_at(act.acted_at)
    return Acted(REFUSED, state, _after(alert.memory, act, REFUSED, state), f"{why} – {act.note}".removesuffix(" – "))


def _after(memory: Memory, act: Action, transition: str, state: State) -> Memory:
    """An act leaves its instant; a shelf its end; an explanation that it was given."""
    until = act.until if transition == "shelved" else memory.shelved_until if state.attention == "shelved" else 0
    return replace(memory, happened_at=act.acted_at, shelved_until=until, explained=memory.explained or transition == "explained")
