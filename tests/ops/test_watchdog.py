"""The watchdog outside of the platform: silence is told once a level by its own channels, taken back with the next beat, over restarts; and
what it hears is what the alert process says it has taken in."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from alerts.channels.contract import Channel, Message, Outcome, Repeat
from alerts.main import story_of
from indicators.rule import RuleBook
from indicators.rules.cases import instant
from ops.watchdog import main as process
from ops.watchdog.keeping import Kept, StateFile
from ops.watchdog.listening import addresses, newest_beat
from ops.watchdog.main import serve
from ops.watchdog.watch import Watch
from transport.metrics import Metrics
from transport.settings import HOME, Settings

RULE = RuleBook.load(HOME).rules["HT-TU-GIAM-SAT"]
START = instant("2026-11-01T00:00")
MINUTE = 60_000


class Post:
    """A channel that remembers what it was given; it refuses while `down`."""

    rings = False
    stand_in = ""

    def __init__(self, name: str, repeat: Repeat = "safe") -> None:
        self.name, self.repeat = name, repeat
        self.sent: list[Message] = []
        self.down = False

    def send(self, message: Message) -> Outcome:
        """See Channel."""
        if self.down:
            return Outcome.failed("down", "nobody answers", retryable=True)
        self.sent.append(message)
        return Outcome(True, "ok")

    def ask(self, message: Message) -> Outcome | None:
        """See Channel."""
        return Outcome(True, "ok") if message.key in {one.key for one in self.sent} else None

    def close(self) -> None:
        """Nothing is held."""


def at_once(channel: Channel, work: Callable[[], Outcome]) -> Callable[[], Outcome | None]:
    outcome = work()
    return lambda: outcome


class Outside:
    """A watch in a folder, with a clock and a beat that are set by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now, self.beat = folder, START, 0
        self.post = {name: Post(name) for name in ("console", "email", "webhook")}
        self.restart()

    def restart(self) -> None:
        """The process dies and is started again."""
        story, _ = story_of(Settings.load())
        listen = lambda: self.beat or None  # noqa: E731
        self.watch = Watch(RULE, story, (self.post, at_once), StateFile(self.folder), listen, lambda: self.now)

    def at(self, minute: float, beat: float | None = None) -> None:
        """A minute of the story; `beat`: the minute of the newest beat heard."""
        self.now = START + int(minute * MINUTE)
        if beat is not None:
            self.beat = START + int(beat * MINUTE)
        for _ in range(3):  # listen and accept, hand over, write the outcome
            self.watch.step()

    def told(self, channel: str = "email") -> list[tuple[str, int, str]]:
        """What people were told: transition, severity, recipient."""
        return [(m.transition, m.severity, m.recipient.partition("@")[0]) for m in self.post[channel].sent]


CENTRE, OFFICE = "operations_centre", "duty_government_office"
STORY = [("opened", 3, CENTRE), ("worse", 4, CENTRE), ("worse", 4, OFFICE), ("cleared", 4, CENTRE), ("cleared", 4, OFFICE)]


@pytest.mark.parametrize("restarts", [False, True])
def test_five_minutes_fifteen_and_back_each_told_once(tmp_path: Path, restarts: bool) -> None:
    outside = Outside(tmp_path)
    for minute, beat in [(1, 1), (8.9, 4), (9, 4), (10, 4), (18.9, 4), (19, 4), (25, 4), (25.5, 25), (40, 40)]:
        if restarts and minute > 9:
            outside.restart()
        outside.at(minute, beat)
    assert sorted(outside.told(), key=STORY.index) == STORY
    assert [step[:2] for step in outside.told("webhook")] == [("worse", 4), ("worse", 4), ("cleared", 4), ("cleared", 4)]
    assert outside.post["email"].sent[0].title == "Hệ thống cảnh báo ngừng hoạt động 5 phút"


def test_an_old_beat_that_comes_late_does_not_flap(tmp_path: Path) -> None:
    outside = Outside(tmp_path)
    for minute in range(1, 21):
        outside.at(minute, max(0.1, minute - 8))  # everything is eight minutes behind
    assert outside.told() == [("opened", 3, CENTRE)]


def test_a_process_that_lags_behind_another_takes_nothing_back(tmp_path: Path) -> None:
    outside = Outside(tmp_path)
    outside.at(8, 8)
    outside.at(9, 2)  # a standby that has not caught up answers alone
    assert outside.told() == []


def test_a_second_silence_is_another_alert(tmp_path: Path) -> None:
    outside = Outside(tmp_path)
    for minute, beat in [(1, 1), (7, 1), (8, 8), (20, 8), (21, 21)]:
        outside.at(minute, beat)
    opened = [m.alert_id for m in outside.post["email"].sent if m.transition == "opened"]
    assert len(opened) == len(set(opened)) == 2


def test_before_the_first_beat_silence_counts_from_the_first_start(tmp_path: Path) -> None:
    outside = Outside(tmp_path)
    outside.at(4.9)
    assert outside.told() == []
    outside.at(5)
    assert outside.told() == [("opened", 3, CENTRE)]


def test_a_channel_that_is_down_is_tried_again_after_a_restart(tmp_path: Path) -> None:
    outside = Outside(tmp_path)
    outside.post["email"].down = True
    outside.at(6)
    assert outside.told() == []
    assert outside.told("console") == [("opened", 3, CENTRE)]
    outside.post["email"].down = False
    outside.restart()
    for minute in range(7, 12):
        outside.at(minute)
    assert outside.told() == [("opened", 3, CENTRE)]
    assert outside.told("console") == [("opened", 3, CENTRE)]


def test_a_state_that_cannot_be_read_begins_anew_and_never_stops_the_watch(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"began": ', encoding="utf-8")
    assert StateFile(tmp_path).read(START) == Kept(START)
    outside = Outside(tmp_path)
    outside.at(5)
    assert outside.told() == [("opened", 3, CENTRE)]


@pytest.mark.loopback
def test_it_hears_what_the_alert_process_says(tmp_path: Path) -> None:
    settings = Settings.load(data_dir=tmp_path)
    with Metrics("alerts", settings, 0) as metrics:
        base = f"http://127.0.0.1:{metrics.port}"
        assert newest_beat([base]) is None
        metrics.gauge("nhip_beat_seconds", (START + 1234) / 1000, process="alerts")
        assert newest_beat([base]) == START + 1234
        assert newest_beat(["http://127.0.0.1:9", base]) == START + 1234
    assert newest_beat([base]) is None
    assert addresses(settings) == [f"http://127.0.0.1:{settings.alerts_metrics_port}"]
    assert addresses(settings.model_copy(update={"watchdog_watches": "http://a:1/ http://b:2"})) == ["http://a:1", "http://b:2"]


@pytest.mark.loopback
def test_the_process_needs_neither_kafka_nor_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "STEP_SECONDS", 0.01)
    nowhere = "127.0.0.1:9"
    settings = Settings.load(data_dir=tmp_path, watchdog_metrics_port=0, watchdog_watches=f"http://{nowhere}", kafka_bootstrap=nowhere)
    stop, post = threading.Event(), Post("console")
    times = iter([START])
    found: list[int] = []
    run = lambda: found.append(serve(settings, stop, {"console": post}, lambda: next(times, START + 6 * MINUTE)))  # noqa: E731
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    for _ in range(200):
        if post.sent:
            break
        stop.wait(0.05)
    stop.set()
    thread.join(15)
    assert found == [0]
    assert post.sent[0].transition == "opened"
