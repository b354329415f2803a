"""A ledger of many keys: compact, exact, told from its rows without decoding them; and a storm of 5,000 alerts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts import key_set
from alerts.bundling import Throttle
from alerts.ids import notification_key
from alerts.key_set import KeySet
from alerts.lane import Lane, Room
from alerts.ledger import RECEIPT_MS, RETRY, Ledger, is_settled
from alerts.ledger_rows import LedgerRows, key_of
from alerts.manner import Manner
from alerts.notification import STATES, Notification
from alerts.story import Effects
from tests.alerts.samples import NOON, RIVER, alert_id, notification
from tests.alerts.test_lane import Provider, World
from tests.alerts.test_story import RULES, run, story
from transport.records import AvroEncoder

KEYS = st.integers(0, 300).map(lambda n: (n % 7).to_bytes(8, "big") + (n * 2**55).to_bytes(8, "big"))
"""Few upper halves, so that they are met again with other lower ones."""


@settings(max_examples=60, deadline=None)
@given(st.lists(KEYS, max_size=200), st.lists(KEYS, max_size=50), st.integers(1, 20))
def test_it_holds_what_a_set_holds(added: list[bytes], asked: list[bytes], gathered: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(key_set, "GATHERED", gathered)
        ours, theirs = KeySet(), set[bytes]()
        for key in added:
            ours.add(key)
            theirs.add(key)
            assert key in ours
        assert [key in ours for key in asked] == [key in theirs for key in asked]
        assert len(ours) == len(theirs)


def test_only_whole_keys() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        KeySet([b"short"])


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("reason", ["opened", RETRY, "undelivered", "lý do dài " * 20])
def test_a_settled_row_is_told_without_decoding_it(state: str, reason: str) -> None:
    row = notification(state=state, reason=reason, rule="QUY-TẮC-" * 20, attempt=1)
    value = AvroEncoder("notification", 300).encode(row.record())
    assert LedgerRows(300).settled_over(value) == (row.channel.encode() if is_settled(row) else None)
    assert LedgerRows(301).settled_over(value) is None  # of another schema: it must be decoded
    assert key_of(row.notification_key.encode()) == UUID(row.notification_key).bytes


def test_more_than_the_key_is_needed_for_a_receipt_and_for_what_a_recipient_can_take_in() -> None:
    hour = 3_600_000
    manner = Manner(reporting=frozenset({"sms", "zns"}), throttle=Throttle(3, hour, frozenset({"sms", "email"})))
    assert [manner.whole_ms(channel) for channel in ("sms", "zns", "email", "console")] == [RECEIPT_MS, RECEIPT_MS, hour, 0]
    assert Manner(reporting=frozenset({"sms"}), throttle=Throttle(3, 2 * RECEIPT_MS, frozenset({"sms"}))).whole_ms("sms") == 2 * RECEIPT_MS


def test_a_row_known_by_its_key_alone_is_not_sent_again() -> None:
    ledger = Ledger([notification("sms", attempt=1)], reporting=("sms",))
    ledger.settle(UUID(notification().notification_key).bytes)
    assert (notification().notification_key in ledger, ledger.live, ledger.awaiting, ledger.size) == (True, {}, {}, 1)


def test_a_storm_of_5000_alerts_is_a_few_messages_and_the_ledger_is_exact() -> None:
    """One rule, one province, one minute: each office reads its limit and one summary; every alert has its event; reading it all again
    asks for nothing new."""
    rows = [
        replace(RIVER, alert_id=alert_id(f"storm-{n}"), series=f"{RIVER.series}-{n}", through=n, source_offset=n) for n in range(5000)
    ]  # fmt: skip
    tale = story()
    effects = run(rows, tale)
    assert sum(e.event is not None for e in effects) == 5000
    requests = [r for e in effects for r in e.requests if r.channel == "email"]
    mail = Provider("safe")
    world = World(mail)
    lane = Lane([], {"email": mail}, Room([mail]), world.commit, world.submit, lambda: world.now)
    lane.accept(requests, len(requests))
    while lane.ledger.live:
        lane.begin()
        lane.finish()
    limit = RULES.rules[RIVER.rule].storm.limit
    offices = {r.recipient for r in requests}
    sent = Counter(r.recipient for r in world.rows.values() if r.state == "handed_over")
    assert sent == dict.fromkeys(offices, limit + 1)
    assert len(mail.shown) == len(offices) * (limit + 1)
    assert len(world.rows) == len({r.notification_key for r in requests}) == 5000 * len(offices) + len(offices)
    assert Counter(r.reason for r in world.rows.values() if r.state == "recorded") == {"storm": (5000 - limit) * len(offices)}
    told = requests_of(run(rows, tale))
    assert told == []
    world.offset = 0
    again = Lane(list(world.rows.values()), {"email": mail}, Room([mail]), world.commit, world.submit, lambda: world.now)
    again.accept(requests, len(requests))
    assert not again.ledger.live
    assert len(mail.shown) == len(offices) * (limit + 1)
    summary = {r.notification_key for r in requests if r.reason == "storm_summary"}
    assert len(summary) == len(offices)
    assert world.now == NOON
    assert notification_key("e", "r", "c") not in again.ledger


def requests_of(effects: list[Effects]) -> list[Notification]:
    return [r for e in effects for r in e.requests]
