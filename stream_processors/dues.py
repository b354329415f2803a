"""Reports due: which results the rules of kind due are judged on, and which series pay into each.

A report is a provider's figures of one type of period. Its series lie in many partitions and groups, so each rule is judged in stage 2, on
one result per debt (`rule|area|agency:provider|period=type|`), all in GROUP. What comes in:

- from stage 1, where the series are: an operand whenever the figure of a period comes or goes (receipts.py);
- from stage 1, where receipts of held figures are: the same, when one was delivered before its publication;
- from stage 1, where the heartbeat is: an operand with the first beat of each day, to every result: the clock.

**Where time comes from.** Whether a report is late is a fact about its receipt, so its event time is the time of receipt (the append time
of the record), and its clock must be one that a reader of the topics can read again. The feed's clock of silences.py will not do: a feed
that speaks once a month has none, and the event time of a monthly figure is its period's. The wall clock of a worker will not do either: a
fresh run would judge by another one. So time comes from the heartbeat of the platform, a record like any other: the first beat of a day
says that the day has begun. Timers are then state like all state: what was reached is computed from the last beat, after a restart as
before it. And where nobody beats, because the platform or its way in is down, nobody is called late for it: that is the watchdog's matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

from indicators.assigned_task import OWN_DAY, OwnDay
from indicators.calendar import WorkingCalendar
from indicators.derived.definition import Term
from indicators.derived.formula import Formula, Input
from indicators.derived.formula_book import FormulaBook
from indicators.derived.result import Result
from indicators.heartbeat import REPORTS
from indicators.obligation import Debt, Item, ObligationBook
from indicators.receipt import RECEIPT
from indicators.rule import Rule, RuleBook
from indicators.rules.due_rule import DueRule
from indicators.series import Series
from indicators.spec import SeriesSpec
from transport.partitioner import partition_of
from transport.topics import GROUPS

GROUP: Final = "home_affairs"
AGENCY: Final = "agency"
BEAT: Final = "beat"
"""Role of the operand that carries the clock."""


class Address(NamedTuple):
    """A result and where its operands go: short topic name and partition."""

    result: str
    topic: str
    partition: int


class Dues:
    """The due rules at work over the obligations of an installation; nothing is read where there is none."""

    def __init__(self, rules: RuleBook, home: Path) -> None:
        self.rules, self._home = {rule.id: rule for rule in rules.dues}, home
        self.of_tasks: list[Address] = []
        """Results of tasks, where rules judge any (assigned.py)."""
        self._addresses: dict[tuple[str, str, str], list[Address]] = {}

    def with_results(self, book: FormulaBook) -> FormulaBook:
        """The book with a formula for each rule, under its id."""
        return book.extended([self._formula(rule) for rule in self.rules.values()])

    def paid_by(self, series: Series) -> list[Address]:
        """The results that figures of this series are owed to."""
        if not self.rules or series.figure != "actual" or series.subject_type:
            return []
        which = series.indicator, series.component, series.territory
        if which not in self._addresses:
            self._addresses[which] = [address_of(self.result(rule, debt)) for rule, debt in self._judged(self.book.debts_of(*which))]
        return self._addresses[which]

    def everyone(self) -> list[Address]:
        """Every result, for the clock."""
        found = [address_of(self.result(rule, debt)) for rule, debt in self._judged(list(self.book.items))] if self.rules else []
        return found + self.of_tasks

    def debt(self, result: Result) -> Debt | None:
        """The debt of a result; None where nobody owes it any more."""
        return self._debts.get(result.key())

    def items(self, debt: Debt) -> tuple[Item, ...]:
        """What the report consists of."""
        return self.book.items[debt]

    def machine(self, rule: Rule) -> DueRule:
        """The evaluator of a rule."""
        assert rule.due is not None
        calendar = OwnDay() if rule.due.calendar == OWN_DAY else self.book.calendars[rule.due.calendar]
        return DueRule(rule, calendar, self._calendar)

    @staticmethod
    def result(rule: Rule, debt: Debt) -> Result:
        """The result on which a rule judges a debt."""
        return Result(rule.id, debt.area, AGENCY, debt.provider, 0, f"period={debt.period_type}")

    @cached_property
    def book(self) -> ObligationBook:
        """Read when first asked. Raises DataFileError."""
        return ObligationBook.load(self._home)

    @cached_property
    def _calendar(self) -> WorkingCalendar:
        return WorkingCalendar.load(self._home)

    @cached_property
    def _debts(self) -> dict[str, Debt]:
        return {self.result(rule, debt).key(): debt for rule, debt in self._judged(list(self.book.items))}

    def _judged(self, debts: list[Debt]) -> Iterator[tuple[Rule, Debt]]:
        """Each rule with the debts of its calendar that its scope holds."""
        for rule in self.rules.values():
            for debt in debts:
                about = {"territory": debt.area, "subject_type": AGENCY, "subject_id": debt.provider, "budget_year": 0,
                         "dimensions": {"period": debt.period_type}}  # fmt: skip
                if rule.due is not None and rule.due.calendar == debt.calendar and rule.scope.holds(AGENCY, about):
                    yield rule, debt

    def _formula(self, rule: Rule) -> Formula:
        """Its inputs name one series of each group that pays, and the receipts of what is held: their topics are what the horizon waits
        for."""
        specs: dict[str, SeriesSpec] = {}
        for indicator, component in sorted({*self.book.series(), (RECEIPT, "")}):
            spec = self.book.vocabulary.series_spec(indicator, component)
            if spec is not None:
                specs.setdefault(spec.group, spec)
        inputs = {
            f"feed_{n}": Input(
                "feed", s.indicator, s.component, "actual", ("month",), "last", Term(indicator=s.indicator, component=s.component)
            )
            for n, s in enumerate(specs.values())
        }
        return Formula(
            id=rule.id, name_vi=rule.title_vi, name_en=rule.title_en, source=f"catalogue/rules: {rule.id}", kind="sum", indicator=REPORTS,
            component="", group=GROUP, level="country", places=6, inputs=inputs, measure_unit="working_day",
        )  # fmt: skip


def address_of(result: Result) -> Address:
    """Where the operands of a result of GROUP go."""
    key = result.key()
    return Address(key, f"operands.{GROUP}", partition_of(key.encode(), GROUPS[GROUP]))
