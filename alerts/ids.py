"""Names that reprocessing finds again: the same change always has the same id, so it is written once and told once.

Rules (docs/alerts.md, «Ids»): `event id = uuid5(alert_id | transition | cause)`,
`notification key = uuid5(event_id | recipient | channel)`.
The namespace is part of the contract: with another one, every old change would look new.
"""

from __future__ import annotations

from uuid import UUID, uuid5

NAMESPACE = UUID("6e686970-0000-5000-8000-616c65727473")


def event_id(alert_id: str, transition: str, cause: str) -> str:
    """Id of one step in the story of an alert."""
    return str(uuid5(NAMESPACE, f"{alert_id}|{transition}|{cause}"))


def notification_key(event: str, recipient: str, channel: str) -> str:
    """Key of one message to one recipient over one channel."""
    return str(uuid5(NAMESPACE, f"{event}|{recipient}|{channel}"))


def condition_cause(series: str, period_start: int, revision: int, severity: int) -> str:
    """The input behind a change of a condition: series, start of the period (epoch ms), revision, severity reached."""
    return f"{series}|{period_start}|{revision}|{severity}"


def recurrence_cause(cause: str, through: int) -> str:
    """The same cause met again later in the input (worse, better, worse within one period): told apart by the input's offset."""
    return f"{cause}|{through}"
