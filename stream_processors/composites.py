"""Composites in stage 2: a rule over other rules is judged on a result of its own, whose operands are the severities of its members.

Each time a member rule changes on a series or result, who judged it forwards one operand: the severity reached, 0 where the composite's
condition leaves the member out. The result is what the composite measures (how many, which share, the lowest or highest severity), so its
state, its waiting for the horizon and its way through a restart are those of every other result.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from indicators.derived.definition import Term
from indicators.derived.formula import Formula, Input
from indicators.derived.formula_book import FormulaBook
from indicators.derived.result import Result
from indicators.instant import DAY_MS, day_start, local_day
from indicators.observation import SCALE, STATUSES
from indicators.rule import Rule, RuleBook
from indicators.rules import selection
from indicators.rules.composite_rule import measured
from indicators.vocabulary import Vocabulary
from stream_processors.operand import MEMBER, Operand, marks
from stream_processors.result_state import Outcome, ResultState
from stream_processors.result_targets import Units
from transport.topics import GROUPS

UNITS = {"share": "percent", "count": "place"}
_OFFICIAL = STATUSES.index("official")


def with_composites(book: FormulaBook, rules: RuleBook, vocabulary: Vocabulary) -> FormulaBook:
    """The book with a formula for each composite at work, under the rule's id: where its members' severities go. Raises FormulaError for a
    composite whose members are unknown, lie in several groups, or are composites themselves."""
    return book.extended([_formula(rule, book, rules, vocabulary) for rule in rules if rule.composite is not None and rule.at_work])


def _formula(rule: Rule, book: FormulaBook, rules: RuleBook, vocabulary: Vocabulary) -> Formula:
    members = [rules.rules[name] for name in (rule.composite.of if rule.composite else ())]
    feeds = [_fed_by(member, book, vocabulary) for member in members]
    inputs = {f"feed_{n}": one for n, one in enumerate({(i.indicator, i.component, i.figure): i for _, of in feeds for i in of}.values())}
    indicator = next(f.indicator for f in (book.formulas.get(m.scope.formula) for m in members) if f) if members[0].scope.formula else (
        members[0].scope.indicator
    )
    return Formula(
        id=rule.id, name_vi=rule.title_vi, name_en=rule.title_en, source=f"catalogue/rules: {rule.id}", kind="sum", indicator=indicator,
        component="members", group=feeds[0][0], level="country", budget_year=True, places=6, inputs=inputs,
        measure_unit=UNITS.get(rule.composite.measure if rule.composite else "", "place"),
    )  # fmt: skip


def _fed_by(member: Rule, book: FormulaBook, vocabulary: Vocabulary) -> tuple[str, list[Input]]:
    """Group of a member's series or results, and the inputs they come from: the composite waits for the same inputs."""
    if member.scope.formula:
        formula = book[member.scope.formula]
        of = book[formula.of] if formula.of else formula
        return formula.group, list(of.inputs.values())
    spec = vocabulary.series_spec(member.scope.indicator, member.scope.component)
    group = spec.group if spec else next(iter(GROUPS))
    term = Term(indicator=member.scope.indicator, component=member.scope.component, figure=member.scope.figure)
    return group, [Input("feed", term.indicator, term.component, term.figure, ("day",), "last", term)]


def member_operands(
    rules: RuleBook, book: FormulaBook, row: Mapping[str, Any], source: tuple[str, int]
) -> Iterable[tuple[Formula, str, dict[str, Any]]]:
    """What a condition row means for the composites over its rule: (formula, result key, operand record)."""
    for rule in rules.composites_of(row["rule"]):
        policy = rule.composite
        if policy is None or rule.id not in book.formulas:
            continue
        values = {name: row[name] for name in ("territory", "subject_type", "subject_id", "budget_year", "rule", "severity")}
        values["dimensions"] = selection.dimensions_of(_dimensions(row["series"]))
        try:
            severity = row["severity"] if selection.chosen(policy.where, values) else 0
        except selection.SelectionError:
            severity = 0  # the member lacks what the condition asks for
        key = Result(rule.id, "VN", "", "", row["budget_year"]).key()
        yield book[rule.id], key, {
            "result": key, "role": MEMBER, "series": f"{row['rule']}#{row['series']}", "period_type": "instant", "period_start": 0,
            "period_end": 1, "deleted": False, "inexact": 0, "status": "official", "budget_year": row["budget_year"],
            "value": Decimal(severity), "count": 1, "topic": source[0], "partition": source[1], "generation": row["generation"],
            "through": row["through"], "event_time": row["event_time"], "caused_at": row["caused_at"],
        }  # fmt: skip


class CompositeResult(ResultState):
    """The result of one composite. `expected`: how many members there are in all, for a share."""

    rule: Rule
    expected: int

    def recompute(self, touched: Iterable[tuple[str, int]]) -> list[Outcome]:
        """One outcome a day on which a member changed: what the composite measures by then."""
        members = list(self.operands.get(MEMBER, {}).get(0, {}).values())
        if not members:
            return []
        at = max(o.event_time for o in members)
        start = day_start(local_day(at))
        severities = {(o.series.partition("#")[0], o.series.partition("#")[2]): _severity(o) for o in members}
        policy = self.rule.composite
        assert policy is not None
        counted = sum(severity >= policy.min_severity for severity in severities.values())
        outcome = Outcome(
            territory=self.result.territory, period_type="day", period_start=start, period_end=start + DAY_MS, deleted=False,
            status=_OFFICIAL, inexact=0, value=measured(policy, severities, self.expected), numerator=counted * 10**SCALE,
            denominator=self.expected * 10**SCALE, rank=0, of=len(members), expected=self.expected, reason="",
            marks=marks({MEMBER: members}), event_time=at, caused_at=max(o.caused_at for o in members),
        )  # fmt: skip
        key = outcome.territory, start
        if self.outcomes.get(key) == outcome:
            return []
        self.outcomes[key] = outcome
        return [outcome]

    def periods(self) -> list[int]:
        """Days with an outcome."""
        return sorted(start for _, start in self.outcomes)


def composite_result(rule: Rule, rules: RuleBook, book: FormulaBook, vocabulary: Vocabulary, result: Result) -> CompositeResult:
    """The result of a composite rule."""
    state = CompositeResult(result, book[rule.id], Units(vocabulary))
    state.rule, state.expected = rule, expected_members(rule, rules, book, vocabulary)
    return state


def expected_members(rule: Rule, rules: RuleBook, book: FormulaBook, vocabulary: Vocabulary) -> int:
    """How many series or results the members of a composite judge in all: the territories or subjects of their level."""
    count = 0
    for name in rule.composite.of if rule.composite else ():
        scope = rules.rules[name].scope
        level = book[scope.formula].level if scope.formula else ""
        if scope.subject_type:
            count += len(list(vocabulary.subjects(scope.subject_type)))
        elif level == "country":
            count += 1
        else:
            count += len(list(vocabulary.territories("province")))
    return count


def _severity(operand: Operand) -> int:
    return int(Fraction(operand.value or 0, 10**SCALE))


def _dimensions(series: str) -> str:
    """Dimensions of a series key or result key: its fourth or fifth part."""
    parts = series.split("|")
    return parts[3] if len(parts) == 5 else parts[4] if len(parts) > 5 else ""
