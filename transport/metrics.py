"""Metrics of a process: one typed table, and a small server of `/metrics` (Prometheus text) and `/health` (JSON) in a thread.

Only what the table names can be reported, with exactly its labels: a misspelt metric is an error at the first use, not a missing panel.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Literal, Self

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, SummaryMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from transport.settings import Settings

Kind = Literal["counter", "gauge", "spread"]
WINDOW_SECONDS: Final = 60.0
"""The greatest value of a spread is that of the last one to two windows."""


class MetricError(LookupError):
    """No such metric in the table, of this kind, or with these labels."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `spread`: a summary (count, sum) and the greatest value of the last minutes, as `<name>_max`."""

    name: str
    kind: Kind
    unit: str
    help: str
    labels: tuple[str, ...] = ()


TABLE: Final[dict[str, Metric]] = {
    m.name: m
    for m in (
        Metric("nhip_messages_in", "counter", "messages", "messages taken from a topic or source", ("topic",)),
        Metric("nhip_messages_out", "counter", "messages", "messages written to a topic, acknowledged", ("topic",)),
        Metric("nhip_refused", "counter", "messages", "messages refused into the dead letters", ("stage", "reason")),
        Metric("nhip_duplicates", "counter", "messages", "messages taken twice and dropped", ("stage",)),
        Metric("nhip_late", "counter", "messages", "observations beyond their series' lateness", ("stage",)),
        Metric("nhip_commits", "counter", "commits", "transactions or offsets committed", ("stage",)),
        Metric("nhip_chunk_seconds", "spread", "seconds", "work on one chunk, taken to handed over", ("stage",)),
        Metric("nhip_chunk_records", "spread", "messages", "messages in one chunk", ("stage",)),
        Metric("nhip_commit_seconds", "spread", "seconds", "one commit, begun to acknowledged", ("stage",)),
        Metric("nhip_lag_seconds", "gauge", "seconds", "age of the oldest message not yet worked off", ("topic",)),
        Metric("nhip_lag_messages", "gauge", "messages", "messages not yet worked off", ("topic",)),
        Metric("nhip_freshness_seconds", "gauge", "seconds", "event time to visible in ClickHouse, of the newest row", ("topic",)),
        Metric("nhip_panes_live", "gauge", "panes", "panes held in memory", ("stage",)),
        Metric("nhip_series_live", "gauge", "series", "series held in memory", ("stage",)),
        Metric("nhip_restore_seconds", "gauge", "seconds", "time the last restore of state took", ("stage",)),
        Metric("nhip_conditions", "counter", "conditions", "changes of a condition written", ("transition",)),
        Metric("nhip_beat_seconds", "gauge", "seconds", "epoch seconds of the newest heartbeat that came all the way", ("process",)),
        Metric("nhip_silent_seconds", "gauge", "seconds", "time since the platform last proved that it works", ("process",)),
        Metric("nhip_alerts_open", "gauge", "alerts", "alerts that are open", ("severity",)),
        Metric("nhip_notifications", "counter", "notifications", "notifications by what came of them", ("channel", "state")),
        Metric("nhip_receipts", "counter", "receipts", "providers' receipts by what became of them", ("channel", "result")),
        Metric("nhip_inserted_rows", "counter", "rows", "rows acknowledged by ClickHouse", ("table",)),
        Metric("nhip_missing_rows", "gauge", "rows", "rows that Kafka holds and ClickHouse lacks, at the last reconciliation", ("topic",)),
        Metric("nhip_insert_seconds", "spread", "seconds", "one insert, sent to acknowledged", ("table",)),
        Metric("nhip_source_success_time", "gauge", "seconds", "epoch seconds of the source's last complete fetch", ("source",)),
        Metric("nhip_source_failures", "counter", "failures", "fetches of a source that failed", ("source",)),
        Metric("nhip_backtests_open", "gauge", "orders", "backtests ordered on the board that have not ended", ("process",)),
        Metric("nhip_up_since", "gauge", "seconds", "epoch seconds at which the process started", ("process",)),
    )
}


class _Spread(Collector):
    """Count, sum and recent maximum of values, per labels."""

    def __init__(self, metric: Metric, clock: Callable[[], float]) -> None:
        self._metric, self._clock, self._lock = metric, clock, threading.Lock()
        self._state: dict[tuple[str, ...], list[float]] = {}  # labels → count, sum, window, its maximum, the former window's maximum

    def observe(self, value: float, labels: tuple[str, ...]) -> None:
        with self._lock:
            state = self._state.setdefault(labels, [0.0, 0.0, self._window(), 0.0, 0.0])
            self._turn(state)
            state[0] += 1
            state[1] += value
            state[3] = max(state[3], value)

    def _window(self) -> float:
        return self._clock() // WINDOW_SECONDS

    def _turn(self, state: list[float]) -> None:
        now = self._window()
        if now != state[2]:
            state[4] = state[3] if now == state[2] + 1 else 0.0
            state[2], state[3] = now, 0.0

    def collect(self) -> Iterator[Family]:
        metric = self._metric
        summary = SummaryMetricFamily(metric.name, f"{metric.help} ({metric.unit})", labels=metric.labels)
        most = GaugeMetricFamily(f"{metric.name}_max", f"greatest of the last minutes: {metric.help} ({metric.unit})", labels=metric.labels)
        with self._lock:
            for labels, state in self._state.items():
                self._turn(state)
                summary.add_metric(labels, count_value=int(state[0]), sum_value=state[1])
                most.add_metric(labels, max(state[3], state[4]))
        yield summary
        yield most


class Metrics:
    """Metrics and health of one process. `port` 0: any free one (see `.port` after `start`). Thread-safe; a context manager."""

    def __init__(self, process: str, settings: Settings, port: int, clock: Callable[[], float] = time.time) -> None:
        self.process, self._host, self._wanted_port, self._clock = process, settings.metrics_host, port, clock
        self.registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self.registry)
        self._checks: dict[str, Callable[[], str]] = {}
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None
        self._made: dict[str, Any] = {name: self._make(metric) for name, metric in TABLE.items()}
        self.gauge("nhip_up_since", clock(), process=process)

    def _make(self, metric: Metric) -> Any:
        if metric.kind == "spread":
            spread = _Spread(metric, self._clock)
            self.registry.register(spread)
            return spread
        kind = Counter if metric.kind == "counter" else Gauge
        return kind(metric.name, f"{metric.help} ({metric.unit})", metric.labels, registry=self.registry)

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        """Add to a counter."""
        made, values = self._find(name, "counter", labels)
        made.labels(*values).inc(amount)

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge."""
        made, values = self._find(name, "gauge", labels)
        made.labels(*values).set(value)

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Add a value to a spread: mean = sum / count, and the greatest of the last minutes."""
        made, values = self._find(name, "spread", labels)
        made.observe(value, values)

    def refused(self, stage: str, reasons: Iterable[str]) -> None:
        """Count refused messages by reason."""
        for reason in reasons:
            self.count("nhip_refused", stage=stage, reason=reason)

    def _find(self, name: str, kind: Kind, labels: dict[str, str]) -> tuple[Any, tuple[str, ...]]:
        metric = TABLE.get(name)
        if metric is None or metric.kind != kind:
            raise MetricError(f"metric {name}: no {kind} of this name in transport/metrics.py")
        if set(labels) != set(metric.labels):
            raise MetricError(f"metric {name}: labels {', '.join(metric.labels)} are expected, not {', '.join(labels) or 'none'}")
        return self._made[name], tuple(labels[label] for label in metric.labels)

    def check(self, name: str, test: Callable[[], str]) -> None:
        """Register a health check: returns an empty text while all is well, else what is wrong."""
        self._checks[name] = test

    def health(self) -> tuple[bool, dict[str, Any]]:
        """Whether all checks are well, and what /health says. A check that raises is not well."""
        found: dict[str, str] = {}
        for name, test in self._checks.items():
            try:
                found[name] = test() or "ok"
            except Exception as error:  # the edge of the process: /health must answer whatever a check does
                found[name] = f"check failed: {type(error).__name__}"
        well = all(text == "ok" for text in found.values())
        return well, {"status": "ok" if well else "failing", "process": self.process, "checks": found}

    @property
    def port(self) -> int:
        """The port in use; the wanted one before `start`."""
        return int(self._server.server_address[1]) if self._server else self._wanted_port

    def start(self) -> None:
        """Serve in a daemon thread. Raises OSError where the port is taken."""
        self._server = ThreadingHTTPServer((self._host, self._wanted_port), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="metrics", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop serving; waits at most two seconds."""
        if self._server and self._thread:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join(timeout=2)
            self._server = self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _handler(metrics: Metrics) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 5  # of the socket: a silent caller does not hold a thread

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/metrics":
                self._reply(200, CONTENT_TYPE_LATEST, generate_latest(metrics.registry))
            elif path == "/health":
                well, body = metrics.health()
                self._reply(200 if well else 503, "application/json; charset=utf-8", json.dumps(body, ensure_ascii=False).encode())
            else:
                self._reply(404, "text/plain; charset=utf-8", b"/metrics, /health\n")

        def _reply(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """A scrape every few seconds is no news."""

    return Handler
