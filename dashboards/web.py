"""Answers of the board: templates, headers, cookies, errors. Pages carry no inline script or style, and nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from dashboards.access import SUBJECT
from dashboards.board import Visit
from dashboards.terms import DEPTHS, ROLES
from dashboards.words import TEXT, Language

HERE: Final = Path(__file__).resolve().parent
STATIC: Final = HERE / "static"
MOST_BODY: Final = 64 * 1024
LANGUAGE_COOKIE: Final = "nhip_lang"
SEEN_COOKIE: Final = "nhip_seen"
YEAR_SECONDS: Final = 365 * 86_400
SECURITY: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
PLACES: Final = ("overview", "ranking", "map", "projects", "alerts", "emergency", "tasks", "report", "supply", "operations")
"""Pages of the menu in its order; each key is a word and a route."""
WITHIN: Final = {"": "overview", "indicator": "overview", "requests": "alerts", "rules": "alerts"}
"""First part of an address → the place of the menu it belongs to, where that has another name."""


class TooLarge(Exception):
    """A form's body is longer than MOST_BODY."""


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The templates: escaped, and strict about names, so that a page never shows a hole."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.globals["asset"] = asset
    return made


@lru_cache(maxsize=32)
def asset(name: str) -> str:
    """The address of a static file with the digest of its content, so that a new version is fetched at once."""
    return f"/static/{name}?{sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"


def language_of(request: Request) -> Language:
    """The reader's language: of the address, else of the cookie, else Vietnamese."""
    wanted = request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE)
    return "en" if wanted == "en" else "vi"


def address(request: Request, **changes: str) -> str:
    """The present address with some parameters changed; an empty value takes one away."""
    kept = {**dict(request.query_params), **changes}
    query = urlencode({k: v for k, v in kept.items() if v})
    return f"{request.url.path}?{query}" if query else request.url.path


def render(request: Request, template: str, language: Language, shown: Mapping[str, Any], status: int = 200) -> Response:
    """A page in a language. `shown`: what the template names, beside the words and the address."""

    def text(key: str, **values: object) -> str:
        return TEXT[key].of(language).format(**values)

    common: dict[str, Any] = {
        "t": text,
        "lang": language,
        "other": "vi" if language == "en" else "en",
        "path": request.url.path,
        "address": lambda **changes: address(request, **changes),
        "places": PLACES,
        "section": WITHIN.get(part := request.url.path.split("/")[1], part),
        "visit": None,
        "token": "",
        "provinces": (),
    }
    body = environment().get_template(template).render(**{**common, **shown})
    response = Response(body, status, {"Cache-Control": "no-store", "Vary": "Cookie"}, "text/html; charset=utf-8")
    if request.query_params.get("lang") in ("vi", "en"):
        response.set_cookie(LANGUAGE_COOKIE, language, YEAR_SECONDS, httponly=True, samesite="lax")
    return response


def frame(visit: Visit) -> dict[str, Any]:
    """What the frame of every page shows of its reader."""
    access, language = visit.access, visit.language
    provinces = visit.board.vocabulary.territories("province")
    subjects = access.depth >= SUBJECT
    hidden = {name for name, open_ in (("projects", subjects), ("operations", subjects and access.whole_country)) if not open_}
    return {
        "visit": visit,
        "token": visit.board.sessions.token(visit.session),
        "role": ROLES[visit.account.role].of(language),
        "depth": DEPTHS[access.depth].of(language),
        "scopes": [visit.lookup.text("country")] if access.whole_country else [visit.territory_name(c) for c in access.territories],
        "provinces": [(p.code, p.name_vi) for p in provinces if access.sees(p.code, visit.board.vocabulary)],
        "hidden": hidden,
    }


async def form(request: Request) -> dict[str, str]:
    """The fields of an urlencoded form, the last of equal names. Raises TooLarge."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BODY:
            raise TooLarge
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def same_origin(headers: Headers) -> bool:
    """Whether a request that changes something comes from our own page: browsers say so in Origin; absent: another client."""
    origin = headers.get("origin")
    return origin is None or origin.partition("://")[2] == headers.get("host")
