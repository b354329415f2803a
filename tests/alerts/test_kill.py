"""SIGKILL at any moment: every event once, every message once where the receiver honours keys, on SMTP at most one more a kill, marked."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from aiohttp import web

from alerts.codec import EVENTS, REQUESTS
from alerts.condition import Condition
from tests.alerts.broker import Bench, log_lines, start, until
from tests.alerts.samples import RIVER, after, alert_id
from tests.alerts.test_channels import Box, receiver, smtp
from transport.settings import Settings

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400)]
KILLS = int(os.environ.get("NHIP_TEST_KILLS", "2"))
"""Ten in the long form (`NHIP_TEST_KILLS=10`, 500 conditions); two in every run of the suite."""
CONDITIONS_COUNT = 50 * KILLS


@pytest.fixture
def bench(settings: Settings) -> Iterator[Bench]:
    made = Bench(settings)
    yield made
    made.close()


def conditions() -> list[Condition]:
    """Alerts of seven changes each: the first few reach people, the others are recorded as a replay's."""
    now = time.time_ns() // 1_000_000
    rows: list[Condition] = []
    alert = 0
    while len(rows) < CONDITIONS_COUNT:
        first = replace(
            RIVER, alert_id=alert_id(f"kill-{alert}"), source_partition=alert % 12, series=f"{RIVER.series}-{alert}", caused_at=now,
            severity=2, level="bd1", through=10, mode="live" if alert < KILLS else "replay",
        )  # fmt: skip
        story = [first]
        for n, severity in enumerate((3, 4, 3, 2, 3)):
            what = "worse" if severity > story[-1].severity else "better"
            before, period = story[-1], RIVER.period_start + n
            story.append(after(before, transition=what, severity=severity, severity_before=before.severity, period_start=period))
        story.append(after(story[-1], transition="cleared", severity=0, severity_before=3, level=""))
        rows += story
        alert += 1
    return rows[:CONDITIONS_COUNT]


def test_killed_while_conditions_come_in(bench: Bench, settings: Settings, tmp_path: Path) -> None:
    honoured: Counter[str] = Counter()
    posts: Counter[str] = Counter()

    async def answer(request: web.Request, body: bytes) -> web.Response:
        key = request.headers["idempotency-key"]
        posts[key] += 1
        honoured[key] = 1  # what a receiver that honours keys shows
        await asyncio.sleep(0.005)
        return web.Response(status=202)

    rows, box, draw, log = conditions(), Box(), random.Random(7), tmp_path / "process.log"
    with smtp(box) as port, receiver(answer) as url:
        told = settings.model_copy(update={"smtp_host": "127.0.0.1", "smtp_port": port, "webhook_url": url})
        child = start(told, log)
        kills = 0
        try:
            for n, row in enumerate(rows):
                bench.write([row])
                if kills < KILLS and n % (CONDITIONS_COUNT // KILLS) == 10:
                    # Wait for the process to lead before it is killed, so that each kill hits work, at a moment that is drawn.
                    until(lambda k=kills: leads(log) > k, 40, f"life {kills + 1} at work")  # type: ignore[misc]
                    time.sleep(draw.uniform(0, 0.4))
                    os.kill(child.pid, signal.SIGKILL)
                    child.wait(10)
                    kills += 1
                    child = start(told, log)
            until(lambda: len(bench.messages(EVENTS)) >= CONDITIONS_COUNT, 60, "all events")
            until(lambda: bench.settled(len(bench.messages(REQUESTS))), 60, "all notifications settled")
        finally:
            child.terminate()
            with contextlib.suppress(Exception):
                child.wait(15)
            if child.poll() is None:
                os.kill(child.pid, signal.SIGKILL)
                child.wait(10)
    events = bench.events()
    per_alert = Counter(e["alert_id"] for e in events)
    expected = Counter(row.alert_id for row in rows)
    assert per_alert == expected
    assert len({e["event_id"] for e in events}) == len(events) == CONDITIONS_COUNT
    final = bench.final()
    sent = {k for k, state in final.items() if state.startswith("handed_over")}
    by_key = {n["notification_key"]: n for n in bench.notifications(REQUESTS)}
    assert len(by_key) == len(bench.messages(REQUESTS))
    for channel, seen in (("webhook", set(honoured)), ("console", {line["key"] for line in log_lines(settings.data_dir / "alerts.log")})):
        assert seen == {k for k in sent if by_key[k]["channel"] == channel}
    console = Counter(line["key"] for line in log_lines(settings.data_dir / "alerts.log"))
    assert set(console.values()) == {1}
    mails = [message_from_bytes(mail, policy=default) for mail in box.mails]
    by_id = Counter(mail["Message-ID"] for mail in mails)
    assert len(by_id) == sum(by_key[k]["channel"] == "email" for k in sent)
    assert sum(n - 1 for n in by_id.values()) <= kills
    for mail_id, count in by_id.items():
        marked = sum(mail["X-Nhip-Repeated"] == "yes" for mail in mails if mail["Message-ID"] == mail_id)
        assert marked >= count - 1
    assert kills == KILLS
    assert "held:unknown_outcome" not in final.values()  # the direct lane repeats rather than holds


def leads(log: Path) -> int:
    """How many lives have come to work so far."""
    return sum(line.get("event") == "leads" for line in log_lines(log))
