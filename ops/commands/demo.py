"""`nhip demo`: the whole system on sample data: start, a budget year and a day of flood, alerts as they come, questions, a summary.

The data lie in `<data_dir>/demo`, apart from the installation's own, and every run begins anew. No `NHIP_…` variable but those of `KEPT`
reaches it: a demonstration must not find its way to a cluster or a mail server that the environment names.
"""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ops.stack import artifacts
from ops.stack.control import SAID, Say, StackError, down, reset, up
from ops.stack.state import STATE_FILE, State
from transport.settings import HOME, Settings

FOLDER = "demo"
KEPT = ("NHIP_DATA_DIR", artifacts.CACHE_VARIABLE, "NHIP_LOG_LEVEL")
MINUTE = 60.0
NOT_SHOWN = ("backtests", "watchdog")
"""Parts that the demonstration does not show: it does not wait for them."""
FAST = "fast"
PIPED_WIDTH = 120
NOT_WELL = 1


def demo(
    speed: Annotated[
        str, typer.Option("--speed", help="1: một phút, 2: nửa phút…; fast: nhanh nhất / 1: a minute, 2: half of it…; fast: no waiting")
    ] = "1",
    keep: Annotated[bool, typer.Option("--keep", help="Để hệ thống chạy tiếp / leave the system running")] = False,
    story: Annotated[bool, typer.Option("--story", help="Kể trọn một cảnh báo, không cần máy chủ / one alert's whole story")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="Dừng hệ thống đã để chạy / stop the system left running")] = False,
) -> None:
    """Chạy thử trên số liệu mẫu / the system on sample data.

    Mã thoát / exit code: 0 mọi điều hứa hẹn đã thấy / all that is promised was seen, 1 có điều không thấy / something was not.
    """
    begun = time.monotonic()
    seconds, home = duration(speed), data_dir()
    if story:
        _tell_story()
        return
    if stop:
        print("Đã dừng / stopped." if down(home, print) else "Hệ thống không chạy / nothing was running.")
        return
    console = Console(highlight=False, markup=False, soft_wrap=True)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, soft_wrap=True, width=PIPED_WIDTH)
    logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)  # what it would say of a failure, we say in words
    raise typer.Exit(_perform(home, console, seconds, begun, keep))


def _tell_story() -> None:
    from ops.demo.run import tell_story

    tell_story(Settings.load(), print)


def duration(speed: str) -> float:
    """Seconds that the scenario takes; 0: as fast as the system is through. Raises StackError for what is no speed."""
    if speed == FAST:
        return 0.0
    try:
        factor = float(speed)
    except ValueError:
        factor = 0.0
    if not 0.01 <= factor <= 100:
        raise StackError(f"--speed {speed}: cần một số từ 0.01 đến 100, hoặc fast / a number from 0.01 to 100, or fast")
    return MINUTE / factor


def data_dir() -> Path:
    """The demonstration's folder; the environment is left with what `KEPT` names, and that folder as its data folder."""
    for name in [name for name in os.environ if name.startswith("NHIP_") and name not in KEPT]:
        del os.environ[name]
    base = Path(os.environ.get("NHIP_DATA_DIR") or HOME / ".nhip")
    os.environ.setdefault(artifacts.CACHE_VARIABLE, str(artifacts.cache_dir(base)))
    home = base if base.name == FOLDER else base / FOLDER
    os.environ["NHIP_DATA_DIR"] = str(home)
    return home


def _perform(home: Path, console: Console, seconds: float, begun: float, keep: bool) -> int:
    from dashboards.settings import BoardSettings
    from ops.commands.up import download
    from ops.demo import readers, words

    shown = _as_typed(home)
    console.print(words.HEAD)
    console.print(words.chapter(1, f"Khởi động, dữ liệu ở {shown}", "starting"))
    if (home / STATE_FILE).exists():
        reset(home, _indented(console), inbox=True)
    home.mkdir(parents=True, exist_ok=True)
    settings = Settings.load(data_dir=home)
    try:
        download(settings)
        state = up(settings, _ready_only(console), demo=True, but=NOT_SHOWN)
        console.print(words.up_after(time.monotonic() - begun))
        here = BoardSettings.load(data_dir=home)
        console.print(words.board(f"http://{here.board_host}:{here.board_port}", str(_as_typed(readers.write(here)))))
        well = _play(Settings.load(data_dir=home), state, console, seconds, begun)
    except BaseException:
        # Also at Ctrl-C: nothing of a run that did not end is left behind.
        down(home, _indented(console))
        raise
    if keep:
        console.print(words.kept(str(shown)))
    else:
        down(home, _indented(console))
        console.print(words.stopped(str(shown)))
    return 0 if well else NOT_WELL


def _play(settings: Settings, state: State, console: Console, seconds: float, begun: float) -> bool:
    from ops.demo.feed import FeedError
    from ops.demo.pulse import PulseError
    from ops.demo.run import play
    from sinks.clickhouse import NotReady, Unavailable
    from sinks.questions import QuestionError

    try:
        return play(settings, state, console, seconds, begun).well
    except (FeedError, PulseError, QuestionError, NotReady, Unavailable, OSError) as error:
        raise StackError(str(error)) from error


def _indented(console: Console) -> Say:
    return lambda line: console.print(f"  {line}", style="dim")


def _ready_only(console: Console) -> Say:
    """Parts as they become ready; that they are starting is one line less each."""
    say = _indented(console)
    return lambda line: say(line) if SAID["ready"] in line else None


def _as_typed(home: Path) -> Path:
    """The folder relative to where the person stands, where it lies below."""
    try:
        return home.relative_to(Path.cwd())
    except ValueError:
        return home
