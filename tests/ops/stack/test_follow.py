"""When a stack counts as ready for somebody who does not wait for all of it; and a process started by its name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ops import run
from ops.processes import PROCESSES, Process
from ops.stack import control
from ops.stack.state import Condition, Phase, Row, State
from transport.settings import Settings


def state(phase: Phase = "starting", **conditions: Condition) -> State:
    rows = tuple(Row(name=name, title=name, kind="part", condition=condition) for name, condition in conditions.items())
    return State(pid=os.getpid(), born="", since=0, phase=phase, rows=rows)


@pytest.mark.parametrize(
    ("found", "ready"),
    [
        (state(worker="ready", watchdog="starting"), True),
        (state(worker="ready", watchdog="waiting"), True),
        (state(worker="starting", watchdog="ready"), False),
        (state("failed", worker="ready", watchdog="failed"), False),
        (state(), False),
    ],
)
def test_parts_nobody_waits_for_are_not_waited_for(found: State, ready: bool) -> None:
    assert control._ready(found, ("watchdog",)) is ready


def test_needs_name_what_stands_before() -> None:
    known = {"topics", "schemas", "tables"}
    for process in PROCESSES.values():
        assert set(process.needs) <= known, process.name
        known.add(process.name)


def test_a_process_is_run_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NHIP_DATA_DIR", str(tmp_path))
    asked: list[Path] = []

    def main(settings: Settings) -> int:
        asked.append(settings.data_dir)
        return 3

    monkeypatch.setattr(Process, "main", lambda self: main)
    assert run.main(["sink"]) == 3
    assert asked == [tmp_path]


@pytest.mark.parametrize("arguments", [[], ["teleport"], ["sink", "worker"]])
def test_an_unknown_process_is_refused_with_the_known_ones(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(arguments) == 2
    assert "backtests" in capsys.readouterr().err
