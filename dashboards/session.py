"""Signed cookies: who is signed in, since when, and the token that forms carry against forged requests (CSRF).

A cookie is `payload.signature`, base64url without padding; HMAC-SHA256 under the board's key. It names the account and its stamp: a
changed password or right ends the session. Of a reader whom a provider vouched for it names the row of the mapping that let him in; the
rights are that row's of now. Nothing in it is secret, all of it is authentic.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from dashboards.accounts import Account

COOKIE: Final = "nhip_session"
KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Federated:
    """What a session carries of a reader whom an OpenID Connect provider vouched for: the row of the mapping, the title and territories."""

    grant: str
    title: str
    territories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in reader: `until` in epoch ms; `nonce` makes two sessions of one account differ; `federated` None: a local account."""

    account: str
    stamp: str
    until: int
    nonce: str
    federated: Federated | None = None


class Sessions:
    """Makes and reads sessions under one key."""

    def __init__(self, key: bytes, hours: float) -> None:
        if len(key) < KEY_BYTES:
            raise ValueError("khóa phiên cần ít nhất 32 byte / the session key needs at least 32 bytes")
        self._key, self._milliseconds = key, int(hours * 3_600_000)

    def begin(self, account: Account, now: int, federated: Federated | None = None) -> Session:
        """A new session of an account, from `now` (epoch ms)."""
        return Session(account.name, account.stamp, now + self._milliseconds, secrets.token_urlsafe(16), federated)

    def written(self, session: Session) -> str:
        """The cookie's value."""
        payload = urlsafe_b64encode(json.dumps(asdict(session)).encode()).rstrip(b"=")
        return f"{payload.decode()}.{self._sign(payload)}"

    def read(self, cookie: str, now: int) -> Session | None:
        """The session of a cookie; None where it is forged, broken or over."""
        payload, _, signature = cookie.partition(".")
        if not hmac.compare_digest(self._sign(payload.encode()).encode(), signature.encode()):
            return None
        try:
            session = _session(json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))
        except (ValueError, TypeError):
            return None
        return session if session.until > now else None

    def token(self, session: Session | None) -> str:
        """What forms of this session carry; without a session, a constant of the sign-in form (guarded by origin and SameSite)."""
        return self._sign(f"csrf:{session.nonce if session else ''}".encode())

    def _sign(self, payload: bytes) -> str:
        return hmac.new(self._key, payload, sha256).hexdigest()


def _session(fields: dict[str, Any]) -> Session:
    carried = fields.pop("federated", None)
    federated = Federated(carried["grant"], carried["title"], tuple(carried["territories"])) if carried else None
    return Session(**fields, federated=federated)


def key(given: str, path: Path) -> bytes:
    """The session key: the given one, or the kept one, made on first use (mode 600)."""
    if given:
        return given.encode()
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_hex(KEY_BYTES).encode())
        beside.replace(path)
    return path.read_bytes()
