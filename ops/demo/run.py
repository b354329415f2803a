"""One run of the demonstration against a stack that is up: feed, news, questions, summary.

The system is asked, never the demonstration's own memory: what is printed is in Kafka, in ClickHouse or in the mailbox at that moment.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from rich.console import Console

from indicators.numbers_vi import day_vi
from ops.demo import words
from ops.demo.feed import Feed
from ops.demo.figures import Figures, Gauge
from ops.demo.news import Item, News
from ops.demo.pulse import Pulse
from ops.stack.state import State, read
from producers.scenario import Publish, Scenario, Span, broker
from sinks.questions import Answer, ask
from transport.settings import Settings

if TYPE_CHECKING:
    from ops.demo.story import Say, Told

ROWS_SECONDS = 120.0
SPAN = Span(all_from=date(2026, 10, 1))
"""Ten months of tax and treasury; customs and hospitals join for the last, so that a minute is enough on a small machine."""
RAIN_SINCE_MS = 3 * 3_600_000


@dataclass(frozen=True, slots=True)
class Run:
    """What a run showed. `first_alert`: seconds from the command to the first alert; None: none came. `silent_again`: an alert's story was
    told to people, and told again to nobody."""

    figures: Figures
    answers: list[Answer]
    first_alert: float | None
    rows_in_time: bool
    silent_again: bool

    @property
    def well(self) -> bool:
        """Did everything that a demonstration promises happen?"""
        shown = self.first_alert is not None and self.rows_in_time and self.silent_again
        return shown and self.figures.complete and self.figures.letters > 0


def play(settings: Settings, state: State, console: Console, seconds: float, begun: float) -> Run:
    """Play the scenario in about `seconds` (0: as fast as the system is through). `begun`: when the command was typed, monotonic seconds.

    Raises FeedError, PulseError, QuestionError, clickhouse.Unavailable, clickhouse.NotReady, OSError (MQTT broker).
    """
    pulse, span = Pulse(settings), SPAN
    gauge = Gauge(settings, pulse)
    with News(settings.data_dir, _Bulletin(console, begun).tell) as news:
        _feed(settings, pulse, gauge, span, seconds, console)
        in_time = gauge.wait_for_rows(ROWS_SECONDS)
        console.print(words.chapter(4, "Hỏi ClickHouse", "asking ClickHouse"))
        answers = list(_asked(settings, span, console))
    first = None if news.first_at is None else news.first_at - begun
    figures = gauge.take(read(settings.data_dir) or state)
    console.print(words.chapter(5, "Trọn một cảnh báo", "one alert from its opening to its end"))
    told, again = tell_story(settings, lambda line: console.print(words.indented(line)))
    console.print(words.chapter(6, "Tổng kết, đếm từ hệ thống", "summary, counted in the system"))
    console.print(words.summary(figures, first, answers), soft_wrap=False)
    return Run(figures, answers, first, in_time, bool(told.messages) and not again.events and not again.messages)


def tell_story(settings: Settings, say: Say) -> tuple[Told, Told]:
    """One alert's whole story, and the same again (ops/demo/story.py). Raises RuleError, OfficeError, DataFileError."""
    # Not before the first alert: with every channel and every kind of rule it takes over a second to load.
    from alerts.main import story_of
    from ops.demo import story

    return story.play(settings.home, story_of(settings)[0], say)


def _feed(settings: Settings, pulse: Pulse, gauge: Gauge, span: Span, seconds: float, console: Console) -> None:
    """Year and flood, with a line after each step: what came in, and an aggregate as ClickHouse has it by then."""

    def year(at: int) -> None:
        console.print(words.progress(at, gauge.observations(), words.disbursed(gauge.country())))

    def flood(at: int) -> None:
        console.print(words.progress(at, gauge.observations(), words.rained(gauge.rain(at - RAIN_SINCE_MS))))

    with _sensors(settings) as (publish, published):
        scenario = Scenario(settings.home, settings.inbox_dir, span, publish)
        feed = Feed(scenario, pulse, settings.inbox_dir, settings.data_dir / "positions", seconds, published)
        console.print(words.chapter(2, "Một năm ngân sách: thu, giải ngân; từ tháng 10 thêm hải quan, giường ICU", "a budget year"))
        console.print(f"  {words.LEGEND}", style="dim")
        feed.year(year)
        console.print(words.chapter(3, "Một ngày mưa lũ trên sông Hồng, số đo qua MQTT", "a day of flood, readings by MQTT"))
        feed.flood(flood)
        scenario.end()


class _Bulletin:
    """Prints alerts: the first in full, the others in one line each."""

    def __init__(self, console: Console, begun: float) -> None:
        self._console, self._begun, self._none_yet = console, begun, True

    def tell(self, item: Item) -> None:
        """Print it now."""
        if self._none_yet:
            self._none_yet = False
            self._console.print(words.first(item, time.monotonic() - self._begun), soft_wrap=False)
        else:
            self._console.print(words.news(item))


def _asked(settings: Settings, span: Span, console: Console) -> Iterator[Answer]:
    """The questions of the demonstration, each printed as it is answered."""
    end_of_flood = f"{day_vi(span.flood_day + timedelta(1))}"
    for asked in (
        words.Asked("ranking", {}, ("place", "territory_name", "value", "numerator", "at")),
        words.Asked("alerts", {"severity": "3"}, ("severity", "title_vi")),
        words.Asked("station", {"station": "TV-HANOI", "until": end_of_flood}, ("event_time", "value", "measure_unit"), last=True),
        words.Asked("freshness", {"until": end_of_flood}, ("source_system", "records", "newest_event")),
    ):
        found = ask(settings, asked.name, asked.values)
        for part in words.answer(found, asked):
            console.print(part, soft_wrap=False)
        yield found


@contextmanager
def _sensors(settings: Settings) -> Iterator[tuple[Publish, Callable[[], int]]]:
    """A publish function for the scenario and how many messages it published."""
    client, publish = broker(settings)
    count = 0

    def counted(topic: str, payload: bytes) -> None:
        nonlocal count
        publish(topic, payload)
        count += 1

    try:
        yield counted, lambda: count
    finally:
        client.disconnect()
        client.loop_stop()
