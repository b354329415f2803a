"""A message centre of SMPP 3.4 on loopback, as far as one session needs it: bind, submit, receipts, people's own messages."""

from __future__ import annotations

import asyncio
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

BIND, SUBMIT, DELIVER, UNBIND, ENQUIRE = 0x9, 0x4, 0x5, 0x6, 0x15
RESPONSE = 0x80000000
OK, THROTTLED, BAD_NUMBER, BAD_PASSWORD = 0x0, 0x58, 0xB, 0xE


@dataclass
class Centre:
    """`status`: of each answer to submit_sm, the last one for all that follow; None: no answer at all. `bind_status`: of the bind."""

    status: list[int | None] = field(default_factory=lambda: [OK])
    bind_status: int = OK
    submitted: list[bytes] = field(default_factory=list)
    answered: list[tuple[int, int]] = field(default_factory=list)
    heard: threading.Event = field(default_factory=threading.Event)
    port: int = 0
    _writer: asyncio.StreamWriter | None = None
    _loop: asyncio.AbstractEventLoop | None = None

    async def session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        try:
            while True:
                length, command, status, sequence = struct.unpack(">IIII", await reader.readexactly(16))
                body = await reader.readexactly(length - 16)
                if command & RESPONSE:
                    self.answered.append((command, status))
                    self.heard.set()
                    continue
                self._answer(command, sequence, body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    def _answer(self, command: int, sequence: int, body: bytes) -> None:
        if command == BIND:
            self._write(command | RESPONSE, self.bind_status, sequence, b"centre\0")
        elif command == SUBMIT:
            self.submitted.append(body)
            status = self.status.pop(0) if len(self.status) > 1 else self.status[0]
            if status is not None:
                self._write(command | RESPONSE, status, sequence, b"id-%d\0" % len(self.submitted) if status == OK else b"")
        elif command in (ENQUIRE, UNBIND):
            self._write(command | RESPONSE, OK, sequence, b"")

    def _write(self, command: int, status: int, sequence: int, body: bytes) -> None:
        assert self._writer is not None
        self._writer.write(struct.pack(">IIII", 16 + len(body), command, status, sequence) + body)

    def deliver(self, text: bytes, source: bytes = b"84900000001", receipt: bool = False) -> None:
        """Say something to the session; wait until it has answered."""
        assert self._loop is not None
        head = b"\0" + b"\1\1" + source + b"\0" + b"\0\0" + b"8099\0" + bytes([4 if receipt else 0]) + b"\0\0" + b"\0\0" + b"\0\0\0\0"
        self.heard.clear()
        self._loop.call_soon_threadsafe(self._write, DELIVER, OK, 7, head + bytes([len(text)]) + text)
        assert self.heard.wait(10), "no answer to deliver_sm"


@contextmanager
def centre(made: Centre | None = None) -> Iterator[Centre]:
    """Run a centre on a free port, in a thread with its own loop."""
    one, loop = made or Centre(), asyncio.new_event_loop()
    one._loop = loop
    ready, over = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with await asyncio.start_server(one.session, "127.0.0.1", 0) as server:
            one.port = server.sockets[0].getsockname()[1]
            ready.set()
            await over.wait()
        if one._writer is not None:
            one._writer.close()
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    def run() -> None:
        loop.run_until_complete(serve())
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(5)
    try:
        yield one
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(5)
