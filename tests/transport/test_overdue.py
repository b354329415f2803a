"""A call into a library that does not come back ends the process and says which; one that does leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

from transport.overdue import EXIT_OVERDUE, Overdue
from transport.settings import HOME

HANGS = """
import threading, structlog
from alerts import writer
structlog.configure(processors=[structlog.processors.JSONRenderer()], logger_factory=structlog.PrintLoggerFactory())
writer.COMMIT_SECONDS, writer.GRACE_SECONDS = 0.2, 0.2

class Client:
    def begin_transaction(self): pass
    def send_offsets_to_transaction(self, offsets, group, seconds): threading.Event().wait(60)

one = writer.Writer.__new__(writer.Writer)
one.transactional_id, one._producer, one._failures = "alerts-delivery-1", Client(), []
one.commit([], [object()], lambda: None)
"""


def test_a_transaction_that_hangs_ends_its_process_and_is_named() -> None:
    """As librdkafka does when the group's coordinator went away and came back."""
    done = subprocess.run([sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=40, cwd=HOME, check=False)
    assert done.returncode == EXIT_OVERDUE, done.stderr
    assert "a call did not come back" in done.stdout
    assert "alerts-delivery-1: offsets" in done.stdout


def test_calls_that_come_back_end_nothing() -> None:
    ended: list[int] = []
    calls = Overdue(ended.append)
    for _ in range(3):
        with calls.within(0.3, "quick"):
            pass
    try:
        with calls.within(0.3, "fails"):
            raise ValueError("of its own")
    except ValueError:
        pass
    time.sleep(1.5)
    assert not ended


def test_of_several_calls_the_one_that_hangs_is_seen() -> None:
    ended = threading.Event()
    calls = Overdue(lambda _: ended.set())
    with calls.within(60.0, "long, and allowed to be"), calls.within(0.1, "hangs"):
        assert ended.wait(10)
