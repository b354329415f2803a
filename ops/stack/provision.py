"""Provision: what is made once the servers answer: topics, schemas, tables. Each step is repeatable and says what it changed.

The work itself lies in transport and sinks; the modules are imported when the step runs.
"""

from __future__ import annotations

from collections.abc import Callable

from ops.stack.part import Step
from transport.settings import Settings


def steps(settings: Settings) -> tuple[Step, ...]:
    """The three steps against the stack at the addresses of `settings`."""
    return (
        Step(
            "topics", "Chủ đề Kafka", _said(lambda: _topics(settings)), ("kafka",),
            advice="Xem `nhip topics diff` và `nhip logs kafka` / see both.",
        ),
        Step(
            "schemas", "Lược đồ Avro", _said(lambda: _schemas(settings)), ("registry",),
            advice="Xem `nhip schemas register` và `nhip logs registry` / see both.",
        ),
        Step(
            "tables", "Bảng ClickHouse", _said(lambda: _tables(settings)), ("clickhouse",),
            advice="Xem `nhip logs clickhouse` / see the log.",
        ),
    )  # fmt: skip


def _topics(settings: Settings) -> int:
    from transport.topic_admin import apply

    return len(apply(settings))


def _schemas(settings: Settings) -> int:
    from transport.registry import register_all

    return sum(registration.created for registration in register_all(settings))


def _tables(settings: Settings) -> int:
    from sinks.migrations import migrate

    return len(migrate(settings))


def _said(work: Callable[[], int]) -> Callable[[], str]:
    def run() -> str:
        changed = work()
        return f"{changed} thay đổi / changes" if changed else "không thay đổi / nothing to change"

    return run
