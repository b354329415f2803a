"""What a replay would change, found out by doing it, in this process and without publishing: the same shadow, the same comparison.

For the pipeline the rows that stand in Kafka are loaded as a worker would load them, the series are folded afresh, and the adoption's
report is the answer. For a copy the records are counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

from ops.replay.records import Records
from ops.stack.control import StackError
from sinks import clickhouse
from stream_processors.context import Context
from stream_processors.rebuild import Rebuild
from stream_processors.shadow import ShadowError
from stream_processors.stage1 import Stage1
from stream_processors.stage1_restore import fill, position_state
from stream_processors.stage1_rows import POSITION
from transport.registry import Registry
from transport.replay_jobs import Job, Piece
from transport.settings import Settings
from transport.state_reader import newest_rows

ATTEMPTS: Final = 5
Say = Callable[[str], None]


def preview(settings: Settings, job: Job, say: Say) -> dict[str, Any]:
    """The plan of a job: counts over its pieces, examples, and `stored`: rows that ClickHouse has of the records, None where it is away.

    Raises StackError, RestoreError, RegistryError, KafkaException.
    """
    if job.target == "pipeline":
        with Context(settings) as context:
            found = [_rebuilt(context, job, piece, say) for piece in job.pieces]
    else:
        with Registry(settings) as registry:
            found = [_counted(settings, registry, job, piece, say) for piece in job.pieces]
    return total(found) | {"stored": stored(settings, job)}


def total(reports: list[dict[str, Any]]) -> dict[str, Any]:
    """One report of several: numbers and counts added, examples the first few."""
    out: dict[str, Any] = {}
    for report in reports:
        for name, value in report.items():
            if isinstance(value, Mapping):
                out[name] = dict(Counter(out.get(name, {})) + Counter(value))
            elif isinstance(value, list):
                out[name] = [*out.get(name, []), *value][:10]
            elif isinstance(value, int | float) and not isinstance(value, bool):
                out[name] = out.get(name, 0) + value
            elif name == "error":
                out[name] = value
    return out


def _rebuilt(context: Context, job: Job, piece: Piece, say: Say) -> dict[str, Any]:
    say(f"{piece.topic} [{piece.partition}]")
    live, position = standing(context, piece)
    rebuild = Rebuild(context, job, piece)
    try:
        rebuild.finish(position)
    except ShadowError as error:
        raise StackError(str(error)) from error
    finally:
        rebuild.close()
    return asdict(rebuild.adopt(live).report)


def standing(context: Context, piece: Piece) -> tuple[Stage1, int]:
    """The live stage's rows as they stand in Kafka, all of one position. Raises StackError where live work moves on all the time."""
    group, p = piece.topic.removeprefix(f"{context.prefix}obs."), piece.partition
    names = f"{context.prefix}agg.{group}", f"{context.prefix}panes.{group}"
    for _ in range(ATTEMPTS):
        live = Stage1(context, group, p)
        aggregates = newest_rows(context.settings, names[0], p)
        panes = newest_rows(context.settings, names[1], p)
        row = aggregates.pop(POSITION, None)
        if newest_rows(context.settings, names[0], p).get(POSITION) == row:
            fill(live, panes, aggregates)
            return live, position_state(live, row)["next"]
    raise StackError(f"{piece.topic} [{p}]: số liệu đang vào liên tục, thử lại / live figures move on all the time, try again")


def _counted(settings: Settings, registry: Registry, job: Job, piece: Piece, say: Say) -> dict[str, Any]:
    say(f"{piece.topic} [{piece.partition}]")
    records = Records(settings, registry, job, piece)
    taken = sum(len(some) for _, some in records.batches(piece.first))
    return {"records": records.read, "replayed": taken, "unreadable": records.unreadable}


def stored(settings: Settings, job: Job) -> int | None:
    """How many offsets of the job's ranges ClickHouse has a row of, for observations; None where it cannot be asked."""
    pieces = [p for p in job.pieces if p.topic.removeprefix(settings.topic_prefix).startswith("obs.")]
    sql = """SELECT uniqExact(offset) FROM observations
        WHERE topic = {topic:String} AND partition = {partition:Int32} AND offset >= {first:Int64} AND offset < {until:Int64}"""
    try:
        with clickhouse.connected(settings) as client:
            return sum(int(client.query(sql, parameters=asdict(piece)).result_rows[0][0]) for piece in pieces)
    except (clickhouse.Unavailable, clickhouse.NotReady):
        return None
