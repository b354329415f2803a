"""The sink's start: servers that are away are waited for, what waiting cannot mend is raised."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from confluent_kafka import KafkaError, KafkaException

from sinks import clickhouse
from sinks import main as sink
from tests.fault.processes import environment
from transport.settings import HOME, Settings

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


@pytest.mark.stack
@pytest.mark.usefixtures("database")
def test_a_start_does_not_load_what_it_does_not_need(settings: Settings) -> None:
    """The client's own `insert` loads pandas: a processor second of every start, and of every recovery."""
    lines = (
        "import sys", "from sinks import clickhouse, main", "from transport.settings import Settings", "main._ready(Settings.load(), {})",
        "print([name for name in ('pandas', 'pyarrow') if name in sys.modules])",
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        env=environment(settings), cwd=HOME, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"
