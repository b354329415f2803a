"""An act on an alert as it is written: the alert it is about, the record, and its line of the audit beside it."""

from __future__ import annotations

import uuid

from dashboards.board import Missing, Visit
from dashboards.database import Row
from dashboards.journal import Act, ActName, RequestActName


async def find(visit: Visit, alert_id: str) -> Row:
    """The alert of an id. Raises Missing where there is none in the reader's scope."""
    rows = await visit.ask("alert", alert_id=alert_id)
    if not rows:
        raise Missing
    return rows[0]


async def write(
    visit: Visit, alert_id: str, action: ActName | RequestActName, note: str, *, why: str, until: int | None = None, **request: str
) -> None:
    """Write an act of this reader with its line of the audit. Raises JournalError where neither could be written.

    `why`: what the audit says of it; `until`: epoch ms, as in Act; `request`: Act's fields of a request. Whether the alert's state takes
    the act is decided by the alerts process, which records a refusal in the story.
    """
    action_id = str(uuid.uuid4())
    made = Act(
        action_id=action_id,
        alert_id=alert_id,
        action=action,
        actor=visit.account.title_vi,
        office=visit.account.name,
        note=note,
        until=until,
        acted_at=visit.now,
        **request,
    )
    await visit.board.journal.act(made, visit.deed(f"alerts.{action}", alert_id, action_id, why))
