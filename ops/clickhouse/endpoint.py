"""The HTTP side: paths, credentials, bodies, workers, and the response to each request."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import structlog
from aiohttp import BodyPartReader, web
from multidict import CIMultiDict

from ops.clickhouse.accounts import Account, Accounts
from ops.clickhouse.blocks import Blocks
from ops.clickhouse.body import Body
from ops.clickhouse.compression import Encoder, choose, encoder
from ops.clickhouse.delivery import Delivery, Gone
from ops.clickhouse.engine import Engine
from ops.clickhouse.errors import ServerError, not_served, too_many
from ops.clickhouse.execution import Execution, Tools
from ops.clickhouse.guard import Guard
from ops.clickhouse.limits import Limits
from ops.clickhouse.metrics import Metrics
from ops.clickhouse.request import External, Request, external, read
from ops.clickhouse.sessions import Session, Sessions

_OK: Final = "Ok.\n"
_MULTIPART: Final = "multipart/form-data"
log = structlog.get_logger("clickhouse")


class Endpoint:
    """Serves one engine. Everything but the statements themselves runs on the event loop."""

    def __init__(self, engine: Engine, accounts: Accounts, limits: Limits, spool_dir: str) -> None:
        self._engine = engine
        self._accounts = accounts
        self._limits = limits
        self._spool_dir = spool_dir
        engines = engine.names("table_engines") + engine.names("database_engines")
        guard = Guard.of(engine.names("table_functions"), engines, limits.query_memory_bytes)
        self._tools = Tools(engine, guard, limits, spool_dir)
        self._workers = ThreadPoolExecutor(limits.workers, thread_name_prefix="query")
        # Stopping a query must not wait for a worker: all of them may be busy with what is to be stopped.
        self._stopper = ThreadPoolExecutor(1, thread_name_prefix="stop")
        self._running: dict[str, Execution] = {}
        self._stopping = False
        self.sessions = Sessions(limits.sessions, time.monotonic)
        self.metrics = Metrics(limits.workers)

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application()
        for path in ("/ping", "/replicas_status"):
            app.router.add_get(path, self._alive)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_route("*", "/{path:.*}", self._query)
        return app

    async def stop(self) -> None:
        """Refuses new requests, lets running ones finish within the limit, stops the rest, closes sessions."""
        self._stopping = True
        deadline = time.monotonic() + self._limits.stop_seconds
        while self._running and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        for query_id in list(self._running):
            await self._kill(query_id)
        await asyncio.to_thread(self._workers.shutdown, wait=True, cancel_futures=True)
        self._stopper.shutdown(wait=True)
        self.sessions.close()

    async def _alive(self, request: web.Request) -> web.Response:
        return web.Response(text=_OK, headers=self._common())

    async def _metrics(self, request: web.Request) -> web.Response:
        return web.Response(text=self.metrics.text(requests=len(self._running), sessions=len(self.sessions)))

    def _common(self) -> dict[str, str]:
        return {"X-ClickHouse-Server-Display-Name": "nhip", "X-ClickHouse-Timezone": self._engine.timezone}

    async def _query(self, request: web.Request) -> web.StreamResponse:
        begun = time.monotonic()
        headers = self._common()
        try:
            return await self._answer(request, headers)
        except (ServerError, OSError, ValueError) as problem:
            if isinstance(problem, ConnectionError):
                raise
            # What is no error of the engine or of this endpoint: a full disk, a body that aiohttp cannot take apart.
            error = problem if isinstance(problem, ServerError) else ServerError(1001, "STD_EXCEPTION", str(problem))
            self.metrics.failed(error.code)
            headers |= {"X-ClickHouse-Exception-Code": str(error.code), "Content-Type": "text/plain; charset=UTF-8"}
            if error.code == 194:
                headers["WWW-Authenticate"] = 'Basic realm="ClickHouse"'
            return web.Response(status=error.status, body=error.body(self._engine.version).encode(), headers=headers)
        except Gone:
            self.metrics.queries["gone"] += 1
            raise ConnectionResetError("the client left before its result was sent") from None
        finally:
            self.metrics.seconds += time.monotonic() - begun

    async def _answer(self, request: web.Request, headers: dict[str, str]) -> web.StreamResponse:
        if request.method not in ("GET", "POST"):
            raise not_served(f"the method {request.method}", "use GET or POST.")
        if request.path != "/":
            return web.Response(status=404, text=f"There is no handle {request.path}: statements go to /, health checks to /ping.\n")
        query = dict(request.query)
        if request.method == "GET" and "query" not in query:
            return web.Response(text=_OK, headers=headers)
        account = self._accounts.check(request.headers, query)
        body = Body(self._limits, self._spool_dir)
        try:
            wanted = await self._receive(request, account, query, body)
            self.metrics.received_bytes += body.size
            headers["X-ClickHouse-Query-Id"] = wanted.query_id
            return await self._run(request, wanted, body, headers)
        finally:
            body.close()

    async def _receive(self, request: web.Request, account: Account, query: dict[str, str], body: Body) -> Request:
        """The body into `body`; the fields and tables of a multipart body into the request."""
        externals: list[External] = []
        if request.content_type == _MULTIPART:
            async for part in await request.multipart():
                if not isinstance(part, BodyPartReader) or part.name is None:
                    raise not_served("nested multipart bodies", "send fields and external tables as plain parts with a name.")
                data = await self._part(part, body)
                if part.filename is None:
                    query[part.name] = data.decode("utf-8", "surrogateescape")
                else:
                    externals.append(external(part.name, data, query))
        else:
            await body.receive(request.content.iter_any())
        return read(account, CIMultiDict(request.headers), query, tuple(externals))

    async def _part(self, part: BodyPartReader, body: Body) -> bytes:
        """One part, in memory; all parts together are limited."""
        data = bytearray()
        while piece := await part.read_chunk():
            data += piece
            body.size += len(piece)
            if body.size > self._limits.form_bytes:
                raise ServerError(307, "TOO_MANY_BYTES", f"The form is longer than {self._limits.form_bytes} bytes; insert larger tables.")
        return bytes(data)

    async def _run(self, request: web.Request, wanted: Request, body: Body, headers: dict[str, str]) -> web.StreamResponse:
        out = _encoder(wanted, headers)
        delivery = Delivery(request, out, headers, self._limits, hold=wanted.hold, spool_dir=self._spool_dir)
        try:
            await self._admitted(wanted, request.method == "GET", body, delivery)
            self.metrics.queries["ok"] += 1
            return await delivery.close()
        except ServerError as error:
            # In a thread: the rest of the response waits for the client.
            if not await asyncio.to_thread(delivery.fail, error, self._engine.version):
                headers.pop("Content-Encoding", None)
                raise
            self.metrics.failed(error.code)
            return await delivery.close()
        finally:
            delivery.discard()
            self.metrics.sent_bytes += delivery.sent_bytes

    async def _admitted(self, wanted: Request, reading: bool, body: Body, delivery: Delivery) -> None:
        """Runs the request when a worker is free; the session and the query id are its own until the worker is done with them."""
        if self._stopping:
            raise too_many("The endpoint is stopping; retry when it is back.")
        if len(self._running) >= self._limits.workers + self._limits.queue:
            raise too_many(f"Too many simultaneous queries. Maximum: {self._limits.workers} and {self._limits.queue} waiting; retry.")
        if wanted.query_id in self._running:
            raise ServerError(216, "QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING", f"Query with id = {wanted.query_id} is already running.")
        session = self.sessions.take(wanted)
        execution = Execution(self._tools, wanted, session, reads_only=wanted.account.readonly or reading)
        self._running[wanted.query_id] = execution
        work = asyncio.get_running_loop().run_in_executor(self._workers, execution.run, body.pieces(), delivery)
        work.add_done_callback(lambda ended: self._done(ended, wanted, session))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            delivery.abandon()
            if execution.reading:
                await self._kill(wanted.query_id)
            # The body and the delivery are the worker's until it ends: an insert is not broken off.
            await asyncio.wait([work])
            self.metrics.queries["gone"] += 1
            raise

    def _done(self, ended: asyncio.Future[None], wanted: Request, session: Session | None) -> None:
        if not ended.cancelled():
            ended.exception()  # whoever has gone does not ask for it
        del self._running[wanted.query_id]
        self.sessions.give_back(session)

    async def _kill(self, query_id: str) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._stopper, self._engine.kill, query_id)
        except ServerError as error:
            log.warning("a query could not be stopped", query_id=query_id, error=str(error))


def _encoder(wanted: Request, headers: dict[str, str]) -> Encoder:
    if wanted.native_blocks_out:
        return Blocks()
    encoding = choose(wanted.accept_encoding)
    if encoding:
        headers["Content-Encoding"] = encoding
    return encoder(encoding)
