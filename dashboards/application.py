"""The board as an ASGI application: routes, the way of a request to its reader, and what becomes of errors.

The order of a request: limit by address, session, account's present rights, limit by account, parameters, page. Every answer carries the
security headers. A page that was asked for as json, csv or xlsx answers errors as problem+json (RFC 9457).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import quote

import structlog
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboards import openapi, web
from dashboards.accounts import AccountError
from dashboards.board import Answer, Board, Forbidden, Missing, Visit
from dashboards.database import DatabaseError
from dashboards.door import Door
from dashboards.events import Streams, stream
from dashboards.export import MEDIA, SUFFIX
from dashboards.inquiries import RequestError
from dashboards.journal import JournalError
from dashboards.moments import MomentError
from dashboards.pages.backtests import OrderError
from dashboards.problems import Busy, Expired, NotSignedIn, answer_of
from dashboards.report import DOCUMENTS, encoded
from dashboards.routes import FORMS, PAGES, Form, Page
from dashboards.words import TEXT
from indicators.emergency import EmergencyError

log = structlog.get_logger(__name__)

STATICS: Final = {"board.css": "text/css", "board.js": "text/javascript", "mark.svg": "image/svg+xml"}


def application(board: Board) -> ASGIApp:
    """The application over its parts; opens and closes them with its life."""
    return Headers(_Application(board).starlette())


class Headers:
    """Puts the security headers on every answer."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner
        self._headers = [(k.lower().encode(), v.encode()) for k, v in web.SECURITY.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *self._headers]}
            await send(message)

        await self._inner(scope, receive, sending)


class _Application:
    """The handlers, over one Board."""

    def __init__(self, board: Board) -> None:
        self._board, self._streams, self._door = board, Streams(), Door(board)
        self._document = openapi.document(PAGES, FORMS)

    def starlette(self) -> Starlette:
        """Routes, error pages and life."""
        routes = [Route(page.path, self._page(page), methods=["GET"]) for page in PAGES]
        routes += [
            *(Route(form.path, self._written(form), methods=["POST"]) for form in FORMS),
            *self._door.routes(),
            Route("/events", self._events, methods=["GET"]),
            Route("/openapi.json", self._openapi, methods=["GET"]),
            Route("/static/{name}", self._static, methods=["GET"]),
        ]
        kinds = (
            NotSignedIn, Busy, Expired, Forbidden, Missing, DatabaseError, JournalError,
            AccountError, MomentError, EmergencyError, RequestError, OrderError, ValidationError, web.TooLarge, HTTPException,
        )  # fmt: skip
        handlers: dict[Any, Any] = dict.fromkeys(kinds, self._problem)
        return Starlette(routes=routes, exception_handlers=handlers, lifespan=self._life)

    @asynccontextmanager
    async def _life(self, _app: Starlette) -> AsyncIterator[None]:
        followers = [one for one in (self._board.follower, self._board.ordered, self._board.backtests) if one is not None]
        for one in followers:
            one.start()
        try:
            yield
        finally:
            for one in followers:
                one.stop()
            await self._board.database.close()
            await self._board.journal.close()

    def _page(self, page: Page) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            visit = self._door.visit(request)
            query = page.query.model_validate({k: v for k, v in request.query_params.items() if v})
            answer = await page.handler(visit, query, request.path_params)
            form = request.query_params.get("format", "html")
            if form in MEDIA or (form in DOCUMENTS and answer.document is not None):
                return await self._export(visit, request, answer, form)
            response = web.render(request, answer.template, visit.language, {**web.frame(visit), **answer.shown}, answer.status)
            if page.path == "/":
                response.set_cookie(web.SEEN_COOKIE, str(visit.now), web.YEAR_SECONDS, httponly=True, samesite="lax")
            return response

        return handle

    async def _export(self, visit: Visit, request: Request, answer: Answer, form: str) -> Response:
        """The table of a page; files are written down in the audit before they are given out."""
        headers = {"Cache-Control": "no-store"}
        if form in DOCUMENTS and answer.document is not None:
            await visit.write_down(f"board.export_{form}", web.address(request))
            body = await asyncio.to_thread(encoded, answer.document, form)
            headers["Content-Disposition"] = f'attachment; filename="nhip-{answer.document.name}.{form}"'
            return Response(body, 200, headers, DOCUMENTS[form])
        if form != "json":
            await visit.write_down(f"board.export_{form}", web.address(request))
            headers["Content-Disposition"] = f'attachment; filename="nhip-{answer.table.name}.{SUFFIX.get(form, form)}"'
        return Response(answer.table.encoded(form), 200, headers, MEDIA[form])

    def _written(self, form: Form) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            visit = self._door.visit(request)
            fields = await self._door.form(request, visit.session)
            given = form.fields.model_validate({k: v for k, v in fields.items() if v})
            await form.work(visit, given, request.path_params)
            return RedirectResponse(form.goal(request.path_params), 303)

        return handle

    async def _events(self, request: Request) -> Response:
        visit = self._door.visit(request)
        if not self._streams.room(visit.account.name):
            raise Busy(30)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(stream(visit, self._streams), 200, headers, "text/event-stream")

    async def _openapi(self, _request: Request) -> Response:
        return JSONResponse(self._document)

    async def _static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in STATICS:
            raise Missing
        return FileResponse(web.STATIC / name, 200, {"Cache-Control": "public, max-age=86400"}, STATICS[name])

    async def _problem(self, request: Request, error: Exception) -> Response:
        """The answer to an error that people meet: a page of the board, or problem+json."""
        if isinstance(error, NotSignedIn) and _wants_page(request):
            return RedirectResponse(f"/sign-in?next={quote(web.address(request), safe='')}", 303)
        status, title, said = answer_of(error)
        language = web.language_of(request)
        heading, text = TEXT[title].of(language), said or (TEXT[f"{title}_why"].of(language) if f"{title}_why" in TEXT else "")
        retry = {"Retry-After": str(error.seconds)} if isinstance(error, Busy) else {}
        if _wants_page(request) or request.method == "POST":
            response = web.render(request, "error.html", language, {"heading": heading, "text": text, "status": status}, status)
        else:
            response = Response(
                json.dumps({"title": heading, "detail": text}, ensure_ascii=False), status, None, "application/problem+json"
            )
        response.headers.update(retry)
        return response


def _wants_page(request: Request) -> bool:
    return request.method == "GET" and request.query_params.get("format", "html") == "html" and request.url.path != "/events"
