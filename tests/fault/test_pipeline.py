"""Producer, worker, sink and alerts killed while a load flows: every table in ClickHouse equal to the oracle, every alert told once.

The long form, which kills the servers too, is `make faults` (`python -m tests.fault`).
"""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from indicators.rule import RuleBook
from indicators.vocabulary import Vocabulary
from tests.fault.calm_home import calm_home
from tests.fault.load import Load
from tests.fault.long_oracle import LongOracle
from tests.fault.pipeline import OURS, Plan, run
from tests.stream_processors.oracle import Oracle
from transport.settings import HOME, Settings

KINDS = (
    "observation_rows", "values", "panes", "aggregates", "ratios", "ranks", "conditions", "alert_events", "open_alerts", "requests",
    "console",
)  # fmt: skip


@pytest.mark.stack
@pytest.mark.usefixtures("clickhouse")
@pytest.mark.timeout(300)
def test_what_is_stored_equals_the_oracle_whatever_is_killed(settings: Settings, tmp_path: Path) -> None:
    settings = settings.model_copy(update={"home": calm_home(tmp_path / "home")})
    report = run(settings, Plan(observations=6_000, kills=2, seed=11, together=len(OURS)))
    assert report.caught_up, report.exits
    assert report.wrong == {}, report.examples
    assert report.exact
    assert report.killed == {"producer": 2, "worker": 2, "sink": 2, "alerts": 2}
    assert report.slow == []
    for kind in KINDS:
        assert report.compared[kind] > 0, kind
    assert report.compared["condition_rows"] > 50
    assert report.compared["inputs"] == report.sent + report.resent["producer"] == report.compared["observation_rows"]


@pytest.mark.parametrize("seed", [1, 2])
def test_the_oracle_of_long_loads_says_the_same(seed: int) -> None:
    vocabulary, rules = Vocabulary.load(HOME), RuleBook.load(HOME)
    plain, long = Oracle(vocabulary, rules), LongOracle(vocabulary, rules)
    dice = random.Random(seed)
    for offset, o in enumerate(Load(vocabulary, seed).take(0, 800)):
        late = replace(o, event_time=o.event_time - dice.randrange(0, 9) * 3_600_000) if dice.random() < 0.2 else o
        plain.add(late, offset)
        long.add(late, offset)
    assert long.readings == plain.readings
    assert long.panes() == plain.panes()
    for series in {key[0] for key in plain.touched}:
        assert long.newest(series) == plain.newest(series)
