"""The series of one partition: numbered as they come, with what stage 1 needs of each at hand as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from indicators.derived.formula import Use
from indicators.derived.formula_book import FormulaBook
from indicators.observation import SCALE, VALUE_LIMIT
from indicators.rule import Rule, RuleBook
from indicators.series import Series, SeriesError, parse
from indicators.spec import SeriesSpec
from indicators.vocabulary import Vocabulary
from stream_processors.calendar_panes import KINDS, Kind
from stream_processors.result_targets import Source, target
from transport.partitioner import partition_of
from transport.topics import GROUPS

Int64s = NDArray[np.int64]
INT64 = np.iinfo(np.int64)
NEVER = -(1 << 50)
"""Watermark of a series without any admitted record."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """A result that uses the series: where its operands go."""

    use: Use
    result: str
    topic: str
    partition: int
    budget_year: int


@dataclass(slots=True)
class Entry:
    """One series. `spec` None: values of it are refused for `reason`."""

    key: bytes
    series: Series | None
    spec: SeriesSpec | None
    reason: str
    detail: str
    rules: tuple[Rule, ...]
    uses: tuple[Use, ...]


class SeriesTable:
    """Series by number. Arrays are capacity long; look them up again after `number`.

    `generation`: how often a replay changed the series. `ruled`: rules judge its readings; `judged`: rules judge its reported periods;
    `watched`: a rule waits for it to speak.
    """

    def __init__(self, vocabulary: Vocabulary, formulas: FormulaBook, rules: RuleBook, prefix: str, capacity: int = 1024) -> None:
        self._vocabulary, self._formulas, self._rules, self._prefix = vocabulary, formulas, rules, prefix
        self._numbers: dict[bytes, int] = {}
        self._version = vocabulary.version
        self.timed = False
        """Are there series that are ordered for a time?"""
        self._per_spec: dict[tuple[str, str], int] = {}
        self.entries: list[Entry] = []
        self.known = np.zeros(capacity, bool)
        self.reported = np.zeros(capacity, bool)
        self.cumulative = np.zeros(capacity, bool)
        self.actual = np.zeros(capacity, bool)
        self.ruled = np.zeros(capacity, bool)
        self.judged = np.zeros(capacity, bool)
        self.watched = np.zeros(capacity, bool)
        self.used = np.zeros(capacity, bool)
        self.stock = np.zeros(capacity, bool)
        self.panes = np.zeros((len(Kind), capacity), bool)
        self.horizon = np.zeros(capacity, np.int64)
        self.fingerprint = np.zeros(capacity, np.uint64)
        self.low = np.zeros(capacity, np.int64)
        self.high = np.zeros(capacity, np.int64)
        self.bounded = np.zeros(capacity, bool)
        self.watermark = np.full(capacity, NEVER, np.int64)
        self.first_time = np.full(capacity, -NEVER, np.int64)
        self.generation = np.zeros(capacity, np.int64)
        self.opens = np.zeros(capacity, np.int64)
        self.ends = np.zeros(capacity, np.int64)
        self._consumers: dict[tuple[int, int], tuple[Consumer, ...]] = {}

    def __len__(self) -> int:
        return len(self.entries)

    def numbers(self, keys: list[bytes]) -> Int64s:
        """Number of each key; new keys are entered."""
        known = self._numbers
        if self._version != self._vocabulary.version:
            self._look_again()
        try:
            return np.fromiter(map(known.__getitem__, keys), np.int64, len(keys))
        except KeyError:
            for key in dict.fromkeys(keys):
                if key not in known:
                    self._enter(key)
            return np.fromiter(map(known.__getitem__, keys), np.int64, len(keys))

    def note(self, sid: Int64s, time: Int64s) -> None:
        """Admitted records: series number and event time, epoch ms. They move watermarks and first times."""
        np.maximum.at(self.watermark, sid, time)
        np.minimum.at(self.first_time, sid, time)

    def consumers(self, sid: int, budget_year: int) -> tuple[Consumer, ...]:
        """Results that use series `sid` in `budget_year`, one per formula and role."""
        found = self._consumers.get((sid, budget_year))
        if found is None:
            entry = self.entries[sid]
            made = (self._consumer(use, entry, budget_year) for use in entry.uses)
            found = self._consumers[sid, budget_year] = tuple(c for c in made if c)
        return found

    def knows_agency(self, code: str) -> bool:
        """Is the agency in the registry?"""
        return self._vocabulary.agency(code) is not None

    def stateful(self, sid: Int64s) -> NDArray[np.bool_]:
        """Which of these series may have states of rules."""
        found: NDArray[np.bool_] = self.ruled[sid] | self.judged[sid] | self.watched[sid]
        return found

    def limits(self, sid: int) -> Mapping[str, Decimal]:
        """Named limits of the series' subject."""
        series = self.entries[sid].series
        subject = self._vocabulary.subject(series.subject_type, series.subject_id) if series and series.subject_type else None
        return subject.limits if subject else {}

    def _consumer(self, use: Use, entry: Entry, budget_year: int) -> Consumer | None:
        if entry.series is None:
            return None
        one = entry.series
        source = Source(one.territory, one.subject_type, one.subject_id, one.dimensions, budget_year)
        result = target(use, source, self._vocabulary)
        if result is None:
            return None
        group = use.formula.group
        key = result.key()
        return Consumer(use, key, f"{self._prefix}operands.{group}", partition_of(key.encode(), GROUPS[group]), budget_year)

    def _enter(self, key: bytes) -> int:
        sid = self._numbers[key] = len(self.entries)
        entry = self._entry(key)
        self.entries.append(entry)
        if sid >= len(self.known):
            self._grow()
        self._describe(sid, entry)
        return sid

    def _look_again(self) -> None:
        """The vocabulary has taken indicators in: which series that belonged to none belong to one now?"""
        self._version = self._vocabulary.version
        for sid, entry in enumerate(self.entries):
            if entry.reason == "unknown_indicator":
                self.entries[sid] = found = self._entry(entry.key)
                self._describe(sid, found)

    def _describe(self, sid: int, entry: Entry) -> None:
        """What the arrays say of a series."""
        spec, series = entry.spec, entry.series
        if spec is None or series is None:
            return
        self.opens[sid], self.ends[sid] = spec.opens, spec.ends
        self.timed = self.timed or bool(spec.opens or spec.ends)
        self.known[sid] = True
        self.reported[sid] = spec.fold_of(series.figure) == "reported"
        self.cumulative[sid] = spec.cumulative_of(series.figure)
        self.actual[sid] = series.figure == "actual"
        self.ruled[sid] = bool(entry.rules) and not self.reported[sid]
        self.judged[sid] = bool(entry.rules) and self.reported[sid]
        self.used[sid] = bool(entry.uses)
        self.stock[sid] = spec.additivity == "stock"
        self.horizon[sid] = spec.horizon_ms
        for name in spec.panes:
            self.panes[KINDS[name], sid] = True
        self.low[sid], self.high[sid] = _unscaled(spec.minimum, INT64.min), _unscaled(spec.maximum, INT64.max)
        self.bounded[sid] = spec.minimum is not None or spec.maximum is not None

    def _entry(self, key: bytes) -> Entry:
        try:
            series = parse(key.decode())
        except (SeriesError, UnicodeDecodeError) as error:
            return Entry(key, None, None, "contract", f"key: {type(error).__name__}: not a series key", (), ())
        spec = self._vocabulary.series_spec(series.indicator, series.component)
        if spec is None:
            return Entry(key, series, None, "unknown_indicator", "indicator and component are in no catalogue", (), ())
        if self._vocabulary.territory(series.territory) is None:
            return Entry(key, series, None, "unknown_territory", "territory: not in the list in force", (), ())
        if series.subject_type and self._vocabulary.subject(series.subject_type, series.subject_id) is None:
            return Entry(key, series, None, "unknown_subject", "subject: not in the registry", (), ())
        which = spec.indicator, spec.component
        self._per_spec[which] = self._per_spec.get(which, 0) + 1
        if self._per_spec[which] > spec.max_series:
            return Entry(
                key, series, None, "contract", f"more than {spec.max_series} series of this indicator: see max_series in catalogue", (), ()
            )
        about = {name: getattr(series, name) for name in ("territory", "subject_type", "subject_id")}
        about |= {"budget_year": 0, "dimensions": dict(series.dimensions)}
        mine = self._rules.of_series(series.indicator, series.component, series.figure)
        by_period = spec.fold_of(series.figure) == "reported"
        rules = tuple(r for r in mine if (r.by_reading or by_period) and r.scope.holds(series.subject_type, about))
        uses = tuple(self._formulas.uses(series.indicator, series.component, series.figure))
        return Entry(key, series, spec, "", "", rules, uses)

    def _grow(self) -> None:
        facts = ("known", "reported", "cumulative", "actual", "ruled", "judged", "watched", "used",
                 "stock", "horizon", "fingerprint", "low", "high", "bounded", "opens", "ends")  # fmt: skip
        for name in facts:
            array = getattr(self, name)
            setattr(self, name, np.concatenate([array, np.zeros(len(array), array.dtype)]))
        self.watermark = np.concatenate([self.watermark, np.full(len(self.watermark), NEVER, np.int64)])
        self.first_time = np.concatenate([self.first_time, np.full(len(self.first_time), -NEVER, np.int64)])
        self.generation = np.concatenate([self.generation, np.zeros_like(self.generation)])
        self.panes = np.concatenate([self.panes, np.zeros_like(self.panes)], axis=1)


def _unscaled(bound: Decimal | None, none: int) -> int:
    """A bound as an unscaled integer, kept inside int64: values beyond are compared exactly elsewhere."""
    if bound is None:
        return none
    if abs(bound) > VALUE_LIMIT:
        raise ValueError("bound beyond the door's limit")
    return min(max(int(bound.scaleb(SCALE)), INT64.min), INT64.max)
