"""The states of assigned tasks in the words of the reports."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from indicators.assigned_task import STATES_VI, state_of
from indicators.instant import VIETNAM, to_ms

ASSIGNED = to_ms(datetime(2026, 10, 1, 14, tzinfo=VIETNAM))


@pytest.mark.parametrize(("done", "due", "now", "state"), [
    (None, None, ASSIGNED, "không có hạn"), (None, date(2026, 10, 1), ASSIGNED, "chưa hoàn thành trong hạn"),
    (None, date(2026, 9, 30), ASSIGNED, "chưa hoàn thành quá hạn"), (ASSIGNED, date(2026, 10, 1), ASSIGNED, "hoàn thành đúng hạn"),
    (ASSIGNED, date(2026, 9, 30), ASSIGNED, "hoàn thành quá hạn"),
])  # fmt: skip
def test_states_of_the_reports(done: int | None, due: date | None, now: int, state: str) -> None:
    assert STATES_VI[state_of(done, due, now)] == state
