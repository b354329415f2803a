"""What is handed to Grafana and Prometheus: every panel's SQL runs and reads the board's views alone; every metric named exists."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from sinks import clickhouse as ch
from tests.dashboards.conftest import Seeded
from transport.metrics import TABLE
from transport.settings import HOME

DEPLOY: Final = HOME / "deploy"
DASHBOARDS: Final = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
OTHERS: Final = {"up", "process_resident_memory_bytes"}
"""Metrics of Prometheus itself and of its client library."""
WORDS: Final = {"territories", "subjects", "indicators"}
NOT_PLANTED: Final = {"map: Mực nước / river levels (m)", "map: Mưa 24 giờ / rain in 24 h (mm)"}
"""Panels of stations: the seeds have none."""
MACROS: Final = ((r"\$__timeFilter\((\w+(?:\.\w+)?)\)", r"\1 >= now64(3) - INTERVAL 30 DAY"),)


def panels(path: Path) -> Iterator[dict[str, Any]]:
    """The panels of a dashboard."""
    yield from json.loads(path.read_text("utf-8"))["panels"]


def statements() -> list[tuple[str, str]]:
    """(dashboard and panel, SQL) of all panels over ClickHouse."""
    return [
        (f"{path.stem}: {panel['title']}", target["rawSql"])
        for path in DASHBOARDS
        for panel in panels(path)
        for target in panel["targets"]
        if "rawSql" in target
    ]


def expressions() -> list[str]:
    """Every expression over Prometheus, of panels and rules."""
    found = [target["expr"] for path in DASHBOARDS for panel in panels(path) for target in panel["targets"] if "expr" in target]
    rules = yaml.safe_load((DEPLOY / "prometheus" / "nhip.rules.yaml").read_text("utf-8"))
    return found + [rule["expr"] for group in rules["groups"] for rule in group["rules"]]


def test_every_view_of_the_board_has_its_dashboard_and_the_platform_one_more() -> None:
    assert [path.stem for path in DASHBOARDS] == ["alerts", "map", "overview", "platform", "ranking", "supply"]
    for path in DASHBOARDS:
        found = json.loads(path.read_text("utf-8"))
        assert found["uid"] == f"nhip-{path.stem}"
        assert len({panel["id"] for panel in found["panels"]}) == len(found["panels"])
        assert "http" not in json.dumps(found), "nothing is fetched from elsewhere"


def test_panels_read_the_boards_views_with_their_access_and_nothing_else() -> None:
    assert len(statements()) >= 15
    for name, sql in statements():
        sources = set(re.findall(r"\b(?:FROM|JOIN)\s+(\w+)", sql))
        assert {s for s in sources if not s.startswith("board_")} <= WORDS, name
        for view, taken in re.findall(r"(board_\w+)\(((?:\[[^\]]*\]|\([^)]*\)|[^()\[\]])*)\)", sql):
            assert "clearance = 0" in taken or view in ("board_refused", "board_operations"), f"{name}: {view}"


@pytest.mark.loopback
def test_every_panels_sql_runs(seeded: Seeded) -> None:
    empty = set()
    with ch.connected(seeded.settings, reader=True) as client:
        for name, sql in statements():
            for macro, plain in MACROS:
                sql = re.sub(macro, plain, sql)
            assert "$__" not in sql, f"{name}: a macro the test does not know"
            if not client.query(sql).result_rows:
                empty.add(name)
    assert empty <= NOT_PLANTED


def test_every_metric_of_panels_and_rules_exists_with_its_labels() -> None:
    suffixes = {"counter": ("_total",), "gauge": ("",), "spread": ("_count", "_sum", "_max")}
    known = {f"{name}{suffix}": metric.labels for name, metric in TABLE.items() for suffix in suffixes[metric.kind]}
    named = set()
    for expression in expressions():
        names = set(re.findall(r"\b((?:nhip|process)_[a-z_]+|up)\b", expression)) - {"nhip"}
        named |= names
        assert names <= set(known) | OTHERS, expression
        for by in re.findall(r"by \(([^)]*)\)", expression):
            for name in names & set(known):
                assert set(by.replace(" ", "").split(",")) <= set(known[name]), expression
    assert len(named) >= 12
