"""What readers do is written to Kafka: acts on alerts to `alerts.actions`, steps of emergencies to
`ops.emergency`, orders of backtests to `ops.backtests`, acts and views of restricted data to `ops.audit`.

An act and its audit row are one transaction: neither without the other. What cannot be written is refused to the reader; a view of
restricted data that cannot be written down is not shown.
"""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, Protocol

import structlog
from confluent_kafka import KafkaException, Producer

from indicators.emergency import Step
from transport.audit import AUDIT, Deed
from transport.backtest_orders import TOPIC as BACKTESTS
from transport.backtest_orders import Order, StopOrder
from transport.emergencies import TOPIC as EMERGENCIES
from transport.emergencies import step_key
from transport.kafka_clients import transactional_producer
from transport.records import AvroEncoder, EncodeError
from transport.registry import Registry, RegistryError
from transport.settings import Settings

log = structlog.get_logger(__name__)

ACTIONS: Final = "alerts.actions"
START_SECONDS: Final = 8.0
COMMIT_SECONDS: Final = 8.0
ActName = Literal["acknowledge", "explain", "shelve", "unshelve", "close", "comment", "return", "task"]
RequestActName = Literal["issue", "answer", "decide", "send_back", "withdraw"]


class JournalError(RuntimeError):
    """Nothing was written; the message is for people, Vietnamese first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act on an alert: the record of schema `alert_action`. `until`: epoch ms a shelf ends or a task is due, None for none. `inquiry`:
    the request an act is about; `authority`, `document_number`: under which it is issued; `issuing_office`: the office (`office@place`)
    that issues it and is told of the answer; `outcome`: how it is decided; else empty."""

    action_id: str
    alert_id: str
    action: ActName | RequestActName
    actor: str
    office: str
    note: str
    until: int | None
    acted_at: int
    via: str = "board"
    inquiry: str = ""
    authority: str = ""
    document_number: str = ""
    outcome: str = ""
    issuing_office: str = ""


class Journal(Protocol):
    """Where deeds and acts go. Both raise JournalError where nothing was written."""

    async def deed(self, deed: Deed) -> None:
        """Write one line of the audit."""

    async def act(self, act: Act, deed: Deed) -> None:
        """Write an act and its line of the audit together."""

    async def step(self, step: Step, deed: Deed) -> None:
        """Write a step of an emergency and its line of the audit together."""

    async def backtest(self, row: Order | StopOrder, deed: Deed) -> None:
        """Write an order of a backtest, or its end, and its line of the audit together."""

    async def close(self) -> None:
        """Let the connection go."""


class KafkaJournal:
    """Writes transactions from a thread, one at a time, with an id of this process's own; a broken producer is made anew."""

    def __init__(self, settings: Settings, registry: Callable[[], Registry]) -> None:
        self._settings, self._registry = settings, registry
        self._id = f"board-{uuid.uuid4()}"
        self._lock = threading.Lock()
        self._producer: Producer | None = None
        self._encoder: AvroEncoder | None = None

    async def deed(self, deed: Deed) -> None:
        """See Journal."""
        await asyncio.to_thread(self._write, [(AUDIT, deed.actor, deed.body())])

    async def act(self, act: Act, deed: Deed) -> None:
        """See Journal."""
        await asyncio.to_thread(self._act, act, deed)

    async def step(self, step: Step, deed: Deed) -> None:
        """See Journal."""
        rows = [(EMERGENCIES, step_key(step).decode(), step.body()), (AUDIT, deed.actor, deed.body())]
        await asyncio.to_thread(self._write, rows)

    async def backtest(self, row: Order | StopOrder, deed: Deed) -> None:
        """See Journal."""
        rows = [(BACKTESTS, row.key.decode(), row.body()), (AUDIT, deed.actor, deed.body())]
        await asyncio.to_thread(self._write, rows)

    async def close(self) -> None:
        """See Journal."""
        self._producer = None

    def _act(self, act: Act, deed: Deed) -> None:
        try:
            if self._encoder is None:
                with self._registry() as registry:
                    self._encoder = AvroEncoder("alert_action", registry.id_of(ACTIONS))
            value = self._encoder.encode(asdict(act))
        except (RegistryError, EncodeError) as error:
            raise _failed("lược đồ / schema", error) from error
        self._write([(ACTIONS, act.alert_id, value), (AUDIT, deed.actor, deed.body())])

    def _write(self, rows: Sequence[tuple[str, str, bytes]]) -> None:
        with self._lock:
            try:
                producer = self._ready()
                producer.begin_transaction()
                failures: list[str] = []
                for topic, key, value in rows:
                    producer.produce(self._settings.topic_prefix + topic, value=value, key=key.encode(), on_delivery=_noting(failures))
                producer.commit_transaction(COMMIT_SECONDS)
            except (KafkaException, BufferError) as error:
                self._producer = None  # the next one fences it: its open transaction is aborted
                raise _failed("Kafka", error) from error
            if failures:
                raise JournalError(f"Chưa ghi được ({failures[0]}): thử lại / not written: try again")

    def _ready(self) -> Producer:
        if self._producer is None:
            self._producer = transactional_producer(self._settings, self._id, START_SECONDS, linger_ms=0)
        return self._producer


def _noting(failures: list[str]) -> Callable[[Any, Any], None]:
    def delivered(error: Any, _message: Any) -> None:
        if error is not None:
            failures.append(error.name())

    return delivered


def _failed(what: str, error: Exception) -> JournalError:
    log.error("board.not_written", what=what, kind=type(error).__name__)
    return JournalError(
        f"Chưa ghi được ({what}): hệ thống ghi nhận chưa sẵn sàng, thử lại sau ít phút / not written: try again in a few minutes"
    )
