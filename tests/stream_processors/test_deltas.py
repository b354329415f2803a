"""Corrections by the difference leave every column of every pane as making the panes anew does."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from stream_processors import event_fold
from stream_processors.calendar_panes import Kind
from stream_processors.deltas import Deltas, unsettled
from stream_processors.panes import COLUMNS, PaneTable
from stream_processors.stage1 import Stage1
from tests.stream_processors.offline import OfflineContext
from tests.stream_processors.test_stage1_against_oracle import START, base, load_of, run

CONTEXT = OfflineContext()


def contents(stage: Stage1) -> dict[tuple[str, Kind, int], tuple[int, ...]]:
    """Every column of every pane; of panes without a live record only what a row says."""
    out = {}
    for kind, table in stage.tables.items():
        n, c = len(table), table.columns
        columns = [c.wide(m).to_ints()[:n] if t == "wide" else c.array(m)[:n].tolist() for m, t in COLUMNS.items() if m != "revision"]
        for sid, pane, *rest in zip(*columns, strict=True):
            out[stage.series.entries[sid].key.decode(), kind, pane] = tuple(rest)
    return out


@pytest.mark.parametrize(("seed", "largest"), [(11, 40), (12, 1000), (13, 3)])
def test_panes_are_as_if_made_anew(seed: int, largest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    context = CONTEXT
    stations = [s.id for s in context.vocabulary.subjects("station") if "bd1" in s.limits][:2]
    sent = load_of(seed, 700 if largest > 3 else 200, stations, context)
    settled = 0

    def counted(table: PaneTable, deltas: Deltas, code: Any, added: Any) -> Any:
        nonlocal settled
        apart = unsettled(table, deltas, code, added)
        settled += int((~apart).sum())
        return apart

    monkeypatch.setattr(event_fold, "unsettled", counted)
    quick, _ = run(context, sent, seed, largest)
    monkeypatch.setattr(event_fold, "unsettled", lambda _table, deltas, _code, _added: np.ones(len(deltas), bool))
    anew, _ = run(context, sent, seed, largest)
    assert settled > 5, "the load must hold corrections that need no other record"
    assert contents(quick) == contents(anew)
    assert revisions(quick) == revisions(anew)


def revisions(stage: Stage1) -> Mapping[tuple[int, int, int], int]:
    """Highest revision of each pane with a live record."""
    out = {}
    for kind, table in stage.tables.items():
        n, c = len(table), table.columns
        for sid, pane, count, revision in zip(*(c.array(m)[:n].tolist() for m in ("sid", "pane", "count", "revision")), strict=True):
            if count:
                out[sid, int(kind), pane] = revision
    return out


def river(number: int, value: str, status: str, revision: int = 0, name: str = "") -> Any:
    """A reading of one station on one day, the later the higher the number; `name`: whose record it is."""
    at = START + number * 60_000
    return base(
        event_time=at, subject_id="TV-HANOI", source_record_id=name or f"R{number}", value=Decimal(value), status=status, revision=revision
    )  # fmt: skip


@pytest.mark.parametrize(
    "replaced", [river(9, "6", "official", 4, "R1"), river(1, "6", "official", 4, "R1"), river(1, "6", "deleted", 4, "R1")]
)
@pytest.mark.parametrize(
    "odd", [river(1, "5", "estimated"), river(1, "5", "official", 3), river(1, "9", "official"), river(1, "1", "official")]
)
def test_a_record_that_decided_a_pane_leaves_no_trace(odd: Any, replaced: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weakest status, highest revision or an extreme hung on the record that is taken out."""
    sent = [river(0, "2", "official"), odd, river(2, "8", "official"), river(3, "4", "official"), replaced]
    quick, _ = run(CONTEXT, sent, 1, 2)
    monkeypatch.setattr(event_fold, "unsettled", lambda _table, deltas, _code, _added: np.ones(len(deltas), bool))
    anew, _ = run(CONTEXT, sent, 1, 2)
    assert contents(quick) == contents(anew)
    assert revisions(quick) == revisions(anew)
