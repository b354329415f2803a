"""The contract of every channel: a message in, an outcome out; no exception for what a provider does.

A channel never blocks longer than its time limit, never logs or returns a secret, and says honestly what it knows: `certain` is False where
the message may have arrived although no acceptance was seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from alerts.notification import Notification
from alerts.words import REPEATED_VI

Repeat = Literal["safe", "askable", "blind"]
"""What a second sending does: nothing (the receiver honours our key), avoidable by asking, or a second message to a person."""

ERROR_LIMIT = 300
NOTHING_TO_ANSWER = ("cleared", "cancelled", "digest", "bundle")
"""Transitions of messages that nobody acts on."""


class RoomError(ValueError):
    """An address of the settings that no service is known for; the message names the room, never the address."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attempt. `receipt`: the provider vouches for delivery; `error` is free of addresses' secrets and short."""

    accepted: bool
    provider_reference: str = ""
    retryable: bool = False
    error_class: str = ""
    error: str = ""
    certain: bool = True
    receipt: bool = False

    @classmethod
    def failed(cls, error_class: str, error: str, *, retryable: bool, certain: bool = True) -> Outcome:
        """An attempt that was not accepted."""
        return cls(False, "", retryable, error_class, error[:ERROR_LIMIT], certain)


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel sends. `key` is the same for every attempt: the receiver may use it to drop repetitions. `link`: where the recipient
    answers; a capability, so made when it is sent and kept nowhere."""

    key: str
    event_id: str
    alert_id: str
    rule: str
    transition: str
    severity: int
    recipient: str
    address: str
    title: str
    text: str
    repeated: bool
    mode: str
    requested_at: int
    link: str = ""

    @property
    def subject(self) -> str:
        """The title as people see it, marked where it may be a repetition."""
        return (REPEATED_VI if self.repeated else "") + self.title


def message_of(row: Notification, link: str = "") -> Message:
    """The message of a ledger row."""
    return Message(
        row.notification_key, row.event_id, row.alert_id, row.rule, row.transition, row.severity, row.recipient, row.address, row.title,
        row.text, row.repeated, row.mode, row.requested_at, link,
    )  # fmt: skip


class Channel(Protocol):
    """One way to reach people."""

    @property
    def name(self) -> str:
        """As rules name it: `console`, `email`, `webhook`, `sms`, `sms_soap`, `smpp`, `zns`, `zalo_bot`, `room_<name>`."""

    @property
    def repeat(self) -> Repeat:
        """What a second sending of the same message does."""

    @property
    def rings(self) -> bool:
        """Does it wake people? Then the grouped lane keeps quiet hours on it."""

    @property
    def stand_in(self) -> str:
        """The channel that takes over what this one refuses; empty: none. Both reach a recipient at the same address."""

    def send(self, message: Message) -> Outcome:
        """Hand the message over once."""

    def ask(self, message: Message) -> Outcome | None:
        """What the provider knows of this key; None where it knows nothing. Only asked where `repeat` is `askable`."""

    def close(self) -> None:
        """Give connections back; called once, at the end."""
