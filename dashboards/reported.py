"""Headlines of reported values that do not add up (rates, indices, stocks): the newest period in force, the one before, the year before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal

from dashboards import figures
from dashboards.chart import sparkline
from dashboards.database import Row
from dashboards.headlines import SPARK_PERIODS, Headline, Lookup, indicator_name
from dashboards.judgement import late
from dashboards.terms import STATUSES
from dashboards.words import word
from indicators.instant import local
from indicators.period import Period, PeriodError, label_en, label_vi


def levels(rows: Iterable[Row], at: Lookup) -> list[Headline]:
    """A headline for each indicator and component: of several period types the one with the newest event."""
    by_series: dict[tuple[str, str], dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        by_series[row["indicator"], row["component"]][row["period_type"]].append(row)
    return [_level(indicator, component, _newest(found), at) for (indicator, component), found in by_series.items()]


def _newest(by_type: dict[str, list[Row]]) -> list[Row]:
    return max(by_type.values(), key=lambda rows: rows[-1]["event_time"])


def _level(indicator: str, component: str, rows: list[Row], at: Lookup) -> Headline:
    last, unit = rows[-1], rows[-1]["measure_unit"]
    newest, name = figures.ms(last["event_time"]), indicator_name(indicator, component, at)
    values: list[Decimal | None] = [Decimal(r["value"]) for r in rows[-SPARK_PERIODS:]]
    return Headline(
        indicator=indicator,
        component=component,
        name=name,
        live=f"moved:{indicator}",
        raw=Decimal(last["value"]),
        measure_unit=unit,
        value=at.value(Decimal(last["value"]), unit),
        period=period_label(last, at),
        newest=newest,
        same_period=_year_before(rows, at),
        previous=change(rows, at),
        spark=sparkline(values, name),
        late=late((last["period_type"],), newest, at.now),
        quality=word(STATUSES, last["status"], at.language),
    )


def period_label(row: Row, at: Lookup) -> str:
    """The period's name in the reader's language; the day where its type has none."""
    period = Period(row["period_type"], figures.ms(row["period_start"]), figures.ms(row["period_end"]))
    try:
        return label_vi(period) if at.language == "vi" else label_en(period)
    except PeriodError:
        return figures.day(period.start_ms, at.language)


def change(rows: Sequence[Row], at: Lookup) -> str:
    """The difference from the period before, in points for rates."""
    if len(rows) < 2:
        return ""
    unit = rows[-1]["measure_unit"]
    step = Decimal(rows[-1]["value"]) - Decimal(rows[-2]["value"])
    return figures.signed(step, "percentage_point" if unit.startswith("percent") else unit, at.vocabulary, at.language)


def _year_before(rows: Sequence[Row], at: Lookup) -> str:
    """The same period of last year, by the calendar in Vietnam."""
    last = local(figures.ms(rows[-1]["period_start"]))
    for row in rows[:-1]:
        start = local(figures.ms(row["period_start"]))
        if (start.year, start.month, start.day) == (last.year - 1, last.month, last.day):
            return at.value(Decimal(row["value"]), row["measure_unit"])
    return at.text("no_same_period")
