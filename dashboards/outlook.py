"""Where a series will be in its next periods: the forecast of `indicators.comparisons` with its interval, for the chart and its table.

A projection of the series' own trend, no plan and no promise; nothing where fewer whole periods are known than a trend needs. A running
period is not a whole one and is left out. A rate that begins anew with each budget year is carried on within its year only.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from dashboards.chart import Point
from dashboards.figures import MINUS
from dashboards.headlines import Lookup
from dashboards.sdmx import time_period
from indicators import period as periods
from indicators.comparisons.figures import NoComparison
from indicators.comparisons.forecast import forecast
from indicators.instant import local
from indicators.period import Period, PeriodError, label_en, label_vi

PERIODS_AHEAD: Final = 3


def ahead(known: Mapping[Period, Decimal], unit: str, at: Lookup, *, within_year: bool = False) -> list[Point]:
    """The coming periods with expectation and interval, oldest first; empty where there is no forecast.

    `known`: the newest revision by period. `within_year`: of the newest year alone, to its end.
    """
    whole = {p: v for p, v in known.items() if p.end_ms <= at.now}
    if not whole:
        return []
    newest = max(whole, key=lambda p: p.start_ms)
    year = local(newest.start_ms).year
    used = {p: v for p, v in whole.items() if not within_year or local(p.start_ms).year == year}
    found: list[Point] = []
    coming = newest
    for _ in range(PERIODS_AHEAD):
        try:
            coming = periods.next(coming)
            expected = forecast(used, coming)
        except PeriodError:
            return found
        if isinstance(expected, NoComparison) or (within_year and local(coming.start_ms).year != year):
            return found
        found.append(_point(coming, (expected.expected, expected.low, expected.high), unit, at))
    return found


def _point(coming: Period, values: tuple[Decimal, Decimal, Decimal], unit: str, at: Lookup) -> Point:
    expected, low, high = values
    label = label_vi(coming) if at.language == "vi" else label_en(coming)
    text = f"{at.value(expected, unit)} ({at.value(low, unit).replace('-', MINUS)} … {at.value(high, unit)})"
    start = local(coming.start_ms)
    tick = f"{start:%m/%y}" if coming.type != "day" else f"{start:%d/%m}"
    time = time_period(coming.type, coming.start_ms)
    return Point(label, tick, None, text, expected=expected, low=low, high=high, time=time)
