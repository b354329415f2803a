"""The endpoint as a running server: engine, listener, the clock that expires sessions, and the order in which they stop."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Final

from aiohttp import web

from ops.clickhouse.accounts import Accounts
from ops.clickhouse.endpoint import Endpoint
from ops.clickhouse.engine import Engine
from ops.clickhouse.limits import MIB, Limits
from transport.settings import Settings

_EXPIRE_EVERY_SECONDS: Final = 1.0
_KEEP_ALIVE_SECONDS: Final = 300.0


class Server:
    """Opens the engine at once and listens after `start`. `stop` undoes both; it may be called without `start`."""

    def __init__(self, data_dir: Path, settings: Settings, limits: Limits) -> None:
        spool = data_dir / "requests"
        self._engine = Engine(data_dir, settings.clickhouse_database, limits)
        # What a killed process left of unfinished requests is worth nothing.
        shutil.rmtree(spool, ignore_errors=True)
        spool.mkdir()
        self._endpoint = Endpoint(self._engine, Accounts.of(settings), limits, str(spool))
        self._limits = limits
        self._runner: web.AppRunner | None = None
        self._expiry: asyncio.Task[None] | None = None

    async def start(self, host: str, port: int) -> int:
        """Listens; the port that was bound. Raises OSError if the address is taken."""
        self._runner = web.AppRunner(
            self._endpoint.application(),
            handle_signals=False,
            handler_cancellation=True,
            auto_decompress=False,
            access_log=None,
            keepalive_timeout=_KEEP_ALIVE_SECONDS,
            max_line_size=MIB,
            max_field_size=MIB,
            shutdown_timeout=1.0,
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        self._expiry = asyncio.create_task(self._expire())
        address: tuple[str, int] = self._runner.addresses[0]
        return address[1]

    async def _expire(self) -> None:
        while True:
            await asyncio.sleep(_EXPIRE_EVERY_SECONDS)
            self._endpoint.sessions.expire()

    async def stop(self) -> None:
        """Stops listening, lets requests finish within the limit, closes the engine."""
        if self._runner is not None:
            for site in list(self._runner.sites):
                await site.stop()
        if self._expiry is not None:
            self._expiry.cancel()
        await self._endpoint.stop()
        if self._runner is not None:
            await self._runner.cleanup()
        await asyncio.to_thread(self._engine.close)
