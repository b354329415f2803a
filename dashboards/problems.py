"""What goes wrong with a request, and the answer to it: status, title, and what to do next."""

from __future__ import annotations

from pydantic import ValidationError
from starlette.exceptions import HTTPException

from dashboards.accounts import AccountError
from dashboards.board import Forbidden, Missing
from dashboards.database import DatabaseError
from dashboards.inquiries import RequestError
from dashboards.journal import JournalError
from dashboards.moments import MomentError
from dashboards.pages.backtests import OrderError
from dashboards.web import TooLarge
from dashboards.words import TEXT
from indicators.emergency import EmergencyError


class NotSignedIn(Exception):
    """The request has no valid session."""


class Busy(Exception):
    """A rate limit; `seconds` until the next try."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = max(1, round(seconds))


class Expired(Exception):
    """A form without the token of its session, or from another site."""


def answer_of(error: Exception) -> tuple[int, str, str]:
    """(status, word of the title, text where the title's own does not say it) of an error."""
    match error:
        case NotSignedIn():
            return 401, "sign_in", ""
        case Busy():
            return 429, "bad_request", TEXT["too_many"].vi.format(seconds=error.seconds)
        case Expired():
            return 403, "bad_request", TEXT["expired"].vi
        case Forbidden():
            return 403, "forbidden", ""
        case Missing():
            return 404, "missing", ""
        case DatabaseError():
            return 503, "unavailable", ""
        case JournalError() | AccountError():
            return 503, "not_written" if isinstance(error, JournalError) else "sign_in", str(error)
        case MomentError() | EmergencyError() | RequestError() | OrderError():
            return 400, "bad_request", str(error)
        case ValidationError():
            first = error.errors(include_url=False, include_input=False)[0]
            return 400, "bad_request", f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        case TooLarge():
            return 413, "bad_request", ""
        case HTTPException():
            return error.status_code, "missing" if error.status_code == 404 else "bad_request", ""
    raise error
