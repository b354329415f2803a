"""Who may ask: two accounts, one that reads and writes, one that only reads; names and passwords come from `transport.settings`."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from ops.clickhouse.errors import ServerError
from transport.settings import Settings


@dataclass(frozen=True, slots=True)
class Account:
    """One user of the endpoint."""

    name: str
    password: SecretStr
    readonly: bool


class Accounts:
    """The known accounts. Comparison takes the same time for a wrong name and a wrong password."""

    def __init__(self, accounts: tuple[Account, ...]) -> None:
        if len({a.name for a in accounts}) != len(accounts):
            raise ValueError("both ClickHouse accounts have one name: set NHIP_CLICKHOUSE_USER, NHIP_CLICKHOUSE_READER_USER apart")
        self._accounts = accounts

    @classmethod
    def of(cls, settings: Settings) -> Accounts:
        """The writer and the reader of the installation's settings."""
        return cls(
            (
                Account(settings.clickhouse_user, settings.clickhouse_password, readonly=False),
                Account(settings.clickhouse_reader_user, settings.clickhouse_reader_password, readonly=True),
            )
        )

    def check(self, headers: Mapping[str, str], query: Mapping[str, str]) -> Account:
        """The account of a request. Raises code 194 without credentials, 516 with wrong or mixed ones."""
        name, password = _credentials(headers, query)
        match: Account | None = None
        for account in self._accounts:
            same_name = hmac.compare_digest(account.name.encode(), name.encode())
            same_password = hmac.compare_digest(account.password.get_secret_value().encode(), password.encode())
            if same_name and same_password:
                match = account
        if match is None:
            raise _failed(f"{name}: Authentication failed: password is incorrect, or there is no user with such name.")
        return match


def _credentials(headers: Mapping[str, str], query: Mapping[str, str]) -> tuple[str, str]:
    ways = [
        "Authorization" in headers,
        "X-ClickHouse-User" in headers or "X-ClickHouse-Key" in headers,
        "user" in query or "password" in query,
    ]
    if sum(ways) == 0:
        how = "send HTTP Basic credentials, or X-ClickHouse-User and X-ClickHouse-Key, or user and password."
        raise ServerError(194, "REQUIRED_PASSWORD", f"Authentication required: {how}")
    if sum(ways) > 1:
        raise _failed("Invalid authentication: credentials were given in more than one way; use one of them.")
    if ways[0]:
        return _basic(headers["Authorization"])
    if ways[1]:
        return headers.get("X-ClickHouse-User", ""), headers.get("X-ClickHouse-Key", "")
    return query.get("user", ""), query.get("password", "")


def _basic(header: str) -> tuple[str, str]:
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        raise _failed(f"Invalid authentication: the scheme {scheme!r} is not served; use Basic.")
    try:
        name, colon, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise _failed("Invalid authentication: the Basic credentials are not Base64 of name:password in UTF-8.") from None
    if not colon:
        raise _failed("Invalid authentication: the Basic credentials lack the colon between name and password.")
    return name, password


def _failed(message: str) -> ServerError:
    return ServerError(516, "AUTHENTICATION_FAILED", message)
