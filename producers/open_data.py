"""Open data: published series in their own formats, as real input for demonstrations (catalogue/demo/README.md names source and licence).

| file | what | becomes |
|---|---|---|
| `department-obligations*.csv` | a city's spending by department, year to date, plan and actual, by quarter | vn-1012/A.II.2 |
| `city-tax-collections*.csv` | the city's tax by month, added up over its fiscal year | vn-1012/A.II.1, component accumulated |
| `driver_data*.csv` | a weather station in Hessen: rain and temperature by hour | vn-1012/D.1, station GIESSEN-24 |
| `water-flow*.csv` | a pipeline branch in Italy: l/s by hour, with known anomalies | vn-1012/D.1, station RIVER-WF |

Every observation carries the quality flag `published_elsewhere`: the readings are real, the place is not in Viet Nam; territory is `VN`.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial

from indicators.observation import Observation
from indicators.vocabulary import Vocabulary
from producers.documents import Document, Overlay, Parsed
from producers.fields import DAY_MS, date_of, instant_of, number_of, text_of, whole_of
from producers.periods import month_period
from producers.reject import Refused
from producers.sensors import INDICATOR, QUANTITIES, Quantity
from producers.tables import Row, read_rows

FLAGS = ("published_elsewhere",)
PROVIDER = "OPEN-DATA"
STATION, FLOW = "GIESSEN-24", "RIVER-WF"
SPENDING_FIGURES = {"Actual": "actual", "Target Budget": "plan"}
STATION_ZONE = "+01:00"
"""The station's file gives no zone; its country keeps Central European Time."""
HOUR_MS = 3_600_000
DONG_PER_DOLLAR = 25_000
"""The series are in đồng: dollars are carried over at this round rate, which is no rate of any day; the flag `converted` says so."""


class OpenData:
    """The adapter of the four published formats."""

    name = "open_data"
    provider = PROVIDER

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    def parse(self, document: Document, memory: Overlay, into: Parsed) -> None:
        """See documents.Adapter; the file's name says which series it is."""
        for prefix, (columns, take) in _FORMATS.items():
            if document.name.startswith(prefix):
                reader = take(self._vocabulary, into)
                read_rows(document, columns, into, partial(_placed, document.name, reader))
                return
        names = ", ".join(f"{name}*.csv" for name in _FORMATS)
        into.refuse(Refused("contract", "", f"a file named {names} is required"), document.name, document.data)


_Reader = Callable[[Row, str], None]


def _placed(name: str, reader: _Reader, row: Row) -> None:
    reader(row, f"{name}:{row.line}")


def _spending(vocabulary: Vocabulary, into: Parsed) -> _Reader:
    def take(row: Row, place: str) -> None:
        cells = row.cells
        figure = SPENDING_FIGURES.get(cells["variable"])
        if cells["time_period"] != "YTD" or figure is None:
            into.superseded += 1  # full-year projections of the same report: another question than the path so far
            return
        as_of, code = date_of(cells["as_of_date"], "as_of_date"), f"PHL-{text_of(cells, 'dept_code')}"
        if vocabulary.subject("department", code) is None:
            raise Refused("unknown_subject", "dept_code", "a department of catalogue/subjects is required")
        start, end = month_period(as_of)
        into.take(Observation(
            indicator="vn-1012/A.II.2", concept="budget_expenditure", measure_unit="VND", figure=figure, period_type="month",
            period_start=start, period_end=end, event_time=end - DAY_MS, ingested_at=into.now, territory="VN", agency="MOF",
            provider=PROVIDER, cumulative=True,
            source_system="phl-budget", source_record_id=f"{code}/{as_of.isoformat()}/{figure}", subject_type="department", subject_id=code,
            budget_year=whole_of(cells["fiscal_year"], "fiscal_year", minimum=2000, maximum=2100), status="official",
            value=number_of(cells["total"], "total") * DONG_PER_DOLLAR, quality_flags=(*FLAGS, "converted"),
        ), place, row.original)  # fmt: skip

    return take


def _collections(vocabulary: Vocabulary, into: Parsed) -> _Reader:
    totals: dict[tuple[str, int], Decimal] = {}

    def take(row: Row, place: str) -> None:
        cells = row.cells
        if cells["kind"] != "total":
            into.superseded += 1  # parts of the total of the same line
            return
        name, day = text_of(cells, "name"), date_of(cells["date"], "date")
        year = whole_of(cells["fiscal_year"], "fiscal_year", minimum=2000, maximum=2100)
        amount = number_of(cells["total"], "total") * DONG_PER_DOLLAR
        totals[name, year] = totals.get((name, year), Decimal(0)) + amount
        start, end = month_period(day)
        into.take(Observation(
            indicator="vn-1012/A.II.1", component="accumulated", concept="budget_revenue", measure_unit="VND", period_type="month",
            period_start=start, period_end=end, event_time=end - DAY_MS, ingested_at=into.now, territory="VN", agency="MOF",
            provider=PROVIDER, cumulative=True, source_system="phl-budget", source_record_id=f"{name}/{day.isoformat()}", budget_year=year,
            status="official", dimensions=(("revenue_item", name),), value=totals[name, year], quality_flags=(*FLAGS, "converted"),
        ), place, row.original)  # fmt: skip

    return take


def _weather(vocabulary: Vocabulary, into: Parsed) -> _Reader:
    def take(row: Row, place: str) -> None:
        cells = row.cells
        at = instant_of(f"{text_of(cells, 'time')}{STATION_ZONE}", "time")
        rain = number_of(cells["rain_mmday"], "rain_mmday") / 24  # the file gives the hour's rate in mm a day
        _reading(vocabulary, into, (STATION, QUANTITIES["rain"], at, rain.quantize(Decimal("0.000001"))), row, place)
        temperature = number_of(cells["airtemp_degC"], "airtemp_degC").quantize(Decimal("0.000001"))
        _reading(vocabulary, into, (STATION, QUANTITIES["temperature"], at, temperature), row, place)

    return take


def _flow(vocabulary: Vocabulary, into: Parsed) -> _Reader:
    def take(row: Row, place: str) -> None:
        at, flow = instant_of(row.cells["Time"], "Time"), number_of(row.cells["Water flow [l/s]"], "Water flow [l/s]")
        _reading(vocabulary, into, (FLOW, QUANTITIES["water_flow"], at, flow), row, place)

    return take


def _reading(vocabulary: Vocabulary, into: Parsed, reading: tuple[str, Quantity, int, Decimal], row: Row, place: str) -> None:
    station, quantity, at, value = reading
    subject = vocabulary.subject("station", station)
    if subject is None:
        raise Refused("unknown_subject", "station", "a station of the registry is required; register it, then send again")
    into.take(Observation(
        indicator=INDICATOR, component=quantity.component, concept=quantity.concept, measure_unit=quantity.measure_unit, period_type="hour",
        period_start=at, period_end=at + HOUR_MS, event_time=at, ingested_at=into.now, territory=subject.territory, agency=subject.agency,
        provider=PROVIDER, source_system="open_data", source_record_id=f"{station}/{quantity.component}/{at}", subject_type="station",
        subject_id=station, lon=subject.lon, lat=subject.lat, value=value, quality_flags=FLAGS,
    ), place, row.original)  # fmt: skip


_FORMATS: dict[str, tuple[tuple[str, ...], Callable[[Vocabulary, Parsed], _Reader]]] = {
    "department-obligations": (("total", "fiscal_year", "variable", "time_period", "as_of_date", "dept_code"), _spending),
    "city-tax-collections": (("name", "kind", "fiscal_year", "total", "date"), _collections),
    "driver_data": (("time", "rain_mmday", "airtemp_degC"), _weather),
    "water-flow": (("Time", "Water flow [l/s]"), _flow),
}
