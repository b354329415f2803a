"""A request's body: received into memory or a file on the data directory's disk, read back decoded.

A body is received whole before its statement starts: a client that breaks off in the middle has inserted nothing, and a slow
client holds no worker.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from typing import Final

from ops.clickhouse.errors import ServerError
from ops.clickhouse.limits import Limits

_PIECE: Final = 1 << 18


class Body:
    """The bytes of one body as they came."""

    def __init__(self, limits: Limits, spool_dir: str) -> None:
        self._limit = limits.body_bytes
        self._file = tempfile.SpooledTemporaryFile(max_size=limits.body_in_memory_bytes, dir=spool_dir)  # noqa: SIM115 - closed in `close`
        self.size = 0

    async def receive(self, pieces: AsyncIterator[bytes]) -> None:
        """Takes the body in. Raises code 307 as soon as it is too long."""
        async for piece in pieces:
            self.add(piece)

    def add(self, piece: bytes) -> None:
        self.size += len(piece)
        if self.size > self._limit:
            raise ServerError(307, "TOO_MANY_BYTES", f"The body is longer than {self._limit} bytes; send it in several requests.")
        self._file.write(piece)

    def pieces(self) -> Iterator[bytes]:
        """The body from its beginning."""
        self._file.seek(0)
        while piece := self._file.read(_PIECE):
            yield piece

    def close(self) -> None:
        self._file.close()
