"""One suite for all channels, against real servers on loopback: what is accepted, refused, late, cut off, and what is never shown."""

from __future__ import annotations

import asyncio
import io
import json
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from pydantic import SecretStr

from alerts.channels.console import Console
from alerts.channels.contract import Channel, Message
from alerts.channels.email import Email, message_id
from alerts.channels.webhook import Webhook, signature
from tests.alerts.samples import message

pytestmark = pytest.mark.loopback
SECRET = SecretStr("bí-mật-của-webhook")
SHORT = 0.4


class Box:
    """An SMTP server's handler. `answer`: its reply to RCPT or DATA; `cut`: where it drops the line or goes silent."""

    def __init__(self, rcpt: str = "250 OK", data: str = "250 OK", cut: str = "") -> None:
        self.rcpt, self.data, self.cut = rcpt, data, cut
        self.mails: list[bytes] = []

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        envelope.rcpt_tos.append(address)
        if self.cut == "hang_rcpt":
            await asyncio.sleep(3)
        if self.cut == "close_rcpt":
            abort(server)
        return self.rcpt

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.mails.append(envelope.original_content or b"")
        if self.cut == "hang_data":
            await asyncio.sleep(3)
        if self.cut == "close_data":
            abort(server)
        return self.data


def abort(server: SMTP) -> None:
    """Drop the line without a word."""
    assert isinstance(server.transport, asyncio.Transport)
    server.transport.abort()


@contextmanager
def smtp(box: Box) -> Iterator[int]:
    """A server on a free loopback port."""
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        yield int(controller.port)
    finally:
        controller.stop(no_assert=True)


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


async def end(runner: web.AppRunner) -> None:
    """Stop serving; whatever still sleeps in a handler is cancelled."""
    await runner.cleanup()
    rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


@contextmanager
def receiver(answer: Callable[[web.Request, bytes], Awaitable[web.StreamResponse]]) -> Iterator[str]:
    """An HTTP server on a free loopback port, in a thread with its own loop."""
    loop = asyncio.new_event_loop()

    async def handle(request: web.Request) -> web.StreamResponse:
        return await answer(request, await request.read())

    async def start() -> tuple[web.AppRunner, int]:
        app = web.Application()
        app.router.add_post("/{path:.*}", handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return runner, int(runner.addresses[0][1])

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    runner, port = asyncio.run_coroutine_threadsafe(start(), loop).result(5)
    try:
        yield f"http://127.0.0.1:{port}/hook"
    finally:
        asyncio.run_coroutine_threadsafe(end(runner), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


def mailer(port: int, **options: Any) -> Email:
    return Email("127.0.0.1", port, "nhip@example.vn", timeout=SHORT, **options)


def test_email_arrives_whole_with_a_message_id_of_its_key() -> None:
    box = Box()
    with smtp(box) as port:
        outcome = mailer(port).send(message())
    assert (outcome.accepted, outcome.provider_reference) == (True, message_id(message()))
    mail = message_from_bytes(box.mails[0], policy=default)
    assert mail["Message-ID"] == f"<{message().key}@nhip.invalid>"
    assert mail["Subject"] == message().title
    assert mail["X-Nhip-Alert-Id"] == message().alert_id
    assert mail["X-Nhip-Repeated"] == "no"
    body = mail.get_body()
    assert body is not None
    assert message().text.splitlines()[1] in body.get_content()


def test_a_repeated_email_is_marked_under_the_same_id() -> None:
    box = Box()
    with smtp(box) as port:
        mailer(port).send(message(repeated=True))
    mail = message_from_bytes(box.mails[0], policy=default)
    assert mail["Subject"].startswith("[gửi lại] ")
    assert mail["X-Nhip-Repeated"] == "yes"
    assert mail["Message-ID"] == message_id(message())


@pytest.mark.parametrize(("box", "error", "retryable", "certain"), [
    (Box(rcpt="550 no such box"), "smtp_550", False, True),
    (Box(rcpt="450 busy"), "smtp_450", True, True),
    (Box(data="554 refused"), "smtp_554", False, True),
    (Box(data="451 later"), "smtp_451", True, True),
    (Box(cut="hang_rcpt"), "TimeoutError", True, True),
    (Box(cut="close_rcpt"), "SMTPServerDisconnected", True, True),
    (Box(cut="hang_data"), "TimeoutError", True, False),
    (Box(cut="close_data"), "SMTPServerDisconnected", True, False),
], ids=lambda x: f"{x.rcpt}-{x.data}-{x.cut}" if isinstance(x, Box) else str(x))  # fmt: skip
def test_email_says_what_it_knows(box: Box, error: str, retryable: bool, certain: bool) -> None:
    with smtp(box) as port:
        outcome = mailer(port).send(message())
    assert not outcome.accepted
    if box.cut.startswith("hang"):
        assert outcome.error_class in ("TimeoutError", "SMTPServerDisconnected")  # smtplib names a time-out either way
    else:
        assert outcome.error_class == error
    assert (outcome.retryable, outcome.certain) == (retryable, certain)


def test_email_refuses_to_speak_plainly_where_starttls_is_asked_for() -> None:
    box = Box()
    with smtp(box) as port:
        outcome = mailer(port, starttls=True).send(message())
    assert (outcome.error_class, outcome.certain, box.mails) == ("smtp_not_supported", True, [])


def test_email_password_is_never_in_an_outcome() -> None:
    box = Box()
    with smtp(box) as port:
        outcome = mailer(port, user="nhip", password=SecretStr("mat-khau")).send(message())
    assert not outcome.accepted
    assert "mat-khau" not in repr(outcome)


def test_webhook_is_signed_and_carries_its_key() -> None:
    got: list[tuple[dict[str, str], bytes]] = []

    async def answer(request: web.Request, body: bytes) -> web.Response:
        got.append(({k.lower(): v for k, v in request.headers.items()}, body))
        return web.Response(status=202, headers={"x-request-id": "r-7"})

    with receiver(answer) as url, hook(url) as webhook:
        outcome = webhook.send(message("webhook"))
    assert (outcome.accepted, outcome.provider_reference) == (True, "r-7")
    headers, body = got[0]
    assert headers["idempotency-key"] == message().key
    assert headers["x-nhip-signature"] == "sha256=" + signature(body, SECRET)
    assert json.loads(body)["title"] == message().title


@pytest.mark.parametrize(("status", "retryable"), [
    (429, True), (500, True), (503, True), (409, True), (400, False), (404, False), (302, False),
])  # fmt: skip
def test_webhook_answers(status: int, retryable: bool) -> None:
    async def answer(request: web.Request, body: bytes) -> web.Response:
        return web.Response(status=status, headers={"location": "http://127.0.0.1:1/"} if status == 302 else {})

    with receiver(answer) as url, hook(url) as webhook:
        outcome = webhook.send(message("webhook"))
    assert (outcome.accepted, outcome.error_class, outcome.retryable, outcome.certain) == (False, f"http_{status}", retryable, True)


def test_webhook_slow_and_cut_off_are_uncertain() -> None:
    async def slow(request: web.Request, body: bytes) -> web.Response:
        await asyncio.sleep(3)
        return web.Response()

    async def cut(request: web.Request, body: bytes) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    for behaviour in (slow, cut):
        with receiver(behaviour) as url, hook(url + "?token=bi-mat") as webhook:
            outcome = webhook.send(message("webhook"))
        assert (outcome.accepted, outcome.retryable, outcome.certain) == (False, True, False)
        assert "bi-mat" not in repr(outcome)


@contextmanager
def hook(url: str) -> Iterator[Webhook]:
    webhook = Webhook(url, SECRET, timeout=SHORT)
    try:
        yield webhook
    finally:
        webhook.close()


def _dead(name: str) -> Channel:
    return mailer(free_port()) if name == "email" else Webhook(f"http://127.0.0.1:{free_port()}/hook", SECRET, timeout=SHORT)


@pytest.mark.parametrize("name", ["email", "webhook"])
def test_nobody_there_is_certain_and_retryable(name: str) -> None:
    channel = _dead(name)
    outcome = channel.send(message(name))
    channel.close()
    assert (outcome.accepted, outcome.retryable, outcome.certain) == (False, True, True)
    assert outcome.error_class
    assert outcome.error


def test_console_prints_a_block_and_can_be_asked(tmp_path: Path) -> None:
    out = io.StringIO()
    console = Console(tmp_path / "state" / "alerts.log", out)
    assert console.ask(message("console")) is None
    assert console.send(message("console")).accepted
    assert console.ask(message("console")) is not None
    shown = out.getvalue()
    assert "▲ MỨC 3 · Trạm Hà Nội: 10,62 m, trên báo động II" in shown
    assert shown.count("▲") == 1
    line = json.loads((tmp_path / "state" / "alerts.log").read_text(encoding="utf-8"))
    assert line["key"] == message().key


def test_console_mends_a_line_cut_short_by_a_crash(tmp_path: Path) -> None:
    log = tmp_path / "alerts.log"
    log.write_bytes(b'{"key": "cut sh')
    console = Console(log, io.StringIO())
    console.send(message("console"))
    assert json.loads(log.read_text(encoding="utf-8").splitlines()[1])["key"] == message().key


def test_console_without_a_screen_or_without_a_disk(tmp_path: Path) -> None:
    closed = io.StringIO()
    closed.close()
    assert Console(tmp_path / "alerts.log", closed).send(message("console")).accepted
    (tmp_path / "file").write_text("")
    outcome = Console(tmp_path / "file" / "alerts.log", io.StringIO()).send(message("console"))
    assert (outcome.accepted, outcome.retryable) == (False, True)


def test_every_channel_keeps_the_contract(tmp_path: Path) -> None:
    channels: list[Channel] = [Console(tmp_path / "alerts.log"), mailer(1), Webhook("http://127.0.0.1:1/", SECRET)]
    assert [(c.name, c.repeat) for c in channels] == [("console", "askable"), ("email", "blind"), ("webhook", "safe")]
    for channel in channels:
        channel.close()
    one: Message = message()
    assert one.subject == one.title
