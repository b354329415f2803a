"""Delivery receipts: which are believed, what they do to the ledger in any order, and what the provider is answered."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from alerts import providers, receipt_queue
from alerts.channels.contract import Outcome
from alerts.door import Door
from alerts.ids import notification_key
from alerts.lane import Lane, Room
from alerts.ledger import RECEIPT_MS
from alerts.links import SecretError
from alerts.manner import Manner
from alerts.notification import Notification
from alerts.queue import NEVER
from alerts.receipt_queue import ReceiptQueue
from alerts.receipt_route import PREFIX, ReceiptRoute, ReceiptSecrets
from alerts.receipts import CallbackAddresses, Folded, Receipt
from tests.alerts.samples import NOON, notification
from tests.alerts.test_lane import LOST, OK, Crash, Provider, World
from transport.settings import Settings

SECRET, WEBHOOK, ZALO = SecretStr("a-secret-of-the-site-1"), SecretStr("bí-mật-của-webhook"), SecretStr("bi-mat-cua-oa")
KEY = notification().notification_key
ADDRESSES = CallbackAddresses("https://dieuhanh.example.vn/receipts/sms/", SECRET)


def lane(world: World, *others: Provider) -> Lane:
    channels = {p.name: p for p in (world.provider, *others)}
    made = Lane(
        list(world.rows.values()), channels, Room(channels.values()), world.commit, world.submit, lambda: world.now,
        Manner(reporting=frozenset(channels)),
    )  # fmt: skip
    made.recover()
    return made


def turn(made: Lane) -> None:
    made.begin()
    made.finish()


def states(world: World) -> list[tuple[str, str, str]]:
    return [(r.channel, r.state, r.reason) for r in world.rows.values()]


def test_delivered_and_said_twice() -> None:
    world = World(Provider("safe", name="sms"))
    made = lane(world)
    made.accept([notification("sms")], 1)
    turn(made)
    receipt = Receipt("sms", KEY, "sms-9", True)
    assert [made.receive(receipt), made.receive(receipt)] == ["folded", "known"]
    assert states(world) == [("sms", "receipted", "opened")]
    assert [r.state for r in world.results] == ["handed_over", "receipted"]
    assert lane(world).receive(receipt) == "known"  # after a restart too


def test_what_the_network_could_not_deliver_goes_by_the_stand_in_once() -> None:
    zns, sms = Provider("blind", name="zns", stand_in="sms"), Provider("safe", name="sms")
    world = World(zns)
    made = lane(world, sms)
    made.accept([notification("zns", address="84900000000")], 1)
    turn(made)
    receipt = Receipt("zns", KEY, "", False, "zns_undelivered")
    assert [made.receive(receipt), made.receive(receipt)] == ["folded", "known"]
    turn(made)
    assert states(world) == [("zns", "failed", "undelivered"), ("sms", "handed_over", "stand_in")]
    row = notification("zns")
    assert [key for key, _ in sms.shown] == [notification_key(row.event_id, row.recipient, "sms")]


def test_a_receipt_ends_a_doubt() -> None:
    world = World(Provider("blind", [LOST], name="zns"))
    made = lane(world)
    made.accept([notification("zns", lane="grouped")], 1)
    turn(made)
    assert states(world) == [("zns", "held", "unknown_outcome")]
    assert made.receive(Receipt("zns", KEY, "m-1", True)) == "folded"
    assert states(world) == [("zns", "receipted", "opened")]


def test_a_receipt_before_the_providers_own_answer() -> None:
    answers: list[Outcome | None] = [None, OK]
    world = World(Provider("safe", name="sms"))
    channels = {"sms": world.provider}
    made = Lane([], channels, Room(channels.values()), world.commit, lambda *_: lambda: answers.pop(0), lambda: world.now,
                Manner(reporting=frozenset(channels)))  # fmt: skip
    made.accept([notification("sms")], 1)
    turn(made)
    assert made.receive(Receipt("sms", KEY, "", True)) == "folded"
    assert made.finish() == 0
    assert states(world) == [("sms", "receipted", "opened")]


def test_by_the_providers_own_reference_alone() -> None:
    world = World(Provider("safe", name="sms"))
    made = lane(world)
    made.accept([notification("sms")], 1)
    turn(made)
    assert made.receive(Receipt("sms", "", "someone-else", True)) == "unknown"
    assert lane(world).receive(Receipt("sms", "", "ref", True)) == "folded"


def test_nobody_waits_for_ever() -> None:
    world = World(Provider("safe", name="sms"))
    made = lane(world)
    made.accept([notification("sms")], 1)
    turn(made)
    world.now += RECEIPT_MS
    made.begin()
    assert not made.ledger.awaiting
    assert made.receive(Receipt("sms", KEY, "", True)) == "known"
    assert states(world) == [("sms", "handed_over", "opened")]


def test_nobody_waits_for_ever_where_nothing_else_happens() -> None:
    """Nothing is left that could leave, so no look is due for that; but one is for the receipt that will not come any more."""
    world = World(Provider("safe", name="sms"))
    made = lane(world)
    made.accept([notification("sms")], 1)
    for _ in range(2):
        turn(made)
    assert made.next_due() == world.now + RECEIPT_MS
    world.now += RECEIPT_MS
    turn(made)
    assert made.ledger.awaiting == {}
    assert made.next_due() == NEVER


def test_a_receipt_for_what_was_never_sent_changes_nothing() -> None:
    world = World(Provider("safe", name="sms"))
    made = lane(world)
    made.accept([notification("sms")], 1)
    assert made.receive(Receipt("sms", KEY, "", True)) == "known"
    assert made.receive(Receipt("zns", KEY, "", True)) == "known"
    assert states(world) == [("sms", "intended", "opened")]


@settings(max_examples=100, deadline=None)
@given(
    crashes=st.lists(st.booleans(), max_size=20), said=st.lists(st.booleans(), min_size=1, max_size=4), early=st.booleans(),
)  # fmt: skip
def test_the_first_receipt_counts_however_it_dies(crashes: list[bool], said: list[bool], early: bool) -> None:
    """The provider says it again until it is answered; the ledger ends with its first word, and the message leaves once."""
    world = World(Provider("safe", name="sms"), list(crashes))
    left = list(said)
    while True:
        try:
            made = lane(world)
            if not world.offset:
                made.accept([notification("sms")], 1)
            made.begin()
            if not early:
                made.finish()
            while left:
                made.receive(Receipt("sms", KEY, "", left[0]))
                left.pop(0)
            made.finish()
            break
        except Crash:
            continue
    (row,) = world.rows.values()
    assert row.state == ("receipted" if said[0] else "failed")
    assert len(world.provider.shown) == 1


class Desk:
    """The ledger's side of the door."""

    def __init__(self) -> None:
        self.got: list[Receipt] = []
        self.result: Folded = "folded"

    def fold(self, receipt: Receipt) -> Folded:
        self.got.append(receipt)
        return self.result


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def address(desk: Desk) -> Iterator[str]:
    secrets = ReceiptSecrets(ADDRESSES, "app-1", ZALO, WEBHOOK)
    route = ReceiptRoute(secrets, frozenset({"sms", "zns", "webhook"}), desk.fold)
    with Door({PREFIX: route}, "127.0.0.1", 0) as door:
        yield f"http://127.0.0.1:{door.port}"


def esms(address: str, key: str = KEY, **fields: str) -> httpx.Response:
    path = ADDRESSES.url(KEY).removeprefix("https://dieuhanh.example.vn").replace(KEY, key)
    said = {"SMSID": "sms-9", "SendStatus": "5", "SendSuccess": "1", "SendFailed": "0", "RequestId": key, "TypeId": "2"} | fields
    return httpx.get(address + path, params=said, trust_env=False)


@pytest.mark.loopback
def test_esms_calls_its_own_signed_address(desk: Desk, address: str) -> None:
    assert esms(address).status_code == 200
    assert esms(address, SendStatus="7", SendSuccess="0").json() == {"result": "waiting"}
    assert esms(address, SendSuccess="0", SendFailed="1").status_code == 200
    assert esms(address, SendStatus="4").status_code == 200
    assert esms(address, key=notification().event_id).status_code == 403
    assert [(r.notification_key, r.provider_reference, r.delivered, r.error_class) for r in desk.got] == [
        (KEY, "sms-9", True, ""), (KEY, "sms-9", False, "sms_undelivered"), (KEY, "sms-9", False, "sms_rejected"),
    ]  # fmt: skip


def zalo(address: str, secret: SecretStr = ZALO, **changes: Any) -> httpx.Response:
    event = {
        "event_name": "user_received_message", "app_id": "app-1", "timestamp": "1790830800000", "sender": {"id": "oa"},
        "recipient": {"id": "u"}, "message": {"msg_id": "m-1", "tracking_id": KEY, "delivery_time": "1790830799000"},
    } | changes  # fmt: skip
    body = json.dumps(event).encode()
    mac = hashlib.sha256(b"app-1" + body + event["timestamp"].encode() + secret.get_secret_value().encode()).hexdigest()
    return httpx.post(f"{address}/receipts/zns", content=body, headers={"X-ZEvent-Signature": f"mac={mac}"}, trust_env=False)


@pytest.mark.loopback
def test_zalos_events_are_believed_under_the_accounts_secret_alone(desk: Desk, address: str) -> None:
    assert zalo(address).json() == {"result": "folded"}
    assert zalo(address, event_name="user_send_text").json() == {"result": "waiting"}
    assert zalo(address, SECRET).status_code == 403
    assert desk.got == [Receipt("zns", KEY, "m-1", True)]


def own(address: str, content: Any, secret: SecretStr = WEBHOOK, channel: str = "webhook") -> httpx.Response:
    body = json.dumps(content).encode()
    mac = hmac.new(secret.get_secret_value().encode(), body, hashlib.sha256).hexdigest()
    return httpx.post(f"{address}/receipts/{channel}", content=body, headers={"X-Nhip-Signature": f"sha256={mac}"}, trust_env=False)


@pytest.mark.loopback
def test_a_gateway_in_our_own_form(desk: Desk, address: str) -> None:
    assert own(address, {"key": KEY, "delivered": False, "error": "absent_subscriber"}).status_code == 200
    assert own(address, {"reference": "r-7", "delivered": True}).status_code == 200
    for wrong in ({"key": KEY}, {"delivered": True}, {"key": "không", "delivered": True}, ["x"]):
        assert own(address, wrong).status_code == 403
    assert own(address, {"key": KEY, "delivered": True}, SECRET).status_code == 403
    assert own(address, {"key": KEY, "delivered": True}, channel="fax").status_code == 404
    assert desk.got == [Receipt("webhook", KEY, "", False, "absent_subscriber"), Receipt("webhook", "", "r-7", True)]


@pytest.mark.loopback
@pytest.mark.parametrize(("result", "status"), [("known", 200), ("unknown", 503), ("later", 503)])
def test_only_what_is_written_is_answered_200(desk: Desk, address: str, result: Folded, status: int) -> None:
    desk.result = result
    assert zalo(address).status_code == status


def test_a_callback_is_answered_after_the_commit() -> None:
    world = World(Provider("safe", name="sms"))
    made, queue = lane(world), ReceiptQueue()
    made.accept([notification("sms")], 1)
    turn(made)
    results: list[Folded] = []
    asking = threading.Thread(target=lambda: results.append(queue.fold(Receipt("sms", KEY, "", True))))
    asking.start()
    while asking.is_alive():
        queue.drain(made.receive)
        asking.join(0.01)
    assert results == ["folded"]
    assert [r.state for r in world.results] == ["handed_over", "receipted"]


def test_whose_sender_has_gone_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipt_queue, "WAIT_SECONDS", 0.01)
    queue = ReceiptQueue()
    assert queue.fold(Receipt("sms", KEY, "", True)) == "later"
    queue.drain(lambda receipt: pytest.fail("he was told «later» and will say it again"))


def test_what_reports_follows_from_the_settings(tmp_path: Path) -> None:
    quiet = Settings.load(data_dir=tmp_path)
    assert providers.receipt_route(quiet, lambda _: "folded") is None
    asked = Settings.load(data_dir=tmp_path, sms_callback_url="https://x/receipts/sms", zns_oa_secret=ZALO, receipts_of=["webhook"],
                          link_secret=SECRET)  # fmt: skip
    assert providers.reporting(asked) == {"sms", "zns", "webhook"}
    assert providers.receipt_route(asked, lambda _: "folded") is not None
    unsigned = Settings.load(data_dir=tmp_path, sms_callback_url="https://x/receipts/sms")
    with pytest.raises(SecretError, match="NHIP_LINK_SECRET"):
        providers.receipt_route(unsigned, lambda _: "folded")


def rows_of(world: World) -> list[Notification]:
    return list(world.rows.values())


def test_instants_stay_those_of_the_messages() -> None:
    world = World(Provider("safe", name="sms"))
    made = lane(world)
    made.accept([notification("sms")], 1)
    turn(made)
    world.now += 5_000
    made.receive(Receipt("sms", KEY, "", True))
    assert [(r.requested_at, r.changed_at) for r in rows_of(world)] == [(NOON, NOON + 5_000)]
