"""Operands for stage 2 as the tests need them, and what its newest derived rows say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

import pytest

from indicators.derived.formula import Use
from indicators.instant import day_start
from indicators.period import period_of
from indicators.series import Series
from stream_processors.result_targets import Source, target
from stream_processors.stage2 import Stage2
from tests.stream_processors.offline import OfflineContext, Record, stored
from transport.columnar_writer import AvroEncoder
from transport.records import AvroDecoder
from transport.transactions import Rows

PERIOD = {"hour": "hour", "day": "day", "month": "month", "budget_year": "year"}


class Told(NamedTuple):
    """A pane of a series as stage 1 tells it: value None: withdrawn; `revision` makes its offset."""

    series: Series
    kind: str
    start: int
    value: Decimal | None
    budget_year: int = 0
    status: str = "official"


def month(year: int, number: int) -> int:
    """First instant of a month."""
    return day_start(date(year, number, 1))


def reported(
    indicator: str, component: str, territory: str, *, dimensions: tuple[tuple[str, str], ...] = (), figure: str = "actual"
) -> Series:
    """A series without a subject."""
    return Series(indicator, component, territory, "", "", dimensions, figure)


@cache
def _encoder(context: OfflineContext, name: str) -> AvroEncoder:
    return AvroEncoder(name, context.registry.id_of(name))


def operands(context: OfflineContext, told: Told, through: int) -> list[Record]:
    """The operand records of one pane: one for every formula and role that uses it."""
    s = told.series
    uses: Iterable[Use] = context.formulas.uses(s.indicator, s.component, s.figure)
    found = []
    for use in uses:
        result = target(use, Source(s.territory, s.subject_type, s.subject_id, s.dimensions, told.budget_year), context.vocabulary)
        if result is None or told.kind not in use.input.panes:
            continue
        period = period_of(PERIOD[told.kind], told.start)
        row = {
            "result": result.key(), "role": use.input.role, "series": s.key(), "period_type": period.type, "period_start": period.start_ms,
            "period_end": period.end_ms, "deleted": told.value is None, "inexact": 0, "status": told.status,
            "budget_year": told.budget_year, "value": told.value, "count": 1, "topic": "obs.test", "partition": 0, "generation": 0,
            "through": through, "event_time": period.start_ms, "caused_at": through,
        }  # fmt: skip
        found.append(Record(0, result.key().encode(), _encoder(context, "operand").encode(row), 0))
    return found


class Bench:
    """Stage 2 of every group as one process without Kafka: operands that a stage hands on come back to the stage they are for."""

    def __init__(self, context: OfflineContext) -> None:
        self.context = context
        self._stages: dict[str, Stage2] = {}
        self._offsets: dict[str, int] = {}
        self._decoder = AvroDecoder("derived", context.registry.schema)
        self.rows: dict[tuple[str, str, int], dict[str, Any]] = {}
        self.topics: dict[str, dict[bytes, bytes]] = {}

    def feed(self, records: Sequence[Record], step: int = 1000) -> None:
        """Fold records in chunks of `step`, and what they cause, until nothing moves."""
        waiting = list(records)
        while waiting:
            chunk, waiting = waiting[:step], waiting[step:]
            by_group: dict[str, list[Record]] = {}
            for record in chunk:
                formula = self.context.formulas[record.key.decode().partition("|")[0]]
                by_group.setdefault(formula.group, []).append(record)
            for group, part in by_group.items():
                waiting += self._fold(group, part)

    def _fold(self, group: str, part: list[Record]) -> list[Record]:
        stage = self._stages.setdefault(group, Stage2(self.context, group, 0))
        first = self._offsets.get(group, 0)
        self._offsets[group] = first + len(part)
        out = stage.fold([r._replace(offset=first + n) for n, r in enumerate(part)], first, first + len(part))
        self._note(out)
        some = (rows for rows in out if rows.topic.startswith("operands.") and not rows.topic.startswith("operands.latest"))
        return [Record(0, k, v or b"", 0) for rows in some for k, v in zip(rows.keys, rows.values, strict=True)]

    def reopened(self, monkeypatch: pytest.MonkeyPatch) -> Bench:
        """The same after a stop: every stage restored from what it wrote."""
        monkeypatch.setattr("stream_processors.stage2_restore.newest_rows", lambda _, topic, __: dict(self.topics.get(topic, {})))
        kept = self.topics
        monkeypatch.setattr("stream_processors.stage2_restore.read_partition", lambda _, topic, __: iter([stored(kept.get(topic, {}))]))
        again = Bench(self.context)
        again.rows, again.topics, again._offsets = dict(self.rows), self.topics, dict(self._offsets)
        for group in self._stages:
            again._stages[group] = Stage2(self.context, group, 0)
            assert again._stages[group].restore() == self._offsets[group]
        return again

    def _note(self, out: Sequence[Rows]) -> None:
        for written in out:
            table = self.topics.setdefault(written.topic, {})
            for key, value in zip(written.keys, written.values, strict=True):
                if value is None:
                    table.pop(key, None)
                else:
                    table[key] = value
        for value in (v for rows in out if rows.topic.startswith("derived.") for v in rows.values):
            row = self._decoder.decode(value or b"")
            if not row["position"]:
                self.rows[row["result"], row["territory"], row["period_start"]] = row

    def live(self) -> dict[tuple[str, str, int], tuple[Any, ...]]:
        """What is true of every result that is not deleted, without the marks of how it came about."""
        return {
            key: (row["value"], row["numerator"], row["denominator"], row["rank"], row["of"], row["expected"], row["reason"], row["status"])
            for key, row in self.rows.items()
            if not row["deleted"]
        }

    def one(self, formula: str, territory: str, start: int, dimensions: str = "") -> dict[str, Any]:
        """The row of one result."""
        (row,) = (
            r for (key, where, at), r in self.rows.items()
            if key.split("|")[0] == formula and where == territory and at == start and key.split("|")[3] == dimensions
        )  # fmt: skip
        return row




def raw_operand(
    context: OfflineContext, result: str, role: str, series: str, start: int, value: Decimal | None, through: int, budget_year: int = 0
) -> Record:
    """An operand of a month that no single series gives: a share of a sum over dimensions."""
    period = period_of("month", start)
    row = {
        "result": result, "role": role, "series": series, "period_type": "month", "period_start": start, "period_end": period.end_ms,
        "deleted": value is None, "inexact": 0, "status": "official", "budget_year": budget_year, "value": value, "count": 1,
        "topic": "obs.test", "partition": 0, "generation": 0, "through": through, "event_time": start, "caused_at": through,
    }  # fmt: skip
    return Record(0, result.encode(), _encoder(context, "operand").encode(row), 0)
