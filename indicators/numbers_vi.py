"""Numbers, money, dates and letters as Vietnamese readers write them: 1.234,5 · 03/11/2026 · 7,4 điểm % · 12,5 tỷ đồng.

Rounding is half up, as reports do it by hand. Dates are those of Asia/Ho_Chi_Minh; instants are epoch milliseconds UTC.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from itertools import pairwise

from indicators.instant import local, local_day

_WIDE = Context(prec=60, rounding=ROUND_HALF_UP)
"""Wide enough for every value of the platform (|value| ≤ 10^20, six decimals): rounding for display never raises."""

_NUMBER = re.compile(r"(?P<sign>[+-]?)(?P<whole>\d{1,3}(?:\.\d{3})+|\d+)(?:,(?P<part>\d+))?")
_MINUS = str.maketrans({"\u2212": "-", "\u2013": "-", "\u00a0": "", "\u202f": "", " ": ""})
_MONEY = ((Decimal(1), "đồng"), (Decimal(10) ** 6, "triệu đồng"), (Decimal(10) ** 9, "tỷ đồng"))


class NumberError(ValueError):
    """A text is not a number in Vietnamese writing. The message says how to write one, Vietnamese first; it never holds the text."""


def number_vi(value: Decimal, places: int | None = None) -> str:
    """`1.234,5`: dot between thousands, comma before decimals. `places` None: as many as the value has, without trailing zeros.

    Raises NumberError where the value is not finite.
    """
    if not value.is_finite():
        raise NumberError("giá trị không phải là số hữu hạn | not a finite number")
    rounded = value.normalize(_WIDE) if places is None else value.quantize(Decimal(1).scaleb(-places), context=_WIDE)
    whole, _, part = f"{rounded.copy_abs():f}".partition(".")
    text = f"{int(whole):,}".replace(",", ".") + (f",{part}" if part else "")
    return f"-{text}" if rounded < 0 else text


def percent_vi(value: Decimal, places: int | None = 2) -> str:
    """`52,43%` of a value already in percent."""
    return f"{number_vi(value, places)}%"


def points_vi(value: Decimal, places: int | None = 1) -> str:
    """`7,4 điểm %`: a difference between two percentages, which is never itself a percentage."""
    return f"{number_vi(value, places)} điểm %"


def money_vi(value: Decimal, places: int = 1) -> str:
    """An amount in đồng in the unit a reader says: `850.000 đồng`, `12,5 triệu đồng`, `1.234,5 tỷ đồng`. Whole đồng carry no decimals.

    The unit is the smallest whose shown figure stays below the next unit: 999.950.000 is «1,0 tỷ đồng», never «1.000,0 triệu đồng».
    """
    for (size, unit), (above, _) in pairwise(_MONEY):
        shown = _money(value, size, places)
        if shown.copy_abs() * size < above:
            return f"{number_vi(shown, 0 if size == 1 else places)} {unit}"
    size, unit = _MONEY[-1]
    return f"{number_vi(_money(value, size, places), places)} {unit}"


def date_vi(at_ms: int) -> str:
    """`03/11/2026`, the day in Vietnam of an instant."""
    return day_vi(local_day(at_ms))


def day_vi(day: date) -> str:
    """`03/11/2026` of a calendar day."""
    return f"{day.day:02d}/{day.month:02d}/{day.year:04d}"


def time_vi(at_ms: int) -> str:
    """`07:30 ngày 03/11/2026` of an instant; seconds are not shown."""
    return f"{local(at_ms):%H:%M} ngày {date_vi(at_ms)}"


def parse_vi(text: str) -> Decimal:
    """The exact value of `1.234,5`, `1234,5` or `-7`; spaces and the longer minus signs are accepted.

    Raises NumberError where dots do not part groups of three (so that 1.5 is never read as 15), or where anything else stands in the text.
    """
    plain = text.strip().translate(_MINUS)
    found = _NUMBER.fullmatch(plain)
    if found is None or not plain.isascii():
        raise NumberError(
            "số viết không đúng: dùng dấu chấm giữa các nhóm ba chữ số và dấu phẩy trước phần lẻ, ví dụ 1.234,5 | "
            "not a number: write a dot between groups of three digits and a comma before decimals, e.g. 1.234,5"
        )
    whole = found["whole"].replace(".", "")
    return Decimal(f"{found['sign']}{whole}.{found['part'] or '0'}" if found["part"] else f"{found['sign']}{whole}")


def unaccent_vi(text: str) -> str:
    """The text without diacritics, đ as d: for SMS in the 7-bit alphabet, for search and for sorting."""
    decomposed = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return unicodedata.normalize("NFC", "".join(c for c in decomposed if unicodedata.category(c) != "Mn"))


def _money(value: Decimal, size: Decimal, places: int) -> Decimal:
    return _WIDE.divide(value, size).quantize(Decimal(1).scaleb(0 if size == 1 else -places), context=_WIDE)
