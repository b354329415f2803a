"""Absence and watchdog: nothing has been heard of something that should speak. Pure; the clock is handed in.

Silence is measured against a registry of what is expected, so that a station that never spoke is missed too. The number is the time since
the newest value: hours for absence, minutes for the watchdog; of a market's feed the hours in which the market was open, so that no night
and no holiday is a silence. `next_due` says when to ask again: no polling.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import ROUND_DOWN, Decimal
from typing import Final, Protocol

from indicators.instant import HOUR_MS
from indicators.rule import Rule, RuleError
from indicators.rules.finding import Finding, Said, change, ladder_of, said_after
from indicators.rules.ladder import Ladder, Standing

MINUTE_MS = 60_000
HOUR = HOUR_MS
CENT = Decimal("0.01")


class Hours(Protocol):
    """Which time counts. `indicators.trading_calendar.TradingCalendar` is one: its open time."""

    def open_ms(self, start: int, end: int) -> int:
        """How much of [start, end) counts, in ms."""
        ...

    def open_until(self, start: int, length: int) -> int | None:
        """The instant at which `length` ms have counted since `start`; None: never."""
        ...


class WallHours:
    """Every hour counts."""

    def open_ms(self, start: int, end: int) -> int:
        """All of it."""
        return end - start

    def open_until(self, start: int, length: int) -> int | None:
        """Just after it."""
        return start + length


EVERY_HOUR: Final[Hours] = WallHours()


@dataclass(frozen=True, slots=True)
class SilenceState:
    """When each series was last heard (epoch ms, wall time), and the last word on it."""

    heard: Mapping[str, int] = field(default_factory=dict)
    said: Mapping[str, Said] = field(default_factory=dict)


class SilenceRule:
    """One rule of kind absence or watchdog. `expected`: series → since when it is expected (epoch ms); `hours`: which time counts."""

    def __init__(self, rule: Rule, expected: Mapping[str, int], hours: Hours = EVERY_HOUR) -> None:
        if rule.kind not in ("absence", "watchdog"):
            raise ValueError(f"{rule.id}: neither absence nor watchdog")
        self.rule, self._expected, self._hours = rule, dict(expected), hours
        self.ladder = ladder_of(rule)
        self._unit_ms = HOUR if rule.kind == "absence" else MINUTE_MS

    def hear(self, state: SilenceState, series: str, at: int) -> tuple[SilenceState, dict[str, Finding]]:
        """A value of a series arrived at `at`. A late one never makes the series sound older; one nobody expects is not looked at."""
        if series not in self._expected or at <= self._since(state, series):
            return state, {}
        return self._judged(replace(state, heard={**state.heard, series: at}), at, (series,))

    def tick(self, state: SilenceState, now: int) -> tuple[SilenceState, dict[str, Finding]]:
        """Time has passed."""
        return self._judged(state, now, tuple(self._expected))

    def next_due(self, state: SilenceState, now: int) -> int | None:
        """The first instant after `now` at which silence reaches a level it has not been said to have; None: none is left."""
        found = (
            reached_at(self.ladder, self._unit_ms, self._since(state, series), state.said.get(series, Said()).severity, now, self._hours)
            for series in self._expected
        )
        return min((at for at in found if at is not None), default=None)

    def _since(self, state: SilenceState, series: str) -> int:
        return max(state.heard.get(series, 0), self._expected.get(series, 0))

    def _judged(self, state: SilenceState, now: int, some: tuple[str, ...]) -> tuple[SilenceState, dict[str, Finding]]:
        found: dict[str, Finding] = {}
        said = dict(state.said)
        for series in some:
            before = said.get(series, Said())
            finding = silence_of(self.ladder, self._unit_ms, self._since(state, series), now, before, self._hours)
            said[series] = said_after(finding, before)
            if finding is not None:
                found[series] = finding
        return replace(state, said=said), found


def hours_of(rule: Rule, calendar: Callable[[str], Hours | None]) -> Hours:
    """Which time counts as silence; `calendar`: the trading calendar of a code. Raises RuleError where the rule names an unknown one."""
    if rule.absence is None or not rule.absence.trading_calendar:
        return EVERY_HOUR
    found = calendar(rule.absence.trading_calendar)
    if found is None:
        raise RuleError(f"{rule.id}: absence: {rule.absence.trading_calendar} is not in catalogue/trading-calendars.yaml; add it there")
    return found


def silence_of(ladder: Ladder, unit_ms: int, since: int, now: int, before: Said, hours: Hours = EVERY_HOUR) -> Finding | None:
    """What to say of a series that was last heard at `since`, where `before` was the last word; instants in epoch ms."""
    silent = (Decimal(hours.open_ms(since, max(since, now))) / unit_ms).quantize(CENT, ROUND_DOWN)
    standing = Standing(max(ladder.raised(silent), ladder.held(silent, before.severity)), since, since)
    return change(ladder, before, standing, corrected=False, number=silent, value=silent)


def reached_at(
    ladder: Ladder, unit_ms: int, since: int, severity: int, after: int = 0, hours: Hours = EVERY_HOUR
) -> int | None:
    """The first instant after `after` at which silence since `since` reaches a level above `severity`; None: there is none."""
    found = (hours.open_until(since, int(step.raise_at * unit_ms)) for step in ladder.steps if step.severity > severity)
    return min((at for at in found if at is not None and at > after), default=None)
