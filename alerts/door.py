"""A small HTTP endpoint on loopback, behind the site's own gateway: what people, providers and other systems say to this process.

One server, one route a prefix (`/a/` signed links, `/receipts/` providers' receipts, `/replies/` answers by text message, `/api/v1/` other
systems). Nothing of a request is logged: its path may be a capability. Bodies are small, waits are bounded, one thread a request.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MOST_BYTES = 65_536
REQUEST_SECONDS = 10.0
NO_PAGE = "Không có trang này | no such page"
TOO_LARGE = "Biểu mẫu quá lớn | the form is too large"
PLAIN_HEADERS: Mapping[str, str] = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request. `path` without its query; header names in small letters; `body` empty for a GET."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back. `headers` beside the length, the content type among them."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


Route = Callable[[Asked], Answer]


def said(status: int, **content: Any) -> Answer:
    """An answer in JSON."""
    headers = {"content-type": "application/json; charset=utf-8", **PLAIN_HEADERS}
    return Answer(status, json.dumps(content, ensure_ascii=False).encode(), headers)


class Door:
    """Serves between `with` and its end. `routes`: prefix of the path → who answers. Raises OSError where the port is taken."""

    def __init__(self, routes: Mapping[str, Route], host: str, port: int) -> None:
        self._routes = dict(sorted(routes.items(), key=lambda pair: -len(pair[0])))
        self._server = ThreadingHTTPServer((host, port), _handler(self.answer))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.2}, name="door", daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Door:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(REQUEST_SECONDS)

    def answer(self, asked: Asked) -> Answer:
        """The answer of the route with the longest prefix."""
        for prefix, route in self._routes.items():
            if asked.path.startswith(prefix):
                return route(asked)
        return said(404, error=NO_PAGE)


def _handler(answer: Route) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """One request."""

        timeout = REQUEST_SECONDS
        server_version, sys_version = "nhip", ""

        def do_GET(self) -> None:
            """Show, or a provider's report in the query."""
            self._send(answer(self._asked(b"")))

        def do_POST(self) -> None:
            """Act."""
            length = self.headers.get("content-length", "")
            if not length.isascii() or not length.isdigit() or int(length) > MOST_BYTES:
                self.close_connection = True
                self._send(said(413, error=TOO_LARGE))
                return
            self._send(answer(self._asked(self.rfile.read(int(length)))))

        def _asked(self, body: bytes) -> Asked:
            path, _, query = self.path.partition("?")
            return Asked(self.command, path, query, {name.lower(): value for name, value in self.headers.items()}, body)

        def _send(self, made: Answer) -> None:
            self.send_response(made.status)
            for name, value in made.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(made.body)))
            self.end_headers()
            self.wfile.write(made.body)

        def log_message(self, format: str, *args: object) -> None:
            """Paths are capabilities: nothing is written down."""

    return Handler
