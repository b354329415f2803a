"""The scenario of the demonstration: published series first, then a budget year day by day, then a day of storm and flood in steps of
ten minutes.

Everything is written in the sources' true formats into the inbox, or published to the MQTT broker, and the scenario's instant is told
to the producers beside it. `speed` is scenario seconds per second for the flood; the year is fed as fast as files are written, since
what matters of it is the state it leaves. Without a broker the flood comes as station tables of every ten minutes.

    python -m producers.scenario --speed 3600
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from indicators.calendar import WorkingCalendar
from indicators.vocabulary import Vocabulary
from producers.clock import clear_scenario, set_scenario_now
from producers.fields import DAY_MS, local_date, start_of
from producers.generator.finance import Finance
from producers.generator.hospital import Hospitals
from producers.generator.hydromet import HOUR_MS, STEP_MS, Hydromet
from producers.generator.market import Exchanges
from producers.generator.trade import Trade
from transport.settings import Settings

SEED = 7146
STORM_HOUR = 2
PUBLISH_SECONDS = 10.0
Publish = Callable[[str, bytes], None]
"""(topic, payload): hands one message to the broker."""


@dataclass(frozen=True, slots=True)
class Span:
    """First day, last day before the flood, and the seed. `all_from`: the day from which customs and hospitals report beside tax and
    treasury; None: from the first."""

    start: date = date(2026, 1, 1)
    end: date = date(2026, 10, 31)
    seed: int = SEED
    all_from: date | None = None

    @property
    def full_start(self) -> date:
        """The first day of all sources."""
        return self.all_from or self.start

    @property
    def flood_day(self) -> date:
        """The day of the storm."""
        return self.end + timedelta(1)

    def days(self) -> Iterator[date]:
        """Every day of the year part."""
        return (self.start + timedelta(n) for n in range((self.end - self.start).days + 1))


class Scenario:
    """Feeds an inbox (and a broker). Feeding a day or instant again writes the same bytes."""

    def __init__(self, home: Path, inbox: Path, span: Span, publish: Publish | None = None) -> None:
        vocabulary, calendar = Vocabulary.load(home), WorkingCalendar.load(home)
        self.span, self._home, self._inbox, self._publish = span, home, inbox, publish
        self.storm_at = start_of(span.flood_day) + STORM_HOUR * HOUR_MS
        self._finance = Finance(vocabulary, calendar, span.seed, span.start)
        self._trade = Trade(calendar, span.seed, start=span.full_start)
        self._hospitals = Hospitals(vocabulary, span.seed, span.end - timedelta(12))
        self._hydromet = Hydromet(vocabulary, span.seed, self.storm_at)
        self._exchanges = Exchanges(vocabulary, span.seed)
        self._last_traded = self._exchanges.last_day(span.end)
        self._traded_before = self._exchanges.last_day(self._last_traded - timedelta(1)) if self._last_traded else None

    def begin(self) -> None:
        """Published series, plans and estimates."""
        self._inbox.mkdir(parents=True, exist_ok=True)
        set_scenario_now(self._inbox, start_of(self.span.start) - HOUR_MS)
        for path in sorted((self._home / "catalogue" / "demo").glob("*.csv")):
            self._write("open_data", path.name, path.read_bytes())
        year = self.span.start.year
        self._write("treasury", f"KHV-{year}.csv", self._finance.plans_csv(year))
        self._write("tax", f"DT-{year}.csv", self._finance.estimates_csv(year))

    def feed(self, day: date) -> None:
        """What all sources but the sensors send for one day, as of its evening."""
        set_scenario_now(self._inbox, start_of(day) + DAY_MS - 60_000)
        stamp = f"{day:%Y%m%d}"
        if entries := self._finance.entries_jsonl(day):
            self._write("treasury", f"TABMIS-{stamp}.jsonl", entries)
        if receipts := self._finance.receipts(day):
            self._write("tax", f"THU-{stamp}.csv", receipts[0])
            self._write("tax", f"THU-{stamp}.json", receipts[1])
        if corrected := self._finance.corrected_receipts(day - timedelta(3)):
            self._write("tax", f"THU-{day - timedelta(3):%Y%m%d}-v2.csv", corrected)
        if day >= self.span.full_start:
            self._feed_counts(day, stamp)
        self._feed_markets(day, stamp)

    def _feed_markets(self, day: date, stamp: str) -> None:
        """The last trading day of the year part, snapshot by snapshot, and of the one before it the close it is compared with."""
        if day == self._traded_before and (close := self._exchanges.close_csv(day)):
            self._write("securities", f"CK-{stamp}.csv", close)
        if day == self._last_traded and (snapshots := self._exchanges.snapshots_csv(day)):
            self._write("securities", f"CK-{stamp}.csv", snapshots)
        if day == self._last_traded and (quotes := self._exchanges.quotes_csv(day)):
            self._write("securities", f"VANG-{stamp}.csv", quotes)

    def _feed_counts(self, day: date, stamp: str) -> None:
        """Customs of the day, hospitals of the day before."""
        self._write("customs", f"CUSDEC-{stamp}.edi", self._trade.edifact(day))
        self._write("customs", f"TKHQ-{stamp}.json", self._trade.declarations_json(day))
        before = day - timedelta(1)  # hospitals report a day on the next morning
        self._write("icu", f"ICU-{before:%Y%m%d}.json", self._hospitals.measure_reports(before))
        self._write("icu", f"ICU-{before:%Y%m%d}.csv", self._hospitals.daily_return(before))

    def feed_instant(self, at: int) -> None:
        """What the sensors send at one step of ten minutes (`at`: epoch ms)."""
        set_scenario_now(self._inbox, at + 60_000)
        if self._publish is None:
            self._write("sensors", f"TRAM-{at}.csv", self._hydromet.as_table(at))
        else:
            for topic, payload in self._hydromet.messages(at):
                self._publish(topic, payload)
        if at % HOUR_MS == 0:
            self._write("sensors", f"BANG-{at - HOUR_MS}.csv", self._hydromet.table(at - HOUR_MS))

    def instants(self) -> Iterator[int]:
        """Steps of the flood: a whole day, from two hours before the storm."""
        first = self.storm_at - 2 * HOUR_MS
        return iter(range(first, first + DAY_MS, STEP_MS))

    def end(self) -> None:
        """The producers go back to the system's time."""
        clear_scenario(self._inbox)

    def _write(self, source: str, name: str, data: bytes) -> None:
        folder = self._inbox / source
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f".{name}.part"
        part.write_bytes(data)
        os.replace(part, folder / name)


def play(scenario: Scenario, speed: float, sleep: Callable[[float], None] = time.sleep, tell: Callable[[str], None] = print) -> None:
    """Begin, the year, then the flood at `speed` scenario seconds per second."""
    scenario.begin()
    for day in scenario.span.days():
        scenario.feed(day)
        if day.day == 1:
            tell(f"đã phát số liệu đến {day:%d/%m/%Y}")
    for at in scenario.instants():
        scenario.feed_instant(at)
        sleep(STEP_MS / 1000 / speed)
    tell(f"kết thúc đợt lũ ngày {local_date(scenario.storm_at):%d/%m/%Y}")


def broker(settings: Settings) -> tuple[paho.Client, Publish]:
    """A connected client and a publish function that waits for the broker (QoS 1). Raises OSError, TimeoutError."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="nhip-scenario")
    if settings.mqtt_user:
        client.username_pw_set(settings.mqtt_user, settings.mqtt_password.get_secret_value())
    client.connect(settings.mqtt_host, settings.mqtt_port)
    client.loop_start()

    def publish(topic: str, payload: bytes) -> None:
        info = client.publish(topic, payload, qos=1)
        info.wait_for_publish(PUBLISH_SECONDS)
        if not info.is_published():
            raise TimeoutError(f"{topic}: the MQTT broker did not acknowledge within {PUBLISH_SECONDS:.0f} s; check that it runs")

    return client, publish


def main(arguments: list[str]) -> int:
    """`--speed`, `--start`, `--end`, `--seed`."""
    about = "Phát kịch bản trình diễn / play the demonstration scenario"
    parser = argparse.ArgumentParser(prog="python -m producers.scenario", description=about)
    parser.add_argument("--speed", type=float, default=7200.0, help="giây kịch bản mỗi giây thực / scenario seconds per second (flood)")
    parser.add_argument("--start", type=date.fromisoformat, default=Span().start)
    parser.add_argument("--end", type=date.fromisoformat, default=Span().end)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args(arguments)
    if options.speed <= 0 or options.end < options.start:
        parser.error("--speed > 0, --end >= --start")
    settings = Settings.load()
    client, publish = broker(settings) if settings.mqtt_host else (None, None)
    try:
        play(Scenario(settings.home, settings.inbox_dir, Span(options.start, options.end, options.seed), publish), options.speed)
    finally:
        if client is not None:
            client.disconnect()
            client.loop_stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
