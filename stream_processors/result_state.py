"""Operands of one result and what they give: ratios, sums and rankings, recomputed whenever an operand changes.

A result is a function of its newest operands alone: equal operands give equal results in any order of arrival. Values are unscaled
integers (six places) until they are divided.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import Final, NamedTuple

from indicators.formula import Formula, Result, Term
from indicators.observation import SCALE, STATUSES

MEMBER: Final = "member"
_PRELIMINARY: Final = STATUSES.index("preliminary")


@dataclass(frozen=True, slots=True)
class Operand:
    """The newest version of one operand. `value` unscaled; times in epoch ms; `status` as number."""

    role: str
    series: str
    period_type: str
    period_start: int
    period_end: int
    deleted: bool
    inexact: int
    status: int
    value: int | None
    count: int
    topic: str
    partition: int
    generation: int
    through: int
    event_time: int
    caused_at: int

    @property
    def live(self) -> bool:
        """Does it count?"""
        return not self.deleted and self.value is not None


class Mark(NamedTuple):
    """How far one input partition of one role is folded into a result, and its share of the value."""

    role: str
    topic: str
    partition: int
    generation: int
    through: int
    value: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """One derived row without its marks in the output topic. `rank` 0: not a ranking; `territory` differs from the result's in rankings."""

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


@dataclass(slots=True)
class ResultState:
    """All operands of one result, by role and period."""

    result: Result
    formula: Formula
    operands: dict[str, dict[int, dict[str, Operand]]] = field(default_factory=dict)
    outcomes: dict[tuple[str, int], Outcome] = field(default_factory=dict)

    def take(self, operand: Operand) -> bool:
        """Keep the operand if it is newer, by (generation, through), than the one of its role, series and period; False where it is not."""
        of_period = self.operands.setdefault(operand.role, {}).setdefault(operand.period_start, {})
        known = of_period.get(operand.series)
        if known is not None and (operand.generation, operand.through) <= (known.generation, known.through):
            return False
        of_period[operand.series] = operand
        return True

    def periods(self) -> list[int]:
        """Period starts for which there may be an outcome, rising."""
        roles = [MEMBER] if self.formula.kind == "rank" else [t.role for t in self.formula.numerator if _pane_varies(self.formula, t)]
        roles = roles or [t.role for t in self.formula.numerator]
        return sorted({start for role in roles for start in self.operands.get(role, {})})

    def recompute(self, touched: int) -> list[Outcome]:
        """Outcomes that changed when operands of the period starting at `touched`, or of the whole year, changed; new ones are kept."""
        periods = self.periods()
        whole_year = touched not in periods
        if self.formula.mode == "instant":
            wanted = periods if whole_year else [touched]
        else:
            wanted = periods if whole_year else [p for p in periods if p >= touched]
        changed: list[Outcome] = []
        for start in wanted:
            for outcome in self._rank(start) if self.formula.kind == "rank" else [self._compute(start)]:
                key = (outcome.territory, start)
                if self.outcomes.get(key) != outcome:
                    self.outcomes[key] = outcome
                    changed.append(outcome)
        return changed

    def forget_old(self) -> list[Operand]:
        """Drop operands of periods beyond `keep_periods` of an instant formula; returns them, for their tombstones."""
        if self.formula.mode != "instant":
            return []
        old = self.periods()[: -self.formula.keep_periods]
        gone: list[Operand] = []
        for start in old:
            for of_role in self.operands.values():
                gone += of_role.pop(start, {}).values()
        return gone

    def _compute(self, start: int) -> Outcome:
        formula = self.formula
        if formula.mode == "instant":
            used, complete, seen = self._complete(start)
        else:
            used = {t.role: self._of_term(t, start) for t in formula.terms().values()}
            complete = seen = len({o.series for o in used[formula.numerator[0].role]})
        tops = [o for t in formula.numerator for o in used[t.role]]
        bottoms = [o for t in formula.denominator for o in used[t.role]]
        everything = [o for operands in used.values() for o in operands]
        numerator = sum(o.value or 0 for o in tops) if tops else None
        denominator = sum(o.value or 0 for o in bottoms) if bottoms else None
        value, reason = self._divide(numerator, denominator)
        first = next((o for t in formula.numerator for o in self.operands.get(t.role, {}).get(start, {}).values()), None)
        return Outcome(
            territory=self.result.territory,
            period_type=first.period_type if first else "instant",
            period_start=start,
            period_end=first.period_end if first else start,
            deleted=not tops,
            status=min((o.status for o in everything), default=_PRELIMINARY),
            inexact=max((o.inexact for o in everything), default=0),
            value=value,
            numerator=numerator,
            denominator=denominator,
            rank=0,
            of=complete,
            expected=seen,
            reason="" if not tops else reason,
            marks=marks_of(used),
            event_time=max((o.event_time for o in tops), default=0),
            caused_at=max((o.caused_at for o in everything), default=0),
        )

    def _divide(self, numerator: int | None, denominator: int | None) -> tuple[Decimal | None, str]:
        """The value and why there is none; exact division, rounded as the formula says."""
        formula = self.formula
        if numerator is None:
            return None, "missing_operand"
        if formula.kind == "sum":
            return formula.round(Decimal(numerator).scaleb(-SCALE)), ""
        if denominator is None:
            return None, "missing_operand"
        if denominator == 0:
            return None, "zero_denominator"
        with localcontext() as context:
            context.prec = 60
            return formula.round(Decimal(numerator) / Decimal(denominator) * formula.factor), ""

    def _of_term(self, term: Term, start: int) -> list[Operand]:
        """Live operands of a term that count towards the period: the whole year's value, or every period up to this one."""
        by_period = self.operands.get(term.role, {})
        if not _pane_varies(self.formula, term):
            return [o for period in by_period.values() for o in period.values() if o.live]
        return [o for at, period in by_period.items() if at <= start for o in period.values() if o.live]

    def _complete(self, start: int) -> tuple[dict[str, list[Operand]], int, int]:
        """Live operands of the period whose place (territory, subject, dimensions) has every role; how many places have, and how many
        are seen.

        A hospital that reported its occupied beds but not the free ones would distort the sum, so it waits outside.
        """
        roles = list(self.formula.terms())
        places: dict[str, dict[str, Operand]] = {}
        for role in roles:
            for operand in self.operands.get(role, {}).get(start, {}).values():
                if operand.live:
                    places.setdefault(_place(operand.series), {})[role] = operand
        whole = [operands for operands in places.values() if len(operands) == len(roles)]
        return {role: [operands[role] for operands in whole] for role in roles}, len(whole), len(places)

    def _rank(self, start: int) -> Iterable[Outcome]:
        """Places of all members at one period; in a cumulative year a member that has nothing new keeps its newest value."""
        members: dict[str, Operand] = {}
        for at in sorted(self.operands.get(MEMBER, {})):
            if at == start or (at < start and self.formula.mode == "cumulative"):
                members |= self.operands[MEMBER][at]
        live = {m: o for m, o in members.items() if o.live}
        sign = -1 if self.formula.best == "highest" else 1
        ordered = sorted(sign * (o.value or 0) for o in live.values())
        first = next(iter(self.operands[MEMBER][start].values()))
        for member, operand in members.items():
            alive = member in live
            yield Outcome(
                territory=Result.parse(member).territory,
                period_type=first.period_type,
                period_start=start,
                period_end=first.period_end,
                deleted=not alive,
                status=operand.status,
                inexact=operand.inexact,
                value=Decimal(operand.value or 0).scaleb(-SCALE) if alive else None,
                numerator=None,
                denominator=None,
                rank=ordered.index(sign * (operand.value or 0)) + 1 if alive else 0,
                of=len(live),
                expected=len(members),
                reason="" if alive else "missing_operand",
                marks=marks_of({MEMBER: [operand]}),
                event_time=operand.event_time,
                caused_at=operand.caused_at,
            )


def _pane_varies(formula: Formula, term: Term) -> bool:
    """Has the term a value per period, or one for the whole budget year?"""
    return formula.mode == "instant" or term.pane != "budget_year"


def _place(series: str) -> str:
    """Territory, subject and dimensions of a series key."""
    return "|".join(series.split("|")[2:5])


def marks_of(used: dict[str, list[Operand]]) -> tuple[Mark, ...]:
    """One mark per role and input partition."""
    found: dict[tuple[str, str, int], Mark] = {}
    for role, operands in used.items():
        for o in operands:
            key = role, o.topic, o.partition
            known = found.get(key, Mark(*key, 0, -1, 0))
            newest = max((known.generation, known.through), (o.generation, o.through))
            found[key] = Mark(*key, *newest, known.value + (o.value or 0))
    return tuple(found[key] for key in sorted(found))
