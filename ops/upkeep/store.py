"""Checks of ClickHouse: does it answer, are its tables the newest and set for exact inserts, what was refused, does its clock agree."""

from __future__ import annotations

import time
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from indicators.numbers_vi import number_vi
from ops.upkeep.cluster import named
from ops.upkeep.finding import Finding, judged_clock
from sinks.clickhouse import NotReady, check_ready, connected
from sinks.migrations import migrations
from sinks.tables import tables
from transport.settings import Settings

OURS: Final = frozenset({"schema_unknown", "sink_rejected", "poison_crash"})
"""Reasons that speak of the installation, not of the provider's record."""
_DO_MIGRATE: Final = "`nhip provision`"
_REFUSED: Final = """SELECT stage, reason, uniqExact(dead_letter_id) AS letters FROM dead_letters
WHERE appended >= now64(3) - INTERVAL 1 HOUR GROUP BY stage, reason ORDER BY letters DESC, stage, reason"""


def reachable(settings: Settings) -> Finding:
    """The server's version."""
    with connected(settings) as client:
        version = client.query("SELECT version()").result_rows[0][0]
    return Finding(True, f"phiên bản / version {version}")


def migrated(settings: Settings) -> Finding:
    """The migrations applied against those of this installation."""
    with connected(settings) as client:
        exists = client.query("SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = 'schema_migrations'")
        rows = client.query("SELECT version, digest FROM schema_migrations FINAL").result_rows if exists.result_rows[0][0] else []
    return judged_migrations({int(version): str(digest) for version, digest in rows})


def judged_migrations(done: dict[int, str]) -> Finding:
    """The finding for the digests applied, by version."""
    wanted = migrations()
    newer = [version for version in done if version > len(wanted)]
    if newer:
        return Finding(False, f"cơ sở dữ liệu mới hơn bản cài đặt / the database is newer: {max(newer):04d} > {len(wanted):04d}",
                       "cài bản mới hơn / install the newer release")  # fmt: skip
    missing = [one.name for one in wanted if one.version not in done]
    changed = [one.name for one in wanted if done.get(one.version, one.digest) != one.digest]
    if changed:
        return Finding(False, f"tệp đã áp dụng bị sửa / applied files were changed: {named(changed)}", "khôi phục tệp / restore the file")
    if missing:
        return Finding(False, f"chưa áp dụng / not applied: {named(missing)}", _DO_MIGRATE)
    return Finding(True, f"{len(wanted)} bước đã áp dụng / applied")


def settings_of_tables(settings: Settings) -> Finding:
    """Every table with its deduplication window, every insert setting in force."""
    with connected(settings) as client:
        try:
            check_ready(client, tables())
        except NotReady as error:
            return Finding(False, str(error), _DO_MIGRATE)
    return Finding(True, f"{len(tables())} bảng giữ cửa sổ chống trùng / tables keep their deduplication window")


def refused(settings: Settings) -> Finding:
    """Records whose position was committed though they were refused: dead letters of the last hour by stage and reason."""
    with connected(settings) as client:
        return judged_refusals([(str(stage), str(reason), int(n)) for stage, reason, n in client.query(_REFUSED).result_rows])


def judged_refusals(counts: Sequence[tuple[str, str, int]]) -> Finding:
    """The finding for counts of (stage, reason)."""
    if not counts:
        return Finding(True, "không có / none")
    said = named(f"{stage} {reason}: {number_vi(Decimal(n), 0)}" for stage, reason, n in counts)
    if any(reason in OURS for _, reason, _ in counts):
        return Finding(False, said, "`nhip dlq list`; lỗi ở hệ thống, không ở nguồn / the fault is ours, not the provider's")
    return Finding(True, f"{said}; `nhip dlq list`")


def clock(settings: Settings) -> Finding:
    """ClickHouse's clock against ours, read between two looks at ours."""
    with connected(settings) as client:
        client.query("SELECT 1")
        before = time.time()
        theirs = int(client.query("SELECT toUnixTimestamp64Milli(now64(3))").result_rows[0][0]) / 1000
        after = time.time()
    return judged_clock("ClickHouse", theirs, before, after)
