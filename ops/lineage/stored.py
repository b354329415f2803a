"""The operands of a result as ClickHouse holds them: newest panes of series, newest results, and the records behind a pane.

What is read is turned into the operands that stage 2 had, so that its own functions choose among them: lineage cannot tell another story
than the stream. Times in epoch ms, values unscaled as in `stream_processors.operand`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, Literal

from indicators import series as keys
from indicators.derived.definition import Term
from indicators.derived.formula import Formula, Input, Use
from indicators.derived.formula_book import FormulaBook
from indicators.derived.result import Result
from indicators.dimension_sets import PREFIX, results_of
from indicators.lineage import Origin
from indicators.observation import SCALE, STATUSES
from indicators.vocabulary import Vocabulary
from stream_processors.calendar_panes import KINDS, end_ms, start_ms
from stream_processors.operand import DIVISOR, MEMBER, Operand
from stream_processors.result_targets import Source, target

Row = dict[str, Any]
Read = Callable[[str, dict[str, Any]], list[Row]]

MOST_RECORDS: Final = 200
_PERIOD: Final = {"hour": "hour", "day": "day", "month": "month", "budget_year": "year"}
_PANES: Final = """
SELECT series, kind, pane, budget_year,
    argMax(tuple(count, sum, last, toUnixTimestamp64Milli(last_time), inexact, status, generation, through, topic, partition),
        version) AS best
FROM panes
WHERE indicator = {indicator:String} AND component = {component:String} AND figure = {figure:String} AND kind IN {kinds:Array(String)}
    AND ({territory:String} = '' OR territory = {territory:String}) AND ({subject:String} = '' OR subject_id = {subject:String})
    AND ({year:Int32} = 0 OR budget_year = {year:Int32})
GROUP BY series, kind, pane, budget_year
"""
_RESULTS: Final = """
SELECT formula, result, territory, period_type, toUnixTimestamp64Milli(period_start) AS period_start,
    toUnixTimestamp64Milli(period_end) AS period_end, status, inexact, value, numerator, denominator, rank, of, expected, reason,
    generation, through, toUnixTimestamp64Milli(event_time) AS event_time, toUnixTimestamp64Milli(caused_at) AS caused_at, measure_unit
FROM latest_derived
WHERE formula IN {formulas:Array(String)} AND ({result:String} = '' OR result = {result:String})
    AND ({territory:String} = '' OR territory = {territory:String}) AND ({year:Int32} = 0 OR budget_year = {year:Int32})
    AND ({start:Int64} < 0 OR toUnixTimestamp64Milli(latest_derived.period_start) = {start:Int64})
ORDER BY period_start, territory, result
"""
_RECORDS: Final = """
SELECT best.1 AS topic, best.2 AS partition, best.3 AS offset, best.4 AS revision
FROM
(
    SELECT argMax(tuple(topic, partition, offset, revision, value, status), tuple(revision, -offset)) AS best
    FROM observations
    WHERE indicator = {indicator:String} AND territory = {territory:String} AND series = {series:String}
        AND offset <= {through:Int64} AND ({year:Int32} = 0 OR budget_year = {year:Int32})
        AND if({entries:Bool}, event_time, period_start) >= fromUnixTimestamp64Milli({start:Int64})
        AND if({entries:Bool}, event_time, period_start) < fromUnixTimestamp64Milli({end:Int64})
    GROUP BY source_system, source_record_id
)
WHERE best.6 != 'deleted'
ORDER BY abs(best.5) DESC, best.3
LIMIT {limit:Int32}
"""


class Stored:
    """Reads the installation's database through `read`: the rows of a statement and its parameters. Raises what that raises."""

    def __init__(self, read: Read, vocabulary: Vocabulary, formulas: FormulaBook) -> None:
        self.vocabulary, self.formulas = vocabulary, formulas
        self._read = read

    def outcomes(self, result: str, start: int = -1, territory: str = "") -> list[Row]:
        """The newest rows of a result, by period; `start` −1: of every period; `territory`: of one place of a ranking."""
        formula = result.partition("|")[0]
        return self._results([formula], result=result, start=start, territory=territory)

    def of_formula(self, formula: str, territory: str) -> list[Row]:
        """The newest rows of a formula's results in a territory, by period."""
        return self._results([formula], territory=territory)

    def operands(self, formula: Formula, result: Result) -> Iterator[Operand]:
        """Every operand that the stream would have sent to this result."""
        if formula.of:
            for row in self._results([formula.of], year=result.budget_year):
                yield _of_row(row, MEMBER, row["value"])
            return
        for one in formula.inputs.values():
            yield from self._of_results(formula, one, result) if one.source else self._of_panes(formula, one, result)

    def records(self, operand: Operand, limit: int) -> list[Origin]:
        """The live records behind a pane, the largest first: topic, partition, offset, revision."""
        series = keys.parse(operand.series)
        spec = self.vocabulary.series_spec(series.indicator, series.component)
        rows = self._rows(
            _RECORDS, indicator=series.indicator, territory=series.territory, series=operand.series, through=operand.through,
            year=operand.budget_year, entries=spec is not None and spec.fold_of(series.figure) == "event", start=operand.period_start,
            end=operand.period_end, limit=limit,
        )  # fmt: skip
        return [Origin(r["topic"], r["partition"], r["offset"], r["revision"]) for r in rows]

    def panes(self, series: keys.Series, kinds: tuple[str, ...]) -> list[Operand]:
        """The newest panes of one series as operands of a result that takes their sums, or last values where they are reported."""
        spec = self.vocabulary.series_spec(series.indicator, series.component)
        take: Literal["sum", "last"] = "sum" if spec and spec.fold_of(series.figure) == "event" and spec.additivity == "flow" else "last"
        term = Term(indicator=series.indicator, component=series.component, figure=series.figure)
        one = Input("value", series.indicator, series.component, series.figure, (), take, term)
        rows = self._rows(
            _PANES, indicator=series.indicator, component=series.component, figure=series.figure, kinds=list(kinds),
            territory=series.territory, subject=series.subject_id, year=0,
        )  # fmt: skip
        found = [row for row in rows if row["series"] == series.key()]
        return [_of_pane(row, one) for kind in kinds for row in found if row["kind"] == kind]

    def _of_panes(self, formula: Formula, one: Input, result: Result) -> Iterator[Operand]:
        subject = formula.level == "subject"
        rows = self._rows(
            _PANES, indicator=one.indicator, component=one.component, figure=one.figure, kinds=list(one.panes),
            territory=result.territory if subject else "", subject=result.subject_id, year=result.budget_year,
        )  # fmt: skip
        for row in rows:
            if self._belongs(formula, one, result, row["series"], row["budget_year"]):
                yield _of_pane(row, one)

    def _belongs(self, formula: Formula, one: Input, result: Result, series: str, year: int) -> bool:
        s = keys.parse(series)
        if formula.id.startswith(PREFIX):
            spec = self.vocabulary.series_spec(s.indicator, s.component)
            mine = {key._replace(budget_year=year) for _, key in results_of(spec, s)} if spec is not None else set()
            return result in mine
        source = Source(s.territory, s.subject_type, s.subject_id, s.dimensions, year)
        return target(Use(formula, one), source, self.vocabulary) == result

    def _of_results(self, formula: Formula, one: Input, result: Result) -> Iterator[Operand]:
        sources = [f.id for f in self.formulas if one.source in (f.id, f.definition)]
        for row in self._results(sources, year=result.budget_year):
            made = Result.parse(row["result"])
            if target(Use(formula, one), Source.of_result(made, row["territory"]), self.vocabulary) != result:
                continue
            yield _of_row(row, one.role, row["numerator"])
            if one.factor:
                yield _of_row(row, one.role + DIVISOR, row["denominator"])

    def _results(self, formulas: list[str], *, result: str = "", start: int = -1, territory: str = "", year: int = 0) -> list[Row]:
        return self._rows(_RESULTS, formulas=formulas, result=result, start=start, territory=territory, year=year)

    def _rows(self, sql: str, **parameters: Any) -> list[Row]:
        return self._read(sql, parameters)


def _of_pane(row: Row, one: Input) -> Operand:
    count, total, last, last_time, inexact, status, generation, through, topic, partition = row["best"]
    kind, pane = KINDS[row["kind"]], row["pane"]
    number = total if one.take == "sum" else last
    return Operand(
        role=one.role, series=row["series"], period_type=_PERIOD[row["kind"]], period_start=start_ms(kind, pane),
        period_end=end_ms(kind, pane), deleted=count == 0, inexact=inexact, status=STATUSES.index(status),
        value=int(number.scaleb(SCALE)), count=count,
        topic=topic.replace("panes.", "obs.", 1), partition=partition, generation=generation, through=through, event_time=last_time,
        caused_at=0, budget_year=row["budget_year"],
    )  # fmt: skip


def _of_row(row: Row, role: str, value: Any) -> Operand:
    return Operand(
        role=role, series=row["result"], period_type=row["period_type"], period_start=row["period_start"], period_end=row["period_end"],
        deleted=value is None, inexact=row["inexact"], status=STATUSES.index(row["status"]),
        value=None if value is None else int(value.scaleb(SCALE)), count=row["of"], topic="", partition=0, generation=row["generation"],
        through=row["through"], event_time=row["event_time"], caused_at=row["caused_at"],
        budget_year=Result.parse(row["result"]).budget_year,
    )  # fmt: skip
