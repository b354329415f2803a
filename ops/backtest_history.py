"""History for a backtest, from ClickHouse, as the read-only user; and what a backtest found, kept there for the board."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Final, Self

from indicators.derived.formula_book import FormulaBook
from indicators.derived.result import Result
from indicators.heartbeat import REPORTS
from indicators.instant import local
from indicators.rule import Rule
from indicators.series import parse
from indicators.vocabulary import Vocabulary
from ops.backtest import History, Outcomes, Step, backtest
from sinks import clickhouse
from transport.settings import Settings


class ClickHouseHistory:
    """A context: rows of a question as mappings, in blocks. Raises clickhouse.Unavailable, clickhouse.NotReady."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._open = settings, ExitStack()
        self._client: Any = None

    def __enter__(self) -> Self:
        self._client = self._open.enter_context(clickhouse.connected(self._settings, reader=True))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._open.__exit__(kind, error, trace)

    def rows(self, sql: str, values: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """Rows by the names of their columns, in the order of the question."""
        with self._client.query_row_block_stream(sql, parameters=dict(values)) as stream:
            names = stream.source.column_names
            for block in stream:
                for row in block:
                    yield dict(zip(names, row, strict=True))


def over_history(
    settings: Settings, rule: Rule, stretch: tuple[int, int], *, keep: bool,
    watched: Callable[[History], History] = lambda history: history,
) -> Outcomes:  # fmt: skip
    """What a rule would have raised over [first, last), event times in epoch ms, from ClickHouse; kept there where asked for. `watched`
    stands between the history and its judge. Raises BacktestError, DataFileError, clickhouse.Unavailable, clickhouse.NotReady."""
    with ClickHouseHistory(settings) as history:
        words, formulas = Vocabulary.load(settings.home), FormulaBook.load(settings.home)
        found = backtest(rule, words, formulas, watched(history), *stretch, settings.home)
    if keep:
        kept(settings, rule, found, *stretch)
    return found


COLUMNS: Final = ("rule", "rule_version", "since", "until", "ran_at", "mark", "series", "indicator", "territory", "subject_type",
                  "subject_id", "event_time", "transition", "severity", "value")  # fmt: skip


def kept(settings: Settings, rule: Rule, found: Outcomes, since: int, until: int) -> None:
    """Write a run and its steps into `backtests`, in one insert: seen whole or not at all. Raises clickhouse.Unavailable, NotReady."""
    run = (rule.id, rule.version, local(since), local(until), local(time.time_ns() // 1_000_000))
    marked = (("same", found.same), ("now", found.only_now), ("then", found.only_then))
    rows: list[list[object]] = [[*run, "ran", "", "", "", "", "", local(until), "", 0, None]]
    for mark, steps in marked:
        rows += [[*run, mark, *_place(rule, s), local(s.at), s.transition, s.severity, s.value] for s in steps]
    with clickhouse.connected(settings) as client:
        clickhouse.insert_lines(client, "backtests", [dict(zip(COLUMNS, row, strict=True)) for row in rows])


def _place(rule: Rule, step: Step) -> tuple[str, str, str, str, str]:
    """series, indicator (the formula, where the rule looks at results; of reports due their own), territory, subject type and id: what
    access goes by."""
    of = Result.parse(step.series) if rule.scope.formula or rule.kind == "due" else parse(step.series)
    named = rule.scope.formula or rule.scope.indicator or REPORTS
    return step.series, named, of.territory, of.subject_type, of.subject_id
