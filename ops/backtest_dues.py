"""Backtest of rules of kind due: reports that are owed, and assigned tasks, over the receipts that ClickHouse holds.

The states and lines are those of stage 2 (due_result.py, assigned.py, due_line.py): each receipt that changed what is there is taken in the
order it was appended, with the clock at that instant, and the clock goes on to the end of the stretch last. What such a rule says follows
from receipts and time alone, so judged at each receipt it says what was said day by day. The platform is taken to have been awake all
along: a night without a heartbeat, in which nobody was called late, is not told apart here. """

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from indicators.assigned_task import TASK
from indicators.derived.formula_book import FormulaBook
from indicators.derived.result import Result
from indicators.heartbeat import BEATING_KEY
from indicators.observation import SCALE, STATUSES
from indicators.receipt import RECEIPT, told_of
from indicators.rule import Rule, RuleBook
from indicators.series import SeriesError, parse
from indicators.vocabulary import Vocabulary
from stream_processors import assigned
from stream_processors.dues import BEAT, Dues
from stream_processors.operand import MEMBER, Operand
from stream_processors.result_rules import ResultRules
from stream_processors.result_state import ResultState

RECEIPTS: Final = """
SELECT series, period_type, toUnixTimestamp64Milli(period_start) AS period_start, toUnixTimestamp64Milli(period_end) AS period_end,
    status, revision, reference, source_record_id, value, toUnixTimestamp64Milli(event_time) AS event_time,
    toUnixTimestamp64Milli(observations.appended) AS appended
FROM observations FINAL
WHERE figure = 'actual' AND indicator IN {indicators:Array(String)} AND period_type NOT IN ('instant', 'hour', 'day', 'week')
    AND observations.appended < fromUnixTimestamp64Milli({until:Int64}, 'UTC')
ORDER BY observations.appended, topic, partition, offset LIMIT {most:Int64}
"""
_OFFICIAL: Final = STATUSES.index("official")
Row = Mapping[str, Any]


class DueHistory:
    """One rule over rows of RECEIPTS in their order."""

    def __init__(self, rule: Rule, vocabulary: Vocabulary, formulas: FormulaBook, home: Path) -> None:
        self.rule, self._book = rule, RuleBook([rule])
        self._dues = Dues(self._book, home)
        book = self._dues.with_results(formulas).extended(assigned.formulas())
        self._rules = ResultRules(vocabulary, self._book, book, ("operands", 0), self._dues)
        self._states: dict[str, ResultState] = {}
        self._there: dict[tuple[str, str, int], tuple[int, bool]] = {}
        self._taken = 0

    @property
    def indicators(self) -> list[str]:
        """Whose records are asked for."""
        return [TASK] if self.rule.scope.formula else sorted({indicator for indicator, _ in self._dues.book.series()} | {RECEIPT})

    def judged(self, rows: Iterator[Row], until: int) -> Iterator[dict[str, Any]]:
        """The condition rows that the rule would have written."""
        for row in rows:
            for key, operand in self._task(row) if self.rule.scope.formula else self._receipts(row):
                yield from self._judge(key, operand, int(row["appended"]))
        for key in list(self._states):
            yield from self._judge(key, None, until)

    def _judge(self, key: str, operand: Operand | None, at: int) -> Iterator[dict[str, Any]]:
        if key not in self._states:
            state = self._rules.result(Result.parse(key))
            if state is None or not self._rules.concerns(state.result):
                return
            self._states[key] = state
        state = self._states[key]
        state.take(self._operand(BEATING_KEY.decode(), ("instant", 0, 1), at, role=BEAT))
        if operand is not None:
            state.take(operand)
        state.recompute([])
        yield from self._rules.evaluate(key, state, 0)[0]

    def _receipts(self, row: Row) -> Iterator[tuple[str, Operand]]:
        """What a figure's record, or a receipt of one that was held, changes of what is there."""
        series, at = parse(row["series"]), int(row["appended"])
        name = row["series"]
        if series.indicator == RECEIPT:
            try:
                series, name = told_of(row["reference"] or "")
            except SeriesError:
                return
            at = min(at, int(row["event_time"]))
        place = name, str(row["period_type"]), int(row["period_start"])
        known, alive = self._there.get(place, (-1, False)), row["status"] != "deleted"
        if row["revision"] <= known[0]:
            return
        self._there[place] = row["revision"], alive
        if alive == known[1]:
            return
        for to in self._dues.paid_by(series):
            if Result.parse(to.result).dimensions == f"period={row['period_type']}":
                yield to.result, self._operand(name, (*place[1:], int(row["period_end"])), at, deleted=not alive)

    def _task(self, row: Row) -> Iterator[tuple[str, Operand]]:
        period = str(row["period_type"]), int(row["period_start"]), int(row["period_end"])
        value = 0 if row["value"] is None else int(row["value"].scaleb(SCALE))
        for to in assigned.of_series(parse(row["series"])):
            if Result.parse(to.result).formula == self.rule.scope.formula:
                made = self._operand(row["source_record_id"], period, int(row["appended"]), deleted=row["status"] == "deleted")
                yield to.result, replace(made, value=value, count=int(row["revision"]))

    def _operand(self, series: str, period: tuple[str, int, int], at: int, *, role: str = MEMBER, deleted: bool = False) -> Operand:
        """`period`: type, start, end. `at`: when it came, epoch ms."""
        self._taken += 1
        return Operand(
            role=role, series=series, period_type=period[0], period_start=period[1], period_end=period[2], deleted=deleted, inexact=0,
            status=_OFFICIAL, value=10**SCALE, count=1, topic="", partition=0, generation=0, through=self._taken, event_time=at,
            caused_at=at,
        )  # fmt: skip
