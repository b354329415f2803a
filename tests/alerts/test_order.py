"""Messages keep their order per alert and recipient; whatever rings keeps the night; what one channel refuses another takes over."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.channels.contract import Repeat
from alerts.clocks import QuietHours
from alerts.ids import notification_key
from alerts.lane import Lane, Room
from alerts.ledger import is_settled
from alerts.manner import Manner
from alerts.notification import Notification
from alerts.queue import NEVER
from alerts.rows import partition_of
from indicators.instant import VIETNAM, to_ms
from tests.alerts.samples import HOUR, NOON, RIVER, after, notification
from tests.alerts.test_lane import BUSY, LOST, NO, OK, Provider, World, counted
from tests.alerts.test_story import BETTER, WORSE, run

NIGHT = QuietHours(time(22), time(6))
MIDNIGHT = to_ms(datetime(2026, 10, 2, 0, tzinfo=VIETNAM))


def steps(count: int, alerts: int = 1, **changes: Any) -> list[Notification]:
    """Messages of some alerts, several steps each, the steps of one alert a millisecond apart."""
    keys = [f"00000000-0000-5000-8000-{n:012}" for n in range(count)]
    # Keys fall while time rises, so that an order by key alone would be wrong.
    return [
        notification(**{"notification_key": key, "alert_id": f"alert-{n % alerts}", "requested_at": NOON + n, **changes})
        for n, key in enumerate(reversed(keys))
    ]


@settings(max_examples=40, deadline=None)
@given(
    repeat=st.sampled_from(["safe", "askable", "blind"]), answers=st.lists(st.sampled_from([OK, BUSY, LOST, NO]), max_size=6),
    crashes=st.lists(st.booleans(), max_size=25), severities=st.lists(st.integers(1, 5), min_size=2, max_size=5), alerts=st.integers(1, 2),
)  # fmt: skip
def test_nobody_reads_the_end_before_the_beginning(
    repeat: Repeat, answers: list[object], crashes: list[bool], severities: list[int], alerts: int
) -> None:
    wanted = [replace(row, severity=s) for row, s in zip(steps(len(severities), alerts), severities, strict=True)]
    world = World(Provider(repeat, [a for a in answers if repeat != "askable" or a is not LOST]), list(crashes))  # type: ignore[misc]
    world.outlive(wanted)
    assert all(is_settled(row) for row in world.rows.values())
    step = {row.notification_key: row.requested_at for row in wanted}
    alert = {row.notification_key: row.alert_id for row in wanted}
    for one in set(alert.values()):
        first_shown = list(dict.fromkeys(key for key, _ in world.provider.shown if alert[key] == one))
        assert first_shown == sorted(first_shown, key=lambda key: step[key])


def test_one_recipient_one_partition_and_rising_instants() -> None:
    effects = run([RIVER, WORSE, BETTER, after(BETTER, transition="cleared", severity=0, severity_before=3)])
    instants = [e.event.recorded_at for e in effects if e.event]
    assert instants == sorted(set(instants))  # all four within one millisecond of the clock
    for recipient in ("duty_civil_defence_province@01", "chair_province@01"):
        assert len({partition_of(n.recipient, 2) for e in effects for n in e.requests if n.recipient == recipient}) == 1
    assert {partition_of(f"office@{n:02}", 2) for n in range(20)} == {0, 1}


def lane(world: World, **providers: Provider) -> Lane:
    return Lane(
        list(world.rows.values()), providers, Room(providers.values()), world.commit, world.submit, lambda: world.now, Manner(NIGHT),
    )  # fmt: skip


def test_the_night_is_kept_but_not_by_the_direct_lane() -> None:
    phone = Provider("safe", name="sms", rings=True)
    world = World(phone, now=MIDNIGHT)
    made = lane(world, sms=phone)
    late = [replace(row, not_after=MIDNIGHT + 72 * HOUR, changed_at=NOON, requested_at=MIDNIGHT) for row in steps(2, 2, channel="sms")]
    made.accept([replace(late[0], lane="grouped"), late[1]], 2)
    made.begin()
    made.finish()
    assert [key for key, _ in phone.shown] == [late[1].notification_key]
    made.begin()
    assert made.next_due() == MIDNIGHT + 6 * HOUR
    world.now = MIDNIGHT + 6 * HOUR
    made.begin()
    made.finish()
    assert len(phone.shown) == 2


def test_a_night_in_which_two_thousand_wait_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may leave before the morning: one look says so, and no further one is taken until it comes, or something else does."""
    looks = list[int]()
    monkeypatch.setattr(Lane, "_look", counted(Lane._look, looks))
    phone, morning = Provider("safe", name="sms", rings=True), MIDNIGHT + 6 * HOUR
    world = World(phone, now=MIDNIGHT)
    made = lane(world, sms=phone)
    first = replace(notification("sms"), lane="grouped", requested_at=MIDNIGHT, changed_at=MIDNIGHT, not_after=morning + HOUR)
    late = [replace(first, notification_key=f"00000000-0000-5000-8000-{n:012}", alert_id=f"a{n}") for n in range(2001)]
    made.accept(late[:2000], 2000)
    while world.now < morning:
        made.begin()
        made.finish()
        if world.now == MIDNIGHT + HOUR:
            made.accept(late[2000:], 2001)
        world.now += 1000
    assert not phone.shown
    assert len(looks) == 2
    assert made.next_due() == morning
    for _ in range(400):
        made.begin()
        made.finish()
        world.now += 3
    assert len(phone.shown) == 2001


def test_a_time_that_is_over_is_written_down_though_nothing_may_leave() -> None:
    phone, over = Provider("safe", name="sms", rings=True), MIDNIGHT + HOUR
    world = World(phone, now=MIDNIGHT)
    made = lane(world, sms=phone)
    made.accept([replace(notification("sms"), lane="grouped", requested_at=MIDNIGHT, changed_at=MIDNIGHT, not_after=over)], 1)
    made.begin()
    assert made.next_due() == over + 1
    world.now = over + 1
    made.begin()
    (row,) = world.rows.values()
    assert (row.state, row.reason) == ("recorded", "too_old")
    made.begin()
    assert made.next_due() == NEVER


def test_a_mail_lies_in_its_box_and_wakes_nobody() -> None:
    mail = Provider("safe")
    world = World(mail, now=MIDNIGHT)
    made = lane(world, email=mail)
    made.accept([replace(steps(1)[0], lane="grouped", requested_at=MIDNIGHT, not_after=MIDNIGHT + HOUR)], 1)
    made.begin()
    made.finish()
    assert len(mail.shown) == 1


def test_what_zns_refuses_goes_by_sms_once() -> None:
    zns, sms = Provider("blind", [NO], name="zns", stand_in="sms"), Provider("safe", name="sms")
    world = World(zns)
    made = lane(world, zns=zns, sms=sms)
    (row,) = steps(1, channel="zns", address="84900000000")
    made.accept([row], 1)
    for _ in range(3):
        made.begin()
        made.finish()
    key = notification_key(row.event_id, row.recipient, "sms")
    assert [shown for shown, _ in sms.shown] == [key]
    assert {r.channel: (r.state, r.reason, r.address) for r in world.rows.values()} == {
        "zns": ("failed", "refused", "84900000000"), "sms": ("handed_over", "stand_in", "84900000000"),
    }  # fmt: skip
    made.accept([replace(row, notification_key=key, channel="sms")], 2)  # the rule had asked for SMS too
    made.begin()
    made.finish()
    assert len(sms.shown) == 1
