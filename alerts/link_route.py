"""Signed links at the door: GET shows what can be done, POST does it once."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from alerts.action import Action
from alerts.door import Answer, Asked
from alerts.link_page import HEADERS, FormError, Page, act_of, asking, done, refused
from alerts.links import LinkError, Links
from alerts.writer import WriteError

PREFIX = "/a/"
LATER_VI = "Chưa ghi được, hãy thử lại sau ít phút | could not be written: try again in a few minutes"

log = structlog.get_logger(__name__)


class LinkRoute:
    """`record` writes an act and raises WriteError where it cannot; `clock`: epoch ms."""

    def __init__(self, links: Links, record: Callable[[Action], None], clock: Callable[[], int]) -> None:
        self._links, self._record, self._clock = links, record, clock

    def __call__(self, asked: Asked) -> Answer:
        page = self._page(asked.path.removeprefix(PREFIX), asked.body if asked.method == "POST" else None)
        return Answer(page.status, page.html.encode(), HEADERS)

    def _page(self, token: str, form: bytes | None) -> Page:
        """The page for a GET (`form` None) or a POST."""
        now = self._clock()
        try:
            claim = self._links.claim(token, now)
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
