"""A result on its way from a worker's thread to the client: whole if it is small, in chunks if it is not.

Until the first bytes leave, an error still gets its own status. After that the error follows the data between two tags, which the head of
the response announced (`X-ClickHouse-Exception-Tag`), and the connection is cut, so that no client can take half a result for a whole one.
"""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from concurrent.futures import TimeoutError as Overdue
from typing import IO, Final

from aiohttp import web

from ops.clickhouse.compression import Encoder
from ops.clickhouse.errors import ServerError
from ops.clickhouse.limits import Limits

_PIECE: Final = 1 << 18
_PAUSE_SECONDS: Final = 0.1


class Gone(Exception):
    """The client left, or took nothing for too long."""


class Delivery:
    """One response. `write` and `fail` are for the worker's thread, `close` for the event loop."""

    def __init__(
        self, request: web.Request, encoder: Encoder, headers: dict[str, str], limits: Limits, *, hold: bool, spool_dir: str
    ) -> None:
        """`headers` may be added to until the first bytes leave. `hold`: keep everything until the end (`wait_end_of_query`)."""
        self._loop = asyncio.get_running_loop()
        self._request = request
        self._encoder = encoder
        self._limits = limits
        self._hold = hold
        self._spool_dir = spool_dir
        self._held: list[bytes] = []
        self._size = 0
        self._file: IO[bytes] | None = None
        self._stream: web.StreamResponse | None = None
        self._tag = secrets.token_hex(8)
        self._abandoned = False
        self._broken = False
        self.headers = headers
        self.sent_bytes = 0

    def abandon(self) -> None:
        """The client has gone: the next write raises `Gone`."""
        self._abandoned = True

    def write(self, data: bytes) -> None:
        """Takes the next bytes of the result; blocks while the client is slower than the engine. Raises `Gone`."""
        self._keep(self._encoder.feed(data))

    def _keep(self, data: bytes) -> None:
        if self._abandoned:
            raise Gone
        if not data:
            return
        self.sent_bytes += len(data)
        if self._stream is not None:
            self._wait(data)
            return
        self._held.append(data)
        self._size += len(data)
        if self._hold and self._size > self._limits.reply_in_memory_bytes:
            self._to_file()
        elif not self._hold and self._size > self._limits.reply_buffer_bytes:
            self._wait(self._take())

    def _take(self) -> bytes:
        data = b"".join(self._held)
        self._held.clear()
        self._size = 0
        return data

    def _to_file(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._spool_dir)  # noqa: SIM115 - lives as long as the response, closed in `close`
        self._file.write(self._take())

    def _wait(self, data: bytes) -> None:
        sending = asyncio.run_coroutine_threadsafe(self._send(data), self._loop)
        try:
            sending.result(self._limits.send_seconds)
        except (ConnectionError, Overdue):
            sending.cancel()
            self._abandoned = True
            raise Gone from None

    async def _send(self, data: bytes) -> None:
        if self._stream is None:
            self._stream = web.StreamResponse(headers={**self.headers, "X-ClickHouse-Exception-Tag": self._tag})
            self._stream.enable_chunked_encoding()
            await self._stream.prepare(self._request)
        await self._stream.write(data)

    def end(self) -> None:
        """The result is complete."""
        self._keep(self._encoder.end())

    def fail(self, error: ServerError, version: str) -> bool:
        """Reports `error` behind the data that has left already; False if none has: then the response is the error itself."""
        if self._stream is None:
            return False
        self._broken = True
        message = error.body(version).rstrip("\n")
        block = f"\r\n__exception__\r\n{self._tag}\r\n{message}\r\n{len(message.encode())} {self._tag}\r\n__exception__\r\n"
        self._keep(self._encoder.feed(block.encode()) + self._encoder.end())
        return True

    def discard(self) -> None:
        """Forgets what was kept and not sent."""
        self._held.clear()
        if self._file is not None:
            self._file.close()

    async def close(self) -> web.StreamResponse:
        """The response, complete: sent in chunks already, or to be sent whole."""
        if self._stream is not None:
            if self._broken and self._request.transport is not None:
                # Without the last chunk the transfer is visibly unfinished. The pause lets a client that keeps up read the reason first:
                # some drop what they have not read when the connection breaks.
                await asyncio.sleep(_PAUSE_SECONDS)
                self._request.transport.close()
            else:
                await self._stream.write_eof()
            return self._stream
        if self._file is None:
            return web.Response(body=b"".join(self._held), headers=self.headers)
        self._to_file()
        return await self._from_file(self._file)

    async def _from_file(self, file: IO[bytes]) -> web.StreamResponse:
        size = file.tell()
        file.seek(0)
        response = web.StreamResponse(headers={**self.headers, "Content-Length": str(size)})
        await response.prepare(self._request)
        with file:
            while piece := file.read(_PIECE):
                await response.write(piece)
        await response.write_eof()
        return response
