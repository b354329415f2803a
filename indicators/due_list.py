"""Who owes what for a period, as a list for people: the debts of the due calendars with their due days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from indicators.calendar import WorkingCalendar
from indicators.obligation import Debt, Item, ObligationBook
from indicators.period import Period


class Owed(NamedTuple):
    """One report: who owes it, of which period, until the end of which day, with which figures."""

    debt: Debt
    period: Period
    due: date
    items: tuple[Item, ...]


def owed_in(book: ObligationBook, period: Period, calendar: WorkingCalendar, provider: str = "") -> Iterator[Owed]:
    """The reports of one period, in the order of the file; those whose obligation does not hold on their due day are left out. `provider`:
    of this agency alone. Raises CalendarError beyond the years the calendar knows."""
    for debt, items in book.items.items():
        if debt.period_type != period.type or provider not in ("", debt.provider):
            continue
        due = book.calendars[debt.calendar].due(period, calendar)
        held = tuple(i for i in items if (i.since is None or i.since <= due) and (i.until is None or due < i.until))
        if held:
            yield Owed(debt, period, due, held)
