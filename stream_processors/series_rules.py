"""Rules of one series, stepped once per reading that becomes its series' newest: the changes do not depend on how inputs were cut into
chunks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indicators.emergency import Span
from indicators.observation import SCALE, STATUSES
from indicators.rule import Rule
from stream_processors.arrivals import Arrivals, Remembered
from stream_processors.conditions import alert_id, condition_row, scaled
from stream_processors.emergency_gate import EmergencyGate, over
from stream_processors.record_memory import RecordMemory, Seen
from stream_processors.rule_state import Change, Ladder, RuleState, advance
from stream_processors.series_table import SeriesTable
from transport.columnar_reader import INDEX, Decoded

Int64s = NDArray[np.int64]
Evidence = Callable[[int], dict[str, Any]]

Before = dict[int, dict[int, tuple[int, int, int]]]
"""Series → identity → (event time, offset, unscaled value) of its live records, as they were before the chunk."""


class SeriesRules:
    """State of every rule of every series of one partition."""

    def __init__(self, series: SeriesTable, gate: EmergencyGate) -> None:
        self._series, self._gate = series, gate
        self._ladders: dict[tuple[int, str], Ladder] = {}
        self.states: dict[int, dict[str, RuleState]] = {}

    def before(self, arrivals: Arrivals, seen: Seen, memory: RecordMemory) -> Before:
        """Live records of the ruled series that this chunk may correct; call it before the memory takes the chunk in."""
        ruled = self._series.ruled[arrivals.sid]
        if not ruled.any():
            return {}
        sids = np.unique(arrivals.sid[ruled & seen.suspects])
        return {int(s): memory.hashes_of(int(s)) for s in sids}

    def step(self, arrivals: Arrivals, remembered: Remembered, before: Before, newest: Int64s, evidence: Evidence) -> list[dict[str, Any]]:
        """Condition rows of a chunk, in offset order. `newest`: each series' newest event time before the chunk; `evidence`: fields of
        an arrival.
        """
        effective = np.concatenate([remembered.fresh, np.array([c.arrival for c in remembered.corrections], np.int64)]).astype(np.int64)
        effective = np.sort(effective[self._series.ruled[arrivals.sid[effective]]])
        effective = effective[self._restless(arrivals, effective, before)]
        rows: list[dict[str, Any]] = []
        latest: dict[int, tuple[int, int]] = {}
        values = arrivals.value.take(effective).to_ints()
        for i, value in zip(effective.tolist(), values, strict=True):
            sid = int(arrivals.sid[i])
            if sid in before:
                reading = self._corrected(before[sid], arrivals, i, value)
            else:
                time = int(arrivals.time[i])
                known = latest.get(sid, (int(newest[sid]), 0))
                reading = (time, value, False) if time >= known[0] else None
                latest[sid] = (max(time, known[0]), i)
            if reading is not None:
                rows += self._evaluate(sid, *reading, i, arrivals, evidence)
        return rows

    def _restless(self, arrivals: Arrivals, effective: Int64s, before: Before) -> NDArray[np.bool_]:
        """Which readings may change a state: not those of a series whose whole chunk stays inside its quiet band."""
        keep = np.ones(len(effective), bool)
        sids = arrivals.sid[effective]
        fits = arrivals.value.fits_int64()[effective]
        numbers = arrivals.value.lo[effective].astype(np.int64)
        for sid in np.unique(sids).tolist():
            if sid in before:
                continue
            mine = sids == sid
            if self._quiet(sid, numbers[mine]) and fits[mine].all():
                keep[mine] = False
                self._note(sid, arrivals, effective[mine])
        return keep

    def _quiet(self, sid: int, numbers: Int64s) -> bool:
        """Would none of these readings (unscaled) change any rule's state?"""
        low, high = Decimal(int(numbers.min())).scaleb(-SCALE), Decimal(int(numbers.max())).scaleb(-SCALE)
        for rule in self._series.entries[sid].rules:
            if rule.scope.emergency:
                if self._gate.ever(sid, rule):
                    return False
                continue
            ladder = self._ladder(sid, rule)
            worst, mildest = (high, low) if ladder.sign > 0 else (-low, -high)
            floor, ceiling = ladder.quiet_band(self._state(sid, rule))
            if (ceiling is not None and worst >= ceiling) or (floor is not None and mildest < floor):
                return False
        return True

    def _note(self, sid: int, arrivals: Arrivals, mine: Int64s) -> None:
        """Quiet readings: only the newest one evaluated is remembered."""
        newest = int(mine[np.lexsort((mine, arrivals.time[mine]))[-1]])
        at, value = int(arrivals.time[newest]), arrivals.value.take(np.array([newest])).to_ints()[0]
        for rule in self._series.entries[sid].rules:
            state = self._state(sid, rule)
            if rule.scope.emergency:
                continue
            if at >= state.evaluated and rule.valid_at(at) and STATUSES[int(arrivals.status[newest])] in rule.accept_status:
                self._keep(sid, rule, replace(state, evaluated=at, value=Decimal(value).scaleb(-SCALE)))

    def _corrected(self, live: dict[int, tuple[int, int, int]], arrivals: Arrivals, i: int, value: int) -> tuple[int, int, bool] | None:
        """Apply one arrival to the live records of its series: (event time, value, was it a correction) of the newest, where that
        changed.
        """
        former = max(live.values(), default=None)
        identity = int(arrivals.hash[i])
        known = live.pop(identity, None)
        if arrivals.alive[i]:
            live[identity] = (int(arrivals.time[i]), int(arrivals.offset[i]), value)
        newest = max(live.values(), default=None)
        if newest is None or (former is not None and newest[0] == former[0] and newest[2] == former[2] and known is None):
            return None
        return (newest[0], newest[2], known is not None) if newest != former else None

    def _evaluate(
        self, sid: int, at: int, value: int, corrected: bool, i: int, arrivals: Arrivals, evidence: Evidence
    ) -> list[dict[str, Any]]:
        rows = []
        number = Decimal(value).scaleb(-SCALE)
        entry = self._series.entries[sid]
        for rule in entry.rules:
            if not rule.valid_at(at) or STATUSES[int(arrivals.status[i])] not in (*rule.accept_status, "deleted"):
                continue
            drill = False
            if rule.scope.emergency:
                if not self._gate.ever(sid, rule):
                    continue
                span, ended = self._gated(sid, rule, at, evidence(i))
                rows += ended
                if span is None:
                    continue
                drill = span.exercise
            state = self._state(sid, rule)
            most = rule.highest(STATUSES[int(arrivals.status[i])])
            state, change = advance(self._ladder(sid, rule), state, max(at, state.evaluated), number, most)
            if change is not None:
                former = self._state(sid, rule)
                opened = change.transition == "opened"
                identity = alert_id(rule.id, entry.key.decode(), state.since) if opened else former.alert_id
                since = state.since if opened else former.since
                fields = evidence(i) | _compared(number, change) | {"alert_id": identity, "since": since}
                fields["generation"] = int(self._series.generation[sid])
                if change.transition != "cleared":
                    state = replace(state, alert_id=identity)
                rows.append(condition_row(rule, entry.key.decode(), change, state, fields, corrected=corrected, exercise=drill))
            self._keep(sid, rule, state)
        return rows

    def _gated(self, sid: int, rule: Rule, at: int, fields: dict[str, Any]) -> tuple[Span | None, list[dict[str, Any]]]:
        """The emergency that puts a rule in force for a reading, and the clearing of an alert whose emergency is over by then."""
        span, state, rows = self._gate.at(sid, rule, fields, at), self._state(sid, rule), []
        if state.severity and (span is None or state.since < span.begin):
            key, opened_under = self._series.entries[sid].key.decode(), self._gate.of_alert(sid, rule, state)
            fields["generation"] = int(self._series.generation[sid])
            rows.append(over(rule, key, state, self._ladder(sid, rule), fields, opened_under))
        if rows or span is None:
            self._keep(sid, rule, RuleState())
        return span, rows

    def _ladder(self, sid: int, rule: Rule) -> Ladder:
        found = self._ladders.get((sid, rule.id))
        if found is None:
            found = self._ladders[sid, rule.id] = Ladder(rule, self._series.limits(sid))
        return found

    def _state(self, sid: int, rule: Rule) -> RuleState:
        return self.states.get(sid, {}).get(rule.id, _FRESH)

    def _keep(self, sid: int, rule: Rule, state: RuleState) -> None:
        self.states.setdefault(sid, {})[rule.id] = state


_FRESH = RuleState()


def _compared(number: Decimal, change: Change) -> dict[str, Any]:
    """The value, the limit it crossed, and the distance between."""
    limit = abs(change.level.clear_at if change.transition in ("cleared", "better") else change.level.raise_at)
    return {
        "comparison": "limit",
        "value": scaled(number),
        "limit": scaled(limit),
        "gap": scaled(number - limit),
        "numerator": None,
        "denominator": None,
    }


def evidence_of(decoded: Decoded, rows: Int64s, source: tuple[str, int], offsets: Int64s, records: Sequence[Any]) -> Evidence:
    """Fields of a condition that come from the observation: `rows[i]` is arrival i's row of the decoded ones, `records` the chunk's
    consumer records.
    """

    def evidence(i: int) -> dict[str, Any]:
        row = int(rows[i])
        record = decoded.record(row)
        return {name: record[name] for name in _EVIDENCE} | {
            "source_topic": source[0],
            "source_partition": source[1],
            "source_offset": int(offsets[i]),
            "caused_at": records[decoded.tail[INDEX][row]].timestamp,
            "generation": 0,
            "through": int(offsets[i]),
        }

    return evidence


_EVIDENCE = (
    "indicator",
    "component",
    "territory",
    "subject_type",
    "subject_id",
    "agency",
    "provider",
    "measure_unit",
    "period_type",
    "period_start",
    "period_end",
    "budget_year",
    "event_time",
    "status",
    "revision",
    "source_record_id",
)
