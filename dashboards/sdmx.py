"""SDMX-CSV 2.0 (SDMX 3.0, section «SDMX-CSV»): comma-separated, decimal points, codes and exact values; for machines, not for spreadsheets.

One row an observation. The columns of a page's table are the components of a dataflow of its name under the agency NHIP; `value` is
OBS_VALUE, a place of the catalogue's territory REF_AREA, the time of the figure TIME_PERIOD. Moments are UTC.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from indicators.instant import local

AGENCY, VERSION = "NHIP", "1.0"
MEDIA: Final = "application/vnd.sdmx.data+csv; version=2.0.0; charset=utf-8"
COMPONENTS: Final = {
    "value": "OBS_VALUE",
    "time_period": "TIME_PERIOD",
    "code": "REF_AREA",
    "measure_unit": "UNIT_MEASURE",
    "data_status": "OBS_STATUS",
}
_INSTEAD: Final = ("event_time", "newest", "at", "opened_at")
"""What is the time of a row in tables without a period of their own, the first found."""


def sdmx_csv(name: str, keys: Sequence[str], rows: Sequence[Sequence[str | int | Decimal | datetime | None]]) -> bytes:
    """The rows under the component ids of their keys; `name` is the dataflow."""
    taken = dict(COMPONENTS)
    if "time_period" not in keys:
        taken |= dict.fromkeys([k for k in _INSTEAD if k in keys][:1], "TIME_PERIOD")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["STRUCTURE", "STRUCTURE_ID", "ACTION", *(taken.get(key, key.upper()) for key in keys)])
    flow = f"{AGENCY}:{name.upper().replace('-', '_')}({VERSION})"
    writer.writerows([["dataflow", flow, "I", *(_cell(cell) for cell in row)] for row in rows])
    return out.getvalue().encode()


def time_period(period_type: str, start_ms: int) -> str:
    """A period as SDMX writes it: 2026, 2026-S2, 2026-Q3, 2026-M10, 2026-W44, 2026-10-31; an hour by its first minute in Vietnam."""
    start = local(start_ms)
    match period_type:
        case "year" | "budget_year_to_date" | "nine_months":
            return f"{start.year}"
        case "half_year":
            return f"{start.year}-S{(start.month - 1) // 6 + 1}"
        case "quarter":
            return f"{start.year}-Q{(start.month - 1) // 3 + 1}"
        case "month" | "reporting_month":
            return f"{start.year}-M{start.month:02d}"
        case "week":
            year, week, _ = start.date().isocalendar()
            return f"{year}-W{week:02d}"
        case "hour" | "instant":
            return start.isoformat(timespec="minutes")
    return f"{start:%Y-%m-%d}"


def _cell(cell: str | int | Decimal | datetime | None) -> str:
    match cell:
        case None:
            return ""
        case Decimal():
            return f"{cell.normalize():f}"
        case datetime():
            aware = cell if cell.tzinfo else cell.replace(tzinfo=UTC)
            return f"{aware.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"
    return str(cell)
