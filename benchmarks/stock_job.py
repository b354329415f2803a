"""The worker's job on customs lines, one record at a time, as a program on stock Faust would do it: plain Python, fastavro, dictionaries.

Same fields decoded, same checks at the door, same panes (day, month by budget year, budget year), same windows, corrections exact by a
record memory, sums in integers. tests/benchmarks/test_stock_job.py compares its aggregate rows with the worker's. State of a series is one
JSON-able dictionary, so that it fits a Faust Table.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

import fastavro

from indicators.instant import DAY_MS, HOUR_MS, local
from indicators.observation import SCALE, VALUE_LIMIT
from indicators.series import Series
from indicators.spec import SeriesSpec
from indicators.vocabulary import Vocabulary
from transport.framing import FRAME_BYTES, frame
from transport.records import untimed
from transport.schemas import load

Pane = list[int]
"""[count, sum, min, max, last, event time of last, offset of last]; values in millionths."""

Record = tuple[int, int, int, int, int]
"""[revision, event time, value, budget year, offset] of a record that was folded."""

State = dict[str, Any]
"""Of one series: `day`, `month`, `year` (pane code as text → Pane), `latest` [time, value, year], `watermark`, `first`, `through`."""

WINDOWS: Final = ("h1", "h24", "d7", "d30", "month", "quarter", "ytd")
EARLIEST_MS: Final = 631_152_000_000
LATEST_MS: Final = 4_102_444_800_000


class StockJob:
    """Decode, check, fold, encode. `aggregate_id`: schema id of the rows that go out. Raises what fastavro raises on a broken body."""

    def __init__(self, vocabulary: Vocabulary, aggregate_id: int) -> None:
        self._vocabulary = vocabulary
        self._reads = untimed(load("observation"))
        self._writes = untimed(load("aggregate"))
        self._frame = frame(aggregate_id)
        self._specs: dict[tuple[str, str], SeriesSpec | None] = {}
        self._records: dict[bytes, dict[str, Record]] = {}

    def decode(self, message: bytes) -> dict[str, Any]:
        """The record of a framed message, every field."""
        found = fastavro.schemaless_reader(io.BytesIO(message[FRAME_BYTES:]), self._reads, None)
        assert isinstance(found, dict)
        return found

    def problem(self, key: bytes, r: dict[str, Any], watermark: int) -> str:
        """Why the record is refused; empty: it is admitted."""
        place = (r["indicator"], r["component"])
        if place not in self._specs:
            self._specs[place] = self._vocabulary.series_spec(*place)
        spec = self._specs[place]
        if spec is None:
            return "unknown_indicator"
        dimensions = tuple((d["name"], d["value"]) for d in r["dimensions"])
        series = Series(*place, r["territory"], r["subject_type"], r["subject_id"], dimensions, r["figure"])
        if series.key().encode() != key or r["measure_unit"] != spec.measure_unit or r["figure"] not in spec.figures:
            return "contract"
        if any(name not in spec.dimensions for name, _ in dimensions):
            return "contract"
        if not EARLIEST_MS <= r["event_time"] < LATEST_MS or r["event_time"] > r["ingested_at"] + DAY_MS:
            return "impossible_date"
        if not EARLIEST_MS <= r["period_start"] < r["period_end"]:
            return "impossible_date"
        if r["revision"] < 0 or not r["source_record_id"] or r["value"] is None:
            return "validation"
        low = -VALUE_LIMIT if spec.minimum is None else spec.minimum
        high = VALUE_LIMIT if spec.maximum is None else spec.maximum
        if not max(low, -VALUE_LIMIT) <= r["value"] <= min(high, VALUE_LIMIT):
            return "out_of_range"
        end_of_day = r["event_time"] - (r["event_time"] + 7 * HOUR_MS) % DAY_MS + DAY_MS
        return "too_late" if end_of_day + spec.horizon_ms <= watermark else ""

    def fold(self, key: bytes, state: State | None, r: dict[str, Any], offset: int) -> State:
        """The state after an admitted record; an older or equal revision of a known record changes only the watermark."""
        state = state or {"day": {}, "month": {}, "year": {}, "latest": [-1, 0, 0], "watermark": 0, "first": LATEST_MS, "through": -1}
        state["watermark"] = max(state["watermark"], r["event_time"])
        state["first"] = min(state["first"], r["event_time"])
        records = self._records.setdefault(key, {})
        identity = f"{r['source_system']}|{r['source_record_id']}"
        known = records.get(identity)
        if known is not None and known[0] >= r["revision"]:
            return state
        value = int(r["value"].scaleb(SCALE))
        record = records[identity] = (r["revision"], r["event_time"], value, r["budget_year"], offset)
        state["through"] = offset
        for kind, code in _codes(record[1], record[3]).items():
            panes = state[kind]
            if known is None:
                panes[code] = _added(panes.get(code), record)
            else:
                panes[code] = _rebuilt(one for one in records.values() if _codes(one[1], one[3])[kind] == code)
        newest = record if known is None else max(records.values(), key=lambda one: (one[1], one[4]))
        if known is not None or record[1] >= state["latest"][0]:
            state["latest"] = [newest[1], newest[2], newest[3]]
        return state

    def aggregate(self, key: bytes, state: State) -> dict[str, Any]:
        """The row of `agg`: every window at the series' newest event time."""
        at, value, year = state["latest"]
        day, month = (at + 7 * HOUR_MS) // DAY_MS, _month(at)
        days, months = state["day"], state["month"]
        quarter = month // 3 * 3
        found = {
            "d7": _merged(p for c, p in days.items() if day - 7 < int(c) <= day),
            "d30": _merged(p for c, p in days.items() if day - 30 < int(c) <= day),
            "month": _merged(p for c, p in months.items() if int(c) // 4 == month),
            "quarter": _merged(p for c, p in months.items() if quarter <= int(c) // 4 <= month),
            "ytd": _merged(p for c, p in state["year"].items() if int(c) == year),
        }
        row: dict[str, Any] = {
            "series": key.decode(), "latest": Decimal(value).scaleb(-SCALE), "latest_time": at, "budget_year": year,
            "watermark": state["watermark"], "first_time": state["first"], "inexact": 0, "generation": 0, "through": state["through"],
            "position": [], "rules": [],
        }  # fmt: skip
        for name in WINDOWS:
            pane = found.get(name, [0, 0, 0, 0])
            row[f"{name}_count"] = pane[0]
            for i, part in enumerate(("sum", "min", "max") if name != "ytd" else ("sum",), 1):
                row[f"{name}_{part}"] = Decimal(pane[i]).scaleb(-SCALE)
        return row

    def encode(self, row: dict[str, Any]) -> bytes:
        """The row as a framed message."""
        out = io.BytesIO()
        out.write(self._frame)
        fastavro.schemaless_writer(out, self._writes, row)
        return out.getvalue()


def _month(at: int) -> int:
    moment = local(at)
    return (moment.year - 1970) * 12 + moment.month - 1


def _codes(at: int, budget_year: int) -> dict[str, str]:
    """Pane of each kind that holds an instant; months are split by budget year: the one before, this one, the next, none."""
    month = _month(at)
    split = 3 if budget_year == 0 else min(2, max(0, budget_year - (1970 + month // 12) + 1))
    codes = {"day": str((at + 7 * HOUR_MS) // DAY_MS), "month": str(month * 4 + split)}
    return codes | ({"year": str(budget_year)} if budget_year else {})


def _added(pane: Pane | None, record: Record) -> Pane:
    _, time, value, _, offset = record
    if pane is None:
        return [1, value, value, value, value, time, offset]
    count, total, least, most, last, last_time, last_offset = pane
    if (time, offset) > (last_time, last_offset):
        last, last_time, last_offset = value, time, offset
    return [count + 1, total + value, min(least, value), max(most, value), last, last_time, last_offset]


def _rebuilt(records: Iterable[Record]) -> Pane:
    pane: Pane | None = None
    for record in records:
        pane = _added(pane, record)
    assert pane is not None, "the record that was corrected is in it"
    return pane


def _merged(panes: Iterable[Pane]) -> Pane:
    """[count, sum, min, max] over panes; zeros where there is none."""
    found = list(panes)
    if not found:
        return [0, 0, 0, 0]
    return [sum(p[0] for p in found), sum(p[1] for p in found), min(p[2] for p in found), max(p[3] for p in found)]
