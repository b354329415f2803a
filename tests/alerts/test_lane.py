"""The lane itself, with memory for a broker: it dies between any two writes, over three kinds of provider; what do people receive?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.channels.contract import Channel, Message, Outcome, Repeat
from alerts.lane import SIDE_BY_SIDE, Lane, Room
from alerts.ledger import is_settled
from alerts.notification import Notification
from tests.alerts.samples import HOUR, NOON, notification

OK = Outcome(True, "ref")
BUSY = Outcome.failed("http_503", "busy", retryable=True)
NO = Outcome.failed("smtp_550", "no such box", retryable=False)
LOST = Outcome.failed("ReadTimeout", "no answer", retryable=True, certain=False)


class Crash(BaseException):
    """The process dies here; nothing may catch it."""


@dataclass
class Provider:
    """A provider of one kind. `shown` is what people see: one that honours keys shows a repetition to nobody."""

    repeat: Repeat
    answers: list[Outcome] = field(default_factory=list)
    name: str = "email"
    rings: bool = False
    stand_in: str = ""
    shown: list[tuple[str, bool]] = field(default_factory=list)
    attempts: int = 0

    def send(self, message: Message) -> Outcome:
        self.attempts += 1
        answer = self.answers.pop(0) if self.answers else OK
        if answer.accepted or not answer.certain:  # the answer is lost, the message arrived
            known = any(key == message.key for key, _ in self.shown)
            if not (self.repeat == "safe" and known):
                self.shown.append((message.key, message.repeated))
        return answer

    def ask(self, message: Message) -> Outcome | None:
        return OK if any(key == message.key for key, _ in self.shown) else None

    def close(self) -> None:
        """Nothing."""


@dataclass
class World:
    """Broker, clock and death. `crashes`: one draw at each point where a process can die."""

    provider: Provider
    crashes: list[bool] = field(default_factory=list)
    rows: dict[str, Notification] = field(default_factory=dict)
    results: list[Notification] = field(default_factory=list)
    offset: int = 0
    now: int = NOON
    kills: int = 0

    def point(self) -> None:
        if self.crashes and self.crashes.pop(0):
            self.kills += 1
            raise Crash

    def commit(self, ledger: Sequence[Notification], results: Sequence[Notification], next_offset: int | None) -> None:
        self.point()
        self.rows |= {row.notification_key: row for row in ledger}
        self.results += results
        self.offset = self.offset if next_offset is None else next_offset
        self.point()

    def submit(self, channel: Channel, work: Callable[[], Outcome]) -> Callable[[], Outcome | None]:
        self.point()
        outcome = work()
        self.point()
        return lambda: outcome

    def lane(self) -> Lane:
        channels = {self.provider.name: self.provider}
        lane = Lane(list(self.rows.values()), channels, Room(channels.values()), self.commit, self.submit, lambda: self.now)
        lane.recover()
        return lane

    def run(self, requests: Sequence[Notification]) -> None:
        """One life of the process: until nothing is left, or death."""
        lane = self.lane()
        if self.offset < len(requests):
            lane.accept(requests[self.offset :], len(requests))
        while lane.ledger.live:
            self.now = max(self.now, lane.next_due())
            lane.begin()
            lane.finish()

    def outlive(self, requests: Sequence[Notification]) -> None:
        """Lives until one ends."""
        while True:
            try:
                self.run(requests)
                return
            except Crash:
                continue


def requests_of(count: int, **changes: Any) -> list[Notification]:
    """Messages of as many alerts: nothing has to wait for another's turn."""
    names = [f"00000000-0000-5000-8000-{n:012}" for n in range(count)]
    return [notification(**({"notification_key": name, "alert_id": name} | changes)) for name in names]


@settings(max_examples=300, deadline=None)
@given(
    repeat=st.sampled_from(["safe", "askable", "blind"]), lane=st.sampled_from(["direct", "grouped"]),
    answers=st.lists(st.sampled_from([OK, BUSY, LOST, NO]), max_size=6), crashes=st.lists(st.booleans(), max_size=25),
    count=st.integers(1, 3),
)  # fmt: skip
def test_death_between_any_two_writes(repeat: Repeat, lane: str, answers: list[Outcome], crashes: list[bool], count: int) -> None:
    lost = sum(not a.certain for a in answers)
    if repeat == "askable":
        answers, lost = [a for a in answers if a.certain], 0  # where one can ask, no answer stays lost
    world = World(Provider(repeat, list(answers)), list(crashes))
    wanted = requests_of(count, lane=lane)
    world.outlive(wanted)
    attempts = world.provider.attempts
    world.offset, world.crashes = 0, []
    world.run(wanted)  # the same requests read again from the beginning
    assert world.provider.attempts == attempts
    shown = Counter(key for key, _ in world.provider.shown)
    assert len(world.rows) == count
    for row in world.rows.values():
        assert is_settled(row)
        assert row.state != "handed_over" or shown[row.notification_key] >= 1  # nothing is called sent that was not
    repeats = sum(n - 1 for n in shown.values())
    if repeat == "blind" and lane == "direct":
        assert repeats <= world.kills + lost
    else:
        assert repeats == 0
    seen: set[str] = set()
    for key, marked in world.provider.shown:
        assert marked or key not in seen  # a second copy is always marked
        seen.add(key)


def test_one_under_way_where_a_repetition_would_be_seen() -> None:
    for repeat, most in (("blind", 1), ("safe", SIDE_BY_SIDE), ("askable", SIDE_BY_SIDE)):
        world = World(Provider(repeat))  # type: ignore[arg-type]
        lane = world.lane()
        lane.accept(requests_of(20), 20)
        lane.begin()
        assert sum(row.attempt == 1 for row in world.rows.values()) == most


def test_the_direct_lane_and_the_severe_go_first() -> None:
    world = World(Provider("blind"))
    slow, urgent, worst = requests_of(3)
    lane = world.lane()
    lane.accept([replace(slow, lane="grouped", severity=5), urgent, replace(worst, severity=5)], 3)
    for _ in range(3):
        lane.begin()
        lane.finish()
    assert [key for key, _ in world.provider.shown] == [worst.notification_key, urgent.notification_key, slow.notification_key]


def test_two_thousand_wait_and_are_looked_at_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """A channel that takes one message at a time: they leave in order, each once, without a look at all of them for every one."""
    world, looks = World(Provider("blind")), list[int]()
    monkeypatch.setattr(Lane, "_look", counted(Lane._look, looks))
    requests = [replace(row, lane="grouped", severity=5 - n % 3) for n, row in enumerate(requests_of(2000))]
    lane = world.lane()
    lane.accept(requests, len(requests))
    urgent = replace(notification(event_id="urgent"), lane="direct", severity=1)
    for turn in range(2001):
        if turn == 700:
            lane.accept([urgent], len(requests) + 1)
        lane.begin()
        lane.finish()
        world.now += 3
    rest = [r.notification_key for r in sorted(requests, key=lambda r: (-r.severity, r.requested_at, r.notification_key))]
    assert [key for key, _ in world.provider.shown] == [*rest[:700], urgent.notification_key, *rest[700:]]
    assert lane.ledger.live == {}
    assert len(looks) < 200


def test_what_stands_in_for_a_direct_message_waits_for_no_look() -> None:
    """The channel of a direct message refuses it while a look over two thousand others holds: its stand-in leaves next, before them."""
    zns, email = Provider("safe", [NO], name="zns", stand_in="email"), Provider("blind")
    channels = {"zns": zns, "email": email}
    world = World(email)
    lane = Lane([], channels, Room(channels.values()), world.commit, world.submit, lambda: world.now)
    lane.accept([replace(row, lane="grouped") for row in requests_of(2000)], 2000)
    lane.accept([replace(notification("zns", event_id="urgent"), lane="direct")], 2001)
    for _ in range(2):  # refused in the first turn
        lane.begin()
        lane.finish()
    (stand_in,) = [row for row in world.rows.values() if row.reason == "stand_in"]
    assert [key for key, _ in email.shown][1:] == [stand_in.notification_key]


def counted(look: Callable[[Lane, int], None], looks: list[int]) -> Callable[[Lane, int], None]:
    """The same, and its instants into `looks`."""

    def counting(lane: Lane, now: int) -> None:
        looks.append(now)
        look(lane, now)

    return counting


def one_place_for_two() -> tuple[Provider, Lane, Lane, list[Notification]]:
    """Two lanes of one place: two usual messages in the first, of which one is under way, and a direct one in the second that found it
    taken; with the messages in that order."""
    provider = Provider("blind")
    world, room = World(provider), Room([provider])
    usual, direct = (Lane([], {"email": provider}, room, world.commit, world.submit, lambda: world.now) for _ in range(2))
    first, second, urgent = requests_of(3)
    usual.accept([replace(first, lane="grouped"), replace(second, lane="grouped")], 2)
    usual.begin()
    direct.accept([replace(urgent, lane="direct")], 1)
    assert (usual.urgent, direct.urgent) == (False, True)
    direct.begin()
    return provider, usual, direct, [first, second, urgent]


def test_a_direct_message_gets_the_next_place_whoever_else_waits_for_it() -> None:
    provider, usual, direct, (first, second, urgent) = one_place_for_two()
    usual.finish()
    usual.begin()  # and is not for the one that asks first
    direct.begin()
    direct.finish()
    usual.begin()
    usual.finish()
    assert [key for key, _ in provider.shown] == [row.notification_key for row in (first, urgent, second)]


def test_a_direct_message_that_is_gone_keeps_no_place() -> None:
    provider, usual, direct, (first, second, _) = one_place_for_two()
    direct.abandon()  # its partition went elsewhere
    usual.finish()
    usual.begin()
    assert [key for key, _ in provider.shown] == [first.notification_key, second.notification_key]


def test_what_waits_too_long_is_recorded_not_sent() -> None:
    world = World(Provider("safe", name="webhook"))
    lane = world.lane()
    lane.accept(requests_of(1, channel="webhook"), 1)
    world.now = NOON + 80 * HOUR
    lane.begin()
    assert [(r.state, r.reason) for r in world.rows.values()] == [("recorded", "too_old")]
    assert not world.provider.attempts


@pytest.mark.parametrize(("attempt", "state", "after"), [
    (0, "intended", ("recorded", "channel_off")), (1, "failed", ("failed", "channel_off")), (1, "intended", ("held", "unknown_outcome")),
])  # fmt: skip
def test_a_channel_that_was_switched_off(attempt: int, state: str, after: tuple[str, str]) -> None:
    world = World(Provider("safe", name="webhook"))
    (row,) = requests_of(1, attempt=attempt, state=state, reason="retry" if state == "failed" else "opened")
    world.rows = {row.notification_key: row}
    world.lane()
    assert [(r.state, r.reason) for r in world.rows.values()] == [after]


def test_a_channel_that_raises_fails_one_message_not_the_lane() -> None:
    class Broken(Provider):
        def send(self, message: Message) -> Outcome:
            raise ValueError("a line break in a header: bí mật")

    world = World(Broken("safe"))
    world.run(requests_of(1))
    (row,) = world.rows.values()
    assert (row.state, row.reason, row.error_class) == ("failed", "refused", "ValueError")
    assert "bí mật" not in row.error
    assert [r.state for r in world.results] == ["failed"]


def test_a_lost_partition_gives_its_places_back() -> None:
    provider = Provider("blind")
    world, room = World(provider), Room([provider])
    first = Lane([], {"email": provider}, room, world.commit, world.submit, lambda: world.now)
    first.accept(requests_of(2), 2)
    first.begin()
    assert not room.take("email")
    first.abandon()
    assert room.take("email")
