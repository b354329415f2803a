"""The ledger as a state machine: crash between any two writes, three kinds of provider, and what people receive."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.channels.contract import Outcome, Repeat
from alerts.ledger import GIVE_UP_MS, Ledger, accepted, attempted, deadline, delay_ms, due_at, is_settled, is_unknown, settled, uncertain
from alerts.notification import Notification
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


@dataclass
class Provider:
    """A provider of one kind. `seen` counts what people receive: a provider that honours keys shows a repetition to nobody."""

    repeat: Repeat
    answers: list[Outcome]
    log: list[tuple[str, bool]] = field(default_factory=list)

    def send(self, row: Notification) -> Outcome:
        answer = self.answers.pop(0) if self.answers else OK
        if answer.accepted or not answer.certain:  # an answer that got lost: the message itself arrived
            known = any(key == row.notification_key for key, _ in self.log)
            if not (self.repeat == "safe" and known):
                self.log.append((row.notification_key, row.repeated))
        return answer

    def knows(self, row: Notification) -> bool:
        return any(key == row.notification_key for key, _ in self.log)


class Crash(Exception):
    """The process dies here."""


@dataclass
class Machine:
    """What the delivery loop does, with memory for a broker: `rows` is what is committed."""

    provider: Provider
    crashes: list[bool]
    requests: list[Notification]
    rows: dict[str, Notification] = field(default_factory=dict)
    now: int = NOON
    kills: int = 0

    def point(self) -> None:
        if self.crashes and self.crashes.pop(0):
            self.kills += 1
            raise Crash

    def commit(self, row: Notification) -> None:
        self.point()
        self.rows[row.notification_key] = row
        self.point()

    def run(self) -> None:
        ledger = Ledger(self.rows.values())
        for row in list(ledger.live.values()):
            if is_unknown(row):
                self._after_crash(ledger, row)
        for request in self.requests:
            if request.notification_key not in ledger:
                self._step(ledger, accepted(request, True, self.now))
        while ledger.live:
            row = min(ledger.live.values(), key=due_at)
            self.now = max(self.now, due_at(row))
            row = attempted(row, self.now)
            self._step(ledger, row)
            self.point()
            outcome = self.provider.send(row)
            self.point()
            self._step(ledger, settled(row, outcome, self.provider.repeat, self.now))

    def _after_crash(self, ledger: Ledger, row: Notification) -> None:
        if self.provider.repeat == "askable" and self.provider.knows(row):
            self._step(ledger, settled(row, OK, "askable", self.now))
        else:
            after = uncertain(row, self.provider.repeat, self.now)
            if after != row:
                self._step(ledger, after)

    def _step(self, ledger: Ledger, row: Notification) -> None:
        self.commit(row)
        ledger.keep(row)


@settings(max_examples=300, deadline=None)
@given(
    repeat=st.sampled_from(["safe", "askable", "blind"]), lane=st.sampled_from(["direct", "grouped"]),
    answers=st.lists(st.sampled_from([OK, BUSY, LOST, NO]), max_size=6), crashes=st.lists(st.booleans(), max_size=25),
    count=st.integers(1, 3),
)  # fmt: skip
def test_crash_between_any_two_writes(repeat: Repeat, lane: str, answers: list[Outcome], crashes: list[bool], count: int) -> None:
    requests = [notification(notification_key=f"00000000-0000-5000-8000-{n:012}", lane=lane) for n in range(count)]
    lost_answers = sum(not a.certain for a in answers)
    provider = Provider(repeat, list(answers))
    if repeat == "askable":
        provider.answers = [a for a in answers if a.certain]  # one that can be asked has no lost answers: asked is known
    machine = Machine(provider, list(crashes), requests)
    while True:
        try:
            machine.run()
            break
        except Crash:
            continue
    machine.run()  # once more, nothing pending: a second reading of the same requests sends nothing
    received = Counter(key for key, _ in provider.log)
    for row in machine.rows.values():
        assert is_settled(row)
        if row.state == "handed_over":
            assert received[row.notification_key] >= 1  # nothing missed
    assert len(machine.rows) == count
    repeats = sum(n - 1 for n in received.values())
    if repeat in ("safe", "askable"):
        assert repeats == 0
    elif lane == "direct":
        assert repeats <= machine.kills + lost_answers
    else:
        assert repeats == 0  # held rather than doubled
    seen: set[str] = set()
    for key, marked in provider.log:
        assert marked or key not in seen  # a second copy is always marked
        seen.add(key)
