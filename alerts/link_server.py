"""A small HTTP endpoint for signed links, on loopback behind the site's own gateway: GET shows what can be done, POST does it once.

Nothing of a request is logged: its path is a capability. Bodies are small, waits are bounded, one thread a request.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import structlog

from alerts.action import Action
from alerts.link_page import HEADERS, LONGEST_NOTE, FormError, Page, act_of, asking, done, refused
from alerts.links import LinkError, Links
from alerts.writer import WriteError

PREFIX = "/a/"
MOST_BYTES = 12 * LONGEST_NOTE
"""A letter of Vietnamese is up to nine bytes in a form."""
REQUEST_SECONDS = 10.0
LATER_VI = "Chưa ghi được, hãy thử lại sau ít phút | could not be written: try again in a few minutes"

log = structlog.get_logger(__name__)


class LinkServer:
    """Serves from `start` to `close`. `record` writes an act and raises WriteError where it cannot; `clock`: epoch ms."""

    def __init__(self, links: Links, record: Callable[[Action], None], clock: Callable[[], int], host: str, port: int) -> None:
        self._links, self._record, self._clock = links, record, clock
        self._server = ThreadingHTTPServer((host, port), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.2}, name="links", daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def __enter__(self) -> LinkServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(REQUEST_SECONDS)

    def answer(self, path: str, form: bytes | None) -> Page:
        """The page for a GET (`form` None) or a POST."""
        if not path.startswith(PREFIX):
            return refused(404, "Không có trang này | no such page")
        now = self._clock()
        try:
            claim = self._links.claim(path.removeprefix(PREFIX), now)
            if form is None:
                return asking(claim)
            act = act_of(claim, form, now)
            self._record(act)
        except LinkError as error:
            return refused(403, str(error))
        except FormError as error:
            return refused(400, str(error))
        except WriteError as error:
            log.error("an act by link could not be written", error=str(error))
            return refused(503, LATER_VI)
        return done(act)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answer = self.answer

        class Handler(BaseHTTPRequestHandler):
            """One request."""

            timeout = REQUEST_SECONDS
            server_version, sys_version = "nhip", ""

            def do_GET(self) -> None:
                """Show."""
                self._send(answer(self.path, None))

            def do_POST(self) -> None:
                """Act."""
                length = self.headers.get("content-length", "")
                if not length.isascii() or not length.isdigit() or int(length) > MOST_BYTES:
                    self.close_connection = True
                    self._send(refused(413, "Biểu mẫu quá lớn | the form is too large"))
                    return
                self._send(answer(self.path, self.rfile.read(int(length))))

            def _send(self, page: Page) -> None:
                body = page.html.encode()
                self.send_response(page.status)
                for name, value in HEADERS.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Paths are capabilities: nothing is written down."""

        return Handler
