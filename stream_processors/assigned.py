"""Assigned tasks in the stages: stage 1 forwards each record of a task to its agency, stage 2 holds the agency's tasks.

Two results an agency: its tasks one by one (a task is then a report of one figure, due on its own day: due_line.py judges it), and how
many are overdue. Both go by the clock of dues.py. A later revision of a task replaces the earlier, in whatever order they come.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final, Protocol

from indicators.assigned_task import BY_TASK, FORMULAS, OVERDUE, TASK, is_due
from indicators.derived.definition import Term
from indicators.derived.formula import Formula, Input
from indicators.derived.formula_book import FormulaBook
from indicators.derived.result import Result
from indicators.instant import DAY_MS, day_start, local_day
from indicators.observation import SCALE, STATUSES
from indicators.period import Period
from indicators.rule import RuleBook
from indicators.rules.due_rule import DueRule, Presence
from indicators.series import Series
from indicators.territory import COUNTRY
from indicators.vocabulary import Vocabulary
from stream_processors.dues import AGENCY, BEAT, GROUP, Address, Dues, address_of
from stream_processors.operand import MEMBER, Operand
from stream_processors.result_state import Outcome, ResultState

_OFFICIAL: Final = STATUSES.index("official")


class TaskFormula(Formula):
    """One result for every task."""

    each = "task"


def formulas() -> list[Formula]:
    """The two formulas of tasks."""
    feed = {"feed": Input("feed", TASK, "", "actual", ("day",), "last", Term(indicator=TASK, component=""))}
    about: dict[str, Any] = {"source": "indicators/assigned_task.py", "kind": "sum", "indicator": TASK, "group": GROUP, "level": "country",
                             "places": 6, "inputs": feed}  # fmt: skip
    return [
        TaskFormula(BY_TASK, "Nhiệm vụ được giao", "Assigned tasks", component="", measure_unit="working_day", **about),
        Formula(OVERDUE, "Nhiệm vụ quá hạn", "Tasks overdue", component="", measure_unit="task", **about),
    ]


class Judged(Protocol):
    """What of a context says whether tasks are judged."""

    rules: RuleBook
    dues: Dues
    vocabulary: Vocabulary


def with_tasks(book: FormulaBook, context: Judged) -> FormulaBook:
    """The book with the formulas of tasks, where a rule at work judges them; then the clock goes to every agency too."""
    if not any(context.rules.of_formula(formula) for formula in FORMULAS):
        return book
    context.dues.of_tasks = everyone(context.vocabulary)
    return book.extended(formulas())


def addresses(agency: str, area: str) -> list[Address]:
    """The results of an agency's tasks."""
    return [address_of(Result(formula, area, AGENCY, agency, 0)) for formula in FORMULAS]


def of_series(series: Series) -> list[Address]:
    """The results that a task of this series belongs to."""
    return addresses(dict(series.dimensions).get("agency", ""), series.territory) if series.indicator == TASK else []


def everyone(vocabulary: Vocabulary) -> list[Address]:
    """The results of every agency that tasks may be given to, for the clock."""
    found: list[Address] = []
    for agency in vocabulary.agencies():
        served = agency.territory_served
        local = len(served) == 1 and vocabulary.ancestor(served[0], "province") == served[0]
        found += addresses(agency.code, served[0] if local else COUNTRY)
    return found


def operand(fields: Mapping[str, Any], value: int) -> dict[str, Any]:
    """What an operand says of a task, from the fields of its observation and its value unscaled."""
    return {
        "role": MEMBER, "series": fields["source_record_id"], "budget_year": 0, "deleted": fields["status"] == "deleted",
        "value": Decimal(value).scaleb(-SCALE), "count": fields["revision"],
    }  # fmt: skip


class TaskResult(ResultState):
    """The tasks of one agency, one outcome each: 1 while it is open. `machine`: judges when one is due; None: nobody asks."""

    machine: DueRule

    @property
    def clock(self) -> int:
        """The newest beat, epoch ms; 0: none was heard."""
        return max((o.event_time for o in self.operands.get(BEAT, {}).get(0, {}).values()), default=0)

    def take(self, operand: Operand) -> bool:
        """Keep the highest revision of each task; one that moves to other days leaves none behind."""
        if operand.role != MEMBER:
            return super().take(operand)
        known = self.tasks().get(operand.series)
        if known is not None and (known.count, known.generation, known.through) >= (operand.count, operand.generation, operand.through):
            return False
        if known is not None and known.period_start != operand.period_start:
            self.operands[MEMBER][known.period_start].pop(known.slot, None)
        self.operands.setdefault(MEMBER, {}).setdefault(operand.period_start, {})[operand.slot] = operand
        return True

    def tasks(self) -> dict[str, Operand]:
        """The newest version of each task, by id."""
        return {o.series: o for of_period in self.operands.get(MEMBER, {}).values() for o in of_period.values()}

    def periods(self) -> list[int]:
        """Days of assignment."""
        return sorted(start for _, start in self.outcomes)

    def forget_old(self) -> list[Operand]:
        """Nothing: a task is never too old to be done."""
        return []

    def recompute(self, touched: Iterable[tuple[str, int]]) -> list[Outcome]:
        """Outcomes of tasks that changed."""
        return self._kept(self._of_task(o, f"task={o.series}") for o in self.tasks().values())

    def owed_by(self, outcome: Outcome) -> dict[str, Presence]:
        """The task of an outcome, as the only figure of a report; empty where it was withdrawn or has no due day."""
        task = self.tasks().get(outcome.dimensions.partition("=")[2])
        if task is None or task.deleted or task.period_start != outcome.period_start or not is_due(task.period_start, task.period_end):
            return {}
        return {task.series: Presence() if task.value else Presence(task.caused_at)}

    def at(self, outcome: Outcome, at: int) -> Outcome:
        """An outcome as it stood at an instant: what is missing is the task itself."""
        return outcome

    def _of_task(self, o: Operand, dimensions: str) -> Outcome:
        return Outcome(
            territory=self.result.territory, period_type=o.period_type, period_start=o.period_start, period_end=o.period_end,
            deleted=o.deleted, status=_OFFICIAL, inexact=0, value=None if o.deleted else Decimal(o.value or 0).scaleb(-SCALE),
            numerator=o.value or 0, denominator=10**SCALE, rank=0, of=0 if o.value else 1, expected=1, reason="", marks=(),
            event_time=o.event_time, caused_at=o.caused_at, dimensions=dimensions,
        )  # fmt: skip

    def _kept(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        changed = []
        for outcome in outcomes:
            key = outcome.spot, outcome.period_start
            if self.outcomes.get(key) != outcome:
                self.outcomes[key] = outcome
                changed.append(outcome)
        return changed


class OverdueResult(TaskResult):
    """How many tasks of one agency are overdue by the clock: one outcome a day on which something was heard."""

    def recompute(self, touched: Iterable[tuple[str, int]]) -> list[Outcome]:
        """The outcome of the day of the newest beat or record."""
        tasks = [o for o in self.tasks().values() if not o.deleted]
        heard = max([self.clock, *(o.caused_at for o in self.tasks().values())])
        if not self.clock or not self.tasks():
            return []
        open_ = [o for o in tasks if o.value]
        late = sum(is_due(o.period_start, o.period_end) and o.period_end <= heard for o in open_)
        day = Period("day", day_start(local_day(heard)), day_start(local_day(heard)) + DAY_MS)
        return self._kept([Outcome(
            territory=self.result.territory, period_type="day", period_start=day.start_ms, period_end=day.end_ms, deleted=False,
            status=_OFFICIAL, inexact=0, value=Decimal(late), numerator=late * 10**SCALE, denominator=len(open_) * 10**SCALE, rank=0,
            of=len(open_), expected=len(tasks), reason="", marks=(), event_time=heard, caused_at=heard,
        )])  # fmt: skip
