"""Rules of one series, stepped once per reading that becomes its series' newest: the changes do not depend on how inputs were cut into
chunks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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
from stream_processors.quiet_bands import NOTHING_QUIET, Band, QuietBands
from stream_processors.record_memory import RecordMemory, Seen
from stream_processors.rule_state import Change, Ladder, Ladders, Phase, RuleState, advance
from stream_processors.series_table import SeriesTable
from transport.columnar_reader import INDEX, Decoded

Int64s = NDArray[np.int64]
Evidence = Callable[[int], dict[str, Any]]

Before = dict[int, dict[int, tuple[int, int, int]]]
"""Series → identity → (event time, offset, unscaled value) of its live records, as they were before the chunk."""


class Bench:
    """The rules of a series with their ladders; series of the same rules and limits have the same."""

    def __init__(self, lines: Sequence[tuple[Rule, Ladder]]) -> None:
        self._lines = [(rule, ladder, min((s.raise_at for s in ladder.steps), default=None)) for rule, ladder in lines]
        self.gated = [rule for rule, _ in lines if rule.scope.emergency]
        self.at_rest = self.band({})

    def band(self, states: Mapping[str, RuleState]) -> Band:
        """What changes none of these states; rules of emergencies apart."""
        band = Band()
        for rule, ladder, _ in self._lines:
            if not rule.scope.emergency:
                state = states.get(rule.id, _FRESH)
                band = band.within(*ladder.quiet_band(state), ladder.sign, standing=state.phase == Phase.ACTIVE)
        return band

    def concerned(self, number: Decimal, states: Mapping[str, RuleState]) -> Iterator[tuple[Rule, Ladder]]:
        """Rules that a reading may say something to: not those at rest whose lowest level it does not reach."""
        for rule, ladder, lowest in self._lines:
            at_rest = not rule.scope.emergency and states.get(rule.id, _FRESH).phase == Phase.INACTIVE
            if not at_rest or (lowest is not None and number * ladder.sign >= lowest):
                yield rule, ladder


class SeriesRules:
    """State of every rule of every series of one partition."""

    def __init__(self, series: SeriesTable, gate: EmergencyGate) -> None:
        self._series, self._gate = series, gate
        self._ladders = Ladders()
        self._benches: dict[tuple[Any, ...], Bench] = {}
        self.states: dict[int, dict[str, RuleState]] = {}
        self.bands = QuietBands(lambda: gate.version)

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
        sids = arrivals.sid[effective]
        some = np.unique(sids)
        self.bands.renew(some, self._band)
        numbers = arrivals.value.lo[effective].astype(np.int64)
        loud = self.bands.outside(sids, numbers) | ~arrivals.value.fits_int64()[effective]
        if before:
            loud |= np.isin(sids, np.fromiter(before, np.int64, len(before)))
        restless = np.zeros(len(self._series), bool)
        restless[sids[loud]] = True
        for sid in some[self.bands.standing[some] & ~restless[some]].tolist():
            self._note(sid, arrivals, effective[sids == sid])
        found: NDArray[np.bool_] = restless[sids]
        return found

    def _band(self, sid: int) -> Band:
        """The readings of a series (unscaled) that would change no rule's state, but for what a standing alert keeps of the newest."""
        bench, states = self._bench(sid), self.states.get(sid)
        if any(self._gate.ever(sid, rule) for rule in bench.gated):
            return NOTHING_QUIET
        return bench.band(states) if states else bench.at_rest

    def _bench(self, sid: int) -> Bench:
        """Who judges a series."""
        rules, limits = self._series.entries[sid].rules, self._series.limits(sid)
        key = tuple(rule.id for rule in rules), tuple(limits.items())
        found = self._benches.get(key)
        if found is None:
            found = self._benches[key] = Bench([(rule, self._ladders.of(rule, limits)) for rule in rules])
        return found

    def _note(self, sid: int, arrivals: Arrivals, mine: Int64s) -> None:
        """Quiet readings under standing alerts: only the newest one evaluated is remembered."""
        newest = int(mine[np.lexsort((mine, arrivals.time[mine]))[-1]])
        at, value = int(arrivals.time[newest]), arrivals.value.take(np.array([newest])).to_ints()[0]
        states = self.states.get(sid, {})
        for rule in self._series.entries[sid].rules:
            state = states.get(rule.id, _FRESH)
            if rule.scope.emergency or state.phase != Phase.ACTIVE:
                continue
            if at >= state.evaluated and rule.valid_at(at) and STATUSES[int(arrivals.status[newest])] in rule.accept_status:
                states[rule.id] = replace(state, evaluated=at, value=Decimal(value).scaleb(-SCALE))

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
        for rule, ladder in self._bench(sid).concerned(number, self.states.get(sid, {})):
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
            state, change = advance(ladder, state, max(at, state.evaluated), number, most)
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
        return self._ladders.of(rule, self._series.limits(sid))

    def _state(self, sid: int, rule: Rule) -> RuleState:
        return self.states.get(sid, {}).get(rule.id, _FRESH)

    def _keep(self, sid: int, rule: Rule, state: RuleState) -> None:
        """A rule that never found anything is not kept: fifty of them on ten thousand series cost nothing."""
        states = self.states.setdefault(sid, {})
        if state == _FRESH:
            states.pop(rule.id, None)
        else:
            states[rule.id] = state
        self.bands.forget(sid)


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
