"""Reading fields: text or JSON values into numbers, dates and instants, each refused with its reason where it is not one.

Numbers are ASCII decimals with a point; times without a zone are Asia/Ho_Chi_Minh (UTC+7 since 1975, no summer time).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Any

from indicators.series import SeriesError, check
from producers.reject import Refused

LOCAL = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
DAY_MS = 86_400_000
MAX_DIGITS = 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}|\d{8}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_NOT_FINITE = frozenset({"nan", "inf", "infinity", "snan", "null", "n/a", "#n/a", "na"})


def text_of(record: Mapping[str, Any], name: str) -> str:
    """A non-empty text field, stripped. Raises Refused(validation)."""
    value = record.get(name)
    if isinstance(value, str) and value.strip():
        return value.strip()
    kind = "empty" if value in (None, "") or isinstance(value, str) else type(value).__name__
    raise Refused("validation", name, f"a text is required; found {kind}")


def code_of(text: str, name: str) -> str:
    """A text that may be part of a series key. Raises Refused(contract)."""
    try:
        return check(text, name)
    except SeriesError as error:
        raise Refused("contract", name, str(error)) from None


def number_of(value: object, name: str) -> Decimal:
    """An exact finite number from text, int or Decimal (`loads` gives no float). Raises Refused(not_a_number)."""
    if isinstance(value, bool) or value is None or isinstance(value, float):
        raise Refused("not_a_number", name, f"a number is required; found {'nothing' if value is None else type(value).__name__}")
    number = Decimal(value) if isinstance(value, int | Decimal) else _from_text(str(value).strip(), name)
    if not number.is_finite():
        raise Refused("not_a_number", name, "a finite number is required; found NaN or infinity")
    return number


def _from_text(text: str, name: str) -> Decimal:
    if not text:
        raise Refused("not_a_number", name, "a number is required; found an empty field")
    if text.lower().lstrip("+-") in _NOT_FINITE:
        raise Refused("not_a_number", name, "a finite number is required; found NaN, infinity or a word for «none»")
    if len(text) > MAX_DIGITS or not _NUMBER.fullmatch(text):
        raise Refused("not_a_number", name, "a decimal number with a point is required; found other characters")
    try:
        return Decimal(text)
    except InvalidOperation:
        raise Refused("not_a_number", name, "a decimal number is required; found an exponent beyond reason") from None


def whole_of(value: object, name: str, *, minimum: int = 0, maximum: int = 1 << 31) -> int:
    """A whole number within bounds. Raises Refused(not_a_number | wrong_scale | out_of_range)."""
    number = number_of(value, name)
    if not -(10**30) < number < 10**30:
        raise Refused("out_of_range", name, "a count of this size is impossible")
    if number != number.to_integral_value():
        raise Refused("wrong_scale", name, "a whole number is required; found decimals")
    if not minimum <= number <= maximum:
        raise Refused("out_of_range", name, f"a whole number from {minimum} to {maximum} is required")
    return int(number)


def dong_of(value: object, name: str) -> Decimal:
    """An amount of whole đồng. Raises Refused(not_a_number | wrong_scale | out_of_range)."""
    number = number_of(value, name)
    if abs(number) > Decimal(10) ** 20:
        raise Refused("out_of_range", name, "|amount| ≤ 10^20 đồng")
    if number != number.to_integral_value():
        raise Refused("wrong_scale", name, "whole đồng are required; found decimals")
    return number.quantize(Decimal(1))


def date_of(value: object, name: str) -> date:
    """A date `yyyy-mm-dd` or `yyyymmdd`. Raises Refused(impossible_date)."""
    if value is None or value == "":
        raise Refused("impossible_date", name, "a date is required; found nothing")
    text = str(value).strip()
    with suppress(ValueError):
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    raise Refused("impossible_date", name, "a date of the calendar is required, yyyy-mm-dd or yyyymmdd")


def instant_of(value: object, name: str) -> int:
    """An ISO 8601 instant in epoch ms UTC; without a zone it is local time. Raises Refused(impossible_date)."""
    if value is None or value == "":
        raise Refused("impossible_date", name, "a time is required; found nothing")
    try:
        at = datetime.fromisoformat(str(value).strip())
    except ValueError:
        raise Refused("impossible_date", name, "a time in ISO 8601 is required, e.g. yyyy-mm-ddThh:mm:ss+07:00") from None
    return epoch_ms(at if at.tzinfo else at.replace(tzinfo=LOCAL))


def epoch_ms(at: datetime) -> int:
    """Epoch milliseconds of an aware datetime, exact."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def start_of(day: date) -> int:
    """First instant of a local day, epoch ms UTC."""
    return epoch_ms(datetime(day.year, day.month, day.day, tzinfo=LOCAL))


def local_date(at_ms: int) -> date:
    """The local day an instant lies in."""
    return (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(LOCAL).date()


def loads(data: bytes | str) -> Any:
    """JSON with exact numbers: decimals as Decimal, NaN and Infinity kept as Decimal so that only their record is refused.

    Raises Refused(wrong_encoding | truncated | decode).
    """
    if isinstance(data, bytes):
        data = decoded(data)
    try:
        return json.loads(data, parse_float=Decimal, parse_constant=Decimal, parse_int=_whole)
    except json.JSONDecodeError as e:
        if e.pos >= len(data.rstrip()):
            raise Refused("truncated", "", "JSON ends in the middle; send it again whole") from None
        unclosed = e.msg.startswith("Unterminated string")
        raise Refused("truncated" if unclosed else "decode", "", "JSON is required; found another text") from None
    except (RecursionError, InvalidOperation):
        raise Refused("decode", "", "JSON nested or numbered beyond reason") from None


def _whole(digits: str) -> int | Decimal:
    """Whole numbers of JSON; longer than any figure as Decimal, which has no limit to stumble over: the field's check refuses it."""
    return int(digits) if len(digits) <= MAX_DIGITS else Decimal(digits)


def decoded(data: bytes) -> str:
    """UTF-8 text, a byte-order mark dropped. Raises Refused(wrong_encoding)."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused("wrong_encoding", "", "UTF-8 is required; save the file as UTF-8 and send it again") from None


def mapping_of(value: object, name: str) -> dict[str, Any]:
    """A JSON object. Raises Refused(validation)."""
    if isinstance(value, dict):
        return value
    raise Refused("validation", name, f"an object is required; found {type(value).__name__}")


def list_of(value: object, name: str) -> list[Any]:
    """A JSON list. Raises Refused(validation)."""
    if isinstance(value, list):
        return value
    raise Refused("validation", name, f"a list is required; found {type(value).__name__}")
