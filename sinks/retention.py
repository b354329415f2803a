"""Retention and deletion by policy: how long rows live, by access level, and topics, by their table; what differs, and bringing it about.

The policy of rows is `catalogue/retention.yaml`; it holds for every table whose rows carry an access level and becomes their TTL, so
ClickHouse deletes by itself. That of topics is `transport/topics.py` (`retention_ms`): `nhip topics apply` creates, this alters. Rows that
may be gone are not missed by reconciliation: it looks back no further than the shortest period. What was folded beforehand of rows that
are gone (sinks/preparation.py, sinks/report_preparation.py) is folded anew once there are fewer rows than were folded; since when a unit
reports (`report_units`) follows from what is left of its reports.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from clickhouse_connect.driver.client import Client
from pydantic import Field, ValidationError, model_validator

from indicators.datafile import DataFileError, Row, read_yaml, refuse
from transport import topic_admin
from transport.settings import Settings
from transport.topics import DAY_MS, table

FILE: Final = "retention.yaml"
CLOCKS: Final = {
    "observations": "appended", "value_latest": "ingested_at", "reports": "received_at", "territory_values": "ingested_at",
    "flow_records": "toStartOfDay(ingested_at) + INTERVAL 1 DAY", "flow_arrivals": "toDateTime(day + 1, 'UTC')",
}  # fmt: skip
"""Table with an access level → the instant its rows' age counts from. Flows: the end of the day of arrival (UTC) for a record as for the
sum it is in, so that a sum keeps what is still allowed and loses the record on the day on which the record is gone."""
LONGEST_DAYS: Final = 18_250
"""50 years. ClickHouse's DateTime ends in 2106 and begins anew there: with a longer period rows would be gone at once."""
_CLAUSE: Final = re.compile(r"toIntervalDay\((\d+)\)(?: DELETE)? WHERE \(?access_level >= (\d+)\)?(?: AND \(?access_level < (\d+)\)?)?")


class Level(Row):
    """Records from this access level up to the next one named. `days`: whole days, or `forever`."""

    start: int = Field(alias="from", ge=0, le=9)
    days: int | Literal["forever"]


class Policy(Row):
    """The file, levels rising from 0; a higher level is never kept longer than a lower one."""

    status: Literal["to_be_set_by_owner", "set"]
    levels: tuple[Level, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _in_order(self) -> Policy:
        starts = [one.start for one in self.levels]
        days = [one.days if isinstance(one.days, int) else 10**9 for one in self.levels]
        if starts[0] != 0 or starts != sorted(set(starts)):
            raise ValueError("levels: từ 0, tăng dần / from 0 upward, each once")
        if min(days) < 1 or any(LONGEST_DAYS < one < 10**9 for one in days) or days != sorted(days, reverse=True):
            raise ValueError(f"days: 1–{LONGEST_DAYS}, cấp cao hơn không giữ lâu hơn / a higher level is not kept longer than a lower one")
        return self

    def clauses(self) -> tuple[tuple[int, int, int], ...]:
        """(from level, below level, days) of the levels that are not kept for ever."""
        ends = [one.start for one in self.levels[1:]] + [10]
        return tuple((one.start, end, one.days) for one, end in zip(self.levels, ends, strict=True) if isinstance(one.days, int))

    def ttl(self, clock: str) -> str:
        """The TTL of a table whose rows' age counts from `clock`; empty where everything is kept."""
        return ", ".join(f"toDateTime({clock}) + INTERVAL {days} DAY DELETE WHERE access_level >= {a} AND access_level < {b}"
                         for a, b, days in self.clauses())  # fmt: skip

    def shortest_ms(self) -> int | None:
        """Milliseconds after which the first rows may be gone; None: never."""
        return min((days for *_, days in self.clauses()), default=0) * DAY_MS or None


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds of one table or topic: as it should be and as it is, in words; `kind` is «table» or «topic»."""

    kind: Literal["table", "topic"]
    name: str
    wanted: str
    found: str

    @property
    def differs(self) -> bool:
        """Is something to be applied?"""
        return self.wanted != self.found


def load(home: Path) -> Policy:
    """The installation's policy. Raises DataFileError."""
    path = home / "catalogue" / FILE
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise DataFileError(path, "a mapping with status and levels is expected")
    try:
        return Policy.model_validate(content)
    except ValidationError as error:
        refuse(path, error)


def of_tables(client: Client, policy: Policy) -> list[Rule]:
    """Policy and TTL of every table with an access level. Raises ClickHouseError."""
    rows = client.query("SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase()").result_rows
    queries = {str(name): str(query) for name, query in rows}
    return [Rule("table", name, words(policy.clauses()), words(_clauses(queries[name]))) for name in CLOCKS if name in queries]


def of_topics(settings: Settings) -> list[Rule]:
    """Retention of every topic that is not compacted, in the table and on the broker. Raises TopicError."""
    differ = {one.topic: one.found for one in topic_admin.diff(settings) if one.kind == "config" and one.setting == "retention.ms"}
    timed = [one for one in table(settings.topic_prefix).values() if one.cleanup == "delete"]
    return [Rule("topic", one.name, period(one.retention_ms), period(int(differ.get(one.name) or one.retention_ms))) for one in timed]


def apply(settings: Settings, client: Client, policy: Policy, rules: Sequence[Rule]) -> list[Rule]:
    """Bring about what differs; returns those rules. Raises ClickHouseError, KafkaException."""
    due = [one for one in rules if one.differs]
    for one in due:
        if one.kind == "table":
            ttl = policy.ttl(CLOCKS[one.name])
            client.command(f"ALTER TABLE {one.name} MODIFY TTL {ttl}" if ttl else f"ALTER TABLE {one.name} REMOVE TTL")
        else:
            topic_admin.set_retention(settings, table(settings.topic_prefix)[one.name])
    return due


def words(clauses: Sequence[tuple[int, int, int]]) -> str:
    """Periods by level as people read them."""
    return "; ".join(f"cấp / level {a}–{b - 1}: {days} ngày / days" for a, b, days in sorted(clauses)) or "mãi mãi / forever"


def period(milliseconds: int) -> str:
    """One period as people read it."""
    return "mãi mãi / forever" if milliseconds < 0 else f"{milliseconds // DAY_MS} ngày / days"


def _clauses(query: str) -> list[tuple[int, int, int]]:
    return [(int(start), int(end or 10), int(days)) for days, start, end in _CLAUSE.findall(query)]
