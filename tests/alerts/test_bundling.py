"""One recipient is not sent more than he can take in: what is more goes as one, nothing twice, nothing lost, whatever dies."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from alerts.bundling import BUNDLE, IN_TIME_MS, MOST_LINES, Throttle, bundle
from alerts.channels.contract import Message, Outcome
from alerts.channels.sms import sms_text
from alerts.clocks import QuietHours
from alerts.lane import Lane, Room
from alerts.ledger import is_settled
from alerts.manner import NO_NIGHT, Manner
from alerts.notification import Notification
from alerts.offices import Offices, load_offices
from alerts.offices import Room as RoomOf
from indicators.instant import VIETNAM, to_ms
from tests.alerts.samples import HOUR, NOON, alert_id, message, notification
from tests.alerts.test_lane import BUSY, OK, Crash, Provider, World
from transport.settings import HOME

MINUTE = 60_000
THROTTLE = Throttle(3, 10 * MINUTE, frozenset({"sms"}))


def rows(count: int, **changes: Any) -> list[Notification]:
    """Messages of as many alerts to one recipient, a millisecond apart, as the grouped lane has them."""
    return [
        notification("sms", **{
            "notification_key": alert_id(f"m-{n}"), "alert_id": alert_id(f"a-{n}"), "lane": "grouped", "requested_at": NOON + n,
            "title": f"Tin {n}", "address": "84900000000", **changes,
        }) for n in range(count)
    ]  # fmt: skip


class Phone(Provider):
    """A telephone that keeps what it showed."""

    def __init__(self, answers: list[Outcome] | None = None) -> None:
        super().__init__("safe", answers or [], name="sms", rings=True)
        self.read: list[Message] = []

    def send(self, message: Message) -> Outcome:
        outcome = super().send(message)
        if outcome.accepted and message.key not in {m.key for m in self.read}:
            self.read.append(message)
        return outcome


def lane(world: World, throttle: Throttle = THROTTLE, night: QuietHours = NO_NIGHT) -> Lane:
    channels = {"sms": world.provider}
    made = Lane(
        list(world.rows.values()), channels, Room(channels.values()), world.commit, world.submit, lambda: world.now,
        Manner(night, throttle=throttle),
    )  # fmt: skip
    made.recover()
    return made


def settle(world: World, made: Lane, until: int) -> None:
    """Everything that may leave until an instant."""
    while made.ledger.live and made.next_due() <= until:
        world.now = max(world.now, made.next_due())
        made.begin()
        made.finish()


def test_few_go_by_themselves_many_at_once_as_one() -> None:
    phone = Phone()
    world = World(phone)
    made = lane(world)
    made.accept(rows(3), 3)
    settle(world, made, NOON)
    assert [m.title for m in phone.read] == ["Tin 0", "Tin 1", "Tin 2"]
    phone = Phone()
    world = World(phone)
    made = lane(world)
    made.accept([replace(row, severity=4 if n == 2 else 3) for n, row in enumerate(rows(9))], 9)
    settle(world, made, NOON)
    (one,) = phone.read
    assert (one.title, one.severity) == ("Gộp 9 tin, nặng nhất mức 4: Tin 2", 4)
    assert one.text.splitlines()[1:4] == ["9 tin trong một thời gian ngắn được gộp làm một:", "– Mức 3: Tin 0", "– Mức 3: Tin 1"]
    assert Counter((r.state, r.reason) for r in world.rows.values()) == {("recorded", "bundled"): 9, ("handed_over", "bundle"): 1}
    assert {r.provider_reference for r in world.rows.values() if r.reason == "bundled"} == {one.key}
    assert sms_text(one).startswith("Gop 9 tin, nang nhat muc 4: Tin 2")


def test_what_comes_one_after_another_waits_for_room_and_goes_as_one() -> None:
    phone = Phone()
    world = World(phone)
    made = lane(world)
    for n, row in enumerate(rows(8)):
        world.now = NOON + n * MINUTE
        made.accept([replace(row, requested_at=world.now)], n + 1)
        settle(world, made, world.now)
    assert len(phone.read) == 3
    assert made.next_due() == NOON + 10 * MINUTE
    settle(world, made, NOON + 10 * MINUTE)
    assert [m.title for m in phone.read[3:]] == ["Gộp 5 tin, nặng nhất mức 3: Tin 7"]
    assert not made.ledger.live


def test_the_direct_lane_neither_waits_nor_counts() -> None:
    phone = Phone()
    world = World(phone)
    made = lane(world)
    made.accept(rows(20, lane="direct"), 20)
    settle(world, made, NOON)
    assert len(phone.read) == 20
    made.accept([replace(row, notification_key=alert_id(f"g-{row.notification_key}")) for row in rows(3)], 23)
    settle(world, made, NOON)
    assert len(phone.read) == 23


def test_another_recipient_and_another_channel_are_not_concerned() -> None:
    phone = Phone()
    world = World(phone)
    made = lane(world)
    made.accept(rows(3) + [replace(r, recipient="x@01", notification_key=alert_id(f"x{n}")) for n, r in enumerate(rows(3))], 6)
    settle(world, made, NOON)
    assert len(phone.read) == 6
    mail = Provider("safe")
    world = World(mail)
    free = Lane([], {"email": mail}, Room([mail]), world.commit, world.submit, lambda: world.now, Manner(throttle=THROTTLE))
    free.accept([replace(row, channel="email") for row in rows(9)], 9)
    settle(world, free, NOON)
    assert len(mail.shown) == 9


def test_the_morning_brings_one_message() -> None:
    midnight = to_ms(datetime(2026, 10, 2, 0, tzinfo=VIETNAM))
    phone = Phone()
    world = World(phone, now=midnight)
    made = lane(world, night=QuietHours(time(22), time(6)))
    made.accept(rows(7, requested_at=midnight, not_after=midnight + 72 * HOUR), 7)
    settle(world, made, midnight + 5 * HOUR)
    assert not phone.read
    settle(world, made, midnight + 6 * HOUR)
    assert [m.title[:9] for m in phone.read] == ["Gộp 7 tin"]


def test_late_by_the_throttle_never_lost_by_it() -> None:
    phone = Phone()
    world = World(phone)
    made = lane(world, Throttle(1, 10 * HOUR, frozenset({"sms"})))
    first, second = rows(2)
    made.accept([first], 1)
    settle(world, made, NOON)
    made.accept([replace(second, not_after=NOON + HOUR)], 2)
    settle(world, made, NOON + 2 * HOUR)
    assert [m.title for m in phone.read] == ["Tin 0", "Tin 1"]
    assert world.now == NOON + HOUR - IN_TIME_MS


def test_the_end_is_not_read_before_the_bundle_that_holds_the_beginning() -> None:
    phone = Phone([BUSY] * 3)
    world = World(phone)
    made = lane(world)
    opened = rows(5)
    made.accept(opened, 5)
    made.begin()
    made.finish()
    ended = replace(opened[0], notification_key=alert_id("end"), transition="cleared", title="Hết", requested_at=NOON + 500)
    made.accept([ended], 6)
    settle(world, made, NOON + HOUR)
    assert [m.title for m in phone.read] == ["Gộp 5 tin, nặng nhất mức 3: Tin 4", "Hết"]


def test_a_retry_keeps_its_place_and_its_alert_out_of_bundles() -> None:
    phone = Phone([BUSY])
    world = World(phone)
    made = lane(world)
    made.accept(rows(1), 1)
    made.begin()
    made.finish()
    made.accept([replace(r, alert_id=rows(1)[0].alert_id if n == 1 else r.alert_id) for n, r in enumerate(rows(6))], 6)
    settle(world, made, NOON + HOUR)
    assert [m.title for m in phone.read if not m.title.startswith("Gộp")] == ["Tin 0", "Tin 1"]
    assert sum(is_settled(r) for r in world.rows.values()) == len(world.rows)


def test_a_bundle_names_the_same_rows_the_same_and_cuts_its_list() -> None:
    many = rows(40)
    one, *rest = bundle(many, NOON)
    again, *_ = bundle(reversed(many), NOON + 5)
    assert (one.notification_key, one.text) == (again.notification_key, again.text)
    assert (one.rule, len(rest)) == (BUNDLE, 40)
    assert f"{40 - MOST_LINES} tin trước đó" in one.text
    drill, *_ = bundle(rows(2, mode="exercise"), NOON)
    assert drill.title.startswith("[DIỄN TẬP] Gộp 2 tin")
    assert drill.mode == "exercise"
    assert Manner().message(one).link == ""


@settings(max_examples=120, deadline=None)
@given(
    arrivals=st.lists(st.tuples(st.integers(0, 14), st.integers(1, 5), st.booleans()), min_size=1, max_size=14),
    crashes=st.lists(st.booleans(), max_size=30), answers=st.lists(st.sampled_from([OK, BUSY]), max_size=4),
)  # fmt: skip
def test_exact_under_death_and_on_reading_again(
    arrivals: list[tuple[int, int, bool]], crashes: list[bool], answers: list[Outcome]
) -> None:
    """Every request is in exactly one message that arrived; never more than the limit by themselves within any window."""
    phone = Phone(list(answers))
    world = World(phone, list(crashes))
    wanted, at = [], NOON
    for row, (minutes, severity, direct) in zip(rows(len(arrivals)), arrivals, strict=True):
        at += minutes * MINUTE
        wanted.append(replace(row, severity=severity, requested_at=at, lane="direct" if direct else "grouped"))
    while True:
        try:
            made = lane(world)
            while world.offset < len(wanted):
                row = wanted[world.offset]
                settle(world, made, row.requested_at)
                world.now = max(world.now, row.requested_at)
                made.accept([row], world.offset + 1)
            settle(world, made, world.now + 24 * HOUR)
            break
        except Crash:
            continue
    shown = Counter(key for key, _ in phone.shown)
    assert set(shown.values()) == {1}
    for row in wanted:
        kept = world.rows[row.notification_key]
        carried_by = kept.provider_reference if kept.reason == "bundled" else row.notification_key
        assert shown[carried_by] == 1
    left = sorted(r.changed_at for r in world.rows.values() if r.attempt and r.lane == "grouped")
    for n, begins in enumerate(left):
        assert sum(begins <= other < begins + THROTTLE.window_ms for other in left[n:]) <= THROTTLE.messages
    seen, world.offset = len(phone.shown), 0
    world.crashes.clear()  # the deaths that were drawn belong to the run above
    made = lane(world)
    made.accept(wanted, len(wanted))
    settle(world, made, world.now + HOUR)
    assert len(phone.shown) == seen


def test_the_shipped_file_says_how_much() -> None:
    shipped = load_offices(HOME).throttle()
    assert shipped.messages == 4
    assert shipped.window_ms == 600_000
    assert {"sms", "zns"} <= shipped.channels
    assert "email" not in shipped.channels
    with pytest.raises(ValidationError):
        RoomOf(messages=0, window=timedelta(minutes=1), channels=("sms",))
    assert Offices.model_validate({"operator": "a", "offices": [
        {"id": "a", "title_vi": "Trực", "place": "country", "email": "a@example.vn"}]}).throttle().channels == frozenset()  # fmt: skip
    assert message("sms", rule=BUNDLE).rule == BUNDLE
