"""The tables for a replicated, sharded cluster, made from the same migrations that one server gets.

| on one server | on a cluster |
|---|---|
| a table the sink writes, or that a view fills | `<name>_local`, Replicated, and `<name>`, Distributed over the shards by a key's hash |
| a small table of words, the ledger of migrations | Replicated over all servers, without shards |
| a materialized view | reads and fills the local tables: a row and what follows from it stay on one shard |
| a view | the same, over the Distributed tables |
| what fills a new table from those before it | nothing: a cluster begins empty |

The sharding key keeps together what a table collapses: a series, a result, an alert. Deduplication tokens go through a Distributed table to
the replicas (`distributed_foreground_insert = 1`), and Replicated tables remember 10,000 blocks by themselves (ClickHouse documentation,
«Data Replication», «Distributed table engine»); settings that only name that window for unreplicated tables are left out.
Macros `{shard}` and `{replica}` come from each server's configuration.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from sinks.migrations import LEDGER, migrations, statements

SHARDED: Final = {
    "observations": "series", "value_latest": "series", "panes": "series", "aggregates": "series", "aggregate_latest": "series",
    "derived": "result", "derived_latest": "result", "conditions": "alert_id", "alert_events": "alert_id", "alert_current": "alert_id",
    "alert_actions": "alert_id", "notifications": "alert_id", "dead_letters": "dead_letter_id", "audit": "actor",
    "emergency_steps": "emergency", "restricted_series": "series", "flow_months": "series", "territory_values": "indicator",
    "reports": "series", "report_units": "series",
    "table_heads": "name", "supply_days": "provider", "supply_minutes": "source_system",
    "flow_records": "unit", "flow_arrivals": "indicator", "flow_journal": "unit", "request_looks": "answer",
}  # fmt: skip
"""Table → the column that decides the shard. Tables that a view fills have the column of the table it reads, or, where they leave it
out, one that nobody inserts by: the view's rows lie where their source's rows lie."""
NAME: Final = re.compile(r"[A-Za-z_]\w*\Z")
_TABLE: Final = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+)(?: AS (\w+))?", re.IGNORECASE)
_ENGINE: Final = re.compile(r"ENGINE = (\w*MergeTree)(\([^)]*\))?")
_WINDOW: Final = re.compile(r"(SETTINGS )?non_replicated_deduplication_window = \d+(, )?")
_FEED: Final = re.compile(r"CREATE MATERIALIZED VIEW IF NOT EXISTS (\w+) TO (\w+) AS(.*?)FROM (\w+)", re.IGNORECASE | re.DOTALL)
_ALTER: Final = re.compile(r"ALTER TABLE (\w+)")
_COLUMNS: Final = re.compile(r"\b(ADD|DROP|RENAME|MODIFY) COLUMN\b", re.IGNORECASE)
_ORDER: Final = re.compile(r",\s*MODIFY ORDER BY \([^)]*\)", re.IGNORECASE)
_VIEW: Final = re.compile(r"CREATE OR REPLACE VIEW (\w+)")
_DROP: Final = re.compile(r"DROP VIEW IF EXISTS (\w+)")
_FILL: Final = re.compile(r"(INSERT INTO \w+\s+SELECT|TRUNCATE TABLE \w+)\b")


class ClusterError(ValueError):
    """A name is none, or a migration holds a statement of a kind that has no form on a cluster; the message quotes its first words."""


def ddl(cluster: str, database: str) -> Iterator[str]:
    """Every statement in order, none ended by a semicolon. Raises ClusterError."""
    for name in (cluster, database):
        if not NAME.match(name):
            raise ClusterError(f"{name!r}: tên chỉ gồm chữ, số, gạch dưới / a name has letters, digits and underscores")
    yield f"CREATE DATABASE IF NOT EXISTS {database} ON CLUSTER {cluster}"
    made: dict[str, str] = {}
    for statement in (LEDGER, *(one for migration in migrations() for one in statements(migration.text))):
        yield from _placed(statement, cluster, database, made)


def _placed(statement: str, cluster: str, database: str, made: dict[str, str]) -> Iterator[str]:
    """One statement of a migration as it is on the cluster. `made`: the columns of the tables before it, which `AS` copies."""
    on = f" ON CLUSTER {cluster}"
    if table := _TABLE.match(statement):
        yield from _tables(statement, table, (on, cluster, database), made)
    elif feed := _FEED.match(statement):
        name, target, columns, source = feed.groups()
        rest = statement[feed.end() :]
        yield (f"CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.{name}{on} TO {database}.{target}_local AS{columns}"
               f"FROM {database}.{source}_local{rest}")  # fmt: skip
    elif view := _VIEW.match(statement):
        yield f"CREATE OR REPLACE VIEW {database}.{view[1]}{on}{statement[view.end() :]}"
    elif change := _ALTER.match(statement):
        name, rest = change[1], statement[change.end() :]
        yield f"ALTER TABLE {database}.{name}{'_local' if name in SHARDED else ''}{on}{rest}"
        if name in SHARDED and _COLUMNS.search(rest):
            yield f"ALTER TABLE {database}.{name}{on}{_ORDER.sub('', rest)}"  # a Distributed table has no order
    elif drop := _DROP.match(statement):
        yield f"DROP VIEW IF EXISTS {database}.{drop[1]}{on}"
    elif not _FILL.match(statement):
        raise ClusterError(f"câu lệnh chưa có dạng cho cụm / no form on a cluster: {' '.join(statement.split()[:6])}")


def _tables(statement: str, head: re.Match[str], where: tuple[str, str, str], made: dict[str, str]) -> Iterator[str]:
    on, cluster, database = where
    name, like = head[1], head[2]
    engine = _ENGINE.search(statement)
    if engine is None:
        raise ClusterError(f"{name}: chưa biết bộ máy bảng / a table of another engine")
    columns = made[like] if like else statement[head.end() : engine.start()]
    made[name] = columns
    key = SHARDED.get(name)
    path = "{shard}" if key else "all"
    given = (engine[2] or "()")[1:-1]
    arguments = f"'/clickhouse/tables/{path}/{database}/{name}', '{{replica}}'" + (f", {given}" if given else "")
    if not key:
        arguments = arguments.replace("'{replica}'", "'{shard}-{replica}'")  # one set of replicas over all shards
    rest = _WINDOW.sub(lambda m: m[1] if m[1] and m[2] else "", statement[engine.end() :]).rstrip().removesuffix(",")
    local = f"{name}_local" if key else name
    yield f"CREATE TABLE IF NOT EXISTS {database}.{local}{on}{columns}ENGINE = Replicated{engine[1]}({arguments}){rest}".rstrip()
    if key:
        yield (f"CREATE TABLE IF NOT EXISTS {database}.{name}{on} AS {database}.{local}\n"
               f"ENGINE = Distributed('{cluster}', '{database}', '{local}', cityHash64({key}))")  # fmt: skip
