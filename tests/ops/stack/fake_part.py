"""A fake part as a program: answers HTTP on loopback in a tenth of a second. Standard library only, so that it starts quickly.

`python fake_part.py <specification as JSON>`: `name`, `port`, `home`; `dies` with a last line, `deaf` to SIGTERM, with a `child` process,
`mute` (never answers), `ballast_mb` of memory. It notes its start and its stop in `<home>/events`; while `<home>/<name>.sick` exists it
answers 503.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any


class Answer(BaseHTTPRequestHandler):
    """The health check."""

    sick: Path

    def do_GET(self) -> None:
        """200, or 503 while sick."""
        self.send_response(503 if self.sick.exists() else 200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the log holds only what a test looks for."""


def main(spec: dict[str, Any]) -> int:
    """Behave as the specification says."""
    home = Path(spec["home"])
    note(home, f"start {spec['name']}")
    if spec.get("dies"):
        print("last words", flush=True)
        return 3
    if spec.get("child"):
        (home / "child").write_text(str(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid))
    ballast = b"x" * (spec.get("ballast_mb", 0) * 1_000_000)
    Answer.sick = home / f"{spec['name']}.sick"
    server = HTTPServer(("127.0.0.1", spec["port"]), Answer)
    if spec.get("deaf"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    if spec.get("mute"):
        time.sleep(600)
    server.serve_forever(poll_interval=0.02)
    note(home, f"stop {spec['name']}")
    del ballast
    return 0


def note(home: Path, line: str) -> None:
    """Append one line to the events."""
    with (home / "events").open("a") as file:
        file.write(f"{line}\n")


if __name__ == "__main__":
    raise SystemExit(main(json.loads(sys.argv[1])))
