"""Figures keep their names, medians and spreads on the way into the file and into the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.machine import describe
from benchmarks.report import BARS, BEGIN, END, PAGE, ReportError, Results, rewrite_page
from benchmarks.spread import Spread, percentile


def results() -> Results:
    found = Results({"cpu": "x", "cores": 2}, {"observations": 1_000_000})
    found.add("worker_obs_per_s", [130_000.4, 110_000, 150_000])
    found.add("worker_cpu_s_per_million", [7.5, 7.1, 7.2])
    found.steps_us = {"fold": Spread(1.0, 2.345, 3.0, 3)}
    return found


def test_the_file_has_each_median_on_top_and_its_spread_beside(tmp_path: Path) -> None:
    results().write(tmp_path / "made" / "latest.json")
    document = json.loads((tmp_path / "made" / "latest.json").read_text())
    assert document["worker_obs_per_s"] == 130_000
    assert document["spread"]["worker_obs_per_s"] == {"min": 110_000, "median": 130_000, "max": 150_000, "runs": 3}
    assert document["steps_us"]["fold"]["median"] == 2.345
    assert document["machine"]["cores"] == 2


def test_the_table_is_written_between_its_marks_and_again_over_itself(tmp_path: Path) -> None:
    results().write(tmp_path / "latest.json")
    page = tmp_path / "benchmarks.md"
    page.write_text(f"before\n{BEGIN}\nstale words\n{END}\nafter\n")
    rewrite_page(tmp_path / "latest.json", page)
    once = page.read_text()
    rewrite_page(tmp_path / "latest.json", page)
    assert page.read_text() == once
    assert once.startswith("before\n")
    assert once.endswith("after\n")
    assert "stale words" not in once
    assert "| 130,000 | 110,000 – 150,000 | 3 | ≥ 120,000 | met |" in once
    assert "| 7.20 | 7.10 – 7.50 | 3 | ≤ 7 | **missed** |" in once
    assert "| fold | 2.35 | 1.00 – 3.00 |" in once or "| fold | 2.34 | 1.00 – 3.00 |" in once


def test_what_is_missing_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="make bench"):
        rewrite_page(tmp_path / "latest.json", tmp_path / "page.md")
    results().write(tmp_path / "latest.json")
    (tmp_path / "page.md").write_text("no marks")
    with pytest.raises(ReportError, match=r"page\.md"):
        rewrite_page(tmp_path / "latest.json", tmp_path / "page.md")


def test_the_page_of_this_project_has_the_marks(tmp_path: Path) -> None:
    page = tmp_path / PAGE.name
    page.write_text(PAGE.read_text())
    results().write(tmp_path / "latest.json")
    rewrite_page(tmp_path / "latest.json", page)


@pytest.mark.parametrize(("share", "rank"), [(50, 50), (95, 95), (99, 99), (99.5, 100), (100, 100), (0, 1)])
def test_a_percentile_is_the_value_of_its_rank(share: float, rank: int) -> None:
    assert percentile(list(range(100, 0, -1)), share) == rank
    assert percentile([7.0], share) == 7.0
    with pytest.raises(ValueError, match="no values"):
        percentile([], share)


def test_a_bar_is_a_floor_or_a_ceiling() -> None:
    assert BARS["worker_obs_per_s"].met(120_000)
    assert not BARS["worker_obs_per_s"].met(119_999)
    assert BARS["alert_p99_s"].met(1.0)
    assert not BARS["alert_p99_s"].met(1.01)


def test_the_machine_is_named() -> None:
    found = describe()
    assert found["cores"] >= 1
    assert {"cpu", "memory_gib", "load_before", "python", "kafka", "polars", "faust-streaming"} <= found.keys()
