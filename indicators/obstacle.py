"""Obstacles of projects: what holds a project up, which agency must remove it, and until when (guide 7146 §5.1.3 (2) asks for the colour
of a project; 1012/QĐ-TTg, rows A.VIII.1 and C.4, for its obstacles).

An obstacle is one observation of `nhip/N.4`, a record of an event series of its project by agency and kind: value 1 while it stands, 0 once
it is removed; its period begins with the day since when it stands and ends with the due day of its removal (one millisecond long where
none is set, as of tasks: indicators/assigned_task.py). The record's id is `<project>/<obstacle>`, a revision says what has changed.
"""

from __future__ import annotations

from datetime import date
from typing import Final, Literal

from indicators.assigned_task import State, state_of
from indicators.heartbeat import CATALOGUE
from indicators.instant import local_day

OBSTACLE: Final = f"{CATALOGUE}/N.4"

Kind = Literal["land_clearance", "capital", "procedure", "materials", "contractor", "other"]
KINDS_VI: Final[dict[Kind, str]] = {
    "land_clearance": "giải phóng mặt bằng", "capital": "vốn", "procedure": "thủ tục", "materials": "nguyên vật liệu",
    "contractor": "nhà thầu", "other": "khác",
}  # fmt: skip
"""What an obstacle is about: a list of ours, to be confirmed (catalogue/indicators/nhip.yaml, N.4)."""

STATES_VI: Final[dict[State, str]] = {
    "done_in_time": "đã tháo gỡ đúng hạn", "done_late": "đã tháo gỡ quá hạn", "open_in_time": "chưa tháo gỡ, trong hạn",
    "open_late": "chưa tháo gỡ, quá hạn", "no_due": "chưa tháo gỡ, không có hạn",
}  # fmt: skip


def obstacle_state(removed_at: int | None, due: date | None, now: int) -> State:
    """The state of an obstacle, as of a task; one without a due day that is removed is removed in time. Instants are epoch ms."""
    return "done_in_time" if due is None and removed_at is not None else state_of(removed_at, due, now)


def days_overdue(removed_at: int | None, due: date | None, now: int) -> int:
    """Days of the calendar since the due day's end, until the removal or now (epoch ms); 0 in time and where no due day is set."""
    return max((local_day(now if removed_at is None else removed_at) - due).days, 0) if due else 0
