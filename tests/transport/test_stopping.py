"""A process that was asked to end ends, even where a library holds the interpreter's lock."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

HANGS = """
import ctypes, signal, sys
from transport.stopping import Stop
stop = Stop.on_signals(0.5)
print("waits", flush=True)
stop.wait(30)
{then}
"""
HELD = "ctypes.PyDLL(None).sleep(30)  # a call into C that keeps the lock"


def _ended(then: str) -> tuple[int, float, str]:
    process = subprocess.Popen([sys.executable, "-c", HANGS.format(then=then)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "waits\n"
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=25)
    return process.returncode, time.monotonic() - began, errors


def test_a_hang_with_the_lock_held_ends_at_the_deadline_and_says_where() -> None:
    code, seconds, errors = _ended(HELD)
    assert code == 1
    assert seconds < 20
    assert "Timeout" in errors
    assert 'File "<string>", line 7' in errors


def test_a_process_that_ends_in_time_ends_as_it_wants() -> None:
    assert _ended("sys.exit(7)")[0] == 7
