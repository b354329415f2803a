"""Sessions: what `session_id` keeps between requests: settings that were SET, the current database, temporary tables.

A session is locked while a request runs in it. It gets a connection of its own only with its first statement that changes it:
clients that send a session id with every request but never use it cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ops.clickhouse.engine import Link
from ops.clickhouse.errors import ServerError, too_many
from ops.clickhouse.request import Request


@dataclass(slots=True)
class Session:
    """One session. `assigned` are settings as SQL literals."""

    seconds: int
    deadline: float
    busy: bool = True
    link: Link | None = None
    database: str = ""
    assigned: dict[str, str] = field(default_factory=dict)

    def close(self) -> None:
        if self.link is not None:
            self.link.close()
            self.link = None


class Sessions:
    """All sessions of the endpoint, by user and id. For the event loop's thread; `clock` gives seconds that never go back."""

    def __init__(self, limit: int, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._clock = clock
        self._sessions: dict[tuple[str, str], Session] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def take(self, request: Request) -> Session | None:
        """The request's session, locked; None for a request without one. Raises code 372, 373 or 202."""
        if not request.session_id:
            return None
        key = (request.account.name, request.session_id)
        session = self._sessions.get(key)
        if session is not None and session.busy:
            raise ServerError(373, "SESSION_IS_LOCKED", f"Session {request.session_id} is locked by a concurrent client.")
        if session is None:
            if request.session_must_exist:
                raise ServerError(372, "SESSION_NOT_FOUND", f"Session {request.session_id} not found.")
            if len(self._sessions) >= self._limit:
                raise too_many(f"Too many sessions: {self._limit} are open; retry when one has expired.")
            session = self._sessions[key] = Session(request.session_seconds, 0.0)
        session.busy = True
        session.seconds = request.session_seconds
        return session

    def give_back(self, session: Session | None) -> None:
        """Unlocks a session; it expires when its seconds pass without a request."""
        if session is not None:
            session.busy = False
            session.deadline = self._clock() + session.seconds

    def expire(self) -> None:
        """Closes the sessions whose time has passed."""
        now = self._clock()
        for key in [k for k, s in self._sessions.items() if not s.busy and s.deadline <= now]:
            self._sessions.pop(key).close()

    def close(self) -> None:
        """Closes every session: the endpoint stops."""
        while self._sessions:
            self._sessions.popitem()[1].close()
