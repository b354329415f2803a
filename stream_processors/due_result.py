"""One report as a result of stage 2: of each period that is owed, which figures are there, and since when.

Operands: receipts of figures (receipts.py) and the newest beat, which is the clock. Outcomes: of each period the number of figures still
missing (`value`), those there and those owed (`of`, `expected`), and the codes of the missing ones, bounded (`reason`). A figure is owed
from the day its obligation names, or else from its first receipt on: for the periods whose due day is not before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Final

from indicators.derived.formula import Formula
from indicators.derived.result import Result
from indicators.instant import DAY_MS, day_start, local_day
from indicators.obligation import Debt, Item, periods_of
from indicators.observation import SCALE, STATUSES
from indicators.period import Period
from indicators.rules.due_rule import ABSENT, DueRule, Presence
from indicators.series import parse
from stream_processors.dues import BEAT
from stream_processors.operand import MEMBER, Operand, Slot, marks
from stream_processors.result_state import Outcome, ResultState
from stream_processors.result_targets import Units

MOST_NAMED: Final = 20
"""Missing figures that evidence names; the others are counted."""
LOOK_AHEAD_MS: Final = 45 * DAY_MS
"""Periods are looked at before they are due: some reminder falls before the due day, which may lie before the period's end."""
_OFFICIAL: Final = STATUSES.index("official")


class DueResult(ResultState):
    """The state of one debt under one rule."""

    machine: DueRule
    debt: Debt
    items: dict[str, Item]

    @classmethod
    def of(cls, result: Result, formula: Formula, units: Units, owed: tuple[DueRule, Debt, Iterable[Item]]) -> DueResult:
        """An empty state. `owed`: the evaluator, the report and its figures."""
        found = cls(result, formula, units)
        found.machine, found.debt, items = owed
        found.items = {item.code: item for item in items}
        found._receipts, found._there = {}, {}
        return found

    _receipts: dict[str, dict[tuple[int, Slot], int]]
    """Code → when each of its figures that is there came, epoch ms."""
    _there: dict[int, dict[str, Presence]]
    """Start of a period → presence of what ever came of it; left out: to be computed again."""

    @property
    def clock(self) -> int:
        """The newest beat, epoch ms; 0: none was heard."""
        return max((o.event_time for o in self.operands.get(BEAT, {}).get(0, {}).values()), default=0)

    def take(self, operand: Operand) -> bool:
        """See ResultState; keeps receipts at hand."""
        if not super().take(operand):
            return False
        if operand.role == MEMBER:
            self._there.pop(operand.period_start, None)
            of_code = self._receipts.setdefault(code_of(operand.series), {})
            of_code.pop((operand.period_start, operand.slot), None)
            if operand.live:
                of_code[operand.period_start, operand.slot] = operand.caused_at
        return True

    def periods(self) -> list[int]:
        """Periods with an outcome."""
        return sorted(start for _, start in self.outcomes)

    def forget_old(self) -> list[Operand]:
        """Nothing: what once came decides what is owed."""
        return []

    def recompute(self, touched: Iterable[tuple[str, int]]) -> list[Outcome]:
        """Outcomes that changed: of periods whose receipts changed, or that came into sight."""
        changed: list[Outcome] = []
        for period in self.owed_periods():
            outcome = self.outcome(period, self.clock)
            key = outcome.spot, period.start_ms
            if self.outcomes.get(key) != outcome:
                self.outcomes[key] = outcome
                changed.append(outcome)
        return changed

    def owed_periods(self) -> list[Period]:
        """Periods in which something is owed and whose first reminder has come by the clock, in order."""
        begins = [self._begin(item) for item in self.items.values()]
        known = [begin for begin in begins if begin is not None]
        if not known or not self.clock:
            return []
        first = day_start(min(known)) - LOOK_AHEAD_MS
        found = periods_of(self.debt.period_type, first, self.clock + LOOK_AHEAD_MS)
        return [period for period in found if self.machine.instants(period)[0][0] <= self.clock and self.owed(period)]

    def owed(self, period: Period) -> dict[str, Presence]:
        """Code → presence of every figure owed for a period."""
        due, there = self.machine.due_day(period), self._presence(period.start_ms)
        found: dict[str, Presence] = {}
        for code, item in self.items.items():
            begin = self._begin(item)
            if begin is not None and begin <= due and (item.until is None or due < item.until):
                found[code] = there.get(code, ABSENT)
        return found

    def owed_by(self, outcome: Outcome) -> dict[str, Presence]:
        """What is owed of the period of an outcome."""
        return self.owed(outcome.period)

    def at(self, outcome: Outcome, at: int) -> Outcome:
        """An outcome as it stood at an instant."""
        return self.outcome(outcome.period, at)

    def outcome(self, period: Period, at: int) -> Outcome:
        """How a report stood at an instant (epoch ms)."""
        owed = self.owed(period)
        missing = [code for code, one in owed.items() if one.since is None or one.since > at]
        came = max((one.since for one in owed.values() if one.since is not None and one.since <= at), default=0)
        gone = max((one.gone for one in owed.values()), default=0)
        heard = max(came, gone, self.machine.instants(period)[0][0])
        there = len(owed) - len(missing)
        return Outcome(
            territory=self.result.territory, period_type=period.type, period_start=period.start_ms, period_end=period.end_ms, deleted=False,
            status=_OFFICIAL, inexact=0, value=Decimal(len(missing)), numerator=there * 10**SCALE, denominator=len(owed) * 10**SCALE,
            rank=0, of=there, expected=len(owed), reason=" ".join(missing[:MOST_NAMED]),
            marks=marks({MEMBER: self.operands.get(MEMBER, {}).get(period.start_ms, {}).values()}), event_time=heard, caused_at=heard,
        )  # fmt: skip

    def _begin(self, item: Item) -> date | None:
        """The day from which on an item is owed; None: it never came, and nobody says since when it should."""
        if item.since is not None:
            return item.since
        first = min(self._receipts.get(item.code, {}).values(), default=None)
        return None if first is None else local_day(first)

    def _presence(self, start: int) -> Mapping[str, Presence]:
        found = self._there.get(start)
        if found is None:
            found = {}
            for operand in self.operands.get(MEMBER, {}).get(start, {}).values():
                code = code_of(operand.series)
                found[code] = _merged(found.get(code), operand)
            self._there[start] = found
        return found


def code_of(series: str) -> str:
    """The item that a series pays: its indicator and component."""
    one = parse(series)
    return Item(one.indicator, one.component, None, None).code


def _merged(known: Presence | None, operand: Operand) -> Presence:
    """An item of several series (territories, dimensions) is there with the first of them, and gone with the last."""
    mine = Presence(operand.caused_at) if operand.live else Presence(None, operand.caused_at)
    if known is None:
        return mine
    if known.since is None or mine.since is None:
        there = known if known.since is not None else mine
        return there if there.since is not None else Presence(None, max(known.gone, mine.gone))
    return Presence(min(known.since, mine.since))
