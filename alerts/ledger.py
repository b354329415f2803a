"""The ledger: what was sent, what was refused, what may have been sent. Pure: rows in, rows out; the loop writes them.

Order, which is the guarantee: «intended, attempt n» is committed → the message is handed over → the outcome is committed. So after a crash
- attempt 0: never tried, send;
- failed with reason `retry`: the outcome is known, send when due;
- intended with attempt ≥ 1: unknown. What follows depends on the channel: `safe` (the receiver honours our key): send again under the same
  key; `askable`: ask, send only what is not there; `blind`: the direct lane repeats marked «gửi lại», other lanes hold it for the duty
  officer.
A key that is in the ledger is never queued a second time, whoever asks.

What a provider says later (a receipt) is folded into the row it took: delivered → receipted, also where it had been in doubt; not delivered
→ failed, reason `undelivered`, and the channel that stands in takes over. Rows that may still be reported of are kept whole for three days.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from alerts.channels.contract import Outcome, Repeat
from alerts.ids import notification_key
from alerts.key_set import KeySet
from alerts.notification import Notification
from alerts.receipts import Receipt

FIRST_DELAY_MS = 1_000
LONGEST_DELAY_MS = 60_000
GIVE_UP_MS = 24 * 3_600_000
"""A message nobody could be given within a day is failed and shown, not sent out of the blue later."""
RETRY = "retry"
RECEIPT_MS = 3 * 24 * 3_600_000
"""How long a receipt is waited for; networks hold a text message for at most three days."""


class Ledger:
    """All notifications of one partition: live ones whole, settled ones by key alone, those on `reporting` channels whole until their
    receipt comes or is no longer waited for."""

    def __init__(self, rows: Iterable[Notification] = (), reporting: Iterable[str] = ()) -> None:
        self.live: dict[str, Notification] = {}
        self.awaiting: dict[str, Notification] = {}
        self._reporting = frozenset(reporting)
        self._references: dict[tuple[str, str], str] = {}
        self._settled = KeySet()
        for row in rows:
            self.keep(row)

    def __contains__(self, key: str) -> bool:
        return key in self.live or UUID(key).bytes in self._settled

    def settle(self, key: bytes) -> None:
        """Take over a settled row of which nothing but its key is needed any more. `key`: the sixteen bytes of the notification key."""
        self._settled.add(key)
        if self.live or self.awaiting:
            name = str(UUID(bytes=key))
            self.live.pop(name, None)
            self._forget(name)

    @property
    def size(self) -> int:
        """How many notifications it knows."""
        return len(self.live) + len(self._settled)

    def keep(self, row: Notification) -> None:
        """Take over a committed row; the newest row of a key holds."""
        self._forget(row.notification_key)
        if not is_settled(row):
            self.live[row.notification_key] = row
            return
        self.live.pop(row.notification_key, None)
        self._settled.add(UUID(row.notification_key).bytes)
        if row.channel in self._reporting and may_be_reported(row):
            self.awaiting[row.notification_key] = row
            if row.provider_reference:
                self._references[row.channel, row.provider_reference] = row.notification_key

    def reported(self, receipt: Receipt) -> Notification | None:
        """The row a receipt speaks of, under way or waiting for it; None: not here, or nothing to change any more."""
        key = receipt.notification_key or self._references.get((receipt.channel, receipt.provider_reference), "")
        row = self.awaiting.get(key) or self.live.get(key)
        return row if row is not None and row.attempt and row.channel == receipt.channel else None

    def stop_waiting(self, now: int) -> int | None:
        """Forget rows whose receipt is no longer waited for; returns when the next one is to be, epoch ms. None: none is waited for."""
        over = [key for key, row in self.awaiting.items() if row.changed_at + RECEIPT_MS <= now]
        for key in over:
            self._forget(key)
        return min((row.changed_at + RECEIPT_MS for row in self.awaiting.values()), default=None)

    def _forget(self, key: str) -> None:
        row = self.awaiting.pop(key, None)
        if row is not None:
            self._references.pop((row.channel, row.provider_reference), None)


def may_be_reported(row: Notification) -> bool:
    """May a receipt still change this settled row? Handed over, or in doubt."""
    return row.state == "handed_over" or (row.state == "held" and row.reason == "unknown_outcome")


def is_settled(row: Notification) -> bool:
    """Is nothing more to be done by the machine?"""
    return not (row.state == "intended" or (row.state == "failed" and row.reason == RETRY))


def accepted(request: Notification, channel_on: bool, now: int) -> Notification:
    """The first row of a request that is not in the ledger: queued, or recorded with the reason why it is not sent."""
    if request.state != "intended":
        return replace(request, state="recorded", changed_at=now)
    if request.mode in ("replay", "backfill"):
        return replace(request, state="recorded", reason=request.mode, changed_at=now)
    if now > request.not_after:
        return replace(request, state="recorded", reason="too_old", changed_at=now)
    if not channel_on:
        return replace(request, state="recorded", reason="channel_off", changed_at=now)
    return replace(request, attempt=0, changed_at=now)


def attempted(row: Notification, now: int) -> Notification:
    """The row that must be committed before the message is handed to a channel."""
    return replace(row, state="intended", attempt=row.attempt + 1, changed_at=now)


def settled(row: Notification, outcome: Outcome, repeat: Repeat, now: int) -> Notification:
    """The row of an outcome."""
    said = replace(row, provider_reference=outcome.provider_reference, error_class=outcome.error_class, error=outcome.error, changed_at=now)
    if outcome.accepted:
        reason = row.transition if row.reason == RETRY else row.reason
        return replace(said, state="receipted" if outcome.receipt else "handed_over", reason=reason)
    if not outcome.retryable:
        return replace(said, state="failed", reason="refused")
    if now + delay_ms(row.attempt) > deadline(row):
        return replace(said, state="failed", reason="deadline")
    waiting = replace(said, state="failed", reason=RETRY)
    return waiting if outcome.certain or repeat == "safe" else uncertain(waiting, repeat, now)


def folded(row: Notification, receipt: Receipt, now: int) -> Notification:
    """The row after its receipt, whatever it was before."""
    known = replace(row, provider_reference=receipt.provider_reference or row.provider_reference, changed_at=now)
    if receipt.delivered:
        reason = row.transition if row.reason in (RETRY, "unknown_outcome") else row.reason
        return replace(known, state="receipted", reason=reason, error_class="", error="")
    error = "the provider took the message and could not deliver it"
    return replace(known, state="failed", reason="undelivered", error_class=receipt.error_class, error=error)


def uncertain(row: Notification, repeat: Repeat, now: int) -> Notification:
    """The row of a message that may have arrived, on a channel that can neither be asked nor be trusted with a repetition."""
    if repeat != "blind":
        return row
    if row.lane == "direct":
        return replace(row, state="failed", reason=RETRY, repeated=True, changed_at=now)
    return replace(row, state="held", reason="unknown_outcome", changed_at=now)


def standing_in(row: Notification, channel: str, now: int) -> Notification:
    """The message over the channel that stands in for one that was refused: a key of its own, the same however often this is decided."""
    return replace(
        row, notification_key=notification_key(row.event_id, row.recipient, channel), channel=channel, state="intended", reason="stand_in",
        attempt=0, repeated=False, provider_reference="", error_class="", error="", requested_at=row.requested_at, changed_at=now,
    )  # fmt: skip


def expired(row: Notification, now: int) -> Notification:
    """The row of a message whose time ran out before anybody could be given it."""
    if row.attempt:
        return replace(row, state="failed", reason="deadline", changed_at=now)
    return replace(row, state="recorded", reason="too_old", changed_at=now)


def switched_off(row: Notification, now: int) -> Notification:
    """The row of a live message whose channel is no longer configured."""
    if is_unknown(row):
        return replace(row, state="held", reason="unknown_outcome", changed_at=now)
    return replace(row, state="failed" if row.attempt else "recorded", reason="channel_off", changed_at=now)


def is_unknown(row: Notification) -> bool:
    """Found so after a start: may have been handed over, and nobody wrote what came of it."""
    return row.state == "intended" and row.attempt > 0


def due_at(row: Notification) -> int:
    """When a queued or waiting row may be tried, epoch ms."""
    return row.changed_at + (delay_ms(row.attempt) if row.state == "failed" else 0)


def delay_ms(attempt: int) -> int:
    """Back-off after attempt n ≥ 1: 1, 2, 4 … 60 s."""
    return int(min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** max(0, min(attempt, 16) - 1)))


def deadline(row: Notification) -> int:
    """After this instant (epoch ms) no further attempt begins."""
    return min(row.not_after, row.requested_at + GIVE_UP_MS)
