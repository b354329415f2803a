"""What an Alertmanager is told, by the bridge's rules; and over the wire, to a server that answers as its API v2 does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from alerts.alert import Alert
from alerts.alertmanager import ENDED_FOR_MS, STANDS_FOR_MS, Bridge
from alerts.alertmanager_loop import Alertmanager, Unreachable
from alerts.rows import instant
from alerts.story import Story
from tests.alerts.samples import ICU, NOON, RIVER, after
from tests.alerts.test_channels import free_port
from tests.alerts.test_story import BETTER, CLEARED, WORSE, run, story

MINUTE = 60_000


def kind(code: str) -> str:
    return {"OOG": "office_of_government", "PPC-01": "peoples_committee", "MAE": "ministry"}.get(code, "")


@pytest.fixture
def tale() -> Story:
    made = story()
    run([RIVER], made)
    return made


def turn(bridge: Bridge, alerts: list[Alert], now: int) -> list[dict[str, Any]]:
    batch = bridge.due(alerts, now)
    if batch:
        bridge.posted(now)
    return batch


def short(batch: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(b["labels"]["severity"], b["labels"]["level"], b["endsAt"]) for b in batch]


def river(tale: Story) -> list[Alert]:
    return list(tale.alerts.values())


def test_what_stands_is_told_each_minute_with_a_far_end(tale: Story) -> None:
    bridge = Bridge(kind)
    (body,) = turn(bridge, river(tale), NOON)
    assert body["labels"] == {
        "platform": "nhip", "alertname": RIVER.rule, "alert_id": RIVER.alert_id, "severity": "3", "province": "01",
        "indicator": "vn-1012/D.1", "source": "HYDROMET", "mode": "live", "level": "province",
    }  # fmt: skip
    assert all(f"{name}{value}".isascii() for name, value in body["labels"].items())
    assert body["annotations"]["title_vi"] == "Trạm Hà Nội (sông Hồng): mực nước 10,62 m, trên báo động II 0,12 m"
    assert (body["startsAt"], body["endsAt"]) == (instant(NOON + 500), instant(NOON + STANDS_FOR_MS))
    assert turn(bridge, river(tale), NOON + MINUTE - 1) == []
    assert len(turn(bridge, river(tale), NOON + MINUTE)) == 1


def test_a_change_of_severity_is_one_batch(tale: Story) -> None:
    bridge = Bridge(kind)
    turn(bridge, river(tale), NOON)
    run([WORSE], tale)
    ends = instant(NOON + 5)
    assert sorted(short(turn(bridge, river(tale), NOON + 5))) == [
        ("3", "province", ends), ("4", "province", instant(NOON + 5 + STANDS_FOR_MS)),
    ]  # fmt: skip
    run([BETTER], tale)  # the first one stands again before its end is forgotten
    assert ("3", "province", instant(NOON + 9 + STANDS_FOR_MS)) in short(turn(bridge, river(tale), NOON + 9))


def test_an_end_is_told_at_once_and_for_a_quarter_of_an_hour(tale: Story) -> None:
    bridge = Bridge(kind)
    turn(bridge, river(tale), NOON)
    run([WORSE, BETTER, CLEARED], tale)
    told = [turn(bridge, river(tale), NOON + n * MINUTE) for n in range(1, 20)]
    assert [len(batch) for batch in told] == [1] * 16 + [0] * 3
    assert {b["endsAt"] for batch in told for b in batch} == {instant(NOON + MINUTE)}


def test_an_end_that_could_not_be_told_is_not_forgotten(tale: Story) -> None:
    bridge = Bridge(kind)
    turn(bridge, river(tale), NOON)
    run([WORSE, BETTER, CLEARED], tale)
    assert bridge.due(river(tale), NOON + MINUTE)  # nobody took it
    assert len(turn(bridge, river(tale), NOON + 10 * ENDED_FOR_MS)) == 1


def test_what_was_over_before_it_began_is_never_told(tale: Story) -> None:
    run([WORSE, BETTER, CLEARED], tale)
    assert turn(Bridge(kind), river(tale), NOON) == []
    replayed = story()
    run([replace(ICU, mode="replay")], replayed)
    assert turn(Bridge(kind), river(replayed), NOON) == []


def test_what_ended_while_the_bridge_was_away_does_not_stand_there_for_a_week(tale: Story) -> None:
    (body,) = turn(Bridge(kind), river(tale), NOON)
    run([WORSE, BETTER, CLEARED], tale)
    bridge = Bridge(kind)
    bridge.seed([body, {"labels": {"platform": "other", "alertname": "X"}}, {"labels": None}])
    assert short(turn(bridge, river(tale), NOON + 9)) == [("3", "province", instant(NOON + 9))]


def test_an_escalation_is_a_copy_with_the_next_level(tale: Story) -> None:
    bridge = Bridge(kind)
    (alert,) = river(tale)
    raised = replace(alert, memory=replace(alert.memory, fired=("escalate|1|PPC-01", "remind|2", "escalate|3|MAE", "escalate|4|OOG")))
    levels = [level for _, level, _ in short(turn(bridge, [raised], NOON))]
    assert levels == ["province", "ministry", "government"]
    assert {level: end for _, level, end in short(turn(bridge, [alert], NOON + 1))}["government"] == instant(NOON + 1)


def test_what_flaps_is_not_told_until_it_holds(tale: Story) -> None:
    (alert,) = river(tale)
    pressed = replace(alert, state=alert.state._replace(attention="suppressed"))
    bridge = Bridge(kind)
    assert turn(bridge, [pressed], NOON) == []
    turn(bridge, [alert], NOON)
    assert short(turn(bridge, [pressed], NOON + 1))[0][2] == instant(NOON + 1 + STANDS_FOR_MS)  # pressed down is not over


class Receiver:
    """Keeps what it is told, as the API v2 does: a list in, 200 out; GET gives what is active."""

    def __init__(self) -> None:
        self.told: list[list[dict[str, Any]]] = []
        self.asked: list[str] = []
        self.status = 200
        told, asked = self.told, self.asked
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self._say(b"")

            def do_GET(self) -> None:
                asked.append(self.path)
                self._say(json.dumps(told[-1] if told else []).encode())

            def _say(self, body: bytes) -> None:
                self.send_response(outer.status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join(5)


@pytest.mark.loopback
def test_over_the_wire_in_parts_and_back(receiver: Receiver, tale: Story) -> None:
    client = Alertmanager(f"http://127.0.0.1:{receiver.server.server_address[1]}/", timeout=5)
    (body,) = turn(Bridge(kind), river(tale), NOON)
    client.post([body] * 501)
    assert [len(part) for part in receiver.told] == [500, 1]
    assert client.held("nhip") == [body]
    assert receiver.asked == ["/api/v2/alerts?active=true&filter=platform%3D%22nhip%22"]
    receiver.status = 503
    for call in (lambda: client.post([body]), lambda: client.held("nhip")):
        with pytest.raises(Unreachable, match="503"):
            call()
    client.close()


@pytest.mark.loopback
def test_nobody_there() -> None:
    client = Alertmanager(f"http://quan:bi-mat@127.0.0.1:{free_port()}", timeout=1)
    for call in (lambda: client.post([{}]), lambda: client.held("nhip")):
        with pytest.raises(Unreachable) as away:
            call()
        assert "bi-mat" not in str(away.value)
    client.close()
    assert after(RIVER).alert_id == RIVER.alert_id
