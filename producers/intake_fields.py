"""Cells of a template as people fill them: Vietnamese words, dates and numbers into codes, instants and exact values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal

from indicators.measure_unit import MeasureUnit
from indicators.numbers_vi import NumberError, parse_vi
from producers.fields import instant_of, number_of, start_of
from producers.reject import Refused
from producers.sheet import Cell

PERIOD_OF = {
    "thời điểm": "instant", "giờ": "hour", "ngày": "day", "tuần": "week", "tháng": "month", "tháng báo cáo": "reporting_month",
    "quý": "quarter", "6 tháng": "half_year", "9 tháng": "nine_months", "năm": "year", "lũy kế năm ngân sách": "budget_year_to_date",
    "tháng 7 và tháng 11": "july_november", "theo quyết định": "on_decision",
}  # fmt: skip
FIGURE_OF = {
    "thực hiện": "actual", "kế hoạch": "plan", "kế hoạch Thủ tướng giao": "plan_pm", "kế hoạch địa phương giao": "plan_local",
    "kế hoạch kéo dài": "plan_carried_over", "dự toán": "budget_estimate", "dự báo": "forecast",
}  # fmt: skip
STATUS_OF = {"ước thực hiện": "estimated", "sơ bộ": "preliminary", "chính thức": "official", "đính chính": "revised", "hủy": "deleted"}
"""Words of the glossary → codes of the observation; the codes themselves are taken too."""

_MULTIPLES = {"nghìn": Decimal(10) ** 3, "triệu": Decimal(10) ** 6, "tỷ": Decimal(10) ** 9}
_TWO_READINGS = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}")
_POINT = re.compile(r"[+-]?\d+\.\d+")
_DAY = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?:[ T]+(\d{1,2})[:h](\d{2}))?")


def text_in(cells: Mapping[str, Cell], name: str) -> str:
    """The cell as text, empty where there is nothing."""
    value = cells.get(name)
    return "" if value is None else str(value).strip()


def needed_in(cells: Mapping[str, Cell], name: str) -> str:
    """The cell as text. Raises Refused(validation) where there is nothing."""
    text = text_in(cells, name)
    if not text:
        raise Refused("validation", name, "a text is required; found an empty cell")
    return text


def word_in(cells: Mapping[str, Cell], name: str, codes: Mapping[str, str], default: str) -> str:
    """The code of a Vietnamese word, or the code itself; `default` where the cell is empty. Raises Refused(validation)."""
    word = text_in(cells, name)
    if not word and default:
        return default
    found = {key.lower(): code for key, code in codes.items()}.get(word.lower()) or (word if word in codes.values() else "")
    if not found:
        raise Refused("validation", name, f"one of {', '.join(codes)} is required")
    return found


def code_of(value: Cell, name: str, known: Callable[[str], bool]) -> str:
    """A code of territory. Excel makes a number of «01»: it is taken where only one code of two or five digits fits.

    Raises Refused(unknown_territory) where a number fits none or both; an unknown text is left to the door, which names successors.
    """
    if not isinstance(value, int | Decimal) or isinstance(value, bool):
        return str(value or "").strip()
    fits = [code for width in (2, 5) if known(code := f"{int(value):0{width}d}")]
    if len(fits) != 1:
        raise Refused("unknown_territory", name, "a code written as text is required (01, 00004): Excel has dropped its zeros")
    return fits[0]


def moment_of(value: Cell, name: str) -> int:
    """An instant, epoch ms UTC, of dd/mm/yyyy, dd/mm/yyyy hh:mm, ISO 8601, or a date of Excel; without a time the day's start.

    Raises Refused(impossible_date).
    """
    try:
        if isinstance(value, datetime):
            return instant_of(value.isoformat(), name)
        if isinstance(value, date):
            return start_of(value)
        found = _DAY.fullmatch(str(value or "").strip())
        if found:
            day, month, year, hour, minute = (int(part) if part else 0 for part in found.groups())
            return instant_of(datetime(year, month, day, hour, minute).isoformat(), name)
    except ValueError as e:
        if isinstance(e, Refused):
            raise
        raise Refused("impossible_date", name, "a day of the calendar is required, dd/mm/yyyy") from None
    return instant_of(value, name)


def value_of(value: Cell, unit_text: str, unit: MeasureUnit) -> Decimal:
    """The exact value in the unit of the series. The row's unit is its code, its Vietnamese symbol or name, or a multiple of them
    (triệu đồng, tỷ đồng, nghìn tấn); empty: the unit of the series. Raises Refused(validation | not_a_number).
    """
    factor = _factor(unit_text, unit)
    if not isinstance(value, str):
        return number_of(value, "gia_tri") * factor
    text = value.strip()
    if _TWO_READINGS.fullmatch(text):
        raise Refused("not_a_number", "gia_tri", "a dot before three digits can be read two ways; write 1234 or 1,234")
    if _POINT.fullmatch(text):
        return Decimal(text) * factor
    try:
        return parse_vi(text) * factor
    except NumberError as e:
        raise Refused("not_a_number", "gia_tri", str(e)) from None


def _factor(text: str, unit: MeasureUnit) -> Decimal:
    names = {name.lower() for name in (unit.code, unit.symbol_vi, unit.name_vi) if name}
    if not text or text.lower() in names:
        return Decimal(1)
    multiple, _, rest = text.lower().partition(" ")
    if multiple in _MULTIPLES and rest in names:
        return _MULTIPLES[multiple]
    wanted = unit.symbol_vi or unit.name_vi
    raise Refused("validation", "don_vi_tinh", f"{wanted} ({unit.code}), or nghìn, triệu, tỷ {wanted}, is required")
