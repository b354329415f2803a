"""The state of one result: its operands and what they give, recomputed at the periods that a change of operands touches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from indicators.derived.formula import Formula
from indicators.derived.result import Result
from indicators.instant import local_day
from indicators.observation import SCALE
from indicators.period import Period
from stream_processors.operand import DIVISOR, MEMBER, PRELIMINARY, Mark, Operand, Operands, marks
from stream_processors.result_figures import Spot, figures, shifted, spots
from stream_processors.result_targets import Units


@dataclass(frozen=True, slots=True)
class Outcome:
    """One derived row without its marks in the output topic. `rank` 0: not a ranking; `territory` differs from the result's in rankings and
    comparisons across territories; `dimensions`: that of `each`."""

    territory: str
    period_type: str
    period_start: int
    period_end: int
    deleted: bool
    status: int
    inexact: int
    value: Decimal | None
    numerator: int | None
    denominator: int | None
    rank: int
    of: int
    expected: int
    reason: str
    marks: tuple[Mark, ...]
    event_time: int
    caused_at: int
    dimensions: str = ""

    @property
    def period(self) -> Period:
        """The period it is of."""
        return Period(self.period_type, self.period_start, self.period_end)

    @property
    def spot(self) -> str:
        """What tells it apart from the other outcomes of its state and period."""
        return f"{self.territory};{self.dimensions}" if self.dimensions else self.territory


@dataclass(slots=True)
class ResultState:
    """All operands of one result, by role and period, and its outcomes by spot and start of the period."""

    result: Result
    formula: Formula
    units: Units
    operands: Operands = field(default_factory=dict)
    outcomes: dict[tuple[str, int], Outcome] = field(default_factory=dict)

    def take(self, operand: Operand) -> bool:
        """Keep the operand if it is newer, by (generation, through), than the one it replaces; False where it is not."""
        of_period = self.operands.setdefault(operand.role, {}).setdefault(operand.period_start, {})
        known = of_period.get(operand.slot)
        if known is not None and (operand.generation, operand.through) <= (known.generation, known.through):
            return False
        of_period[operand.slot] = operand
        return True

    def periods(self) -> list[int]:
        """Period starts for which there may be an outcome, rising."""
        return sorted(self.operands.get(MEMBER if self.formula.of else self.formula.leading.role, {}))

    def recompute(self, touched: Iterable[tuple[str, int]]) -> list[Outcome]:
        """Outcomes that change when the operands of these (role, period start) have changed; new ones are kept."""
        known = self.periods()
        wanted: set[int] = set()
        for role, start in touched:
            wanted.update(self._reached(role.removesuffix(DIVISOR), start, known))
        changed: list[Outcome] = []
        for start in sorted(wanted):
            for outcome in self._rank(start) if self.formula.of else self._compute(start):
                key = (outcome.spot, start)
                if self.outcomes.get(key) != outcome:
                    self.outcomes[key] = outcome
                    changed.append(outcome)
        return changed

    def forget_old(self) -> list[Operand]:
        """Drop operands of periods beyond `keep_periods`; returns them, for their tombstones. A budget year is kept whole."""
        if self.formula.budget_year:
            return []
        old = self.periods()[: -self.formula.keep_periods]
        gone: list[Operand] = []
        for start in old:
            for of_role in self.operands.values():
                gone += of_role.pop(start, {}).values()
        return gone

    def _reached(self, role: str, start: int, known: list[int]) -> Iterator[int]:
        """The periods whose outcomes may use the operand of `role` at `start`."""
        if self.formula.of:
            yield from (p for p in known if p == start or (p > start and self.formula.budget_year))
            return
        one = self.formula.inputs[role]
        if one.term.at == "this" and one.term.take == "period":
            yield from (p for p in (start,) if p in self.operands.get(self.formula.leading.role, {}))
            return
        for p in known:
            moved = shifted(one.term.at, self._period(p), one.step, one.trading_calendar)
            if moved == start or (moved > start and one.term.take != "period" and self._one_year(start, moved)):
                yield p

    def _one_year(self, first: int, last: int) -> bool:
        return self.formula.budget_year or local_day(first).year == local_day(last).year

    def _period(self, start: int) -> Period:
        """The period of the leading input that starts at `start`."""
        of_period = self.operands[MEMBER if self.formula.of else self.formula.leading.role][start]
        first = min(of_period.values(), key=lambda o: (o.period_end, o.period_type))
        return Period(first.period_type, start, first.period_end)

    def _compute(self, start: int) -> Iterator[Outcome]:
        at = self._period(start)
        for spot in spots(self.formula, self.operands, self.result.territory, start):
            yield self._outcome(at, spot)

    def _outcome(self, at: Period, spot: Spot) -> Outcome:
        found = figures(self.formula, self.operands, self.result.budget_year, at, spot, self.units)
        used = found.operands()
        everything = [o for operands in used.values() for o in operands]
        given = self.formula.evaluate(found.sums())
        tops = used[self.formula.leading.role]
        return Outcome(
            territory=spot.territory, period_type=at.type, period_start=at.start_ms, period_end=at.end_ms, deleted=not found.lives,
            status=min((o.status for o in everything), default=PRELIMINARY), inexact=max((o.inexact for o in everything), default=0),
            value=given.value if found.lives else None, numerator=given.numerator, denominator=given.denominator, rank=0, of=found.of,
            expected=found.expected, reason=given.reason if found.lives else "", marks=marks(used),
            event_time=max((o.event_time for o in tops), default=0), caused_at=max((o.caused_at for o in everything), default=0),
            dimensions=spot.dimensions,
        )  # fmt: skip

    def _rank(self, start: int) -> Iterator[Outcome]:
        """Places of all members at one period; in a budget year a member that has nothing new keeps its newest value."""
        members: dict[str, Operand] = {}
        for at in sorted(self.operands.get(MEMBER, {})):
            if at == start or (at < start and self.formula.budget_year):
                members |= {o.series: o for o in self.operands[MEMBER][at].values()}
        live = {m: o for m, o in members.items() if o.live}
        sign = -1 if self.formula.best == "highest" else 1
        ordered = sorted(sign * (o.value or 0) for o in live.values())
        period = self._period(start)
        for member, operand in members.items():
            alive = member in live
            yield Outcome(
                territory=Result.parse(member).territory, period_type=period.type, period_start=start, period_end=period.end_ms,
                deleted=not alive, status=operand.status, inexact=operand.inexact,
                value=Decimal(operand.value or 0).scaleb(-SCALE) if alive else None, numerator=None, denominator=None,
                rank=ordered.index(sign * (operand.value or 0)) + 1 if alive else 0, of=len(live), expected=len(members),
                reason="" if alive else "missing_operand", marks=marks({MEMBER: [operand]}), event_time=operand.event_time,
                caused_at=operand.caused_at,
            )  # fmt: skip
