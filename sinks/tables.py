"""Which topic goes into which table, with which columns: one `Route` a topic, made from `transport.topics` and the Avro schemas.

A row of a table is the fields of the record (less those that only a worker's state needs) and its origin: topic, partition, offset,
`appended` (time stamp of the Kafka record), and the key where it says more than the record. Enums become texts, times DateTime64(3,
'UTC').
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from transport.schemas import load, nullable, type_name
from transport.topics import Topic

Reading = Literal["avro", "dead_letter", "bytes"]
MOMENT: Final = pl.Datetime("ms", "UTC")
ORIGIN: Final = ("topic", "partition", "offset", "appended")
STATE_KEY: Final = b"\x00"
"""First byte of the keys of a worker's position rows (`\\0pos`): not a value of anything."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where the records of one topic go.

    `schema`: Avro schema of the value, for `dead_letter` of the header; empty for `bytes`. `key`: column of the Kafka key as text; empty:
    none. `leave`: fields of the record that are not stored. `part`: value of the column `part`, where one table serves three
    topics. `words`: text columns with few values, sent as dictionaries: that saves ClickHouse a quarter of the insert.
    """

    table: str
    reading: Reading
    schema: str = ""
    key: str = ""
    leave: frozenset[str] = frozenset()
    part: str = ""
    words: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """Fields of the record that are stored, in the schema's order."""
        return tuple(f["name"] for f in load(self.schema).fields if f["name"] not in self.leave) if self.schema else ()

    @property
    def times(self) -> tuple[str, ...]:
        """Those of `fields` that are instants."""
        return self._of_type("timestamp")

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns an insert names; the table fills the others by its DEFAULTs."""
        extra = {"dead_letter": ("original_key", "body"), "bytes": ("body",), "avro": ()}[self.reading]
        return (*ORIGIN, *((self.key,) if self.key else ()), *extra, *(("part",) if self.part else ()), *self.fields)

    def _of_type(self, wanted: str) -> tuple[str, ...]:
        if not self.schema:
            return ()
        kinds = {f["name"]: nullable(f["type"]) or f["type"] for f in load(self.schema).fields}
        return tuple(name for name in self.fields if type_name(kinds[name]) == wanted)


_WORKER_STATE: Final = frozenset({"position", "rules", "watermark", "first_time"})
_ALERTS: Final = {
    "alerts.conditions": Route("conditions", "avro", "condition"),
    "alerts.conditions.emergency": Route("conditions", "avro", "condition"),
    "alerts.events": Route("alert_events", "avro", "alert_event"),
    "alerts.current": Route("alert_current", "avro", "alert_event"),
    "alerts.actions": Route("alert_actions", "avro", "alert_action"),
    "notify.requests": Route("notifications", "avro", "notification", part="requests"),
    "notify.results": Route("notifications", "avro", "notification", part="results"),
    "notify.ledger": Route("notifications", "avro", "notification", part="ledger"),
    "ops.audit": Route("audit", "bytes", key="actor"),
    "ops.emergency": Route("emergency_steps", "bytes", key="step_key"),
}
_FAMILIES: Final = {
    "obs": Route("observations", "avro", "observation", key="series", words=(
        "indicator", "concept", "component", "measure_unit", "territory", "agency", "provider", "source_system", "subject_type",
        "method_version")),
    "panes": Route("panes", "avro", "pane"),
    "agg": Route("aggregates", "avro", "aggregate", leave=_WORKER_STATE),
    "derived": Route("derived", "avro", "derived", leave=_WORKER_STATE),
    "dead": Route("dead_letters", "dead_letter", "dead_letter"),
}


def route(topic: Topic, prefix: str = "") -> Route | None:
    """The route of a topic; None for topics that only carry work between stages (operands) or that the sink does not know."""
    name = topic.name.removeprefix(prefix)
    return _ALERTS.get(name) or _FAMILIES.get(name.partition(".")[0])


def routes(topics: dict[str, Topic], prefix: str = "") -> dict[str, Route]:
    """Routes by full topic name, of every topic that goes into ClickHouse."""
    found = {name: route(topic, prefix) for name, topic in topics.items()}
    return {name: one for name, one in found.items() if one is not None}


def tables() -> tuple[str, ...]:
    """Every table the sink writes into."""
    return tuple(sorted({one.table for one in (*_ALERTS.values(), *_FAMILIES.values())}))
