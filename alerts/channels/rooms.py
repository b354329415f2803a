"""The long tail: rooms of other services (Teams, Slack, Matrix, Webex …) through apprise, one channel each.

An address of apprise carries its secrets, so it comes from the environment (NHIP_ROOMS: name → address) and is never shown. Rules name the
channel `room_<name>`. Apprise knows no key against repetitions and says of a failure only that it was one.
"""

from __future__ import annotations

import logging
import warnings

import apprise
from pydantic import SecretStr

from alerts.channels.contract import Message, Outcome, Repeat, RoomError
from alerts.channels.rest import TIMEOUT_SECONDS

PREFIX = "room_"
logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # its lines may hold addresses


class Room:
    """Sends to one room. Raises RoomError."""

    repeat: Repeat = "blind"
    rings = False
    stand_in = ""

    def __init__(self, room: str, address: SecretStr, *, timeout: float = TIMEOUT_SECONDS) -> None:
        self.name, self._timeout = PREFIX + room, timeout
        self._apprise = apprise.Apprise()
        with warnings.catch_warnings():
            # Its services are imported by the first address; one of them imports a module that Python will drop.
            warnings.simplefilter("ignore", DeprecationWarning)
            known = self._apprise.add(address.get_secret_value())
        if not known:
            raise RoomError(f"NHIP_ROOMS: {room}: địa chỉ không dùng được | not an address apprise knows; see its list of services")
        for service in self._apprise:
            service.socket_connect_timeout = service.socket_read_timeout = timeout

    def send(self, message: Message) -> Outcome:
        """One message to one room."""
        text = f"{message.text}\n\nMã cảnh báo: {message.alert_id[:8]}"
        result = self._apprise.notify(body=text, title=message.subject, body_format="text", timeout=2 * self._timeout)
        if result:
            return Outcome(True)
        late = result.status is apprise.AppriseResultStatus.TIMEOUT
        what = "no answer within the time limit" if late else "the service refused or could not be reached; check NHIP_ROOMS and the line"
        # Apprise does not tell a refusal from an answer that was lost.
        return Outcome.failed(f"room_{result.status.name.lower()}", what, retryable=True, certain=False)

    def ask(self, message: Message) -> Outcome | None:
        """A room has no question by our key."""
        return None

    def close(self) -> None:
        """Nothing is held open."""
