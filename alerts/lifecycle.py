"""The life of an alert: condition × attention, one table, no other place decides.

Condition says what the figures do (inactive, pending, active, recovering); attention says what people do (after ISA-18.2: unacknowledged,
acknowledged, returned = over before anybody acknowledged, shelved = put aside by a person, suppressed = put aside by a rule).
Three kinds of input, each with its own clock: changes of the figures (event time), acts of people (the instant they acted), and what the
platform does by itself (the instant a timer was due). Principles that make the cells: whatever gets worse needs attention again; only the
figures end a condition, a person closes the case after it; handing an alert back makes nobody's clock start anew.
"""

from __future__ import annotations

from typing import NamedTuple

CONDITIONS = ("inactive", "pending", "active", "recovering")
ATTENTIONS = ("unacknowledged", "acknowledged", "returned", "shelved", "suppressed")
CHANGES = ("opened", "worse", "better", "cleared", "corrected", "cancelled")
"""What figures do to an alert. `cancelled`: a correction took away the reason it was opened for; cancelled is not cleared."""
INQUIRY_ACTS = ("issue", "answer", "decide", "send_back", "withdraw")
"""Acts on one of the two requests of an alert (alerts/inquiry.py). An answer is an act of somebody who has taken the alert."""
ACTS = ("acknowledge", "explain", "return", "shelve", "unshelve", "close", "task", "comment", *INQUIRY_ACTS)
STORY = {"acknowledge": "acknowledged", "explain": "explained", "return": "handed_back", "shelve": "shelved", "unshelve": "unshelved",
         "close": "closed", "task": "tasked", "comment": "commented", "issue": "issued", "answer": "answered", "decide": "decided",
         "send_back": "sent_back", "withdraw": "withdrawn"}  # fmt: skip
"""Act → its name in the story (`transition` of the event). `handed_back`, since `returned` is an attention."""
OWN = ("escalate", "remind", "urge", "suppress", "release")
"""What the platform does: by a timer (escalate, remind, urge an overdue answer), or because the figures flap or stop flapping (suppress,
release)."""
OWN_STORY = {"escalate": "escalated", "remind": "reminder", "urge": "urged", "suppress": "suppressed", "release": "released"}


class State(NamedTuple):
    """Where an alert stands."""

    condition: str
    attention: str


NEW = State("inactive", "acknowledged")
"""An alert that has no story yet: nothing is wrong and nobody has anything to acknowledge."""


class Step(NamedTuple):
    """What becomes of a state. `refusal`: why nothing changed (recorded in the story all the same); empty: allowed."""

    state: State
    refusal: str = ""


NOT_OVER = "còn vượt ngưỡng: chỉ đóng được khi đã hết"
NOTHING_TO_SHELVE = "không còn vượt ngưỡng: không có gì để gác lại"
NOT_SHELVED = "chưa gác lại"
NOT_ACTIVE = "cảnh báo không ở trạng thái đang mở"
NOT_TAKEN = "chưa có ai tiếp nhận: không có gì để trả lại"
NOT_SUPPRESSED = "không bị nén"

_AGAIN = {"unacknowledged": "unacknowledged", "acknowledged": "unacknowledged", "returned": "unacknowledged", "shelved": "unacknowledged",
          "suppressed": "suppressed"}  # fmt: skip
"""Opened or worse: needs attention again, even where a person had shelved a milder state; a rule's suppression holds."""
_SAME = {name: name for name in ATTENTIONS}
_OVER = {**_SAME, "unacknowledged": "returned"}
_SEEN = {**_SAME, "unacknowledged": "acknowledged", "returned": "acknowledged"}
_ASIDE = {**_SAME, "unacknowledged": "shelved", "acknowledged": "shelved", "returned": "shelved"}
_BACK = {**_SAME, "shelved": "unacknowledged"}
_HANDED_BACK = {**_SAME, "acknowledged": "unacknowledged"}
_PRESSED = {**_SAME, "unacknowledged": "suppressed", "acknowledged": "suppressed", "returned": "suppressed"}
_RELEASED = {**_SAME, "suppressed": "unacknowledged"}
_RELEASED_OVER = {**_SAME, "suppressed": "returned"}

_IDLE = ("inactive", "pending")
_BURNING = ("active", "recovering")


def _rows() -> dict[tuple[str, str], tuple[str | None, dict[str, str], str]]:
    """(condition, input) → (next condition or None for the same, attention → next attention, refusal)."""
    rows: dict[tuple[str, str], tuple[str | None, dict[str, str], str]] = {}
    for condition in _IDLE:
        rows[condition, "opened"] = ("active", _AGAIN, "")
        rows[condition, "cleared"] = ("inactive", _SAME, "")
        rows[condition, "corrected"] = (None, _SAME, "")
        rows[condition, "cancelled"] = ("inactive", _SAME, "")
        rows[condition, "worse"] = rows[condition, "better"] = (None, _SAME, NOT_ACTIVE)
        rows[condition, "shelve"] = (None, _SAME, NOTHING_TO_SHELVE)
        rows[condition, "close"] = ("inactive", _SEEN, "")
        rows[condition, "return"] = rows[condition, "escalate"] = rows[condition, "suppress"] = (None, _SAME, NOT_ACTIVE)
        rows[condition, "release"] = (None, _RELEASED_OVER, "")
    for condition in _BURNING:
        rows[condition, "opened"] = rows[condition, "worse"] = ("active", _AGAIN, "")
        rows[condition, "better"] = ("active", _SAME, "")
        rows[condition, "corrected"] = (None, _SAME, "")
        rows[condition, "cleared"] = rows[condition, "cancelled"] = ("inactive", _OVER, "")
        rows[condition, "shelve"] = (None, _ASIDE, "")
        rows[condition, "close"] = (None, _SAME, NOT_OVER)
        rows[condition, "return"] = (None, _HANDED_BACK, "")
        rows[condition, "escalate"] = (None, _SAME, "")
        rows[condition, "suppress"] = (None, _PRESSED, "")
        rows[condition, "release"] = (None, _RELEASED, "")
    for condition in CONDITIONS:
        rows[condition, "acknowledge"] = rows[condition, "explain"] = rows[condition, "answer"] = (None, _SEEN, "")
        rows[condition, "unshelve"] = (None, _BACK, "")
        rows[condition, "task"] = (None, _SEEN, "")
        for what in ("comment", "remind", "urge", "issue", "decide", "send_back", "withdraw"):
            rows[condition, what] = (None, _SAME, "")
    return rows


_NEEDS = {"unshelve": ("shelved", NOT_SHELVED), "return": ("acknowledged", NOT_TAKEN), "release": ("suppressed", NOT_SUPPRESSED)}
"""Inputs that mean something in one attention only, and why they are refused elsewhere."""


_ROWS = _rows()


def step(state: State, what: str) -> Step:
    """The next state after a change of the figures, an act of a person or a step of the platform. Total: every cell exists. Raises
    KeyError for an unknown `what`."""
    condition, attentions, refusal = _ROWS[state.condition, what]
    needed, else_refused = _NEEDS.get(what, (state.attention, ""))
    if refusal or state.attention != needed:
        return Step(state, refusal or else_refused)
    after = condition or state.condition
    attention = attentions[state.attention]
    if what == "unshelve" and after in _IDLE:
        attention = "returned"
    return Step(State(after, attention))


def change(state: State, said: str, severity: int, severity_now: int) -> str:
    """Which change a condition row means for an alert that stands here; empty: none to tell.

    The row says what the rule saw; rows may be missing (compaction keeps the last one of an alert), so the severities decide: an alert
    first met as `worse` is opened, one met as `opened` a second time is worse, better or the same as before.
    """
    burning = state.condition in _BURNING
    if said == "cleared":
        return "cleared"
    if not severity:
        return "cancelled" if burning else "corrected"
    if not burning:
        return "opened"
    if said == "corrected":
        return "corrected" if severity <= severity_now else "worse"
    if severity == severity_now:
        return ""
    return "worse" if severity > severity_now else "better"
