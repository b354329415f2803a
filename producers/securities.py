"""Securities: snapshots of the exchanges every three minutes, and gold quotes, as CSV or JSON from a folder or over HTTP.

Snapshots, CSV `san,thoi_diem,chi_so,thay_doi,gia_tri_giao_dich_dong,khoi_luong,von_hoa_dong,phien_ban`, JSON {"snapshots": [{"exchange",
"time", "index", "change", "value_vnd", "volume", "capitalisation_vnd", "version"}]}: the index in points, its change against the close of
the session before, value and volume traded since the opening, and capitalisation. Quotes: producers/gold.py.

| a snapshot | becomes |
|---|---|
| every one | the index, value and volume so far, as instants: levels, of which the last counts and none is added up |
| the one that closes the day | besides, the day's value traded and its capitalisation (vn-1012/A.II.6: values at the end of the session) |

Refused: outside a session of the exchange (catalogue/trading-calendars.yaml: night, Tết, a swapped Saturday); the vendor's code for «no
value»; an index with more decimals than two; đồng in another scale, told by the price of a share or the bounds of the capitalisation; and
an index that moved further than the band lets one share move, against the close remembered of the session before, or where none is known
against the reference that the snapshot itself implies. Accepted with the flag `reference_differs`: a reference that is not the remembered
close. The record id is exchange, figure and time, so a snapshot sent twice is one; `phien_ban` 2, 3 … corrects, the closing one also what
is remembered.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from indicators.instant import DAY_MS, local_day
from indicators.observation import Observation
from indicators.spec import SeriesSpec
from indicators.territory import COUNTRY
from indicators.trading_calendar import MINUTE_MS, TradingCalendar
from indicators.vocabulary import Vocabulary
from producers.cells import Cells, read_items, read_table
from producers.documents import Document, Overlay, Parsed
from producers.gold import JSON_QUOTE, QUOTE, Gold
from producers.periods import day_period
from producers.reject import Refused
from producers.tables import columns_of

INDICATOR = "vn-1012/A.II.6"
SOURCE_SYSTEM = "securities"
PROVIDER = "MOF"
FIELDS = ("exchange", "time", "index", "change", "value", "volume", "capitalisation", "version")
COLUMNS = ("san", "thoi_diem", "chi_so", "thay_doi", "gia_tri_giao_dich_dong", "khoi_luong", "von_hoa_dong", "phien_ban")
SNAPSHOT = dict(zip(FIELDS, COLUMNS, strict=True))
JSON_SNAPSHOT = {name: name for name in FIELDS} | {"value": "value_vnd", "capitalisation": "capitalisation_vnd"}
MAX_VERSION = 999
PRICE_OF_A_SHARE = (Decimal(1_000), Decimal(1_000_000))
"""Đồng: what the mean price of the shares traded on a market lies in; a proposal of ours. Outside it the value is in another scale."""
MAX_INDEX = 1_000_000
SAME_POINTS = Decimal("0.01")
REMEMBERED_MS = 40 * DAY_MS
STOCK = "stock"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One snapshot, read and plausible in itself. Money in đồng; `change` and `index` in points."""

    exchange: str
    at: int
    index: Decimal
    change: Decimal
    value: Decimal
    volume: int
    capitalisation: Decimal
    version: int

    @property
    def day(self) -> date:
        """Its day in Vietnam."""
        return local_day(self.at)

    @property
    def reference(self) -> Decimal:
        """The close of the session before, as the exchange has it."""
        return self.index - self.change


class Securities:
    """The adapter of both forms of snapshots and quotes. An exchange is known by the index series that follows its trading calendar."""

    name = "securities"
    provider = PROVIDER

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        specs = [s for s in vocabulary.series_specs() if s.indicator == INDICATOR]
        self._indices = {s.trading_calendar: s for s in specs if s.trading_calendar}
        self._others = {s.component: s for s in specs}
        self._gold = Gold(vocabulary)

    def parse(self, document: Document, memory: Overlay, into: Parsed) -> None:
        """See documents.Adapter: `.csv` snapshots, or quotes by their column thuong_hieu; `.json` with a list `snapshots` or `quotes`."""

        def snapshot(cells: Cells, place: str, original: bytes) -> None:
            self._take(cells, place, original, memory, into)

        def quote(cells: Cells, place: str, original: bytes) -> None:
            self._gold.take(cells, place, original, into)

        if not document.name.lower().endswith(".csv"):
            read_items(document, {"snapshots": (JSON_SNAPSHOT, snapshot), "quotes": (JSON_QUOTE, quote)}, into)
        elif _is_quotes(document.data):
            read_table(document, QUOTE, into, quote)
        else:
            read_table(document, SNAPSHOT, into, snapshot)

    def _take(self, cells: Cells, place: str, original: bytes, memory: Overlay, into: Parsed) -> None:
        spec, calendar = self._exchange(cells)
        one = self._read(cells, spec, calendar)
        before = self._close_before(one, calendar, memory)
        _within_band(cells, one, before, calendar)
        differs = before is not None and abs(before - one.reference) > SAME_POINTS
        flags = (("reference_differs",) if differs else ()) + (("generated",) if cells.generated else ())
        closing = one.at - (calendar.closes(one.day) or one.at + 1)
        taken = into.take(self._level(spec, one, one.index, flags, into.now, closed=closing >= 0), place, original)
        for component, value in (("session_value", one.value), ("session_volume", Decimal(one.volume))):
            into.take(self._level(self._others[component], one, value, flags, into.now, closed=closing >= 0), place, original)
        if taken and closing >= 0:
            revision = closing // MINUTE_MS * (MAX_VERSION + 1) + one.version - 1
            for component, value in (("trading_value", one.value), ("capitalisation", one.capitalisation)):
                into.take(self._of_day(self._others[component], one, value, revision, flags, into.now), place, original)
            _remember(memory, one, revision)

    def _exchange(self, cells: Cells) -> tuple[SeriesSpec, TradingCalendar]:
        code = cells.text("exchange")
        spec, calendar = self._indices.get(code), self._vocabulary.trading_calendar(code)
        if spec is None or calendar is None:
            raise Refused("validation", cells.name("exchange"), f"one of {', '.join(sorted(self._indices))} is required")
        return spec, calendar

    def _read(self, cells: Cells, spec: SeriesSpec, calendar: TradingCalendar) -> Snapshot:
        index, change = cells.number("index"), cells.number("change")
        for field, value in (("index", index), ("value", cells.number("value")), ("capitalisation", cells.number("capitalisation"))):
            if value in spec.sentinels:
                raise Refused("sentinel", cells.name(field), "the vendor's code for «no value», not a figure")
        if abs(index) > MAX_INDEX or abs(change) > MAX_INDEX:
            raise Refused("out_of_range", cells.name("index"), f"an index of at most {MAX_INDEX} points is required")
        if index != index.quantize(Decimal(1).scaleb(-spec.scale)):
            raise Refused("wrong_scale", cells.name("index"), f"points with at most {spec.scale} decimals are required")
        one = Snapshot(
            spec.trading_calendar, cells.session_instant("time", calendar), index, change, cells.dong("value"),
            cells.whole("volume", maximum=10**12), cells.dong("capitalisation"), cells.whole("version", minimum=1, maximum=MAX_VERSION),
        )  # fmt: skip
        self._scaled(cells, one)
        return one

    def _scaled(self, cells: Cells, one: Snapshot) -> None:
        """Are the amounts in đồng?"""
        low, high = PRICE_OF_A_SHARE
        if not low * one.volume <= one.value <= high * one.volume:
            raise Refused("wrong_scale", cells.name("value"), f"whole đồng are required; value ÷ volume must be a price of {low} to {high}")
        minimum = self._others["capitalisation"].minimum
        if minimum is not None and one.capitalisation < minimum:
            raise Refused("wrong_scale", cells.name("capitalisation"), f"đồng are required, at least {minimum}; found a smaller scale")

    def _close_before(self, one: Snapshot, calendar: TradingCalendar, memory: Overlay) -> Decimal | None:
        """The index at the close of the session before, as remembered."""
        day = calendar.previous_day(one.day)
        kept = memory.recall(_key(one.exchange, day)) if day is not None else None
        return Decimal(str(kept[1])) if isinstance(kept, list) else None

    def _level(self, spec: SeriesSpec, one: Snapshot, value: Decimal, flags: tuple[str, ...], now: int, *, closed: bool) -> Observation:
        moment = datetime.fromtimestamp(one.at / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
        return Observation(
            indicator=INDICATOR, component=spec.component, concept=spec.concept, measure_unit=spec.measure_unit, period_type="instant",
            period_start=one.at, period_end=one.at + 1, event_time=one.at, ingested_at=now, territory=COUNTRY, agency=PROVIDER,
            provider=PROVIDER, source_system=SOURCE_SYSTEM, source_record_id=f"{one.exchange}/{spec.component}/{moment}",
            dimensions=(("exchange", one.exchange),) if spec.dimensions else (), revision=one.version - 1, value=value,
            status="official" if closed else "preliminary", quality_flags=flags,
        )  # fmt: skip

    def _of_day(self, spec: SeriesSpec, one: Snapshot, value: Decimal, revision: int, flags: tuple[str, ...], now: int) -> Observation:
        start, end = day_period(one.at)
        return Observation(
            indicator=INDICATOR, component=spec.component, concept=spec.concept, measure_unit=spec.measure_unit, period_type="day",
            period_start=start, period_end=end, event_time=one.at, ingested_at=now, territory=COUNTRY, agency=PROVIDER, provider=PROVIDER,
            source_system=SOURCE_SYSTEM, source_record_id=f"{one.exchange}/{spec.component}/{one.day.isoformat()}", revision=revision,
            budget_year=one.day.year, dimensions=(("exchange", one.exchange), ("security_type", STOCK)), value=value, status="official",
            quality_flags=flags,
        )  # fmt: skip


def _within_band(cells: Cells, one: Snapshot, before: Decimal | None, calendar: TradingCalendar) -> None:
    """No index moves further in a day than each of its shares may."""
    band = calendar.row.band_percent
    if one.reference <= 0:
        raise Refused("out_of_range", cells.name("change"), "index − change is the close before and is above zero")
    for field, base in (("change", one.reference), ("index", before)):
        if band is not None and base is not None and abs(one.index - base) * 100 > band * base:
            told = "a wrong close is corrected by its snapshot with a higher version" if field == "index" else "index and change disagree"
            raise Refused("out_of_range", cells.name(field), f"within ±{band} % of the close of the session before; {told}")


def _remember(memory: Overlay, one: Snapshot, revision: int) -> None:
    """Keep the close in its newest version."""
    kept = memory.recall(_key(one.exchange, one.day))
    if not isinstance(kept, list) or not isinstance(kept[0], int) or kept[0] <= revision:
        memory.remember(_key(one.exchange, one.day), [revision, str(one.index)], one.at + REMEMBERED_MS)


def _key(exchange: str, day: date) -> str:
    return f"close/{exchange}/{day.isoformat()}"


def _is_quotes(data: bytes) -> bool:
    try:
        return QUOTE["brand"] in columns_of(data)
    except Refused:
        return False  # the reader of rows says what is wrong with the first line
