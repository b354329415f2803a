"""Taking over what a shadow found: the live stage becomes, for the replayed series, what a fresh run would be, and says what that changed.

1. **panes**: those that differ are replaced; those that a fresh run never had are emptied (count 0);
2. **record memory, newest values, watermarks, states of rules**: those of the shadow;
3. **generation**: series with any difference move to the next, so that every reader takes their rows for the newer ones, whatever their
   `through`;
4. **conditions**: `judgement.py`;
5. **rows** of what differs, at most BATCH_PANES panes a transaction, a series never in two.

Equal state gives no row at all. Pure: no I/O. The live stage must stand at the offset up to which the shadow is folded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from indicators.wide import Wide
from stream_processors.calendar_panes import Kind, end_ms, start_ms
from stream_processors.dead_rows import add_letter
from stream_processors.judgement import Judgement, judge
from stream_processors.replay_mark import REPLAY_HEADER
from stream_processors.series_table import SeriesTable
from stream_processors.shadow import Shadow
from stream_processors.stage1 import PANE_HORIZONS, STAGE, Stage1
from stream_processors.stage1_rows import POSITION
from transport.transactions import Header, Rows

Int64s = NDArray[np.int64]
Bools = NDArray[np.bool_]

BATCH_PANES: Final = 20_000
EXAMPLES: Final = 10
_NUMBERS: Final = ("count", "last_time", "revision", "status", "inexact")
_WIDES: Final = ("sum", "min", "max", "last")
_MEMORY: Final = ("hash", "time", "revision", "status", "offset", "budget_year", "alive")


@dataclass(frozen=True, slots=True)
class Manner:
    """How a job publishes. `mode`: of its conditions, `replay` (recorded) or `live` (told); `job`: its id."""

    job: str
    mode: str = "replay"

    @property
    def headers(self) -> list[Header]:
        """Headers of the operands it changes; none where people are to be told."""
        return [(REPLAY_HEADER, self.job.encode())] if self.mode == "replay" else []


@dataclass(slots=True)
class Report:
    """What a piece of a job found and changed. Counts; `examples`: panes as (key, (count, sum) before, after), unscaled sums."""

    records: int = 0
    replayed: int = 0
    series: int = 0
    series_changed: int = 0
    panes_equal: int = 0
    panes_changed: int = 0
    panes_new: int = 0
    panes_gone: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    alerts: dict[str, int] = field(default_factory=dict)
    alert_examples: list[dict[str, Any]] = field(default_factory=list)
    examples: list[tuple[str, list[int], list[int]]] = field(default_factory=list)

    @property
    def changes(self) -> int:
        """Rows of panes and series that differ."""
        return self.panes_changed + self.panes_new + self.panes_gone + self.series_changed


@dataclass(slots=True)
class Adoption:
    """`batches`: rows of one transaction each, the position among them; at least one."""

    batches: list[list[Rows]]
    report: Report


def adopt(
    live: Stage1, shadow: Shadow, keys: Sequence[bytes], said: Mapping[str, dict[str, Any]], lettered: set[int], position: int,
    manner: Manner,
) -> Adoption:  # fmt: skip
    """Replace what `live` holds of the series `keys`. `said`: newest condition by alert id of these series; `lettered`: offsets of this
    partition that have a dead letter of stage 1; `position`: next input offset of both."""
    return _Change(live, shadow, keys, position, manner).made(said, lettered)


class _Change:
    def __init__(self, live: Stage1, shadow: Shadow, keys: Sequence[bytes], position: int, manner: Manner) -> None:
        self._live, self._shadow, self._position, self._manner = live, shadow, position, manner
        self._theirs, self._ours = shadow.series.numbers(list(keys)), live.series.numbers(list(keys))
        live.reserve()
        shadow.reserve()
        self._our_number = _numbers(shadow.series, self._theirs, self._ours)
        self._their_number = _numbers(live.series, self._ours, self._theirs)
        self._changed = np.zeros(len(live.series), bool)
        self.report = Report(records=shadow.taken, replayed=shadow.replayed, series=len(keys))

    def made(self, said: Mapping[str, dict[str, Any]], lettered: set[int]) -> Adoption:
        touched = {kind: self._panes(kind) for kind in Kind}
        self._series()
        self._memory()
        figures = {identity: row for identity, row in said.items() if not self._live.rules.is_silence(row["rule"])}
        judged = judge(self._shadow.conditions, figures, self._manner.mode, self._position - 1)
        self._note(judged)
        letters = self._letters(lettered)
        changed = np.flatnonzero(self._changed)
        self._live.series.generation[changed] += 1
        self.report.series_changed = len(changed)
        rows = list(self._batches(changed, touched, judged)) or [self._live.state_rows({}, [], _never)]
        at = self._appended()
        rows[0] += self._live.sets.rebuilt(touched, self._live.tables, at, self._position, self._manner.headers)
        for batch in rows:
            batch[0].add(POSITION, self._live.position_row(self._position, self._position))
        rows[-1] += letters
        return Adoption(rows, self.report)

    def _panes(self, kind: Kind) -> Int64s:
        """Step 1 for one kind; returns the live rows that changed."""
        ours, theirs = self._live.tables[kind], self._shadow.tables[kind]
        n = len(theirs)
        c = theirs.columns
        sid, pane = self._our_number[c.array("sid")[:n]], c.array("pane")[:n]
        wanted = (sid >= 0) & ~self._past(kind)
        found = np.full(n, -1, np.int64)
        found[wanted] = ours.find(sid[wanted], pane[wanted])
        have = np.flatnonzero(found >= 0)
        differs = np.zeros(n, bool)
        differs[have] = _differ(ours.columns, found[have], c, have)
        new = wanted & (found < 0) & (c.array("count")[:n] > 0)
        self.report.panes_equal += int(len(have) - differs.sum())
        self.report.panes_changed += int(differs.sum())
        self.report.panes_new += int(new.sum())
        self._example(kind, np.flatnonzero(differs | new), found)
        which = np.flatnonzero(differs | new)
        rows = ours.rows_for(sid[which], pane[which])
        for name in (*_NUMBERS, "through"):
            ours.columns.array(name)[rows] = c.array(name)[which]
        for name in _WIDES:
            ours.columns.wide(name).put(rows, c.wide(name).take(which))
        self._changed[sid[which]] = True
        return np.concatenate([rows, self._vanished(kind)])

    def _past(self, kind: Kind) -> Bools:
        """Panes of the shadow whose horizon has ended and that the replay did not ask for."""
        shadow, n = self._shadow, len(self._shadow.tables[kind])
        horizons = dict(PANE_HORIZONS)
        if kind not in horizons:
            return np.zeros(n, bool)
        width = end_ms(kind, 1) - start_ms(kind, 1)
        starts = shadow.tables[kind].columns.array("pane")[:n] * width + start_ms(kind, 0)
        low, high = shadow.span or (0, -1)
        return shadow.expired(kind, horizons[kind], shadow.horizon_of_catalogue()) & ~((starts <= high) & (starts + width > low))

    def _vanished(self, kind: Kind) -> Int64s:
        """Live panes that a fresh run would not have: emptied."""
        ours, theirs = self._live.tables[kind], self._shadow.tables[kind]
        n = len(ours)
        c = ours.columns
        number = self._their_number[c.array("sid")[:n]]
        mine = np.flatnonzero((number >= 0) & (c.array("count")[:n] > 0))
        gone = mine[theirs.find(number[mine], c.array("pane")[mine]) < 0]
        self.report.panes_gone += len(gone)
        self._example(kind, gone, None)
        self._changed[c.array("sid")[gone]] = True
        sid, pane = c.array("sid")[gone], c.array("pane")[gone]
        return ours.clear(sid, pane, np.full(len(gone), self._position - 1))

    def _example(self, kind: Kind, rows: Int64s, found: Int64s | None) -> None:
        """The first few panes that differ, before and after; `found` None: rows of the live table that go."""
        table = self._live.tables[kind] if found is None else self._shadow.tables[kind]
        for row in rows[: max(0, EXAMPLES - len(self.report.examples))].tolist():
            sid, pane = int(table.columns.array("sid")[row]), int(table.columns.array("pane")[row])
            stage = self._live if found is None else self._shadow
            key = stage.pane_rows.keys(kind, np.array([sid]), np.array([pane]))[0].decode("utf-8", "replace")
            old = row if found is None else int(found[row])
            before = _figures(self._live.tables[kind].columns, old) if old >= 0 else [0, 0]
            self.report.examples.append((key, before, [0, 0] if found is None else _figures(table.columns, row)))

    def _series(self) -> None:
        """Step 2: what is held per series."""
        live, shadow, ours, theirs = self._live, self._shadow, self._ours, self._theirs
        new, old = shadow.newest, live.newest
        differs = (new.value.take(theirs) < old.value.take(ours)) | (old.value.take(ours) < new.value.take(theirs))
        for mine, other in ((old.time, new.time), (old.year, new.year), (live.series.watermark, shadow.series.watermark),
                            (live.series.first_time, shadow.series.first_time)):  # fmt: skip
            differs |= mine[ours] != other[theirs]
            mine[ours] = other[theirs]
        old.value.put(ours, new.value.take(theirs))
        live.through[ours] = shadow.through[theirs]
        for i, (us, them) in enumerate(zip(ours.tolist(), theirs.tolist(), strict=True)):
            _move(new.anchors, them, old.anchors, us)
            differs[i] |= live.rules.of_figures(us) != shadow.rules.of_figures(them)
            live.rules.adopt(us, shadow.rules.of_figures(them))
        live.rules.go_on_from(live.tables, ours)
        self._changed[ours[differs]] = True

    def _memory(self) -> None:
        """Step 2: the records that corrections look for."""
        shadow, ours, theirs = self._shadow, self._live.memory, self._shadow.memory.columns
        n = theirs.count
        sid = theirs.array("sid")[:n].astype(np.int64)
        ends = theirs.array("time")[:n] + 2 * (end_ms(Kind.DAY, 0) - start_ms(Kind.DAY, 0)) + shadow.horizon_of_catalogue()[sid]
        rows = np.flatnonzero((self._our_number[sid] >= 0) & (ends > shadow.series.watermark[sid]))
        known = ours.columns.array("sid")[: ours.columns.count].astype(np.int64)
        ours.columns.keep(np.flatnonzero(self._their_number[known] < 0))
        made = ours.columns.append(len(rows))
        for name in _MEMORY:
            ours.columns.array(name)[made] = theirs.array(name)[rows]
        ours.columns.array("sid")[made] = self._our_number[sid[rows]]
        ours.columns.wide("value").put(made, theirs.wide("value").take(rows))
        ours.rebuild(np.arange(ours.columns.count))

    def _note(self, judged: Judgement) -> None:
        self.report.alerts, self.report.alert_examples = dict(judged.counts), judged.examples[:EXAMPLES]
        keys = list({row["series"].encode() for row in judged.rows})
        self._changed[self._live.series.numbers(keys)] = True

    def _letters(self, lettered: set[int]) -> list[Rows]:
        """Dead letters of what today's door refuses and no dead letter tells of yet."""
        live = self._live
        rows = Rows(f"{live.context.prefix}dead.{STAGE}", live.partition % 2)
        for offset, (reason, name, detail, r) in self._shadow.refused.items():
            self.report.refused[reason] = self.report.refused.get(reason, 0) + 1
            if offset not in lettered:
                add_letter(rows, live.context.letters, (live.topic, live.partition), r, (reason, name, detail))
        return [rows] if rows.keys else []

    def _batches(self, changed: Int64s, touched: dict[Kind, Int64s], judged: Judgement) -> Iterator[list[Rows]]:
        """Step 5: series by series, so many panes a transaction."""
        live, at = self._live, self._appended()
        of_kind = {kind: live.tables[kind].columns.array("sid")[rows] for kind, rows in touched.items()}
        panes = sum((np.bincount(sid, minlength=len(live.series)) for sid in of_kind.values()), np.zeros(len(live.series), np.int64))
        number = np.cumsum(panes[changed]) // BATCH_PANES if len(changed) else changed
        by_series: dict[int, list[dict[str, Any]]] = {}
        for row in judged.rows:
            sid = int(live.series.numbers([row["series"].encode()])[0])
            by_series.setdefault(sid, []).append(row | {"generation": int(live.series.generation[sid])})
        for batch in np.unique(number).tolist():
            sids = changed[number == batch]
            some = {kind: rows[np.isin(of_kind[kind], sids)] for kind, rows in touched.items()}
            conditions = [row for sid in sids.tolist() for row in by_series.get(sid, [])]
            rows = live.state_rows({k: r for k, r in some.items() if r.size}, conditions, lambda _: at, sids)
            for one in rows:
                if one.topic.startswith(f"{live.context.prefix}operands.") and self._manner.headers:
                    one.headers = [self._manner.headers] * len(one.keys)
            yield rows

    def _appended(self) -> int:
        """When the newest replayed input was appended, epoch ms."""
        return self._shadow.appended


def _numbers(series: SeriesTable, of: Int64s, to: Int64s) -> Int64s:
    """Array by series number of one table → number in another, -1: not replayed."""
    found = np.full(len(series), -1, np.int64)
    found[of] = to
    return found


def _differ(ours: Any, our_rows: Int64s, theirs: Any, their_rows: Int64s) -> Bools:
    differs = np.zeros(len(our_rows), bool)
    for name in _NUMBERS:
        differs |= ours.array(name)[our_rows] != theirs.array(name)[their_rows]
    for name in _WIDES:
        a: Wide = ours.wide(name).take(our_rows)
        b: Wide = theirs.wide(name).take(their_rows)
        differs |= (a.lo != b.lo) | (a.hi != b.hi)
    return differs


def _figures(columns: Any, row: int) -> list[int]:
    return [int(columns.array("count")[row]), columns.wide("sum").take(np.array([row])).to_ints()[0]]


def _move(source: Mapping[int, Any], theirs: int, target: dict[int, Any], ours: int) -> None:
    """The entry of one, or its absence."""
    if theirs in source:
        target[ours] = source[theirs]
    else:
        target.pop(ours, None)


def _never(_: int) -> int:
    return 0
