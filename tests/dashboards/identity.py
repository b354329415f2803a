"""An OpenID Connect provider of the tests' own on loopback: discovery, keys, authorization with PKCE, tokens signed with real RSA keys.

It checks what the board sends as a provider does, and misbehaves where it is told to.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "nhip-board", "mật khẩu: của/bảng"
Claims = dict[str, Any]


class Identity:
    """The provider's state. `person`: claims of whoever signs in; `bend`: changes claims before signing; `sign`: makes the token."""

    def __init__(self, now: int) -> None:
        self.now, self.issuer = now // 1000, ""
        self.key = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})
        self.published = [self.key]
        self.person: Claims = {"sub": "an", "name": "Nguyễn An", "realm_access": {"roles": ["chi-dao"]}}
        self.bend: Callable[[Claims], Claims] = lambda claims: claims
        self.sign: Callable[[Claims], str] = lambda claims: jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)
        self.document: dict[str, Any] = {}
        self.slow = threading.Event()
        self.reads: list[str] = []
        self._codes: dict[str, dict[str, str]] = {}

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, dict[str, Any], str]:
        """(status, body, where to) of a GET."""
        self.reads.append(path)
        if path == "/.well-known/openid-configuration":
            pages = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys", "end_session_endpoint": "end"}
            return 200, {"issuer": self.issuer, **{name: f"{self.issuer}/{page}" for name, page in pages.items()}, **self.document}, ""
        if path == "/keys":
            encrypting = {"kty": "RSA", "use": "enc", "n": "AQAB", "e": "AQAB"}
            return 200, {"keys": [*(key.as_dict(private=False) for key in self.published), encrypting, {"kty": "oct", "k": "AA"}]}, ""
        if path == "/authorize":
            assert (query["response_type"], query["client_id"], query["code_challenge_method"]) == ("code", CLIENT, "S256")
            code = secrets.token_urlsafe(16)
            self._codes[code] = query
            return 302, {}, f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"
        return 404, {}, ""

    def token(self, fields: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """What the token endpoint answers: a code counts once, with its verifier, address and client."""
        asked = self._codes.pop(fields["code"], None)
        own = base64.b64encode(f"{quote(CLIENT, safe='')}:{quote(SECRET, safe='')}".encode()).decode()
        challenge = base64.urlsafe_b64encode(sha256(fields["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        right = asked and challenge == asked["code_challenge"] and fields["redirect_uri"] == asked["redirect_uri"]
        if not asked or not right or authorization != f"Basic {own}":
            return 400, {"error": "invalid_grant"}
        claims = {"iss": self.issuer, "aud": CLIENT, "exp": self.now + 300, "iat": self.now, "nonce": asked["nonce"], **self.person}
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": self.sign(self.bend(claims))}


def unsigned(claims: Claims) -> str:
    """A token of algorithm «none»."""
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts) + "."


@contextmanager
def identity(now: int) -> Iterator[Identity]:
    """A running provider whose clock stands at `now` (epoch ms)."""
    one = Identity(now)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name that http.server calls
            parts = urlsplit(self.path)
            self._send(*one.answer(parts.path, {k: v[0] for k, v in parse_qs(parts.query).items()}))

        def do_POST(self) -> None:  # the name that http.server calls
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            status, answer = one.token({k: v[0] for k, v in parse_qs(body).items()}, self.headers.get("authorization", ""))
            self._send(status, answer, "")

        def _send(self, status: int, body: dict[str, Any], to: str) -> None:
            deadline = time.monotonic() + 30
            while one.slow.is_set() and time.monotonic() < deadline:
                time.sleep(0.02)
            sent = json.dumps(body).encode()
            self.send_response(status)
            if to:
                self.send_header("Location", to)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_: Any) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    one.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield one
    finally:
        one.slow.clear()
        server.shutdown()
        thread.join(10)
        server.server_close()
