"""The board's calls to an OpenID Connect provider: every one with a deadline, bounded in size, to safe addresses alone."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import ssl
from collections.abc import Mapping
from functools import cache
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx
import structlog
from pydantic import SecretStr

log = structlog.get_logger(__name__)

CALL_SECONDS: Final = 5.0
MOST_BYTES: Final = 512 * 1024


class ProviderAway(Exception):
    """The provider does not answer, or answers what is none; local accounts sign in as ever."""


def safe(address: str) -> bool:
    """Whether secrets may travel to an address: https, or http on loopback."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme == "https":
        return bool(host)
    try:
        return parts.scheme == "http" and (host == "localhost" or ipaddress.ip_address(host).is_loopback)
    except ValueError:
        return False


async def get(address: str) -> dict[str, Any]:
    """The JSON object at an address. Raises ProviderAway."""
    return await _called("GET", address, None, None)


async def exchange(address: str, fields: Mapping[str, str], client: str, secret: SecretStr) -> dict[str, Any]:
    """What the token endpoint answers to a form (RFC 6749, 4.1.3). A client with a secret says it in the Authorization header, both parts
    form-encoded (2.3.1). A refusal is an answer without tokens. Raises ProviderAway."""
    known = secret.get_secret_value()
    auth = httpx.BasicAuth(quote(client, safe=""), quote(known, safe="")) if known else None
    return await _called("POST", address, dict(fields), auth)


async def _called(method: str, address: str, fields: dict[str, str] | None, auth: httpx.BasicAuth | None) -> dict[str, Any]:
    where = urlsplit(address)._replace(query="").geturl()
    try:
        async with asyncio.timeout(CALL_SECONDS), _client() as client:
            headers = {"Accept": "application/json"}
            async with client.stream(method, address, data=fields, headers=headers, auth=auth) as answer:
                body = await _body(answer)
        if fields is not None and answer.status_code == httpx.codes.BAD_REQUEST:  # RFC 6749, 5.2: a code that is used, old or foreign
            return {}
        if answer.status_code != httpx.codes.OK:
            raise _away(where, f"HTTP {answer.status_code}")
        found = json.loads(body)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError, ValueError) as error:
        raise _away(where, type(error).__name__) from error
    if not isinstance(found, dict):
        raise _away(where, "not an object")
    return found


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=CALL_SECONDS, follow_redirects=False, verify=_trusted())


@cache
def _trusted() -> ssl.SSLContext:
    """The authorities that are trusted; read once, for that takes longer than a call."""
    return httpx.create_ssl_context()


async def _body(answer: httpx.Response) -> bytes:
    body = b""
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > MOST_BYTES:
            raise ValueError("longer than any answer of a provider")
    return body


def _away(where: str, why: str) -> ProviderAway:
    log.warning("board.oidc_away", address=where, why=why)
    return ProviderAway(why)
