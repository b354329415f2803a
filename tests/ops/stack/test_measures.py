"""Measures: what `nhip status` makes of a process's own figures."""

from __future__ import annotations

import pytest

from ops.commands.status import line, number
from ops.stack.measures import Reading, fetch, parse, rates
from ops.stack.ports import Ports
from ops.stack.state import Row
from transport.metrics import Metrics
from transport.settings import Settings

PAGE = """\
# TYPE nhip_messages_in counter
nhip_messages_in_total{topic="obs.trade"} 100.0
nhip_messages_in_total{topic="obs.emergency"} 50.0
# TYPE nhip_refused counter
nhip_refused_total{stage="stage1",reason="decode"} 2.0
nhip_refused_total{stage="producers",reason="decode"} 1.0
nhip_refused_total{stage="producers",reason="unknown_territory"} 4.0
# TYPE nhip_lag_seconds gauge
nhip_lag_seconds{topic="obs.trade"} 0.5
nhip_lag_seconds{topic="obs.emergency"} 1.5
"""


def test_counters_are_summed_and_the_worst_lag_shown() -> None:
    reading = parse(PAGE)
    assert reading.counters["nhip_messages_in_total"] == 150
    assert reading.lag_s == 1.5
    assert reading.freshness_s is None
    assert reading.refused == {"decode": 3, "unknown_territory": 4}


def test_rates_are_growth_a_second() -> None:
    before, after = parse(PAGE), parse(PAGE.replace("100.0", "300.0"))
    assert rates(before, after, 2.0) == {"nhip_messages_in_total": 100.0}


def test_a_restarted_process_counts_from_zero() -> None:
    assert rates(parse(PAGE), parse(PAGE.replace("100.0", "0.0")), 2.0) == {"nhip_messages_in_total": 25.0}


def test_what_is_not_a_metrics_page_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"."):
        parse("<html>not metrics</html>")


@pytest.mark.loopback
def test_nobody_there_reads_as_no_answer() -> None:
    assert fetch(f"http://127.0.0.1:{Ports().take()}/metrics") is None


@pytest.mark.loopback
def test_a_process_of_ours_is_read_by_its_own_names(settings: Settings) -> None:
    with Metrics("worker", settings, 0) as metrics:
        metrics.count("nhip_messages_in", 7, topic="obs.trade")
        metrics.gauge("nhip_freshness_seconds", 2.5, topic="obs.trade")
        metrics.refused("stage1", ["decode"])
        reading = fetch(f"http://127.0.0.1:{metrics.port}/metrics")
    assert reading is not None
    assert reading.counters["nhip_messages_in_total"] == 7
    assert reading.freshness_s == 2.5
    assert reading.refused == {"decode": 1}


def test_the_line_of_a_process() -> None:
    row = Row(name="worker", title="Bộ xử lý luồng", kind="part")
    after = Reading({"nhip_messages_in_total": 1234.5}, 0.2, None, {"decode": 3.0})
    cells = line(row, Reading({"nhip_messages_in_total": 0.0}), after, 1.0)
    assert cells == ("Bộ xử lý luồng", "nhip_messages_in 1.234,5", "1.235", "0,2", "–", "decode: 3")
    assert line(row, None, Reading(), 1.0)[1].startswith("không trả lời")
    assert number(None) == "–"
