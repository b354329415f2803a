"""Logs are JSON without secrets; metrics are those of the table, served with health."""

from __future__ import annotations

import contextlib
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import structlog
from pydantic import SecretStr

from transport import logging as logs
from transport.metrics import TABLE, MetricError, Metrics
from transport.settings import Settings


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What `setup` writes to; the logging of the test session is put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    out = io.StringIO()
    yield out
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_its_place(stream: io.StringIO) -> None:
    logs.setup("worker", "INFO", stream)
    structlog.get_logger("x").warning("message refused", reason="decode", **logs.place("obs.trade", 3, 41, "vn-1012/A.II.5"))
    (line,) = lines(stream)
    assert line.pop("time").endswith("Z")
    assert line == {
        "event": "message refused", "level": "warning", "logger": "x", "process": "worker", "reason": "decode", "topic": "obs.trade",
        "partition": 3, "offset": 41, "indicator": "vn-1012/A.II.5",
    }  # fmt: skip
    assert logs.place("obs.trade") == {"topic": "obs.trade"}


def test_logs_of_libraries_are_json_too_and_respect_the_level(stream: io.StringIO) -> None:
    logs.setup("sink", "WARNING", stream)
    logging.getLogger("aiokafka").info("not shown")
    structlog.get_logger("x").info("not shown")
    logging.getLogger("aiokafka").error("lost %s of %d", "broker", 3)
    try:
        raise ValueError("sông Hồng")
    except ValueError:
        structlog.get_logger("x").exception("failed")
    library, ours = lines(stream)
    assert (library["event"], library["level"], library["logger"]) == ("lost broker of 3", "error", "aiokafka")
    assert "ValueError: sông Hồng" in ours["exception"]


@pytest.mark.parametrize(
    "fields",
    [
        {"password": "hunter2"}, {"kafka_sasl_password": "hunter2"}, {"Authorization": "hunter2"}, {"x": SecretStr("hunter2")},
        {"x": {"deep": [{"webhook_secret": "hunter2"}]}}, {"url": "http://user:hunter2@127.0.0.1/x"}, {"x": "password=hunter2, more"},
        {"x": 'api_key: "hunter2"'}, {"x": "Authorization: Bearer hunter2hunter2"}, {"x": ["token=hunter2"]},
    ],
)  # fmt: skip
def test_secrets_do_not_show(fields: dict[str, Any], stream: io.StringIO) -> None:
    logs.setup("sink", "INFO", stream)
    structlog.get_logger("x").info("started", **fields)
    assert "hunter2" not in stream.getvalue()
    assert "***" in stream.getvalue()


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
def test_addresses_that_were_asked_do_not_show(level: str, stream: io.StringIO) -> None:
    """A webhook's address may be its secret, and the client's library would log it with every message sent."""
    logs.setup("alerts", level, stream)
    with httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200))) as client:
        client.post("https://chat.example/hooks/T0-B1-Zx9")
    assert stream.getvalue() == ""


def test_settings_may_be_logged(stream: io.StringIO, settings: Settings) -> None:
    logs.setup("sink", "INFO", stream)
    structlog.get_logger("x").info("settings", settings=settings, clickhouse_password=settings.clickhouse_password)
    assert "nhip-local" not in stream.getvalue()


def test_an_unknown_level_is_named() -> None:
    with pytest.raises(ValueError, match="«LOUD»"):
        logs.setup("sink", "LOUD")


def sample(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_counters_gauges_and_spreads(settings: Settings) -> None:
    now = [0.0]
    metrics = Metrics("worker", settings, 0, clock=lambda: now[0])
    metrics.count("nhip_messages_in", 500, topic="obs.trade")
    metrics.count("nhip_messages_in", topic="obs.trade")
    metrics.gauge("nhip_freshness_seconds", 1.5, topic="obs.trade")
    metrics.refused("stage1", ["decode", "decode", "too_late"])
    for seconds in (0.2, 0.4, 0.3):
        metrics.observe("nhip_chunk_seconds", seconds, stage="stage1")
    assert sample(metrics, "nhip_messages_in_total", topic="obs.trade") == 501
    assert sample(metrics, "nhip_freshness_seconds", topic="obs.trade") == 1.5
    assert sample(metrics, "nhip_refused_total", stage="stage1", reason="decode") == 2
    assert sample(metrics, "nhip_chunk_seconds_count", stage="stage1") == 3
    assert sample(metrics, "nhip_chunk_seconds_sum", stage="stage1") == pytest.approx(0.9)
    assert sample(metrics, "nhip_chunk_seconds_max", stage="stage1") == 0.4
    now[0] = 61
    assert sample(metrics, "nhip_chunk_seconds_max", stage="stage1") == 0.4
    now[0] = 300
    assert sample(metrics, "nhip_chunk_seconds_max", stage="stage1") == 0
    assert sample(metrics, "nhip_chunk_seconds_sum", stage="stage1") == pytest.approx(0.9)


def test_a_metric_outside_the_table_is_an_error_at_once(settings: Settings) -> None:
    metrics = Metrics("worker", settings, 0)
    with pytest.raises(MetricError, match="no counter of this name"):
        metrics.count("nhip_typo")
    with pytest.raises(MetricError, match="no gauge of this name"):
        metrics.gauge("nhip_commits", 1, stage="x")
    with pytest.raises(MetricError, match="labels stage are expected, not topic"):
        metrics.count("nhip_commits", topic="x")
    assert all(metric.unit and metric.help for metric in TABLE.values())


@pytest.mark.loopback
def test_metrics_and_health_are_served_on_loopback(settings: Settings) -> None:
    wrong = {"kafka": ""}
    with Metrics("sink", settings, 0) as metrics, httpx.Client(base_url=f"http://127.0.0.1:{metrics.port}", trust_env=False) as http:
        assert metrics.port > 0
        metrics.count("nhip_inserted_rows", 7, table="observations")
        metrics.check("kafka", lambda: wrong["kafka"])
        text = http.get("/metrics").text
        assert 'nhip_inserted_rows_total{table="observations"} 7.0' in text
        assert 'nhip_up_since{process="sink"}' in text
        assert "process_resident_memory_bytes" in text
        answer = http.get("/health")
        assert (answer.status_code, answer.json()) == (200, {"status": "ok", "process": "sink", "checks": {"kafka": "ok"}})
        wrong["kafka"] = "no broker for 30 s"
        metrics.check("raising", lambda: str(1 // 0))
        answer = http.get("/health")
        assert answer.status_code == 503
        assert answer.json()["checks"] == {"kafka": "no broker for 30 s", "raising": "check failed: ZeroDivisionError"}
        assert http.get("/other").status_code == 404
    metrics.stop()  # a second time does nothing


def test_what_a_loop_logs_does_not_stand_in_the_output_of_a_command() -> None:
    """Of these tests themselves: a loop in one thread, a command run by the test in another (`nhip alerts cap` prints one XML document)."""
    with contextlib.redirect_stdout(io.StringIO()) as of_the_command:
        structlog.get_logger("loop").info("at work")
    assert of_the_command.getvalue() == ""
