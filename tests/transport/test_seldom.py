"""Equal lines of a log are written seldom, and none is forgotten."""

from __future__ import annotations

import io
import logging
import threading
from collections import Counter

import pytest
from confluent_kafka import KafkaError
from structlog.testing import capture_logs

from transport import kafka_clients, seldom
from transport.seldom import Seldom


def test_the_first_passes_and_then_one_now_and_then_with_how_many_were_left_out() -> None:
    now = [0.0]
    lines = Seldom(10, lambda: now[0])
    assert [lines.due("away"), lines.due("away"), lines.due("other"), lines.due("away")] == [0, None, 0, None]
    now[0] = 10.0
    assert [lines.due("away"), lines.due("away")] == [2, None]
    now[0] = 20.0
    assert [lines.due("away"), lines.due("other")] == [1, 0]


def test_what_is_remembered_is_bounded() -> None:
    lines = Seldom(10, lambda: 0.0)
    assert all(lines.due(str(n)) == 0 for n in range(3 * seldom.MOST))
    assert len(lines._lines) <= seldom.MOST


def test_of_many_threads_one_writes() -> None:
    lines, passed = Seldom(1e9), list[int]()

    def say() -> None:
        for _ in range(1000):
            if lines.due("away") is not None:
                passed.append(1)

    threads = [threading.Thread(target=say) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert passed == [1]


def test_a_broker_that_is_away_is_told_of_once_in_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each connection tries again and again: three hundred lines in a second of a restart."""
    monkeypatch.setattr(kafka_clients, "_SELDOM", Seldom())  # other tests of this process speak of brokers too
    error = KafkaError(KafkaError._TRANSPORT, "127.0.0.1:1/bootstrap: Connection refused (after 0ms in state CONNECT)")
    later = KafkaError(KafkaError._TRANSPORT, "127.0.0.1:1/bootstrap: Connection refused (after 3ms in state CONNECT)")
    with capture_logs() as said:
        for _ in range(50):
            kafka_clients._on_error(error)
            kafka_clients._on_error(later)
    assert [(one["event"], one["code"], one["left_out"]) for one in said] == [("kafka client error", "_TRANSPORT", 0)]


def test_so_is_what_every_client_of_a_process_logs_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_clients, "_SELDOM", Seldom())
    with capture_logs() as said:
        for number in range(50):
            line = f"FAIL [nhip#consumer-{number}] [thrd:bootstrap]: 127.0.0.1:1: refused (after {number}ms in state CONNECT)"
            kafka_clients._Log().log(6, line)
        kafka_clients._Log().log(6, "FAIL [nhip#consumer-1] [thrd:bootstrap]: 127.0.0.1:2: refused (after 0ms in state CONNECT)")
    assert [one["detail"].partition(" refused")[0][-5:] for one in said] == [".1:1:", ".1:2:"]


def test_a_library_that_repeats_itself_is_heard_once_and_the_others_always() -> None:
    now, written = [0.0], io.StringIO()
    handler = logging.StreamHandler(written)
    handler.addFilter(seldom.Repeats("chatty", lines=Seldom(10, lambda: now[0])))
    handler.setFormatter(logging.Formatter("%(name)s %(message)s"))
    loggers = [logging.Logger(name) for name in ("chatty.conn", "chatty.fetch", "ours.chatty")]
    for logger in loggers:
        logger.addHandler(handler)
    for _ in range(3):
        for logger in loggers:
            logger.warning("node %d is away", 1)
    assert Counter(written.getvalue().splitlines()) == {
        "chatty.conn node 1 is away": 1, "chatty.fetch node 1 is away": 1, "ours.chatty node 1 is away": 3,
    }  # fmt: skip
    now[0] = 10.0
    record = loggers[0].makeRecord("chatty.conn", logging.WARNING, "", 0, "node %d is away", (1,), None)
    assert handler.filter(record)
    assert record.__dict__["left_out"] == 2
