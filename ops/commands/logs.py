"""`nhip logs`: the last lines of each part's log, or new ones as they come."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from ops.stack.control import StackError
from ops.stack.logs import Follower, tail
from ops.stack.supervisor import LOGS
from transport.settings import Settings

LOOK_S = 0.3


def logs(
    part: Annotated[str, typer.Argument(help="Tên phần, để trống: tất cả / name of the part, empty: all")] = "",
    lines: Annotated[int, typer.Option("-n", "--lines", min=0)] = 40,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Theo dõi đến khi Ctrl-C / until Ctrl-C")] = False,
) -> None:
    """Xem nhật ký / show the logs."""
    files = find(Settings.load().data_dir / LOGS, part)
    followers = {name: Follower(path) for name, path in files.items()}
    for name, path in files.items():
        for line in tail(path, lines):
            show(name, line, len(files) > 1)
    while follow:
        for name, follower in followers.items():
            for line in follower.lines():
                show(name, line, len(files) > 1)
        try:
            time.sleep(LOOK_S)
        except KeyboardInterrupt:
            return


def find(folder: Path, part: str) -> dict[str, Path]:
    """The log files by part, one where a part is named. Raises StackError where there is none."""
    files = {path.stem: path for path in sorted(folder.glob("*.log")) if part in ("", path.stem)}
    if not files:
        known = ", ".join(sorted(path.stem for path in folder.glob("*.log"))) or "–"
        raise StackError(f"Không có nhật ký / no log: {part or folder}; có / there are: {known}")
    return files


def show(name: str, line: str, named: bool) -> None:
    """One line, after the part's name where several are shown."""
    print(f"{name:<10} | {line}" if named else line, flush=True)
