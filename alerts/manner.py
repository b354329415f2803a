"""How messages leave: not at night where they would wake people, and with a link to answer by where there is somebody to answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time

from alerts.bundling import NO_THROTTLE, Throttle
from alerts.channels.contract import NOTHING_TO_ANSWER, Message, message_of
from alerts.clocks import QuietHours
from alerts.ledger import RECEIPT_MS
from alerts.links import VALID_MS, Claim, Links
from alerts.notification import Notification

NO_NIGHT = QuietHours(time(0), time(0))
READ_BY_PEOPLE = ("email", "sms", "sms_soap", "smpp")
"""Channels whose text may carry a link; ZNS forbids links in the body, console and webhook are read by machines and many eyes."""


@dataclass(frozen=True, slots=True)
class Manner:
    """The night that the grouped lane keeps; the maker of links, None: no links; the channels whose providers report delivery later;
    how many messages one recipient is sent by themselves."""

    night: QuietHours = NO_NIGHT
    links: Links | None = None
    reporting: frozenset[str] = frozenset()
    throttle: Throttle = NO_THROTTLE

    def whole_ms(self, channel: str) -> int:
        """For how long more than the key of a settled message over this channel is needed: until its receipt is no longer waited for, and
        as long as it counts against what its recipient can take in."""
        counted = self.throttle.window_ms if channel in self.throttle.channels else 0
        return max(RECEIPT_MS if channel in self.reporting else 0, counted)

    def message(self, row: Notification) -> Message:
        """The message of a ledger row, with the same link at every attempt."""
        if self.links is None or row.channel not in READ_BY_PEOPLE or row.transition in NOTHING_TO_ANSWER:
            return message_of(row)
        claim = Claim(row.alert_id, row.recipient, (row.requested_at + VALID_MS) // 1000 * 1000, row.notification_key)
        return message_of(row, self.links.url(claim))
