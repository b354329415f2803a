"""What stands in Kafka and ClickHouse against a stage that folds every input from the start, in one go, and was never wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Self

import numpy as np

from indicators.observation import SCALE
from ops.replay.preview import standing
from sinks import clickhouse
from stream_processors.calendar_panes import Kind, budget_year_of_code
from stream_processors.context import Context
from stream_processors.stage1 import Stage1
from stream_processors.stage1_restore import inputs_of
from transport.columnar_writer import AvroDecoder
from transport.replay_jobs import Piece
from transport.settings import Settings
from transport.state_reader import newest_rows, read_partition
from transport.topics import GROUPS as PARTITIONS
from transport.topics import conditions_topic, table

Panes = dict[tuple[str, str, int, int], tuple[int, Decimal, Decimal, Decimal, Decimal]]
"""Series, kind, pane, budget year → count, sum, min, max, last."""


class Verdict:
    """Counts of what was compared and of what differs. `tables`: ClickHouse as well; `story`: the alerts too."""

    def __init__(self, settings: Settings, groups: Sequence[str], *, tables: bool = False, story: bool = True) -> None:
        self._settings, self._groups, self._tables, self._story = settings, groups, tables, story
        self.compared: Counter[str] = Counter()
        self.wrong: Counter[str] = Counter()
        self.examples: list[str] = []
        self._panes: Panes = {}
        self._open: dict[str, int] = {}

    def check(self) -> Self:
        """Everything."""
        with Context(self._settings) as context:
            for group in self._groups:
                for p in range(PARTITIONS[group]):
                    self._partition(context, group, p)
            self._alerts(context)
        if self._tables:
            self._stored()
        return self

    def _partition(self, context: Context, group: str, p: int) -> None:
        topic = f"{context.prefix}obs.{group}"
        fresh = Stage1(context, group, p)
        fresh.rules.silences.stop()  # silence is measured against the clock of the feed: a replay leaves it to the live lane
        decoder = AvroDecoder("condition", context.registry.schema)
        newest: dict[str, dict[str, Any]] = {}
        for batch in read_partition(self._settings, topic, p):
            records = inputs_of(batch)
            for rows in fresh.fold(records, records[0].offset, records[-1].offset + 1):
                if rows.topic == context.prefix + conditions_topic(group):
                    newest |= {c["alert_id"]: c for v in rows.values if v is not None for c in [decoder.decode(v)]}
            self.compared["inputs"] += len(records)
        live, position = standing(context, Piece(topic, p, 0, 0))
        self._note("position", position, fresh.folded, (topic, p))
        ours, theirs = panes_of(live), panes_of(fresh)
        self._compare("panes", ours, theirs)
        self._compare("series", series_of(live), series_of(fresh))
        self._panes |= theirs
        self._open |= {identity: c["severity"] for identity, c in newest.items() if c["severity"]}

    def _alerts(self, context: Context) -> None:
        """Open alerts: as the conditions say it, and as the story has it."""
        condition, event = (AvroDecoder(name, context.registry.schema) for name in ("condition", "alert_event"))
        said: dict[str, int] = {}
        for name in sorted({conditions_topic(group) for group in self._groups}):
            for p in range(max(PARTITIONS.values())):
                rows = map(condition.decode, newest_rows(self._settings, context.prefix + name, p).values())
                said |= {r["alert_id"]: r["severity"] for r in rows if r["severity"] and of_figures(context, r)}
        self._compare("conditions", said, self._open)
        if not self._story:
            return
        stories: dict[str, int] = {}
        for p in range(2):
            for r in map(event.decode, newest_rows(self._settings, f"{context.prefix}alerts.current", p).values()):
                if r["condition"] in ("active", "recovering") and of_figures(context, r):
                    stories[r["alert_id"]] = r["severity"]
        self._compare("alerts", stories, self._open)

    def _stored(self) -> None:
        sql = "SELECT series, kind, pane, budget_year, count, sum, min, max, last FROM panes FINAL WHERE count > 0"
        with clickhouse.connected(self._settings) as client:
            found = {tuple(row[:4]): tuple(row[4:]) for row in client.query(sql).result_rows}
        kept = {key: found.get(key) for key in self._panes}  # ClickHouse keeps panes beyond the worker's horizon as well
        self._compare("stored_panes", kept, self._panes)

    def _compare(self, kind: str, found: Mapping[Any, Any], wanted: Mapping[Any, Any]) -> None:
        for key in found.keys() | wanted.keys():
            self._note(kind, found.get(key), wanted.get(key), key)

    def _note(self, kind: str, found: Any, wanted: Any, key: Any) -> None:
        self.compared[kind] += 1
        if found != wanted:
            self.wrong[kind] += 1
            if len(self.examples) < 8:
                self.examples.append(f"{kind} {key}: {found}, a fresh run: {wanted}"[:400])


def panes_of(stage: Stage1) -> Panes:
    """Every pane that holds something, of those whose horizon has not ended: those may be swept sooner or later."""
    found: Panes = {}
    for kind, panes in stage.tables.items():
        c, n = panes.columns, len(panes)
        live = c.array("count")[:n] > 0
        if kind in (Kind.HOUR, Kind.DAY):
            live &= ~stage.expired(kind, 0, np.full(len(stage.series.horizon), 8 * 86_400_000))
        rows = np.flatnonzero(live)
        code = c.array("pane")[rows]
        years = budget_year_of_code(code) if kind == Kind.MONTH else code if kind == Kind.BUDGET_YEAR else code * 0
        numbers = zip(*(c.wide(name).take(rows).to_ints() for name in ("sum", "min", "max", "last")), strict=True)
        places = zip(c.array("sid")[rows].tolist(), (code // 4 if kind == Kind.MONTH else code).tolist(), years.tolist(), strict=True)
        for (sid, pane, year), count, some in zip(places, c.array("count")[rows].tolist(), numbers, strict=True):
            total, low, high, last = (Decimal(number).scaleb(-SCALE) for number in some)
            found[stage.series.entries[sid].key.decode(), kind.name.lower(), pane, year] = count, total, low, high, last
    return found


def series_of(stage: Stage1) -> dict[str, Any]:
    """What is held of each series that has a value: newest value and its time, watermark, states of rules."""
    values, found = stage.newest.value.to_ints(), dict[str, Any]()
    for sid, entry in enumerate(stage.series.entries):
        if stage.newest.time[sid] > 0:
            states = {rule: state for rule, state in stage.rules.of_figures(sid).items() if state.evaluated}
            found[entry.key.decode()] = values[sid], int(stage.newest.time[sid]), int(stage.series.watermark[sid]), states
    return found


def of_figures(context: Context, row: Mapping[str, Any]) -> bool:
    """Does a condition of stage 1 speak of figures, not of their silence?"""
    silences = {rule.id for rule in context.rules.silences}
    return f"{context.prefix}obs." in row["source_topic"] and row["rule"] not in silences


def events(settings: Settings) -> set[tuple[str, str]]:
    """(alert id, event id) of every event of every story."""
    return {(row["alert_id"], row["event_id"]) for row in rows_of(settings, "alerts.events", "alert_event")}


def told(settings: Settings) -> set[str]:
    """Keys of the notifications that somebody was to get."""
    rows = rows_of(settings, "notify.requests", "notification")
    return {row["notification_key"] for row in rows if row["state"] != "recorded"}


def rows_of(settings: Settings, name: str, schema: str) -> Iterator[dict[str, Any]]:
    """Every row that is committed in a topic, decoded; `name`: without the prefix."""
    topic = settings.topic_prefix + name
    with Context(settings) as context:
        decoder = AvroDecoder(schema, context.registry.schema)
        for p in range(table(settings.topic_prefix)[topic].partitions):
            for batch in read_partition(settings, topic, p):
                yield from (decoder.decode(message.value()) for message in batch)
