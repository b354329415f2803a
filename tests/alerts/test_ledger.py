"""The ledger's transitions, one by one; tests/alerts/test_lane.py dies between any two of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alerts.channels.contract import Outcome, Repeat
from alerts.ledger import GIVE_UP_MS, Ledger, accepted, attempted, deadline, delay_ms, due_at, settled
from tests.alerts.samples import HOUR, NOON, notification

OK = Outcome(True, "ref")
BUSY = Outcome.failed("http_503", "busy", retryable=True)
NO = Outcome.failed("smtp_550", "no such box", retryable=False)
LOST = Outcome.failed("ReadTimeout", "no answer", retryable=True, certain=False)


def test_a_request_is_queued_or_recorded_with_its_reason() -> None:
    assert accepted(notification(), True, NOON).state == "intended"
    assert accepted(notification(), False, NOON).reason == "channel_off"
    for mode in ("replay", "backfill"):
        row = accepted(notification(mode=mode), True, NOON)
        assert (row.state, row.reason) == ("recorded", mode)
    late = accepted(notification(), True, NOON + 73 * HOUR)
    assert (late.state, late.reason) == ("recorded", "too_old")
    shelved = accepted(notification(state="recorded", reason="shelved"), True, NOON)
    assert (shelved.state, shelved.reason) == ("recorded", "shelved")


@pytest.mark.parametrize(("outcome", "repeat", "lane", "state", "reason", "repeated"), [
    (OK, "blind", "direct", "handed_over", "opened", False),
    (Outcome(True, "x", receipt=True), "safe", "direct", "receipted", "opened", False),
    (NO, "blind", "direct", "failed", "refused", False),
    (BUSY, "blind", "grouped", "failed", "retry", False),
    (LOST, "safe", "grouped", "failed", "retry", False),
    (LOST, "blind", "direct", "failed", "retry", True),
    (LOST, "blind", "grouped", "held", "unknown_outcome", False),
])  # fmt: skip
def test_outcomes(outcome: Outcome, repeat: Repeat, lane: str, state: str, reason: str, repeated: bool) -> None:
    row = settled(attempted(notification(lane=lane), NOON), outcome, repeat, NOON + 5)
    assert (row.state, row.reason, row.repeated) == (state, reason, repeated)
    assert (row.error_class, row.attempt) == (outcome.error_class, 1)


def test_retries_back_off_and_end() -> None:
    assert [delay_ms(n) for n in (1, 2, 3, 7, 100)] == [1000, 2000, 4000, 60_000, 60_000]
    row = settled(attempted(notification(), NOON), BUSY, "safe", NOON)
    assert due_at(row) == NOON + 1000
    last = settled(attempted(replace(row, attempt=9), NOON), BUSY, "safe", NOON + GIVE_UP_MS)
    assert (last.state, last.reason) == ("failed", "deadline")
    assert deadline(notification(not_after=NOON + HOUR)) == NOON + HOUR


def test_settled_rows_are_kept_by_key_alone() -> None:
    ledger = Ledger([notification()])
    ledger.keep(notification(state="handed_over"))
    assert notification().notification_key in ledger
    assert not ledger.live
