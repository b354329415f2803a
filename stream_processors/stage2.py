"""Stage 2 on one input partition: operands in; derived rows, the newest operands (its state), further operands, conditions, the
position out.

Rules wait SETTLE_SECONDS after a result's last operand, so that a numerator before its denominator opens nothing, and until the horizon
(stream_processors/horizon.py) has passed that operand, so that a catch-up is judged like orderly arrival. A result that never comes to
rest is judged every LONGEST_SECONDS. What was waiting when a process died is evaluated at the next start: conditions compare with the state
in the result's own row, so nothing is said twice.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

from indicators.derived.formula import Formula, Use
from indicators.derived.result import Result
from indicators.instant import local_day
from indicators.observation import STATUSES
from stream_processors.composites import member_operands
from stream_processors.context import Context
from stream_processors.dead_rows import Why, add_letter
from stream_processors.horizon import Touch
from stream_processors.operand import DIVISOR, MEMBER
from stream_processors.replay_mark import REPLAY_HEADER, replay_headers
from stream_processors.result_rules import ResultRules, decimal
from stream_processors.result_state import Outcome, ResultState
from stream_processors.result_targets import Source, target
from stream_processors.stage1_rows import POSITION
from stream_processors.stage2_restore import restore_stage2
from stream_processors.stage2_rows import DerivedRows, latest_key, operand_of
from transport.columnar_reader import ColumnarReader
from transport.columnar_writer import AvroEncoder
from transport.partitioner import partition_of
from transport.topics import GROUPS, conditions_topic
from transport.transactions import Rows

STAGE: Final = "stage2"
LOOK_SECONDS: Final = 0.05


class Stage2:
    """State and fold of one partition of `operands.<group>`."""

    def __init__(self, context: Context, group: str, partition: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.context, self.group, self.partition, self.clock = context, group, partition, clock
        self.topic = f"{context.prefix}operands.{group}"
        self.reader = ColumnarReader("operand", context.registry.schema)
        self.results: dict[str, ResultState] = {}
        self.rules = ResultRules(context.vocabulary, context.rules, context.formulas, (self.topic, partition), context.dues)
        self._derived = DerivedRows(context.registry)
        self._operand = AvroEncoder("operand", context.registry.id_of("operand"))
        self.waiting: dict[str, Touch] = {}
        self.quiet: dict[str, bool] = {}
        """Of results that wait: did a replay alone change their operands? Then what their rules say is recorded, not told."""
        self.folded_to = 0
        self.horizon = math.inf

    def restore(self) -> int:
        """Newest operands and derived rows; returns the next input offset. Blocking."""
        self.folded_to = restore_stage2(self)
        return self.folded_to

    @property
    def live(self) -> int:
        """Outcomes held."""
        return sum(len(state.outcomes) for state in self.results.values())

    @property
    def place(self) -> tuple[str, int]:
        """The input: full topic name and partition."""
        return self.topic, self.partition

    @property
    def waits(self) -> bool:
        """Does a result wait to be judged?"""
        return bool(self.waiting)

    @cached_property
    def feeds(self) -> set[str]:
        """Full names of the observation topics whose panes become operands here; for rankings, those of what they rank."""
        book = self.context.formulas
        series = {one for f in book if f.group == self.group for one in book.series_of(f)}
        specs = (self.context.vocabulary.series_spec(*one) for one in series)
        return {f"{self.context.prefix}obs.{spec.group}" for spec in specs if spec is not None}

    def due_at(self) -> float | None:
        """When to look whether a waiting result can be judged, on the monotonic clock."""
        soonest = min((touch.due_at() for touch in self.waiting.values()), default=None)
        return None if soonest is None else max(soonest, self.clock() + LOOK_SECONDS) if self.horizon < math.inf else soonest

    def settle(self, position: int) -> list[Rows]:
        """Rules of the results that have settled."""
        out = _Output(self)
        self._settle(out, position - 1)
        if not out.changed:
            return []
        out.derived.add(POSITION, self._derived.position(position, position))
        return out.all()

    def fold(self, records: Sequence[Any], first: int, next_offset: int) -> list[Rows]:
        """Fold operands into the rows of one transaction."""
        decoded = self.reader.read([r.value for r in records])
        out = _Output(self)
        for one in decoded.refused:
            out.letter(records[one.index], (one.reason, one.field, one.detail))
        touched: dict[str, dict[tuple[str, int], int]] = {}
        quiet: dict[str, bool] = {}
        for row in decoded.frame.iter_rows(named=True):
            record = records[row["index"]]
            operand = operand_of(row)
            state = self.result(row["result"])
            if state is None or not state.take(operand):
                continue
            headers = replay_headers(getattr(record, "headers", None))
            quiet[row["result"]] = quiet.get(row["result"], True) and bool(headers)
            out.latest.add(latest_key(row["result"], operand), record.value, headers)
            periods = touched.setdefault(row["result"], {})
            place = operand.role, operand.period_start
            periods[place] = max(record.offset, periods.get(place, -1))
        for key, periods in touched.items():
            out.quiet = quiet[key]
            self._recompute(key, periods, out)
        self._settle(out, next_offset - 1)
        self.folded_to = next_offset
        out.derived.add(POSITION, self._derived.position(first, next_offset))
        self.context.metrics.folded(STAGE, self.group, len(records), decoded.refused)
        return out.all()

    def refuse(self, record: Any, first: int, next_offset: int) -> list[Rows]:
        """One operand that ends the process goes to the dead letters unread."""
        out = _Output(self)
        out.letter(record, ("poison_crash", "", "the process ended each time it was folded"))
        self.folded_to = next_offset
        out.derived.add(POSITION, self._derived.position(first, next_offset))
        return out.all()

    def result(self, key: str) -> ResultState | None:
        """The state of a result; None where its formula is no more."""
        state = self.results.get(key)
        if state is None:
            state = self.rules.result(Result.parse(key))
            if state is not None:
                self.results[key] = state
        return state

    def state_key(self, result: str) -> str:
        """The key under which a result is computed: all values of the dimension of `each` together."""
        parsed = Result.parse(result)
        formula = self.context.formulas.formulas.get(parsed.formula)
        return parsed._replace(dimensions="").key() if formula is not None and formula.each else result

    def _recompute(self, key: str, touched: dict[tuple[str, int], int], out: _Output) -> None:
        """Every outcome that the touched operands change, once; its rows and the operands of what ranks or uses it."""
        state = self.results[key]
        through = max(touched.values())
        rankings = self.context.formulas.rankings_of(state.formula.id)
        users = self.context.formulas.users(state.formula)
        for outcome in state.recompute(touched):
            self.write(key, state, outcome, through, out)
            for ranking in rankings:
                result = Result(ranking.id, "VN", "", "", state.result.budget_year)
                out.operand(ranking, self._operand_row(result, MEMBER, outcome.value, key, state, outcome, through))
            for use in users:
                self._hand_on(use, key, state, outcome, through, out)
        for operand in state.forget_old():
            out.latest.add(latest_key(key, operand), None, [])
        if self.rules.concerns(state.result):
            now, known = self.clock(), self.waiting.get(key)
            self.waiting[key] = Touch(known.first if known else now, now)
            self.quiet[key] = self.quiet.get(key, True) and out.quiet

    def write(self, key: str, state: ResultState, outcome: Outcome, through: int, out: _Output) -> None:
        """A derived row, with what the result's rules judged of its period."""
        rules = self.rules.kept(key, (outcome.spot, outcome.period_start))
        out.derived.add(*self._derived.write(key, state, outcome, rules, through))

    def _settle(self, out: _Output, through: int) -> None:
        now = self.clock()
        for key in [k for k, touch in self.waiting.items() if touch.due_at() <= now and touch.behind(self.horizon)]:
            del self.waiting[key]
            state, out.quiet = self.results[key], self.quiet.pop(key, False)
            rows, touched = self.rules.evaluate(key, state, through)
            for row in rows:
                if out.quiet:
                    row["mode"] = "replay"
                out.conditions.add(row["alert_id"].encode(), self.context.conditions.encode(row))
            for row in {row["rule"] + row["series"]: row for row in rows}.values():
                for formula, to, record in member_operands(self.context.rules, self.context.formulas, row, (self.topic, self.partition)):
                    out.operand(formula, (to.encode(), self._operand.encode(record)))
            for place in sorted(touched):
                self.write(key, state, state.outcomes[place], through, out)

    def _hand_on(self, use: Use, key: str, state: ResultState, outcome: Outcome, through: int, out: _Output) -> None:
        """An outcome as the operand of a result that uses it: a sum exactly, a ratio by its two halves."""
        year = state.result.budget_year
        if not use.formula.budget_year and use.input.factor and year not in (0, local_day(outcome.period_start).year):
            return  # a January of last year's budget is no figure of this January
        result = target(use, Source.of_result(state.result, outcome.territory), self.context.vocabulary)
        if result is None:
            return
        series = state.result._replace(dimensions=outcome.dimensions).key() if state.formula.each else key
        halves = [(use.input.role, outcome.numerator)]
        if use.input.factor:
            halves.append((use.input.role + DIVISOR, outcome.denominator))
        for role, number in halves:
            out.operand(use.formula, self._operand_row(result, role, decimal(number), series, state, outcome, through))

    def _operand_row(
        self, result: Result, role: str, value: Decimal | None, series: str, state: ResultState, outcome: Outcome, through: int
    ) -> tuple[bytes, bytes]:
        """Key and value of an operand made of an outcome."""
        key = result.key()
        record = {
            "result": key, "role": role, "series": series, "period_type": outcome.period_type, "period_start": outcome.period_start,
            "period_end": outcome.period_end, "deleted": outcome.deleted or value is None, "inexact": outcome.inexact,
            "status": STATUSES[outcome.status], "budget_year": state.result.budget_year, "value": value, "count": outcome.of,
            "topic": self.topic, "partition": self.partition, "generation": 0, "through": through, "event_time": outcome.event_time,
            "caused_at": outcome.caused_at,
        }  # fmt: skip
        return key.encode(), self._operand.encode(record)


class _Output:
    """Rows of one transaction, by topic. `quiet`: does what is worked on follow from a replay alone?"""

    def __init__(self, stage: Stage2) -> None:
        self.quiet, self._stage = False, stage
        prefix, group, p = stage.context.prefix, stage.group, stage.partition
        self._prefix = prefix
        self.derived = Rows(f"{prefix}derived.{group}", p)
        self.latest = Rows(f"{prefix}operands.latest.{group}", p)
        self.conditions = Rows(f"{prefix}{conditions_topic(group)}", p)
        self._letters = Rows(f"{prefix}dead.{STAGE}", p % 2)
        self._operands: dict[tuple[str, int], Rows] = {}

    @property
    def changed(self) -> bool:
        """Is there anything to commit?"""
        return bool(self.derived.keys or self.conditions.keys)

    def operand(self, formula: Formula, row: tuple[bytes, bytes]) -> None:
        where = f"{self._prefix}operands.{formula.group}", partition_of(row[0], GROUPS[formula.group])
        self._operands.setdefault(where, Rows(*where)).add(*row, [(REPLAY_HEADER, b"stage2")] if self.quiet else [])

    def letter(self, record: Any, why: Why) -> None:
        add_letter(self._letters, self._stage.context.letters_of_stage2, (self._stage.topic, self._stage.partition), record, why)

    def all(self) -> list[Rows]:
        """The topics that have rows."""
        return [r for r in (self.derived, self.latest, self.conditions, self._letters, *self._operands.values()) if r.keys]
