"""The exactness kernel, short form: kills at random and inside the commit, a stop past the session; and a control that must differ.

The long form (200 kills, 20 stops) is `python -m tests.fault.kernel`; docs/adr/0003-exactness-kernel.md holds its figures.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fault import kernel
from tests.fault.plan import Plan
from transport.settings import HOME, Settings

POINTS = ("commit:rows-sent", "commit:before-end", "commit:after-end")


@pytest.mark.stack
@pytest.mark.timeout(300)
def test_rows_equal_the_oracle_whatever_is_killed(settings: Settings) -> None:
    report = kernel.run(settings, Plan(kills=3, inside=2, stops=1, rate=400, seed=3, gap_seconds=(0.3, 1.0)))
    assert report.wrong == {}, report.examples
    assert report.killed >= 3
    assert report.died_inside >= 2, (report.exits, report.last_words)
    assert report.stopped == 1
    for kind in ("inputs", "panes", "aggregates", "conditions", "ratios", "ranks"):
        assert report.compared[kind] > 0, kind
    assert report.compared["condition_rows"] > 50


@pytest.mark.stack
@pytest.mark.timeout(300)
def test_without_transactions_the_same_kills_show(settings: Settings) -> None:
    """The negative control: rows written plainly are torn by a kill between two topics."""
    plan = Plan(kills=0, inside=4, stops=0, workers=1, rate=400, seed=5, control="plain", compaction=False)
    report = kernel.run(settings, plan)
    assert report.died_inside >= 4, (report.exits, report.last_words)
    assert report.wrong, "a control that finds nothing wrong proves nothing"


@pytest.mark.parametrize("point", POINTS)
def test_a_named_point_kills_the_process(point: str) -> None:
    """Names of points hold a colon, and the chance follows the last one."""
    code = f"from transport.faults import reach; reach('another:point'); print('passed', flush=True); reach({point!r}); print('lived')"
    env = {"PATH": os.environ["PATH"], "NHIP_FAULT": f"{point}:1,sink.elsewhere:0", "NHIP_FAULT_SEED": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=env, cwd=HOME, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (-9, "passed\n"), done.stderr


def test_every_named_point_is_listed() -> None:
    """docs/guarantees.md names each point at which a process may be told to die."""
    listed = (HOME / "docs" / "guarantees.md").read_text("utf-8")
    for name in named_points():
        assert f"`{name}`" in listed, name


def named_points() -> set[str]:
    """The points in the code of the packages."""
    found: set[str] = set()
    for package in ("transport", "stream_processors", "sinks", "alerts", "producers"):
        for path in Path(HOME / package).rglob("*.py"):
            text = path.read_text("utf-8")
            for call in ("reach(", "armed("):
                found |= {part.partition('"')[0] for part in text.split(f'{call}"')[1:]}
    return found
