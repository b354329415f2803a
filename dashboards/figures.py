"""Figures as readers see them: values with their unit, instants, ages. Vietnamese writing from indicators.numbers_vi; English beside it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from typing import Final

from dashboards.words import Language
from indicators.instant import DAY_MS, HOUR_MS, local, to_ms
from indicators.numbers_vi import date_vi, money_vi, number_vi, percent_vi, points_vi, time_vi
from indicators.vocabulary import Vocabulary

MINUTE_MS: Final = 60_000
MINUS: Final = "−"
_WIDE: Final = Context(prec=60, rounding=ROUND_HALF_UP)
_PLACES: Final = {"percent": 2, "percentage_point": 1, "m": 2, "mm": 1, "°C": 1, "bed": 0, "place": 0}
_DOLLARS: Final = ((Decimal(10) ** 9, "tỷ USD", "bn USD"), (Decimal(10) ** 6, "triệu USD", "m USD"))


def ms(moment: datetime) -> int:
    """Epoch ms of a moment as ClickHouse's driver gives it: UTC without a zone."""
    return to_ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def moment(at_ms: int) -> datetime:
    """The datetime of epoch ms, for a parameter of a question."""
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def value_text(value: Decimal | None, unit: str, vocabulary: Vocabulary, language: Language = "vi") -> str:
    """A value with its unit, rounded for reading: «71,98%», «178.345,5 tỷ đồng», «9,54 m»; a dash for none."""
    if value is None:
        return "–"
    if language == "vi" and unit == "VND":
        return money_vi(value)
    if language == "vi" and unit in ("percent", "percentage_point"):
        return percent_vi(value) if unit == "percent" else points_vi(value)
    size, name = _scaled(value, unit, vocabulary, language)
    places = 1 if size != 1 else _PLACES.get(unit, 2)
    shown = number(_WIDE.divide(value, size), places, language)
    return f"{shown}{name}" if name == "%" else f"{shown} {name}".strip()


def axis_text(value: Decimal, unit: str, vocabulary: Vocabulary, language: Language = "vi") -> str:
    """A value at a line of a chart: short, without zeros behind the comma; money in tỷ."""
    if unit == "VND":
        billions = number(_WIDE.divide(value, Decimal(10) ** 9), 0, language)
        return f"{billions} {'tỷ' if language == 'vi' else 'bn'}"
    size, name = _scaled(value, unit, vocabulary, language)
    plain = _WIDE.divide(value, size).normalize()
    shown = number_vi(plain) if language == "vi" else f"{plain:,f}"
    return f"{shown}%" if unit == "percent" else f"{shown} {name}".strip()


def _scaled(value: Decimal, unit: str, vocabulary: Vocabulary, language: Language) -> tuple[Decimal, str]:
    """The divisor and name of the unit a reader expects for a value of this size."""
    if unit == "USD":
        for size, vi, en in _DOLLARS:
            if abs(value) >= size:
                return size, vi if language == "vi" else en
    if unit == "VND" and abs(value) >= 10**9:
        return Decimal(10) ** 9, "bn VND"
    if language == "en" and unit in ("percent", "percentage_point"):
        return Decimal(1), "%" if unit == "percent" else "points"
    known = vocabulary.measure_unit(unit)
    return Decimal(1), known.symbol_vi if known and known.symbol_vi else unit


def number(value: Decimal, places: int, language: Language = "vi") -> str:
    """A number of fixed places: 1.234,5 or 1,234.5."""
    if language == "vi":
        return number_vi(value, places)
    return f"{value.quantize(Decimal(1).scaleb(-places), context=_WIDE):,}"


def exact(value: Decimal | None, language: Language = "vi") -> str:
    """A value with all its digits and no more; a dash for none."""
    if value is None:
        return "–"
    return number_vi(value) if language == "vi" else f"{value.normalize():,f}"


def count(value: int, language: Language = "vi") -> str:
    """A whole number with its thousands parted."""
    return number(Decimal(value), 0, language)


def signed(value: Decimal, unit: str, vocabulary: Vocabulary, language: Language = "vi") -> str:
    """A difference with its sign: «+1,2 điểm %», «−5,1 điểm %»."""
    text = value_text(value.copy_abs(), unit, vocabulary, language)
    return text if not value else f"{'+' if value > 0 else MINUS}{text}"


def day(at_ms: int, language: Language = "vi") -> str:
    """The day in Vietnam: 03/11/2026 or 3 Nov 2026."""
    if language == "vi":
        return date_vi(at_ms)
    here = local(at_ms)
    return f"{here.day} {here:%b %Y}"


@lru_cache(maxsize=4096)  # readings of many stations carry one time
def instant(at_ms: int, language: Language = "vi") -> str:
    """The minute in Vietnam: «07:30 ngày 03/11/2026» or «07:30, 3 Nov 2026»."""
    return time_vi(at_ms) if language == "vi" else f"{local(at_ms):%H:%M}, {day(at_ms, 'en')}"


def age(milliseconds: int, language: Language = "vi") -> str:
    """How long ago, in the largest step: «vừa xong», «5 phút trước», «3 ngày trước»."""
    steps = ((DAY_MS, "ngày", "d"), (HOUR_MS, "giờ", "h"), (MINUTE_MS, "phút", "min"))
    for size, vi, en in steps:
        if milliseconds >= size:
            n = milliseconds // size
            return f"{n} {vi} trước" if language == "vi" else f"{n} {en} ago"
    return "vừa xong" if language == "vi" else "just now"


def month_label(pane: int, language: Language = "vi") -> str:
    """The month of a month pane (months since January 1970 in Vietnam): «tháng 10/2026»."""
    year, month = divmod(pane, 12)
    if language == "vi":
        return f"tháng {month + 1}/{1970 + year}"
    return f"{datetime(1970 + year, month + 1, 1):%b %Y}"
