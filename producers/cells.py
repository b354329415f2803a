"""Cells: the fields of one record by their meaning, whatever the form calls them: `ten_cot` in a table, `name` in JSON.

A refusal names the field as the provider's own form does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from indicators.calendar import CalendarError
from indicators.instant import PeriodError, local_day
from indicators.trading_calendar import TradingCalendar
from producers.documents import Document, Parsed
from producers.fields import dong_of, instant_of, list_of, loads, mapping_of, number_of, text_of, whole_of
from producers.reject import Refused
from producers.tables import Row, read_rows


class Cells:
    """One record. `names`: meaning → name in this form; `generated`: the provider marks it as made up."""

    def __init__(self, record: Mapping[str, Any], names: Mapping[str, str], *, generated: bool) -> None:
        self._record, self._names, self.generated = record, names, generated

    def name(self, field: str) -> str:
        """What the form calls a field."""
        return self._names[field]

    def text(self, field: str) -> str:
        """A text that is not empty. Raises Refused(validation)."""
        return text_of(self._record, self._names[field])

    def number(self, field: str) -> Decimal:
        """An exact number. Raises Refused(not_a_number)."""
        return number_of(self._record.get(self._names[field]), self._names[field])

    def dong(self, field: str) -> Decimal:
        """Whole đồng. Raises Refused(not_a_number | wrong_scale | out_of_range)."""
        return dong_of(self._record.get(self._names[field]), self._names[field])

    def whole(self, field: str, *, minimum: int = 0, maximum: int) -> int:
        """A whole number within bounds. Raises Refused(not_a_number | wrong_scale | out_of_range)."""
        return whole_of(self._record.get(self._names[field]), self._names[field], minimum=minimum, maximum=maximum)

    def instant(self, field: str) -> int:
        """Epoch ms; local time where no zone is given. Raises Refused(impossible_date)."""
        return instant_of(self._record.get(self._names[field]), self._names[field])

    def session_instant(self, field: str, calendar: TradingCalendar) -> int:
        """An instant at which a snapshot of the market may be of. Raises Refused(impossible_date | validation)."""
        at, name = self.instant(field), self._names[field]
        try:
            takes, why = calendar.takes(at), calendar.closed_vi(local_day(at))
        except (CalendarError, PeriodError):
            raise Refused("impossible_date", name, "a time within the calendar's years is required") from None
        if not takes:
            raise Refused("validation", name, f"a time within a session of {calendar.row.code} is required ({why or 'ngoài giờ phiên'})")
        return at


Take = Callable[[Cells, str, bytes], None]
"""Takes the cells, place and bytes of one record; raises Refused for a bad one."""


def read_table(document: Document, names: Mapping[str, str], into: Parsed, take: Take) -> None:
    """Every new line of a CSV; `ghi_chu` «generated» marks what is made up."""

    def line(row: Row) -> None:
        cells = Cells(row.cells, names, generated=row.cells.get("ghi_chu") == "generated")
        take(cells, f"{document.name}:{row.line}", row.original)

    read_rows(document, tuple(names.values()), into, line)


def read_items(document: Document, lists: Mapping[str, tuple[Mapping[str, str], Take]], into: Parsed) -> None:
    """Every item of a JSON object that holds one of `lists` by its name, beside `generated`; a bad item is refused alone."""
    try:
        content = mapping_of(loads(document.data), "file")
        named = next((name for name in lists if name in content), None)
        if named is None:
            raise Refused("contract", "", f"an object with one of the lists {', '.join(lists)} is required")
        items: Iterable[Any] = list_of(content[named], named)
    except Refused as refused:
        into.refuse(refused, document.name, document.data)
        return
    names, take = lists[named]
    for number, item in enumerate(items, 1):
        place, original = f"{document.name}#{number}", str(item).encode()
        try:
            take(Cells(mapping_of(item, named), names, generated=content.get("generated") is True), place, original)
        except Refused as refused:
            into.refuse(refused, place, original)
