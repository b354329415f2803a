"""Figures of a wrong catalogue are rebuilt after its fix while the worker is killed: equal to a fresh run. Short form, stage 1 alone.

The long form, with customs lines, the alerts and ClickHouse, is `python -m tests.fault.replay --observations 5000000 --kills 3 --tables`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.fault.replay import Plan, run
from transport.settings import Settings


@pytest.mark.stack
@pytest.mark.skipif("LONG_TESTS" not in os.environ, reason="long: LONG_TESTS=1, on a quiet machine")
@pytest.mark.timeout(300)
def test_what_a_wrong_catalogue_made_equals_a_fresh_run_after_the_replay(settings: Settings, tmp_path: Path) -> None:
    report = run(settings, Plan(observations=1_200, kills=1, story=False, groups=("emergency",)), tmp_path / "homes")
    assert report.proven, (report.wrong, report.examples, report.exits)
    assert report.wrong_before["panes"] > 10
    assert report.compared["panes"] > 100
    assert report.job["alerts"].get("already_fired", 0) > 0
    said = ("panes_equal", "panes_changed", "panes_new", "panes_gone", "series_changed", "alerts", "refused")
    assert {name: report.job[name] for name in said} == {name: report.planned[name] for name in said}, "the plan said what came"
