"""Stage 1's rows: panes, aggregates and operands as framed Avro, and back into state."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from indicators.observation import SCALE, STATUSES
from indicators.wide import Wide
from stream_processors.calendar_panes import Kind, budget_year_of_code, end_ms, month_of_code, start_ms
from stream_processors.panes import NO_STATUS, PaneTable
from stream_processors.series_table import Consumer, SeriesTable
from transport.columnar_writer import AvroEncoder, RowWriter, join
from transport.registry import Registry
from transport.schemas import load

Int64s = NDArray[np.int64]

POSITION: Final = b"\x00pos"
LETTERS: Final = {Kind.HOUR: b"h", Kind.DAY: b"d", Kind.MONTH: b"m", Kind.BUDGET_YEAR: b"y"}
_DELETED: Final = STATUSES.index("deleted")
_PERIOD: Final = {Kind.HOUR: "hour", Kind.DAY: "day", Kind.MONTH: "month", Kind.BUDGET_YEAR: "year"}


class PaneRows:
    """Keys and values of `panes.<group>`."""

    def __init__(self, registry: Registry, series: SeriesTable) -> None:
        self._writer = RowWriter(load("pane"), registry.id_of("pane"), "kind", "through")
        self._series = series
        self._prefixes: list[bytes] = []

    def write(self, touched: Mapping[PaneTable, Int64s]) -> tuple[list[bytes], list[bytes]]:
        """These rows of the tables as they are now."""
        parts = [self._columns(table, rows) for table, rows in touched.items()]
        keys: list[bytes] = []
        prefixes: list[bytes] = []
        for table, rows in touched.items():
            sids, codes = table.columns.array("sid")[rows], table.columns.array("pane")[rows]
            keys += self.keys(table.kind, sids, codes)
            prefixes += self._take_prefixes(sids)
        if not parts:
            return [], []
        columns = {
            name: Wide.join([part[name] for part in parts])
            if isinstance(parts[0][name], Wide)
            else np.concatenate([p[name] for p in parts])
            for name in parts[0]
        }
        return keys, self._writer.rows(prefixes, columns)

    def keys(self, kind: Kind, sids: Int64s, codes: Int64s) -> list[bytes]:
        """Kafka keys of panes."""
        entries, letter = self._series.entries, LETTERS[kind]
        return [b"%b|%b%d" % (entries[s].key, letter, p) for s, p in zip(sids.tolist(), codes.tolist(), strict=True)]

    def _columns(self, table: PaneTable, rows: Int64s) -> dict[str, Any]:
        c = table.columns
        code = c.array("pane")[rows]
        month = table.kind == Kind.MONTH
        years = budget_year_of_code(code) if month else code if table.kind == Kind.BUDGET_YEAR else np.zeros(len(rows), np.int64)
        columns: dict[str, Any] = {
            "kind": np.full(len(rows), int(table.kind)),
            "pane": month_of_code(code) if month else code,
            "budget_year": years,
            "generation": self._series.generation[c.array("sid")[rows]],
            "status": np.where(c.array("status")[rows] == NO_STATUS, _DELETED, c.array("status")[rows]),
        }
        for name in ("inexact", "count", "last_time", "revision", "through"):
            columns[name] = c.array(name)[rows]
        for name in ("sum", "min", "max", "last"):
            columns[name] = c.wide(name).take(rows)
        return columns

    def _take_prefixes(self, sid: Int64s) -> list[bytes]:
        for entry in self._series.entries[len(self._prefixes) :]:
            self._prefixes.append(self._writer.prefix({"series": entry.key.decode("utf-8", "replace")}))
        return [self._prefixes[s] for s in sid.tolist()]

    def read(self, rows: dict[bytes, bytes], tables: dict[Kind, PaneTable]) -> None:
        """Newest row of each key into the tables. Raises TailError where another writer wrote them."""
        if not rows:
            return
        keys = [key.rpartition(b"|") for key in rows]
        sid = self._series.numbers([k[0] for k in keys])
        code = np.fromiter((int(k[2][1:]) for k in keys), np.int64, len(keys))
        columns = self._writer.tail.unpack(self._writer.tail.cut(list(rows.values())))
        kinds = np.asarray(columns["kind"])
        for kind, table in tables.items():
            some = np.flatnonzero(kinds == int(kind))
            if not some.size:
                continue
            at = table.rows_for(sid[some], code[some])
            c = table.columns
            for name in ("inexact", "count", "last_time", "revision", "status", "through"):
                c.array(name)[at] = np.asarray(columns[name])[some]
            for name in ("sum", "min", "max", "last"):
                wide = columns[name]
                assert isinstance(wide, Wide)
                c.wide(name).put(at, wide.take(some))
            gone = at[c.array("count")[at] == 0]
            reported = self._series.reported[c.array("sid")[gone]]
            c.array("status")[gone[~reported]] = NO_STATUS


class AggregateRows:
    """Keys and values of `agg.<group>`, and its position row."""

    def __init__(self, registry: Registry, series: SeriesTable) -> None:
        self.writer = RowWriter(load("aggregate"), registry.id_of("aggregate"), "h1_count", "through")
        self._series = series
        self._prefixes: list[bytes] = []
        kinds = self.writer.tail.kinds
        empty = {n: Wide.zeros(1) if k == "decimal" else np.zeros(1, np.int64) for n, k in kinds.items()}
        self._position = join([self.writer.prefix({"series": POSITION.decode()})], self.writer.tail.pack(empty))[0]

    def write(self, sid: Int64s, columns: dict[str, Any], rules: dict[int, list[dict[str, Any]]]) -> tuple[list[bytes], list[bytes]]:
        """One row per series; `rules`: states of the series that have any."""
        empty = self.writer.empty_suffix or b""
        numbers = sid.tolist()
        suffixes = [self.writer.suffix({"rules": rules[s]}) if s in rules else empty for s in numbers]
        for entry in self._series.entries[len(self._prefixes) :]:
            self._prefixes.append(self.writer.prefix({"series": entry.key.decode("utf-8", "replace")}))
        prefixes = [self._prefixes[s] for s in numbers]
        return [self._series.entries[s].key for s in numbers], self.writer.rows(prefixes, columns, suffixes)

    def position(self, first: int, next_offset: int, watermark: int, floor: int, clock: tuple[int, int]) -> bytes:
        """The position row: inputs [first, next_offset) are folded, and what those below `floor` changed in sums over dimensions is
        forwarded. Its windows are empty: only its suffix ever changes. `clock`: of silences, (append time, event time by then); it stands
        second, as `first` and `watermark`.
        """
        state = {"first": first, "next": next_offset, "watermark": watermark, "floor": floor}
        silence = {"first": clock[0], "next": next_offset, "watermark": clock[1], "floor": 0}
        return self._position + self.writer.suffix({"position": [state, silence] if clock[0] else [state]})

    def read(self, rows: dict[bytes, bytes]) -> tuple[Int64s, dict[str, Any]]:
        """Series numbers and columns of the tails."""
        sid = self._series.numbers(list(rows))
        starts = [5 + _length_bytes(len(key)) + len(key) for key in rows]
        return sid, self.writer.tail.unpack(self.writer.tail.cut(list(rows.values()), starts))


class OperandRows:
    """Rows of `operands.<group>`: touched panes, addressed to the results that use them."""

    def __init__(self, registry: Registry, series: SeriesTable, topic: str, partition: int) -> None:
        self._encoder = AvroEncoder("operand", registry.id_of("operand"))
        self._series, self._topic, self._partition = series, topic, partition

    def write(self, table: PaneTable, row: int, consumer: Consumer, caused_at: int) -> tuple[bytes, bytes]:
        """Key and value of one pane for one consuming result."""
        c = table.columns
        sid, code = int(c.array("sid")[row]), int(c.array("pane")[row])
        pane = code // 4 if table.kind == Kind.MONTH else code
        one = consumer.use.input
        number = c.wide(one.take).take(np.array([row])).to_ints()[0]
        count, status = int(c.array("count")[row]), int(c.array("status")[row])
        record = {
            "result": consumer.result,
            "role": one.role,
            "series": self._series.entries[sid].key.decode(),
            "period_type": _PERIOD[table.kind],
            "period_start": start_ms(table.kind, pane),
            "period_end": end_ms(table.kind, pane),
            "deleted": count == 0,
            "inexact": int(c.array("inexact")[row]),
            "status": STATUSES[min(status, _DELETED)],
            "budget_year": consumer.budget_year,
            "value": _decimal(number),
            "count": count,
            "topic": self._topic,
            "partition": self._partition,
            "generation": int(self._series.generation[sid]),
            "through": int(c.array("through")[row]),
            "event_time": int(c.array("last_time")[row]),
            "caused_at": caused_at,
        }
        return consumer.result.encode(), self._encoder.encode(record)


def _decimal(number: int) -> Decimal:
    return Decimal(number).scaleb(-SCALE)


def _length_bytes(length: int) -> int:
    """Bytes of an Avro string's length."""
    size, number = 1, length << 1
    while number > 127:
        number >>= 7
        size += 1
    return size
