"""The demonstration: its parts one by one, and one whole run from the command line, compared with what the READMEs print."""

from __future__ import annotations

import json
import os
import re
import smtplib
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from email.message import EmailMessage
from io import StringIO
from pathlib import Path
from unittest.mock import Mock

import pytest
from rich.console import Console

from ops.commands import demo
from ops.demo import words
from ops.demo.feed import Feed, FeedError, steps
from ops.demo.figures import Figures
from ops.demo.mailbox import mails, read
from ops.demo.news import LOG, Item, News
from ops.demo.parts import parts
from ops.demo.pulse import Pulse
from ops.demo.run import Run
from ops.stack import artifacts, plan
from ops.stack.control import StackError, down
from ops.stack.health import Unhealthy
from ops.stack.ports import Ports
from ops.stack.process import POLL_S, spawn
from producers.positions import PositionError, SourceState, saved_position
from producers.scenario import Span
from tests.fixtures.stack import CACHE
from transport.group_offsets import OffsetsUnknown
from transport.settings import HOME, Settings
from transport.tail import Place

RUN_SECONDS = 540.0
FENCE = re.compile(r"```text\n(.*?)```", re.DOTALL)
NUMBER = re.compile(r"\d+(?:[.,:/]\d+)*")
CUT = "…"


# One part at a time


def test_every_day_is_fed_once_and_a_step_is_a_month() -> None:
    span = Span()
    cut = list(steps(span.start, span.end))
    assert [day for step in cut for day in step] == list(span.days())
    assert all(len({(day.year, day.month) for day in step}) == 1 for step in cut)
    assert len({(step[0].year, step[0].month) for step in cut}) == len(cut)


@pytest.mark.parametrize(("speed", "seconds"), [("1", 60.0), ("2", 30.0), ("0.5", 120.0), ("fast", 0.0)])
def test_speed_is_a_factor_of_a_minute(speed: str, seconds: float) -> None:
    assert demo.duration(speed) == seconds


@pytest.mark.parametrize("speed", ["0", "-1", "nan", "inf", "quick", "1e9"])
def test_what_is_no_speed_is_refused_with_what_would_be(speed: str) -> None:
    with pytest.raises(StackError, match=r"0\.01"):
        demo.duration(speed)


def test_no_address_of_the_environment_reaches_a_demonstration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "environ", {
        "NHIP_KAFKA_BOOTSTRAP": "production:9092", "NHIP_SMTP_HOST": "mail.production", "NHIP_DATA_DIR": str(tmp_path), "PATH": "/bin",
    })  # fmt: skip
    home = demo.data_dir()
    assert home == tmp_path / "demo"
    assert os.environ == {"PATH": "/bin", "NHIP_DATA_DIR": str(home), "NHIP_CACHE": str(tmp_path / "cache")}
    assert demo.data_dir() == home, "asked again, the folder is the same"


@pytest.mark.loopback
def test_the_demo_stack_sends_to_its_own_mailbox_alone(tmp_path: Path) -> None:
    settings = Settings.load(data_dir=tmp_path, smtp_host="mail.production", webhook_url="https://production/hook", mqtt_host="production")
    made, leading = parts(settings, Ports())
    assert {part.name for part in made} == {"sensors", "mailbox"}
    there = Settings.load(data_dir=tmp_path, **leading)
    assert (there.smtp_host, there.mqtt_host, there.webhook_url, there.topic_prefix) == ("127.0.0.1", "127.0.0.1", "", "")
    assert all("NHIP_" not in name for part in made for name in part.env)


def test_the_demo_is_the_same_plan_with_two_parts_more(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(artifacts, "install", lambda *_: [tmp_path])
    monkeypatch.setattr(artifacts, "unpack", lambda *_: tmp_path)
    monkeypatch.setattr(Ports, "take", lambda _self, preferred=0: preferred or 1)
    usual, with_demo = (plan.local(Settings.load(data_dir=tmp_path), demo=on) for on in (False, True))
    assert [e.name for e in with_demo.entries] == ["sensors", "mailbox", *(e.name for e in usual.entries)]
    assert "smtp_host" not in usual.addresses


@pytest.mark.loopback
def test_the_mailbox_keeps_every_mail_as_it_came(tmp_path: Path) -> None:
    port, folder = Ports().take(), tmp_path / "mailbox"
    argv = (sys.executable, "-m", "ops.demo.mailbox", str(port), str(folder))
    made, _ = parts(Settings.load(data_dir=tmp_path, smtp_port=port), Ports())
    for life in (1, 2):  # a second life goes on counting
        child = spawn(argv, tmp_path / "log", HOME, dict(os.environ), with_parent=True)
        try:
            wait(made[1].check)
            with smtplib.SMTP("127.0.0.1", port, timeout=10) as server:
                for name in ("chu-tich-ubnd-01", "truc/ban"):
                    server.send_message(mail(f"{name}@example.vn", f"Mực nước lên, lần {life}"))
        finally:
            child.stop(10.0)
    assert [path.name for path in mails(folder)] == [
        "0001-chu-tich-ubnd-01@example.vn.eml", "0002-truc_ban@example.vn.eml",
        "0003-chu-tich-ubnd-01@example.vn.eml", "0004-truc_ban@example.vn.eml",
    ]  # fmt: skip
    assert [read(path)["Subject"] for path in mails(folder)][::2] == ["Mực nước lên, lần 1", "Mực nước lên, lần 2"]


def test_an_event_is_news_once_whoever_else_is_told(tmp_path: Path) -> None:
    told: list[str] = []
    news = News(tmp_path, lambda item: told.append(item.event_id), clock=lambda: 7.0)
    news.look()
    assert (told, news.first_at) == ([], None), "no log yet"
    line = json.dumps(dict.fromkeys(Item.__slots__, "a") | {"severity": 3, "recipient": "chair_province@01"})
    (tmp_path / LOG).write_text(line + "\n" + line.replace("chair", "duty") + "\n" + line.replace('"a"', '"b"')[:40])
    news.look()
    assert (told, news.first_at, news.lines) == (["a"], 7.0, 2), "half a line waits"
    with (tmp_path / LOG).open("a") as log:
        log.write(line.replace('"a"', '"b"')[40:] + "\n")
    news.look()
    assert told == ["a", "b"]


def test_a_position_is_read_while_its_owner_writes_and_nothing_is_made_by_reading(tmp_path: Path) -> None:
    assert saved_position(tmp_path, "tax") == {}
    assert list(tmp_path.iterdir()) == []
    state = SourceState(tmp_path / "tax.sqlite")
    assert saved_position(tmp_path, "tax") == {}, "made, nothing saved yet"
    state.save({"files": {"THU-20260105.csv": [1, 2]}}, {}, 0)
    assert saved_position(tmp_path, "tax") == {"files": {"THU-20260105.csv": [1, 2]}} == state.load() == state.load()
    state.save({"files": {}}, {}, 0)
    assert saved_position(tmp_path, "tax") == {"files": {}} == state.load(), "what is kept parsed follows what is saved"
    state.close()
    (tmp_path / "icu.sqlite").write_bytes(b"no database, long enough to be looked at" * 30)
    with pytest.raises(PositionError, match=r"icu\.sqlite"):
        saved_position(tmp_path, "icu")


class StillPulse(Pulse):
    """Offsets as a test says, without a broker: each look takes the next; the last stays."""

    def __init__(self, looks: list[Mapping[Place, int]], folded: bool = True) -> None:
        self.now, self._looks, self._folded = 0.0, list(looks), folded
        self._prefix, self._clock, self._sleep = "", lambda: self.now, self._pass

    def _pass(self, seconds: float) -> None:
        self.now += seconds

    def ends(self) -> dict[Place, int]:
        return dict(self._looks.pop(0) if len(self._looks) > 1 else self._looks[0])

    inputs = ends

    def folded(self, ends: Mapping[Place, int]) -> bool:
        return self._folded


GROWING: list[Mapping[Place, int]] = [{("obs.trade", 0): n, ("agg.trade", 0): n} for n in range(5)]


def test_the_system_is_through_when_nothing_grows_and_everything_is_taken_and_folded() -> None:
    pulse = StillPulse(GROWING)
    assert pulse.settled(lambda: True, 10.0)
    assert 1.8 < pulse.now < 2.6, "quiet is counted from the last growth"
    assert not StillPulse(GROWING).settled(lambda: False, 3.0), "a file was not taken"
    assert not StillPulse(GROWING, folded=False).settled(lambda: True, 3.0), "the worker is behind"
    assert pulse.observations(GROWING[4]) == 4, "aggregates are not observations"
    assert StillPulse(GROWING).taken(lambda: True, 3.0)
    assert not StillPulse(GROWING).taken(lambda: False, 3.0), "a file was not taken"
    assert not StillPulse(GROWING, folded=False).taken(lambda: True, 3.0), "the worker is behind"


def test_positions_that_transactions_hold_open_are_waited_for() -> None:
    pulse, busy = StillPulse(GROWING), OffsetsUnknown("unstable")
    pulse._tail = Mock(unfolded=Mock(side_effect=busy))
    assert not Pulse.folded(pulse, GROWING[0]), "a busy worker is no broker that is away"


def test_a_system_that_is_not_through_in_time_is_said_to_be_so(tmp_path: Path) -> None:
    pulse = StillPulse(GROWING, folded=False)

    class Silent:
        span = Span(date(2026, 1, 1), date(2026, 1, 2))

        def begin(self) -> None: ...

        def feed(self, day: date) -> None: ...

    feed = Feed(Silent(), pulse, tmp_path, tmp_path, 0.0, lambda: 0, lambda: pulse.now, pulse._pass)  # type: ignore[arg-type]
    with pytest.raises(FeedError, match="nhip logs worker"):
        feed.year(lambda at: None)


def test_a_run_is_well_only_when_all_that_is_promised_was_seen() -> None:
    counts = dict.fromkeys(("rows", "panes", "windows", "results", "events", "alerts", "open"), 5)
    figures = Figures(5, counts, (1.0, 2.0), {"sentinel": 1}, 3, 900)
    assert Run(figures, [], 12.0, True, True).well
    assert not Run(figures, [], None, True, True).well, "no alert came"
    assert not Run(figures, [], 12.0, True, False).well, "the same story told again told somebody"
    assert not Run(figures, [], 12.0, False, True).well, "ClickHouse was late"
    assert not Run(Figures(6, counts, (1.0, 2.0), {}, 3, 900), [], 12.0, True, True).well, "an observation is missing in ClickHouse"
    assert not Run(Figures(5, counts, (1.0, 2.0), {}, 0, 900), [], 12.0, True, True).well, "no mail came"


def test_reasons_and_rain_are_in_vietnamese() -> None:
    assert words.refused({"sentinel": 1234, "new_one": 1}) == "trạm báo số đo hỏng (sentinel): 1.234; new_one (new_one): 1"
    assert words.rained((Decimal("45.24"), "MUA-SAPA")) == "mưa 24 giờ lớn nhất / most rain in 24 h 45,2 mm (MUA-SAPA)"
    assert words.disbursed(None) == ""


def test_the_readme_holds_the_summary_as_it_is_written() -> None:
    counts = {"rows": 63750, "panes": 63434, "windows": 1912, "results": 2003, "events": 53, "alerts": 12, "open": 5}
    console = Console(width=demo.PIPED_WIDTH, record=True, file=StringIO())
    console.print(words.summary(Figures(63750, counts, (4999.0, 6810.0), {"sentinel": 38}, 97, 1998), 113.0, []))
    lines = {shape(line) for line in console.export_text().splitlines() if "bị từ chối" not in line}
    assert len(lines) == 9
    assert lines <= {shape(line) for line in printed("README.md")}


# The whole


def printed(readme: str) -> list[str]:
    """The output of `make demo` in a README, line by line."""
    (block,) = (b for b in FENCE.findall((HOME / readme).read_text("utf-8")) if "NHỊP" in b)
    return [line.rstrip() for line in block.splitlines() if line.strip()]


def shape(line: str) -> str:
    """A line without its figures, paths and widths: these differ from run to run and from machine to machine."""
    return " ".join(re.sub(r"\S*demo(?=/|\s|;|$)", "DEMO", NUMBER.sub("#", line)).split())


def test_both_readmes_print_the_same_run() -> None:
    assert printed("README.md") == printed("README.vi.md")


@pytest.mark.stack
@pytest.mark.timeout(RUN_SECONDS + 60)
def test_the_command_of_the_readme_prints_what_the_readme_says(tmp_path: Path) -> None:
    """One run on the real servers. Every line of the README must be printed, in order, figures aside. Not compared: lines of alerts on
    results, whose number depends on what had come to rest, and the order in which parts become ready."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NHIP_")}
    env = clean | {"NHIP_DATA_DIR": str(tmp_path), "NHIP_CACHE": str(CACHE), "COLUMNS": "120"}
    argv = [sys.executable, "-m", "ops.cli", "demo", "--speed", "fast"]
    try:
        done = subprocess.run(argv, env=env, cwd=HOME, capture_output=True, text=True, timeout=RUN_SECONDS, check=False)
    finally:
        down(tmp_path / "demo", print)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [shape(line) for line in done.stdout.splitlines() if line.strip()]
    missing = [line for line in printed("README.md") if comparable(line) and shape(line) not in lines]
    assert not missing, f"in the README, not in the run: {missing}\n{done.stdout}"
    order = [lines.index(shape(line)) for line in printed("README.md") if re.match(r"\d · ", line)]
    assert order == sorted(order)
    assert len(order) == 6
    assert "(sentinel)" in done.stdout, "the stations' own marks for a failed reading are refused with their reason"
    letters = [str(read(path)["Subject"]) for path in mails(tmp_path / "demo" / "mailbox")]
    for wanted in ("báo động III", "hết báo động", "chậm", "giường ICU lấp đầy", "hết cảnh báo giường ICU"):
        assert any(wanted in letter for letter in letters), f"no mail says «{wanted}»: {letters}"


def comparable(line: str) -> bool:
    """A line whose words are the same in every run: no alert on a result, no figure that depends on how far ClickHouse was, no row, no
    list of reasons (an amendment may come before what it amends)."""
    varies = ("%", "quan sát / observations", "bị từ chối", CUT)
    return not line.startswith("    ") and not any(word in line for word in varies)


def mail(to: str, subject: str) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "nhip@example.vn", to, subject
    made.set_content("Kính gửi")
    return made


def wait(check: Callable[[], None]) -> None:
    """Until the check passes."""
    import time

    deadline = time.monotonic() + 20.0
    while True:
        try:
            check()
            return
        except Unhealthy:
            assert time.monotonic() < deadline
            time.sleep(POLL_S)
