"""A local snapshot of the record memory, so that a restart reads only the inputs since.

Named by the partition and its input offset; losing it costs time, never correctness: the memory is rebuilt from the inputs. A snapshot
of another version, beyond the committed position, or unreadable is ignored and removed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import structlog

from indicators.wide import Wide

if TYPE_CHECKING:
    from stream_processors.stage1 import Stage1

log = structlog.get_logger(__name__)

FORMAT: Final = f"1-polars-{pl.__version__}"
"""Identities are polars hashes: a snapshot of another version of polars is of no use."""


def folder(stage: Stage1) -> Path:
    """Where snapshots of this partition lie."""
    return stage.context.settings.data_dir / "snapshots" / stage.topic / str(stage.partition)


def take(stage: Stage1) -> dict[str, Any]:
    """Copies of the memory's columns and of the series' keys, named by the offset up to which the stage has folded.

    That may be ahead of what is committed. A snapshot is used only where the committed position has reached it:
    records in the memory but in
    no committed pane would be taken for repetitions and lost.
    """
    memory = stage.memory.columns
    n = memory.count
    columns = {
        name: memory.array(name)[:n].copy() for name in ("hash", "sid", "time", "revision", "status", "offset", "budget_year", "alive")
    }
    value = memory.wide("value")
    return columns | {
        "value_hi": value.hi[:n].copy(),
        "value_lo": value.lo[:n].copy(),
        "keys": np.array([e.key for e in stage.series.entries], dtype=object),
        "watermark": stage.series.watermark[: len(stage.series)].copy(),
        "first_time": stage.series.first_time[: len(stage.series)].copy(),
        "position": np.array([stage.folded]),
        "format": np.array([FORMAT]),
    }


def save(place: Path, columns: dict[str, Any]) -> None:
    """Write a snapshot durably, then remove older ones. Blocking; run it in a thread."""
    place.mkdir(parents=True, exist_ok=True)
    keys = columns.pop("keys")
    joined = np.frombuffer(b"\n".join(keys.tolist()), np.uint8) if len(keys) else np.zeros(0, np.uint8)
    target = place / f"{int(columns['position'][0])}.npz"
    partial = place / f".{os.getpid()}.part"
    with partial.open("wb") as file:
        np.savez(file, keys=joined, **columns)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(target)
    for old in place.glob("*.npz"):
        if old != target:
            old.unlink(missing_ok=True)


def load_snapshot(stage: Stage1, position: int) -> int:
    """Fill the memory from the newest usable snapshot; returns the offset from which inputs must be read (0: none was usable)."""
    for path in sorted(folder(stage).glob("*.npz"), key=lambda p: int(p.stem), reverse=True):
        if int(path.stem) <= position:
            try:
                with np.load(path, allow_pickle=False) as file:
                    if str(file["format"][0]) == FORMAT:
                        _fill(stage, file)
                        return int(path.stem)
            except (OSError, ValueError, KeyError) as error:
                log.warning("snapshot unreadable, inputs are read instead", path=path.name, error=type(error).__name__)
        path.unlink(missing_ok=True)
    return 0


def _fill(stage: Stage1, file: Any) -> None:
    keys = bytes(file["keys"].tobytes()).split(b"\n") if file["keys"].size else []
    sid = stage.series.numbers(keys)
    if not np.array_equal(sid, np.arange(len(keys))):
        raise ValueError("series out of order")
    n = len(keys)
    stage.series.watermark[:n], stage.series.first_time[:n] = file["watermark"], file["first_time"]
    memory = stage.memory.columns
    rows = memory.append(len(file["hash"]))
    for name in ("hash", "sid", "time", "revision", "status", "offset", "budget_year", "alive"):
        memory.array(name)[rows] = file[name]
    memory.wide("value").put(rows, Wide(file["value_hi"], file["value_lo"]))
    stage.memory.rebuild(rows)
