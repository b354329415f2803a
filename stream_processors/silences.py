"""Silence in stage 1: a series that should speak and does not, measured against the registry of what is expected, in event time.

The clock of a partition is the append time of its inputs plus the best offset of event time to append time seen in the rule's own feed (all
series of the same source adapter): in live running it is now, in a replay or a demonstration the time of the story. So every record moves
it, of whatever series; it is a function of the partition's prefix, and equal inputs give equal alerts. While nothing at all comes in, the
wall clock moves it, but only after GRACE_SECONDS and where the end of the input is folded: an outage of the worker is no silence of a
station.

Where a rule names a market, only its open hours count (indicators/trading_calendar.py): neither night nor Tết is a silence of its feed.

A subject is expected from the day its registry says (`valid_from`), or else from its first value on. An alert is named by the instant its
series was last heard. State: what was said lies in the series' own row, the clock in the position row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from indicators.emergency import Span
from indicators.instant import day_start
from indicators.rule import Rule
from indicators.rules.finding import Finding, Said, ladder_of
from indicators.rules.ladder import Ladder
from indicators.rules.silence import EVERY_HOUR, HOUR, Hours, reached_at, silence_of
from indicators.series import Series
from indicators.subject import Subject
from stream_processors.arrivals import Arrivals
from stream_processors.conditions import change_of, condition_row, identity_of, scaled
from stream_processors.emergency_gate import EmergencyGate, evidence_of_end, over
from stream_processors.expected import ExpectedSeries
from stream_processors.rule_state import Phase, RuleState
from stream_processors.series_table import NEVER, SeriesTable

Int64s = NDArray[np.int64]

GRACE_SECONDS: Final = 30.0
_NO_OFFSET: Final = -(1 << 60)
_FAR: Final = 1 << 60


@dataclass(slots=True)
class Watch:
    """One rule on one expected series. `since`: from when it is expected (epoch ms; _FAR: from its first value on); `heard`: its newest
    event time. Of a rule for emergencies, `spans`: when they hold for the series, silence counts from their beginning at the earliest;
    `looked`: the clock when it was last judged; `hours`: which time counts."""

    rule: Rule
    sid: int
    key: str
    series: Series
    subject: Subject | None
    ladder: Ladder
    since: int
    heard: int = NEVER
    state: RuleState = field(default_factory=RuleState)
    spans: tuple[Span, ...] = ()
    looked: int = 0
    hours: Hours = EVERY_HOUR

    @property
    def silent_since(self) -> int:
        """The instant silence is counted from; _FAR: not expected yet."""
        return max(self.heard, self.since) if self.since != _FAR else self.heard if self.heard != NEVER else _FAR

    @property
    def due(self) -> int:
        """When silence reaches the next level while the rule is in force; _FAR: never."""
        ends = day_start(self.rule.valid_to) if self.rule.valid_to else _FAR
        at = max(self._reached, day_start(self.rule.valid_from))
        return at if at < ends and self.looked < ends else _FAR

    @property
    def _reached(self) -> int:
        since = self.silent_since
        if since == _FAR:
            return _FAR
        if not self.rule.scope.emergency:
            return reached_at(self.ladder, HOUR, since, self.state.severity, hours=self.hours) or _FAR
        found = ((span, reached_at(self.ladder, HOUR, max(since, span.begin), self.state.severity, self.looked)) for span in self.spans)
        return min((at for span, at in found if at is not None and span.holds(at)), default=_FAR)


class Silences:
    """What is expected in one partition. `states`: rule states by series, shared with the other rules of the stage."""

    def __init__(
        self, rules: Sequence[Rule], expected: ExpectedSeries, series: SeriesTable, source: tuple[str, str, int],
        states: dict[int, dict[str, RuleState]], gate: EmergencyGate,
    ) -> None:  # fmt: skip
        self._gate, self._version = gate, -1
        self._group, self._topic, self._partition = source
        self._series, self._states = series, states
        self._watches: dict[int, list[Watch]] = {}
        self._adapters: set[str] = set()
        self._feed = np.zeros(0, bool)
        self.appended, self._offset, self._due = 0, _NO_OFFSET, _FAR
        for rule in rules:
            self._expect(rule, expected)

    def __bool__(self) -> bool:
        return bool(self._watches)

    @property
    def clock(self) -> int:
        """Event time by now, epoch ms; 0: none of the feed has spoken."""
        return self.appended + self._offset if self._offset != _NO_OFFSET else 0

    def restore(self, appended: int, clock: int) -> None:
        """Go on from the clock that the position row kept, with states and watermarks as they were restored."""
        self.appended, self._offset = appended, clock - appended if clock else _NO_OFFSET
        self.reload()

    def reload(self) -> None:
        """Take watermarks and states as they are now."""
        for watch in self._all():
            watch.heard = int(self._series.watermark[watch.sid])
            watch.state = self._states.get(watch.sid, {}).get(watch.rule.id, RuleState())
        self._schedule()

    def stop(self) -> None:
        """Expect nothing any more."""
        self._watches.clear()
        self._schedule()

    def fold(self, appended: Int64s, offsets: Int64s, arrivals: Arrivals) -> list[tuple[int, dict[str, Any]]]:
        """What is said when these records come: (series number, condition row). `appended`, `offsets`: of every record, in order."""
        self._renew()
        at = np.searchsorted(offsets, arrivals.offset)
        clocks = self._run(appended, at, arrivals)
        spoken = [
            (int(at[i]), int(arrivals.sid[i]), int(arrivals.time[i]))
            for i in np.flatnonzero(self._series.watched[arrivals.sid]).tolist()
        ]
        out: list[tuple[int, dict[str, Any]]] = []
        for record, sid, time in [*spoken, (len(clocks), -1, 0)]:
            while (crossing := int(np.searchsorted(clocks, self._due))) < min(record, len(clocks)):
                out += self._tick(int(clocks[crossing]), int(offsets[crossing]), int(appended[crossing]))
            for watch in self._watches.get(sid, ()):
                first, watch.heard = watch.heard == NEVER, max(watch.heard, time)
                if first or watch.state.severity:
                    self._due = min(self._due, watch.due)
                if watch.state.severity:
                    out += self._judge(watch, int(clocks[record]), int(offsets[record]), int(appended[record]))
        return out

    def idle(self, seconds: float, position: int) -> list[tuple[int, dict[str, Any]]]:
        """What is said after `seconds` without any input at the end of it; the clock moves on with them."""
        self._renew()
        if not self.clock:
            return []
        self.appended += int(seconds * 1000)
        return self._tick(self.clock, position - 1, self.appended) if self.clock >= self._due else []

    def due_in(self) -> float | None:
        """Seconds until the next silence, if nothing comes in; None: none is near."""
        self._renew()
        return max(0.0, (self._due - self.clock) / 1000) if self.clock and self._due != _FAR else None

    def _run(self, appended: Int64s, at: Int64s, arrivals: Arrivals) -> Int64s:
        """The clock at each record."""
        stamps: Int64s = np.maximum(np.maximum.accumulate(appended), self.appended)
        offsets = np.full(len(appended), self._offset, np.int64)
        mine = self._of_feed(arrivals.sid)
        np.maximum.at(offsets, at[mine], np.minimum(arrivals.time[mine], stamps[at[mine]]) - stamps[at[mine]])
        offsets = np.maximum.accumulate(offsets)
        self.appended, self._offset = int(stamps[-1]), int(offsets[-1])
        clocks: Int64s = np.where(offsets == _NO_OFFSET, 0, stamps + offsets)
        return clocks

    def _of_feed(self, sid: Int64s) -> NDArray[np.bool_]:
        """Which of these series belong to a feed with a rule."""
        entries = self._series.entries
        while len(self._feed) < len(entries):
            some = entries[len(self._feed) : len(self._feed) + 4096]
            self._feed = np.concatenate([self._feed, [e.spec is not None and e.spec.adapter in self._adapters for e in some]]).astype(bool)
        found: NDArray[np.bool_] = self._feed[sid]
        return found

    def _tick(self, now: int, offset: int, appended: int) -> list[tuple[int, dict[str, Any]]]:
        out = [said for watch in self._all() if watch.due <= now for said in self._judge(watch, now, offset, appended)]
        self._schedule()
        return out

    def _judge(self, watch: Watch, now: int, offset: int, appended: int) -> list[tuple[int, dict[str, Any]]]:
        watch.looked = now
        if not watch.rule.valid_at(now):
            return []
        since, span, out = watch.silent_since, None, list[tuple[int, dict[str, Any]]]()
        if watch.rule.scope.emergency:
            span, out = self._gated(watch, now, offset, appended)
            if span is None:
                return out
            since = max(since, span.begin)
        former = watch.state
        finding = silence_of(watch.ladder, HOUR, since, now, Said(former.severity, former.since), watch.hours)
        if finding is None:
            return out
        identity = identity_of(watch.rule.id, watch.key, finding, former)
        number = finding.number or Decimal(0)
        watch.state = RuleState(evaluated=now, value=number)
        if finding.severity:
            watch.state = RuleState(identity, Phase.ACTIVE, finding.severity, finding.since, evaluated=now, value=number)
        self._states.setdefault(watch.sid, {})[watch.rule.id] = watch.state
        self._due = min(self._due, watch.due)
        change = change_of(finding, watch.ladder)
        row = self._evidence(watch, finding, now, offset, appended) | {"alert_id": identity, "since": finding.since}
        drill = bool(span and span.exercise)
        return [*out, (watch.sid, condition_row(watch.rule, watch.key, change, watch.state, row, corrected=False, exercise=drill))]

    def _gated(self, watch: Watch, now: int, offset: int, appended: int) -> tuple[Span | None, list[tuple[int, dict[str, Any]]]]:
        """The emergency that puts the rule in force by now, and the clearing of an alert whose emergency is over."""
        span = next((one for one in watch.spans if one.holds(now)), None)
        former = watch.state
        if not former.severity or (span is not None and former.since >= span.begin):
            return span, []
        ended = self._gate.of_alert(watch.sid, watch.rule, former)
        assert ended is not None  # an alert of the rule was opened under one
        evidence = evidence_of_end(watch.series, watch.rule, ended, (self._topic, self._partition, offset), "hour")
        evidence["caused_at"] = appended
        watch.state = RuleState()
        self._states.setdefault(watch.sid, {})[watch.rule.id] = watch.state
        return span, [(watch.sid, over(watch.rule, watch.key, former, watch.ladder, evidence, ended))]

    def _renew(self) -> None:
        """Take in what was opened, widened or closed since; none of it lies before what was folded (transport/emergencies.py)."""
        if self._version == self._gate.version:
            return
        self._version = self._gate.version
        for watch in self._all():
            watch.spans = self._gate.spans(watch.sid, watch.rule) if watch.rule.scope.emergency else ()
        self._schedule()

    def _evidence(self, watch: Watch, finding: Finding, now: int, offset: int, appended: int) -> dict[str, Any]:
        series, number, limit = watch.series, scaled(finding.number or Decimal(0)), scaled(finding.limit or Decimal(0))
        return {
            "indicator": series.indicator, "component": series.component, "territory": series.territory,
            "subject_type": series.subject_type, "subject_id": series.subject_id,
            "agency": watch.subject.agency if watch.subject else watch.rule.owner_agency, "provider": "", "measure_unit": "hour",
            "comparison": "absence", "value": number, "limit": limit, "gap": number - limit, "numerator": None, "denominator": None,
            "period_type": "instant", "period_start": finding.since, "period_end": max(now, finding.since + 1), "budget_year": 0,
            "event_time": now, "status": "official", "revision": 0, "source_topic": self._topic, "source_partition": self._partition,
            "source_offset": offset, "source_record_id": "", "caused_at": appended, "generation": 0, "through": offset,
        }  # fmt: skip

    def _schedule(self) -> None:
        self._due = min((watch.due for watch in self._all()), default=_FAR)

    def _all(self) -> list[Watch]:
        return [watch for watches in self._watches.values() for watch in watches]

    def _expect(self, rule: Rule, expected: ExpectedSeries) -> None:
        """Watch the series of every subject or province in scope that lie in this partition."""
        spec = expected.spec(rule)
        if spec is None or spec.group != self._group:
            return
        self._adapters.add(spec.adapter)
        since_rule, ladder, hours = day_start(rule.valid_from), ladder_of(rule), expected.hours(rule)
        for key, series, subject in expected.of(rule, self._partition):
            sid = int(self._series.numbers([key.encode()])[0])
            registered = subject.valid_from if subject else None
            since = max(since_rule, day_start(registered)) if registered else _FAR
            self._watches.setdefault(sid, []).append(Watch(rule, sid, key, series, subject, ladder, since, hours=hours))
            self._series.watched[sid] = True
