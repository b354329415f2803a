"""The door: who comes in by password or by an OpenID Connect provider, whose session a request carries, and the way out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from dashboards import web
from dashboards.accounts import Account
from dashboards.board import Board, Missing, Visit
from dashboards.federation import Unmapped
from dashboards.journal import JournalError
from dashboards.oidc import CALLBACK, TURN_MS, Provider
from dashboards.oidc_http import ProviderAway
from dashboards.oidc_token import TokenRefused
from dashboards.problems import Busy, Expired, NotSignedIn
from dashboards.session import COOKIE, Federated, Session
from dashboards.words import TEXT
from transport.audit import Deed

log = structlog.get_logger(__name__)

TURN_COOKIE: Final = "nhip_turn"
TURN_PATH: Final = "/sign-in"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the sign-in page shows: the page to go to afterwards, the name given, and what is said."""

    goal: str = "/"
    name: str = ""
    said: str = ""
    out: bool = False


class Door:
    """The handlers of the sign-in page, over one Board."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def routes(self) -> list[Route]:
        """The addresses of the door."""
        return [
            Route("/sign-in", self._sign_in, methods=["GET", "POST"]),
            Route("/sign-in/begin", self._begin, methods=["GET"]),
            Route(CALLBACK, self._finish, methods=["GET"]),
            Route("/sign-out", self._sign_out, methods=["POST"]),
            Route("/sign-out/provider", self._end, methods=["GET"]),
        ]

    def visit(self, request: Request) -> Visit:
        """The signed-in reader of a request. Raises NotSignedIn, Busy or AccountError."""
        board, now = self._board, self._board.clock()
        session = board.sessions.read(request.cookies.get(COOKIE, ""), now)
        account = board.account(session) if session else None
        if session is None or account is None:
            raise NotSignedIn
        wait = board.requests.take(account.name)
        if wait:
            raise Busy(wait)
        seen = request.cookies.get(web.SEEN_COOKIE, "")
        return Visit(board, account, session, web.language_of(request), now, int(seen) if seen.isdigit() and len(seen) < 15 else 0)

    async def form(self, request: Request, session: Session | None) -> dict[str, str]:
        """The fields of a form of ours. Raises Expired or web.TooLarge."""
        fields = await web.form(request)
        if not web.same_origin(request.headers) or fields.get("token") != self._board.sessions.token(session):
            raise Expired
        return fields

    async def _sign_in(self, request: Request) -> Response:
        shown = Shown(_goal(request), out=request.query_params.get("out") == "1")
        if request.method == "GET":
            return self._page(request, shown)
        fields = await self.form(request, None)
        shown = replace(shown, name=fields.get("name", "").strip().lower()[:64], out=False)
        wait = max(self._board.attempts.take(f"name:{shown.name}"), self._wait(request))
        if wait:
            return self._page(request, replace(shown, said=_too_many(request, wait)), 429)
        account = await asyncio.to_thread(self._board.accounts.find, shown.name, SecretStr(fields.get("password", "")))
        if account is None:
            log.warning("board.sign_in_refused", account=shown.name, address=_from(request))
            return self._page(request, replace(shown, said=TEXT["wrong"].of(web.language_of(request))), 401)
        return await self._let_in(request, account, None, shown.goal)

    async def _begin(self, request: Request) -> Response:
        """Send the browser to the provider."""
        provider, shown = self._provider(), Shown(_goal(request))
        wait = self._wait(request)
        if wait:
            return self._page(request, replace(shown, said=_too_many(request, wait)), 429)
        try:
            address, state = await provider.begin(shown.goal)
        except ProviderAway:
            return self._refused(request, "oidc_away", 503)
        response = RedirectResponse(address, 303, {"Cache-Control": "no-store"})
        secure = self._board.settings.board_secure_cookies
        response.set_cookie(TURN_COOKIE, state, TURN_MS // 1000, path=TURN_PATH, httponly=True, samesite="lax", secure=secure)
        return response

    async def _finish(self, request: Request) -> Response:
        """The browser comes back from the provider. What is refused is said on the page and written down."""
        provider, who = self._provider(), ""
        try:
            claims, goal = await provider.finish(request.query_params, request.cookies.get(TURN_COOKIE, ""))
            who = str(claims["sub"])[:200]
            account, carried = self._board.grants.let_in(claims)
        except ProviderAway:
            return self._refused(request, "oidc_away", 503)
        except (TokenRefused, Unmapped) as error:
            reason = error.reason if isinstance(error, TokenRefused) else "oidc_unmapped"
            log.warning("board.sign_in_refused", why=reason, address=_from(request))
            refused = Deed(at=self._board.clock(), actor=who, did="board.sign_in_refused", on=_from(request), why=reason, via="board")
            await self._noted(refused)
            return self._refused(request, reason, 403)
        response = await self._let_in(request, account, carried, goal, who)
        response.delete_cookie(TURN_COOKIE, TURN_PATH)
        return response

    async def _let_in(self, request: Request, account: Account, carried: Federated | None, goal: str, subject: str = "") -> Response:
        """A session of an account begins, and stands in the audit. `subject`: the person's name at the provider."""
        board, now = self._board, self._board.clock()
        facts = {"issuer": board.settings.board_oidc_issuer, "subject": subject} if carried else {}
        did = Deed(at=now, actor=account.name, office=account.title_vi, did="board.sign_in", on=_from(request), facts=facts, via="board")
        await self._noted(did)
        session = board.sessions.begin(account, now, carried)
        response = RedirectResponse(goal, 303)
        seconds, secure = int((session.until - now) / 1000), board.settings.board_secure_cookies
        response.set_cookie(COOKIE, board.sessions.written(session), seconds, httponly=True, samesite="lax", secure=secure)
        return response

    async def _noted(self, deed: Deed) -> None:
        try:
            await self._board.journal.deed(deed)
        except JournalError:
            log.error("board.sign_in_not_written", account=deed.actor)  # a leader is let in while Kafka is away; the log holds it

    async def _sign_out(self, request: Request) -> Response:
        visit = self.visit(request)
        await self.form(request, visit.session)
        response = RedirectResponse("/sign-in?out=1" if visit.session.federated else "/sign-in", 303)
        response.delete_cookie(COOKIE)
        return response

    async def _end(self, request: Request) -> Response:
        """On to the provider's own way out."""
        try:
            address = await self._provider().end_address()
        except ProviderAway:
            return self._refused(request, "oidc_away", 503)
        return RedirectResponse(address or "/sign-in", 303)

    def _provider(self) -> Provider:
        if self._board.provider is None:
            raise Missing
        return self._board.provider

    def _wait(self, request: Request) -> float:
        return self._board.attempts.take(f"from:{_from(request)}")

    def _refused(self, request: Request, reason: str, status: int) -> Response:
        said = TEXT[reason].of(web.language_of(request)).format(name=self._board.settings.board_oidc_name)
        return self._page(request, Shown(said=said), status)

    def _page(self, request: Request, shown: Shown, status: int = 200) -> Response:
        page: dict[str, Any] = {
            "next": shown.goal,
            "token": self._board.sessions.token(None),
            "said": shown.said,
            "name": shown.name,
            "out": shown.out,
            "provider": self._board.settings.board_oidc_name if self._board.provider else "",
        }
        return web.render(request, "sign_in.html", web.language_of(request), page, status)


def _goal(request: Request) -> str:
    """The page to go to afterwards: one of ours."""
    goal = request.query_params.get("next", "/")
    return goal if goal.startswith("/") and not goal.startswith(("//", "/\\")) else "/"


def _too_many(request: Request, wait: float) -> str:
    return TEXT["too_many"].of(web.language_of(request)).format(seconds=max(1, round(wait)))


def _from(request: Request) -> str:
    return request.client.host if request.client else ""
