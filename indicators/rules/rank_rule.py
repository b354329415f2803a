"""Rank with memory: the last n of a level, the unit being the identity and not the place. Pure.

A period is judged when enough units have reported or when it is closed; who had reported by then are its participants. A late reporter
takes his place among them and changes nobody else's; a participant's revision changes the places of all. Ties share the place nearer to the
end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from indicators.comparisons.figures import NoComparison
from indicators.comparisons.standing import Best, against_peers, ranking
from indicators.period import Period
from indicators.rule import Rule
from indicators.rules.finding import Finding, Said, change, ladder_of, said_after
from indicators.rules.ladder import Number

KEPT = 60
"""Periods remembered: five years of months."""


@dataclass(frozen=True, slots=True)
class Table:
    """Figures of one period. `participants`: who had reported when it was judged; None: not judged yet."""

    values: Mapping[str, Decimal] = field(default_factory=dict)
    revisions: Mapping[str, int] = field(default_factory=dict)
    participants: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class RankState:
    """Tables by period, and the last word on each unit."""

    tables: Mapping[Period, Table] = field(default_factory=dict)
    said: Mapping[str, Said] = field(default_factory=dict)


class RankRule:
    """One rule over the units of one level. `expected`: the units that should report."""

    def __init__(self, rule: Rule, expected: tuple[str, ...]) -> None:
        if rule.rank is None:
            raise ValueError(f"{rule.id}: not a rule of kind rank")
        self.rule, self._policy, self._expected = rule, rule.rank, expected
        self.ladder = ladder_of(rule)
        self._inside: dict[Period, tuple[Table, dict[str, Decimal]]] = {}

    def step(self, state: RankState, period: Period, unit: str, value: Decimal, revision: int) -> tuple[RankState, dict[str, Finding]]:
        """Take one unit's figure in: findings by unit. An equal or older revision changes nothing."""
        table = state.tables.get(period, Table())
        if unit not in self._expected or table.revisions.get(unit, -1) >= revision:
            return state, {}
        known = unit in table.values
        table = replace(table, values={**table.values, unit: value}, revisions={**table.revisions, unit: revision})
        late = table.participants is not None and unit not in table.participants
        enough = 100 * len(table.values) >= self._policy.reported_share * len(self._expected)
        if table.participants is None and enough:
            table = replace(table, participants=frozenset(table.values))
        return self._judged(state, period, table, (unit,) if late else self._expected, corrected=known and table.participants is not None)

    def table(self, state: RankState, period: Period, values: Mapping[str, Decimal]) -> tuple[RankState, dict[str, Finding]]:
        """The figures of a period as they are now, all at once: findings by unit. Who is missing has taken his figure back."""
        former = state.tables.get(period, Table())
        ours = {unit: value for unit, value in values.items() if unit in self._expected}
        changed = {unit for unit in ours.keys() | former.values.keys() if ours.get(unit) != former.values.get(unit)}
        if not changed:
            return state, {}
        judged = former.participants
        if judged is None:
            enough = 100 * len(ours) >= self._policy.reported_share * len(self._expected)
            table = Table(ours, {}, frozenset(ours) if enough else None)
            return self._judged(state, period, table, self._expected, corrected=False)
        again = bool(changed & judged)
        units = self._expected if again else tuple(sorted(changed))
        return self._judged(state, period, Table(ours, {}, judged & ours.keys()), units, corrected=again)

    def close(self, state: RankState, period: Period) -> tuple[RankState, dict[str, Finding]]:
        """The period's due day has come: judge it with those who have reported."""
        table = state.tables.get(period, Table())
        if table.participants is not None:
            return state, {}
        table = replace(table, participants=frozenset(table.values))
        return self._judged(state, period, table, self._expected, corrected=False)

    def _judged(
        self, state: RankState, period: Period, table: Table, units: tuple[str, ...], *, corrected: bool
    ) -> tuple[RankState, dict[str, Finding]]:
        tables = dict(sorted({**state.tables, period: table}.items(), key=lambda item: item[0].start_ms)[-KEPT:])
        state = replace(state, tables=tables)
        if table.participants is None:
            return state, {}
        found: dict[str, Finding] = {}
        said = dict(state.said)
        newest = max(p.start_ms for p, t in tables.items() if t.participants is not None)
        for unit in units:
            if unit not in table.values:
                continue
            judged = sorted((p for p, t in tables.items() if t.participants is not None and unit in t.values), key=lambda p: p.start_ms)
            course = [Number(p.end_ms, p.start_ms, self._known_inside(p, tables[p], unit)) for p in judged]
            before = said.get(unit, Said())
            again = corrected or period.start_ms < newest
            finding = change(
                self.ladder, before, self.ladder.standing(course), corrected=again, number=self._known_inside(period, table, unit),
                value=table.values[unit], period=period,
            )  # fmt: skip
            said[unit] = said_after(finding, before)
            if finding is not None:
                found[unit] = finding
        return replace(state, said=said), found

    def _known_inside(self, period: Period, table: Table, unit: str) -> Decimal:
        """`places_inside`, worked out once a table and unit: of the tables of the years before, one changes at a time."""
        kept = self._inside.get(period)
        if kept is None or kept[0] is not table:
            if len(self._inside) > 2 * KEPT:
                self._inside.clear()
            kept = self._inside[period] = table, {}
        places = kept[1]
        if unit not in places:
            places[unit] = self.places_inside(table, unit)
        return places[unit]

    def places_inside(self, table: Table, unit: str) -> Decimal:
        """How deep a unit stands inside the last n: 1 at the edge, n the very last; 0 and below outside."""
        among = {u: table.values[u] for u in {*(table.participants or ()), unit}}
        worst_first: Best = "lowest" if self._policy.best == "highest" else "highest"
        place = next(p.place for p in ranking(among, among, worst_first).places if p.unit == unit)
        inside = Decimal(self._policy.n + 1 - place)
        peers = against_peers(among, unit, self._policy.best)
        if not self._policy.below_mean or isinstance(peers, NoComparison):
            return inside
        better = peers.value - peers.mean_of_others if self._policy.best == "highest" else peers.mean_of_others - peers.value
        return inside if better < 0 else min(inside, Decimal(-len(self._expected)))
