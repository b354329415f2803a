"""Moments in addresses: `2026-11-20T08:30`, the clock of Vietnam, as a date field of a browser writes it."""

from __future__ import annotations

from datetime import UTC, datetime

from dashboards.figures import moment
from indicators.instant import VIETNAM


class MomentError(ValueError):
    """No such moment; the message says how to write one."""


def known_at(text: str, now: int) -> datetime:
    """The moment of an address, the present where it is empty. Raises MomentError."""
    if not text:
        return moment(now)
    try:
        return datetime.fromisoformat(text).replace(tzinfo=VIETNAM).astimezone(UTC)
    except (ValueError, OverflowError):
        raise MomentError("thời điểm viết dạng 2026-11-20T08:30 / a moment is written 2026-11-20T08:30") from None
