"""The console: a block of text on standard output, and one JSON line in `<data_dir>/alerts.log`.

The line is written and synced first: it is the proof that can be asked for after a crash. So a crash between line and block loses the
block on
the screen, never the message.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from datetime import datetime
from pathlib import Path
from typing import TextIO

from alerts.channels.contract import Message, Outcome, Repeat
from indicators.rule import VIETNAM

WIDTH = 100
TAIL_BYTES = 4 << 20
"""How much of the log's end is searched for a key: several thousand messages, far more than can be under way at a crash."""


class Console:
    """Prints alerts. One writer per file: the process that delivers."""

    name = "console"
    repeat: Repeat = "askable"
    rings = False
    stand_in = ""

    def __init__(self, log: Path, out: TextIO | None = None) -> None:
        self._log = log
        self._out = out or sys.stdout
        self._lock = threading.Lock()

    def send(self, message: Message) -> Outcome:
        """Append to the log, then print."""
        with self._lock:
            try:
                self._append(message)
            except OSError as error:
                return Outcome.failed(type(error).__name__, f"alerts.log: {error.strerror}; check disk space and rights", retryable=True)
            try:
                self._out.write(block(message))
                self._out.flush()
            except (OSError, ValueError):
                # The screen is gone (closed pipe); the log has the message, which is what the console promises.
                pass
        return Outcome(True, "alerts.log")

    def ask(self, message: Message) -> Outcome | None:
        """Is the key in the log?"""
        wanted = f'"key": "{message.key}"'.encode()
        try:
            with self._log.open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - TAIL_BYTES))
                return Outcome(True, "alerts.log") if wanted in log.read() else None
        except FileNotFoundError:
            return None

    def close(self) -> None:
        """Nothing is held open."""

    def _append(self, message: Message) -> None:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        line = {
            "key": message.key, "at": at(message), "event_id": message.event_id, "alert_id": message.alert_id, "rule": message.rule,
            "transition": message.transition, "severity": message.severity, "recipient": message.recipient, "title": message.subject,
            "text": message.text, "mode": message.mode,
        }  # fmt: skip
        with self._log.open("a+b") as log:
            # A line cut short by a crash must not swallow this one.
            if log.tell() and not _ends_with_newline(log.fileno()):
                log.write(b"\n")
            log.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
            log.flush()
            os.fsync(log.fileno())


def _ends_with_newline(descriptor: int) -> bool:
    return os.pread(descriptor, 1, os.fstat(descriptor).st_size - 1) == b"\n"


def at(message: Message) -> str:
    """When the message was asked for, in Vietnam: dd/mm/yyyy hh:mm:ss."""
    return datetime.fromtimestamp(message.requested_at / 1000, VIETNAM).strftime("%d/%m/%Y %H:%M:%S")


def block(message: Message) -> str:
    """The block on the screen."""
    rule = "─" * WIDTH
    head = f"▲ MỨC {message.severity} · {message.subject}\n  {at(message)} · {message.recipient}"
    return f"\n{rule}\n{head}\n\n{message.text}\n\n  Mã cảnh báo: {message.alert_id}\n{rule}\n"
