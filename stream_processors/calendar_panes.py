"""Pane numbers: hour, day and month since 1970 in Asia/Ho_Chi_Minh (UTC+7 all year), and the budget year; whole arrays at a time."""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

Int64s = NDArray[np.int64]

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
OFFSET_MS: Final = 7 * HOUR_MS


class Kind(IntEnum):
    """Width of a pane; the number is that of the Avro enum PaneKind."""

    HOUR = 0
    DAY = 1
    MONTH = 2
    BUDGET_YEAR = 3


KINDS: Final = {"hour": Kind.HOUR, "day": Kind.DAY, "month": Kind.MONTH, "budget_year": Kind.BUDGET_YEAR}


def hour_of(at_ms: Int64s) -> Int64s:
    """Hour number of instants in epoch ms."""
    return (at_ms + OFFSET_MS) // HOUR_MS


def day_of(at_ms: Int64s) -> Int64s:
    """Day number of instants in epoch ms."""
    return (at_ms + OFFSET_MS) // DAY_MS


def month_of_day(day: Int64s) -> Int64s:
    """Month number (0 = January 1970) of day numbers."""
    return day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def first_day_of_month(month: Int64s) -> Int64s:
    """Day number of the first day of month numbers."""
    return month.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


@lru_cache(maxsize=1 << 16)
def start_ms(kind: Kind, pane: int) -> int:
    """First instant of a pane, epoch ms."""
    if kind == Kind.HOUR:
        return pane * HOUR_MS - OFFSET_MS
    if kind == Kind.DAY:
        return pane * DAY_MS - OFFSET_MS
    month = pane if kind == Kind.MONTH else (pane - 1970) * 12
    return int(first_day_of_month(np.array([month]))[0]) * DAY_MS - OFFSET_MS


@lru_cache(maxsize=1 << 16)
def end_ms(kind: Kind, pane: int) -> int:
    """First instant after a pane, epoch ms; a budget year of capital ends on 31 January of the next year (domain.md §12.4)."""
    if kind == Kind.BUDGET_YEAR:
        return start_ms(Kind.MONTH, (pane + 1 - 1970) * 12 + 1)
    return start_ms(kind, pane + 1)


def month_code(month: Int64s, budget_year: Int64s) -> Int64s:
    """Pane code of a month split by budget year: four codes a month, for the year before, this year, the next, and none.

    Capital of a budget year is paid until 31 January of the next (domain.md §12.4), so one month may hold entries of two budget years.
    """
    year = 1970 + month // 12
    split = np.where(budget_year == 0, 3, np.clip(budget_year - year + 1, 0, 2))
    return month * 4 + split


def month_of_code(code: Int64s) -> Int64s:
    """Month number of month codes."""
    return code // 4


def budget_year_of_code(code: Int64s) -> Int64s:
    """Budget year of month codes, 0: none."""
    return np.where(code % 4 == 3, 0, 1970 + code // 48 + code % 4 - 1)


def pane_start(kind: Kind, code: int) -> int:
    """First instant of a pane by its code (month codes are split by budget year), epoch ms."""
    return start_ms(kind, code // 4 if kind == Kind.MONTH else code)


def budget_year_of(kind: Kind, code: int) -> int:
    """Budget year of a pane by its code; 0: none."""
    if kind == Kind.BUDGET_YEAR:
        return code
    if kind == Kind.MONTH and code % 4 != 3:
        return 1970 + code // 48 + code % 4 - 1
    return 0
