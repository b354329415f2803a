"""SMS over SMPP 3.4, straight to a network's message centre, through aiosmpplib: one session, bound as transceiver in a thread of its own.

A message is handed over only while the session is bound, and only if its sender still waits: what could not leave in time never leaves
later. It is accepted when the centre answers `submit_sm` with its message id; receipts (`deliver_sm` of a receipt) are folded into the
ledger before they are answered, and people's own messages go to the same place as replies from a gateway. SMPP knows no key of ours.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field

import structlog
from aiosmpplib import (
    ESME,
    NPI,
    TON,
    AbstractBroker,
    AbstractHook,
    BindTransceiverResp,
    DeliverSm,
    PhoneNumber,
    SmppCommandStatus,
    SmppMessage,
    SubmitSm,
    SubmitSmResp,
    Trackable,
)
from aiosmpplib.retrytimer import AbstractRetryTimer
from pydantic import SecretStr

from alerts.channels.contract import Message, Outcome, Repeat
from alerts.channels.rest import TIMEOUT_SECONDS
from alerts.channels.sms import sms_text
from alerts.receipts import Folded, Receipt

TRIES, PAUSE_SECONDS = 5, 0.3
AGAIN_SECONDS = 2.0
"""Between two attempts to bind."""
GOODBYE_SECONDS = 1.0
DELIVERED = ("DELIVRD", "ACCEPTD")
"""States of a receipt that say «arrived» (SMPP 3.4, appendix B); `ENROUTE` says nothing yet, all others that it did not."""
ON_ITS_WAY = "ENROUTE"
ERRORS = {
    "ESME_RTHROTTLED": ("smpp_quota", "too many messages a second; they are tried again", True),
    "ESME_RMSGQFUL": ("smpp_quota", "the centre's queue is full; they are tried again", True),
    "ESME_RINVDSTADR": ("smpp_number", "not a phone number the centre takes", False),
    "ESME_RINVSRCADR": ("smpp_brandname", "the brand name is not allowed on this session; check NHIP_SMS_BRANDNAME", True),
    "ESME_RSYSERR": ("smpp_system", "an error inside the centre", True),
    "ESME_RINVMSGLEN": ("smpp_too_long", "the text is longer than the centre takes", False),
}
"""Status → (error class, what to do, does a later attempt have a chance)."""

log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class _Item:
    """A message between its sender and the session. `left`: it may have reached the centre."""

    pdu: SubmitSm
    result: Future[Outcome] = field(default_factory=Future)
    left: bool = False


class _Steady(AbstractRetryTimer):  # type: ignore[misc]
    """Binds again after the same short while; at once where the session is being closed, to find that out."""

    def __init__(self) -> None:
        self.closing = asyncio.Event()

    def next_delay(self) -> float:
        return AGAIN_SECONDS

    async def wait(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.closing.wait(), AGAIN_SECONDS)

    def reset(self) -> None:
        """Nothing to forget."""


class _Outbox(AbstractBroker):  # type: ignore[misc]
    """What the session takes next: only messages whose sender still waits."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[_Item] = asyncio.Queue()
        self.under_way: dict[str, _Item] = {}

    def put(self, item: _Item) -> None:
        self._queue.put_nowait(item)

    async def enqueue(self, message: SmppMessage) -> None:
        raise NotImplementedError("messages come by `put`")

    async def dequeue(self) -> SmppMessage:
        while True:
            item = await self._queue.get()
            if item.result.set_running_or_notify_cancel():
                item.left = True
                self.under_way[item.pdu.log_id] = item
                return item.pdu


class _Session(ESME):  # type: ignore[misc]
    """The library half-closes a line it is done with and forgets it: each would stay open until collected."""

    line: asyncio.StreamWriter | None = None

    async def connect(self) -> None:
        self.hang_up()
        try:
            await super().connect()
        finally:
            self.line = self._writer

    def hang_up(self) -> None:
        """Close the line, if there is one."""
        if self.line is not None:
            self.line.close()


class Smpp:
    """Sends over one session. `listen` starts it; so does the first message. `login`: system id, password of at most eight letters."""

    name = "smpp"
    repeat: Repeat = "blind"
    rings = True
    stand_in = ""

    def __init__(
        self, address: tuple[str, int], login: tuple[str, SecretStr], brandname: str, *, reply_to: str = "",
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:  # fmt: skip
        self._address, self._login, self._brandname = address, login, brandname
        self._reply_to, self._timeout = reply_to, timeout
        self._fold: Callable[[Receipt], Folded] | None = None
        self._take: Callable[[str, str, str], str] | None = None
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._outbox, self._retry = _Outbox(), _Steady()
        self.refused = ""

    def listen(self, fold: Callable[[Receipt], Folded], take: Callable[[str, str, str], str] | None) -> None:
        """Bind, and say where receipts and people's own messages (id, phone, text) go."""
        self._fold, self._take = fold, take
        self._started()

    def send(self, message: Message) -> Outcome:
        """One message to one number."""
        if not message.address:
            return Outcome.failed("sms_no_number", "the office has no phone_at in catalogue/offices.yaml", retryable=False)
        number = PhoneNumber(message.address, TON.INTERNATIONAL, NPI.ISDN)
        source = PhoneNumber(self._brandname[:11], TON.ALPHANUMERIC, NPI.UNKNOWN)
        text = sms_text(message, self._reply_to)
        item = _Item(SubmitSm(short_message=text, source=source, destination=number, log_id=message.key))
        self._started().call_soon_threadsafe(self._outbox.put, item)
        try:
            return item.result.result(self._timeout)
        except TimeoutError:
            item.result.cancel()
            return self._late(item)

    def ask(self, message: Message) -> Outcome | None:
        """SMPP has a question by the centre's id only, which is not known where the answer was lost."""
        return None

    def close(self) -> None:
        """Unbind and end the session's thread."""
        with self._lock:
            loop, thread = self._loop, self._thread
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(self._retry.closing.set)
            thread.join(self._timeout)

    def _late(self, item: _Item) -> Outcome:
        if item.left:
            return Outcome.failed("smpp_silent", "no answer within the time limit", retryable=True, certain=False)
        what = f"the centre refused the session ({self.refused}); check NHIP_SMPP_USER, NHIP_SMPP_PASSWORD" if self.refused else (
            "no session with the centre; check NHIP_SMPP_HOST, NHIP_SMPP_PORT and the line")
        return Outcome.failed("smpp_auth" if self.refused else "smpp_unbound", what, retryable=True)

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._run, args=(self._loop,), name="smpp", daemon=True)
                self._thread.start()
            return self._loop

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(self._serve())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()

    async def _serve(self) -> None:
        """Keep the session bound until `close`."""
        host, port = self._address
        user, password = self._login
        # Its log would hold texts and numbers.
        session = _Session(
            host, port, user, password.get_secret_value(), broker=self._outbox, hook=_Hook(self, self._outbox), retry_timer=self._retry,
            socket_timeout=float(self._timeout), log_level="CRITICAL", log_handler=logging.NullHandler(),
        )  # fmt: skip
        running = asyncio.create_task(session.start())
        closing = asyncio.create_task(self._retry.closing.wait())
        await asyncio.wait({running, closing}, return_when=asyncio.FIRST_COMPLETED)
        with suppress(TimeoutError):
            await asyncio.wait_for(session.stop(), GOODBYE_SECONDS)
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.wait(rest, timeout=GOODBYE_SECONDS)
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        session.hang_up()
        await asyncio.sleep(0)  # the transport closes at the loop's next turn

    def fold(self, receipt: Receipt) -> None:
        """In a thread of the session: tried again while the lane does not get to it; the centre waits for its answer meanwhile."""
        for _ in range(TRIES):
            if self._fold is None or self._fold(receipt) in ("folded", "known"):
                return
            time.sleep(PAUSE_SECONDS)  # the centre's id may not be in the ledger yet: a receipt can be as quick as the answer
        log.error("a receipt could not be written", channel=self.name, reference=receipt.provider_reference)

    def take(self, phone: str, text: str) -> None:
        """A person's own message. It has no id: the same words of the same number count once."""
        if self._take is None:
            return
        try:
            self._take(hashlib.sha256(f"{phone}|{text}".encode()).hexdigest(), phone, text)
        except (ValueError, RuntimeError) as error:
            log.warning("an answer by text message does not count", why=str(error))


class _Hook(AbstractHook):  # type: ignore[misc]
    """What the session hears."""

    def __init__(self, channel: Smpp, outbox: _Outbox) -> None:
        self._channel, self._outbox = channel, outbox

    async def sending(self, smpp_message: SmppMessage, pdu: bytes, client_id: str) -> None:
        """Nothing to add."""

    async def received(self, smpp_message: SmppMessage | None, pdu: bytes, client_id: str) -> None:
        """An answer, a receipt, or a person's message."""
        if isinstance(smpp_message, BindTransceiverResp):
            status = smpp_message.command_status
            self._channel.refused = "" if status == SmppCommandStatus.ESME_ROK else status.name
        elif isinstance(smpp_message, DeliverSm):
            await self._heard(smpp_message)
        elif isinstance(smpp_message, SubmitSmResp):
            self._settle(smpp_message.log_id, _outcome(smpp_message))

    async def send_error(self, smpp_message: SmppMessage, error: Exception, client_id: str) -> None:
        """The message could not be written into the line, or not whole."""
        if isinstance(smpp_message, Trackable):
            broken = not isinstance(error, ValueError)
            what = "the line broke while sending" if broken else "the text cannot be written for this centre"
            failed = Outcome.failed(type(error).__name__, what, retryable=broken, certain=not broken)
            self._settle(smpp_message.log_id, failed)

    def _settle(self, key: str, outcome: Outcome) -> None:
        item = self._outbox.under_way.pop(key, None)
        if item is not None and not item.result.done():
            item.result.set_result(outcome)

    async def _heard(self, heard: DeliverSm) -> None:
        loop = asyncio.get_running_loop()
        if not heard.is_receipt():
            await loop.run_in_executor(None, self._channel.take, heard.source.number, heard.short_message)
            return
        said = heard.parse_receipt()
        state, reference = str(said.get("stat", "")).upper(), str(said.get("id", ""))
        if state == ON_ITS_WAY or not (reference or heard.log_id):
            return
        delivered = state in DELIVERED
        receipt = Receipt(self._channel.name, heard.log_id, reference, delivered, "" if delivered else f"smpp_{state.lower() or 'lost'}")
        await loop.run_in_executor(None, self._channel.fold, receipt)


def _outcome(answer: SubmitSmResp) -> Outcome:
    status = answer.command_status.name
    if status == "ESME_ROK":
        return Outcome(True, str(answer.message_id)[:100])
    error_class, what, retryable = ERRORS.get(status, (f"smpp_{status.removeprefix('ESME_').lower()}", "a refusal of the centre", False))
    return Outcome.failed(error_class, what, retryable=retryable)
