"""The sink's start: servers that are away are waited for, what waiting cannot mend is raised."""

from __future__ import annotations

import threading

import pytest
from confluent_kafka import KafkaError, KafkaException

from sinks import clickhouse
from sinks import main as sink

AWAY = (clickhouse.Unavailable("no answer"), KafkaException(KafkaError(KafkaError._TRANSPORT)), TimeoutError())


def test_what_is_away_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink, "FIRST_WAIT", 0.001)
    faults = iter(AWAY)

    def work() -> dict[str, str]:
        fault = next(faults, None)
        if fault is not None:
            raise fault
        return {"obs.trade": "1"}

    assert sink._patiently(threading.Event(), work) == {"obs.trade": "1"}
    assert next(faults, None) is None, "each was waited for"


def test_a_stop_ends_the_wait() -> None:
    stop = threading.Event()

    def work() -> dict[str, str]:
        stop.set()
        raise TimeoutError

    assert sink._patiently(stop, work) is None


def test_what_waiting_cannot_mend_is_raised() -> None:
    def work() -> dict[str, str]:
        raise clickhouse.NotReady("a table is missing")

    with pytest.raises(clickhouse.NotReady):
        sink._patiently(threading.Event(), work)
