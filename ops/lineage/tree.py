"""The tree of one figure: from a result through its operands and panes down to topic, partition and offset of each record.

On the way every result is computed again from its operands; where that gives another figure than the one stored, the tree says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from indicators import period as periods
from indicators import series as keys
from indicators.derived.formula import Formula
from indicators.derived.result import Result
from indicators.lineage import Lineage
from indicators.observation import SCALE
from indicators.period import Period
from ops.lineage.stored import Row, Stored
from stream_processors.operand import DIVISOR, MEMBER, Operand
from stream_processors.result_figures import Spot, figures
from stream_processors.result_state import ResultState
from stream_processors.result_targets import Units

DEEPEST: Final = 6
REASONS: Final[dict[str, str]] = {
    "missing_operand": "thiếu toán hạng", "zero_denominator": "mẫu số bằng 0", "condition": "điều kiện của công thức không thỏa",
    "not_published": "chưa công bố",
}  # fmt: skip


class NotFound(LookupError):
    """No such result, series or period; the message says what there is."""


@dataclass
class Explanation:
    """Builds trees. `width`: operands shown per role and records per pane, the largest first; `disagreements`: results whose operands give
    another figure than the one stored, in words."""

    stored: Stored
    width: int = 5
    disagreements: list[str] = field(default_factory=list)

    def of_result(self, result: str, start: int = -1, territory: str = "", depth: int = 0) -> Lineage:
        """The tree of a result at the period that starts at `start` (epoch ms; −1: the newest). Raises NotFound."""
        parsed = Result.parse(result)
        formula = self.stored.formulas.formulas.get(parsed.formula)
        rows = self.stored.outcomes(result, start, territory)
        if formula is None or not rows:
            raise NotFound(f"không có kết quả {result} ở kỳ này / no such result in this period")
        return self._result(formula, parsed, rows[-1], depth)

    def of_series(self, series: str, start: int, kinds: tuple[str, ...] = ("month", "budget_year", "day", "hour")) -> Lineage:
        """The tree of a pane of a series: its records. Raises NotFound."""
        s = keys.parse(series)
        for found in self.stored.panes(s, kinds):
            if found.period_start == start:
                return self._leaf(found)
        raise NotFound(f"chuỗi {series} không có ô bắt đầu ở kỳ này / the series has no pane that starts there")

    def _result(self, formula: Formula, result: Result, row: Row, depth: int) -> Lineage:
        parts: list[Lineage] = []
        if depth < DEEPEST:
            base = result._replace(dimensions="") if formula.each else result
            state = ResultState(base, formula, Units(self.stored.vocabulary))
            for operand in self.stored.operands(formula, base):
                state.take(operand)
            used = self._used(state, result, row)
            for role, operands in used.items():
                parts += self._role(formula, role, operands, depth)
        return Lineage(
            name_vi=formula.name_vi, series=row["result"], period_vi=_label(row["period_type"], row["period_start"], row["period_end"]),
            value=Decimal(row["rank"]) if formula.of else row["value"], symbol_vi=self._symbol(formula.measure_unit),
            reason_vi=REASONS.get(row["reason"], str(row["reason"])), formula=_said(formula, row), parts=tuple(parts),
        )  # fmt: skip

    def _used(self, state: ResultState, result: Result, row: Row) -> dict[str, list[Operand]]:
        """The operands behind a row, as stage 2 chooses them; notes where they give another figure."""
        formula, start = state.formula, row["period_start"]
        if formula.of:
            members = [o for by_slot in state.operands.get(MEMBER, {}).values() for o in by_slot.values()]
            own = [o for o in members if Result.parse(o.series).territory == row["territory"] and o.period_start <= start]
            return {MEMBER: sorted(own, key=lambda o: o.period_start)[-1:]}
        at = Period(row["period_type"], start, row["period_end"])
        spot = Spot(row["territory"], result.dimensions if formula.each else "")
        found = figures(formula, state.operands, state.result.budget_year, at, spot, state.units)
        again = formula.evaluate(found.sums()).value
        if again != row["value"]:
            self.disagreements.append(f"{row['result']}: {row['value']} ≠ {again}")
        return found.operands()

    def _role(self, formula: Formula, role: str, operands: list[Operand], depth: int) -> list[Lineage]:
        listed = sorted(operands, key=lambda o: (-abs(o.value or 0), o.series, o.period_start))
        nodes = [self._operand(o, depth) for o in listed[: self.width]]
        rest = listed[self.width :]
        if rest:
            one = formula.inputs.get(role.removesuffix(DIVISOR))
            total = Decimal(sum(o.value or 0 for o in rest)).scaleb(-SCALE)
            name = f"{len(rest)} toán hạng nữa của {role} / more operands"
            nodes.append(Lineage(name, one.indicator if one else formula.of, "", total))
        return nodes

    def _operand(self, operand: Operand, depth: int) -> Lineage:
        if operand.series.count("|") == len(Result._fields) - 2:
            return self.of_result(operand.series, operand.period_start, depth=depth + 1)
        return self._leaf(operand)

    def _leaf(self, operand: Operand) -> Lineage:
        s = keys.parse(operand.series)
        row = self.stored.vocabulary.indicator(s.indicator)
        spec = self.stored.vocabulary.series_spec(s.indicator, s.component)
        name = (spec.name_vi if spec else "") or (row.name_vi if row else s.indicator)
        origins = self.stored.records(operand, self.width + 1)
        return Lineage(
            name_vi=name, series=operand.series, period_vi=_label(operand.period_type, operand.period_start, operand.period_end),
            value=None if operand.value is None else Decimal(operand.value).scaleb(-SCALE),
            symbol_vi=self._symbol(spec.measure_unit if spec else ""), origins=tuple(origins[: self.width]),
            formula=f"{operand.count} bản ghi, đến {operand.topic}/{operand.partition}@{operand.through}",
        )  # fmt: skip

    def _symbol(self, unit: str) -> str:
        found = self.stored.vocabulary.measure_unit(unit)
        return found.symbol_vi if found else ""


def _said(formula: Formula, row: Row) -> str:
    """The formula of a row in one line: the expression and its coverage, or the ranking."""
    if formula.of:
        return f"hạng trong {row['of']} theo {formula.of}"
    expression = formula.derived.definition.expression if formula.derived else "tổng các phần"
    coverage = f" ({row['of']}/{row['expected']} đơn vị)" if row["expected"] > 1 else ""
    return expression + coverage


def _label(type: str, start: int, end: int) -> str:
    return periods.label_vi(Period(type, start, end))
