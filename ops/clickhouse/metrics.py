"""What the endpoint has done so far, in Prometheus' text format."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Metrics:
    """Counters since the start, and what is in use now. For the event loop's thread."""

    workers: int
    queries: dict[str, int] = field(default_factory=lambda: {"ok": 0, "error": 0, "gone": 0})
    errors: dict[int, int] = field(default_factory=dict)
    received_bytes: int = 0
    sent_bytes: int = 0
    seconds: float = 0.0

    def failed(self, code: int) -> None:
        self.queries["error"] += 1
        self.errors[code] = self.errors.get(code, 0) + 1

    def text(self, *, requests: int, sessions: int) -> str:
        """The page of `/metrics`; `requests` are in work or waiting, `sessions` open."""
        running = min(requests, self.workers)
        lines: list[str] = []

        def family(name: str, kind: str, meaning: str, *samples: tuple[str, float]) -> None:
            full = f"nhip_clickhouse_{name}"
            lines.extend([f"# HELP {full} {meaning}", f"# TYPE {full} {kind}"])
            lines.extend(f"{full}{labels} {value:g}" for labels, value in samples)

        family("queries_total", "counter", "Requests by how they ended.", *((f'{{end="{k}"}}', v) for k, v in self.queries.items()))
        family("errors_total", "counter", "Errors by ClickHouse code.", *((f'{{code="{k}"}}', v) for k, v in sorted(self.errors.items())))
        family("query_seconds_total", "counter", "Time spent in requests.", ("", self.seconds))
        family("received_bytes_total", "counter", "Bytes of request bodies.", ("", self.received_bytes))
        family("sent_bytes_total", "counter", "Bytes of results.", ("", self.sent_bytes))
        family("workers", "gauge", "Requests that can run at once.", ("", self.workers))
        family("running", "gauge", "Requests that run now.", ("", running))
        family("waiting", "gauge", "Requests that wait for a worker.", ("", requests - running))
        family("sessions", "gauge", "Open sessions.", ("", sessions))
        return "\n".join(lines) + "\n"
