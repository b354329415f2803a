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
from pydantic import SecretStr, ValidationError
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
from dashboards.events import Streams, stream
from dashboards.export import MEDIA, SUFFIX
from dashboards.inquiries import RequestError
from dashboards.journal import JournalError
from dashboards.moments import MomentError
from dashboards.problems import Busy, Expired, NotSignedIn, answer_of
from dashboards.report import DOCUMENTS, encoded
from dashboards.routes import FORMS, PAGES, Form, Page
from dashboards.session import COOKIE, Session
from dashboards.words import TEXT, Language
from indicators.emergency import EmergencyError
from transport.audit import Deed

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
        self._board, self._streams = board, Streams()
        self._document = openapi.document(PAGES, FORMS)

    def starlette(self) -> Starlette:
        """Routes, error pages and life."""
        routes = [Route(page.path, self._page(page), methods=["GET"]) for page in PAGES]
        routes += [
            *(Route(form.path, self._written(form), methods=["POST"]) for form in FORMS),
            Route("/sign-in", self._sign_in, methods=["GET", "POST"]),
            Route("/sign-out", self._sign_out, methods=["POST"]),
            Route("/events", self._events, methods=["GET"]),
            Route("/openapi.json", self._openapi, methods=["GET"]),
            Route("/static/{name}", self._static, methods=["GET"]),
        ]
        kinds = (
            NotSignedIn, Busy, Expired, Forbidden, Missing, DatabaseError, JournalError,
            AccountError, MomentError, EmergencyError, RequestError, ValidationError, web.TooLarge, HTTPException,
        )  # fmt: skip
        handlers: dict[Any, Any] = dict.fromkeys(kinds, self._problem)
        return Starlette(routes=routes, exception_handlers=handlers, lifespan=self._life)

    @asynccontextmanager
    async def _life(self, _app: Starlette) -> AsyncIterator[None]:
        followers = [one for one in (self._board.follower, self._board.ordered) if one is not None]
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
            visit = self._visit(request)
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

    def _visit(self, request: Request) -> Visit:
        """The signed-in reader of a request. Raises NotSignedIn, Busy or AccountError."""
        board, now = self._board, self._board.clock()
        session = board.sessions.read(request.cookies.get(COOKIE, ""), now)
        account = board.accounts.accounts().get(session.account) if session else None
        if session is None or account is None or account.stamp != session.stamp:
            raise NotSignedIn
        wait = board.requests.take(account.name)
        if wait:
            raise Busy(wait)
        seen = request.cookies.get(web.SEEN_COOKIE, "")
        return Visit(board, account, session, web.language_of(request), now, int(seen) if seen.isdigit() and len(seen) < 15 else 0)

    def _written(self, form: Form) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            visit = self._visit(request)
            fields = await self._form(request, visit.session)
            given = form.fields.model_validate({k: v for k, v in fields.items() if v})
            await form.work(visit, given, request.path_params)
            return RedirectResponse(form.goal(request.path_params), 303)

        return handle

    async def _form(self, request: Request, session: Session | None) -> dict[str, str]:
        """The fields of a form of ours. Raises Expired or web.TooLarge."""
        fields = await web.form(request)
        if not web.same_origin(request.headers) or fields.get("token") != self._board.sessions.token(session):
            raise Expired
        return fields

    async def _sign_in(self, request: Request) -> Response:
        language = web.language_of(request)
        goal = request.query_params.get("next", "/")
        goal = goal if goal.startswith("/") and not goal.startswith(("//", "/\\")) else "/"
        shown = {"next": goal, "token": self._board.sessions.token(None), "said": "", "name": ""}
        if request.method == "GET":
            return web.render(request, "sign_in.html", language, shown)
        fields = await self._form(request, None)
        name = fields.get("name", "").strip().lower()[:64]
        wait = max(self._board.attempts.take(f"name:{name}"), self._board.attempts.take(f"from:{_from(request)}"))
        if wait:
            said = TEXT["too_many"].of(language).format(seconds=max(1, round(wait)))
            return web.render(request, "sign_in.html", language, {**shown, "said": said, "name": name}, 429)
        return await self._signed_in(request, name, SecretStr(fields.get("password", "")), language, shown)

    async def _signed_in(self, request: Request, name: str, password: SecretStr, language: Language, shown: dict[str, Any]) -> Response:
        board, now = self._board, self._board.clock()
        account = await asyncio.to_thread(board.accounts.find, name, password)
        if account is None:
            log.warning("board.sign_in_refused", account=name, address=_from(request))
            return web.render(request, "sign_in.html", language, {**shown, "said": TEXT["wrong"].of(language), "name": name}, 401)
        try:
            await board.journal.deed(Deed(at=now, actor=name, office=account.title_vi, did="board.sign_in", on=_from(request), via="board"))
        except JournalError:
            log.error("board.sign_in_not_written", account=name)  # a leader is let in while Kafka is away; the log holds it
        session = board.sessions.begin(account, now)
        response = RedirectResponse(str(shown["next"]), 303)
        seconds, secure = int((session.until - now) / 1000), board.settings.board_secure_cookies
        response.set_cookie(COOKIE, board.sessions.written(session), seconds, httponly=True, samesite="lax", secure=secure)
        return response

    async def _sign_out(self, request: Request) -> Response:
        visit = self._visit(request)
        await self._form(request, visit.session)
        response = RedirectResponse("/sign-in", 303)
        response.delete_cookie(COOKIE)
        return response

    async def _events(self, request: Request) -> Response:
        visit = self._visit(request)
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


def _from(request: Request) -> str:
    return request.client.host if request.client else ""
