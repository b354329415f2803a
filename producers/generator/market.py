"""Exchanges and gold shops, generated: a trading day at three minutes, and the quotes of two brands.

The index of an exchange is drawn for the day's end and reached by a walk that never leaves the band; value and volume rise through the
day, faster at the opening and the close. Levels are of no real day; every line says «generated».
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from indicators.instant import DAY_MS, day_start, local
from indicators.trading_calendar import TradingCalendar
from indicators.vocabulary import Vocabulary
from producers.generator.dice import dice
from producers.gold import QUOTE
from producers.securities import COLUMNS

BASES = {"HOSE": (Decimal("1480.00"), 26_000, 900_000_000, 6_400), "HNX": (Decimal("262.00"), 19_000, 95_000_000, 350),
         "UPCOM": (Decimal("110.00"), 14_000, 60_000_000, 1_350)}  # fmt: skip
"""By exchange: index, mean price of a share (đồng), shares traded in a day, capitalisation (nghìn tỷ đồng): sizes of 2025, made round."""
BRANDS = {"SJC": 146_000_000, "PNJ": 145_600_000}
DAILY_SPREAD = 0.012
"""Standard deviation of a day's move; the calm days of a demonstration."""
POINT = Decimal("0.01")
GOLD_STEP = 100_000
FIRST_DAY = date(2026, 1, 1)


class Exchanges:
    """The generator of the days of all exchanges and shops of the trading calendars."""

    def __init__(self, vocabulary: Vocabulary, seed: int) -> None:
        self._seed = seed
        self._calendars = {code: calendar for code in BASES if (calendar := vocabulary.trading_calendar(code)) is not None}
        self._shops = vocabulary.trading_calendar("SJC")

    def snapshots_csv(self, day: date) -> bytes | None:
        """Every snapshot of the day in the order of time; None where no exchange opens."""
        lines = sorted(line for code, calendar in self._calendars.items() for line in self._day(code, calendar, day))
        return _table((*COLUMNS, "ghi_chu"), (text for _, text in lines)) if lines else None

    def close_csv(self, day: date) -> bytes | None:
        """The closing snapshots alone."""
        found = [list(self._day(code, calendar, day))[-1:] for code, calendar in self._calendars.items()]
        lines = sorted(line for last in found for line in last)
        return _table((*COLUMNS, "ghi_chu"), (text for _, text in lines)) if lines else None

    def quotes_csv(self, day: date) -> bytes | None:
        """The quotes of the day; None where the shops stay closed."""
        lines = sorted(self._quotes(day))
        return _table((*QUOTE.values(), "ghi_chu"), (text for _, text in lines)) if lines else None

    def last_day(self, day: date) -> date | None:
        """The last day up to and with `day` on which an exchange opens; None where there is none."""
        calendar = next(iter(self._calendars.values()), None)
        return calendar.previous_day(day + timedelta(1)) if calendar is not None else None

    def close(self, code: str, day: date) -> Decimal:
        """The index at the close of a trading day, two decimals: moves of the days since the year began, made one from the other."""
        level = BASES[code][0]
        for n in range((day - FIRST_DAY).days + 1):
            at = FIRST_DAY + timedelta(n)
            if self._calendars[code].sessions(at):
                level = (level * Decimal(str(1 + self._move(code, at)))).quantize(POINT)
        return level

    def _move(self, code: str, day: date) -> float:
        return max(-0.02, min(0.02, dice(self._seed, "index", code, day).gauss(0.0003, DAILY_SPREAD)))

    def _day(self, code: str, calendar: TradingCalendar, day: date) -> Iterator[tuple[str, str]]:
        """(time and exchange, line) of each snapshot."""
        due = list(calendar.snapshots(day_start(day), day_start(day) + DAY_MS))
        before = calendar.previous_day(day)
        if not due or before is None:
            return
        start, end, rolls = self.close(code, before), self.close(code, day), dice(self._seed, "day", code, day)
        _, price, shares, capital = BASES[code]
        volume = value = 0
        for number, at in enumerate(due, 1):
            share = Decimal(number) / len(due)
            noise = Decimal(0) if number == len(due) else Decimal(str(round(rolls.gauss(0, 0.0015), 6)))
            index = ((start + (end - start) * share) * (1 + noise)).quantize(POINT)
            traded = int(shares / len(due) * rolls.uniform(0.6, 1.4))
            volume, value = volume + traded, value + traded * int(price * rolls.uniform(0.97, 1.03))
            capitalisation = int(capital * 10**12 * index / BASES[code][0])
            moment = f"{local(at):%Y-%m-%dT%H:%M:%S}"
            yield moment + code, f"{code},{moment},{index},{index - start},{value},{volume},{capitalisation},1,generated"

    def _quotes(self, day: date) -> Iterator[tuple[str, str]]:
        due = list(self._shops.snapshots(day_start(day), day_start(day) + DAY_MS)) if self._shops else []
        for brand, base in BRANDS.items():
            rolls = dice(self._seed, "gold", brand, day)
            price = base + GOLD_STEP * rolls.randint(-20, 20)
            for last, at in pairwise([0, *due]):
                price += GOLD_STEP * rolls.choice((-2, -1, 0, 0, 1, 2)) if last else 0
                moment = f"{local(at):%Y-%m-%dT%H:%M:%S}"
                yield moment + brand, f"{brand},{moment},{price - 15 * GOLD_STEP},{price},1,generated"


def _table(columns: tuple[str, ...], lines: Iterator[str]) -> bytes:
    return ("\n".join((",".join(columns), *lines)) + "\n").encode()
