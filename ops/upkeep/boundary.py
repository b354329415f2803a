"""The edge of an operator's command: whatever a server or a client library answers becomes one sentence and exit code 1.

The client libraries of Kafka and ClickHouse are imported by the modules named for them alone (docs/architecture.md), so their errors are
known here by the library they come from. No sentence holds an address's password, a statement or a value.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import structlog

from ops.stack.control import StackError
from sinks.clickhouse import NotReady, Unavailable
from transport import kafka_clients
from transport.group_offsets import OffsetsUnknown
from transport.kafka_clients import DeliveryError
from transport.registry import RegistryError
from transport.schema_ids import SchemaUnknown
from transport.settings import Settings
from transport.state_reader import RestoreError
from transport.topic_admin import TopicError

KNOWN: Final = (
    NotReady, Unavailable, OffsetsUnknown, DeliveryError, RegistryError, RestoreError, TopicError, SchemaUnknown, OSError,
)  # fmt: skip
"""Errors of ours and of the system whose text is meant for people. TimeoutError is an OSError."""
ANSWER_SECONDS: Final = 6.0
LIBRARIES: Final = {"cimpl": "Kafka", "confluent_kafka": "Kafka", "clickhouse_connect": "ClickHouse"}


def quiet() -> None:
    """Keep what client libraries log of a failure off the terminal: the command says it in words."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)


def why(error: Exception) -> str | None:
    """One sentence for an error that a server or a client library raised; None for a fault of our own."""
    library = LIBRARIES.get(type(error).__module__.partition(".")[0])
    if library == "Kafka":
        first: Any = error.args[0] if error.args else error
        return f"Kafka: {first.name() if hasattr(first, 'name') else type(error).__name__}"
    if library == "ClickHouse":
        code = getattr(error, "code", None)
        return f"ClickHouse {code}" if code else f"ClickHouse: {type(error).__name__}"
    plain = type(error) is LookupError  # missing topics (sinks.generation); its subclasses KeyError and IndexError are faults of ours
    return (str(error) or type(error).__name__) if plain or isinstance(error, KNOWN) else None


def kafka_answers(settings: Settings) -> None:
    """Ask the broker for anything at all, once and briefly: a command must not wait a minute for one that is away. Raises StackError."""
    try:
        kafka_clients.admin(settings).list_topics(timeout=ANSWER_SECONDS)
    except Exception as error:  # the library's error may not be imported here; it is told by its origin
        raise StackError(
            f"{why(error) or type(error).__name__}: Kafka không trả lời ở {settings.kafka_bootstrap} trong {ANSWER_SECONDS:g} giây; "
            "`nhip status`, `nhip logs kafka`, NHIP_KAFKA_BOOTSTRAP / the broker does not answer"
        ) from error


@contextmanager
def told() -> Iterator[None]:
    """Raise StackError, which `nhip` prints, for every error that `why` knows."""
    quiet()
    try:
        yield
    except Exception as error:  # the command's boundary: errors of libraries that may not be imported here are told by their origin
        sentence = why(error)
        if sentence is None or isinstance(error, StackError):
            raise
        raise StackError(f"{sentence}; xem / see `nhip status`, `nhip doctor`") from error
