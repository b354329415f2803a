"""The Monday digest: what each office still has open, once a week, by mail. Pure.

Asked for again after a restart it has the same keys, so the ledger sends it once; a week in which nobody could send is not made up for on
the next day: the list is on the screen.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from alerts.alert import Alert
from alerts.audience import EMAIL, Audience
from alerts.clocks import monday_digest
from alerts.ids import event_id, notification_key
from alerts.notification import Notification
from alerts.reminders import Outstanding, digest_vi
from indicators.assigned_task import TASK
from indicators.calendar import WorkingCalendar
from indicators.instant import DAY_MS, HOUR_MS, local_day

RULE = "DIGEST"
LATEST_MS = 9 * HOUR_MS
"""A digest of the morning is still worth reading at the end of the working day, not later."""


class Digests:
    """Makes the digests of an installation; remembers which week it has made."""

    def __init__(self, audience: Audience, calendar: WorkingCalendar) -> None:
        self._audience, self._calendar = audience, calendar
        self._made = 0

    def due(self, alerts: Iterable[Alert], now: int) -> list[Notification]:
        """The messages of this week's digest where its hour has come, once: what was open at that hour. `now`: epoch ms."""
        at = monday_digest(now, self._calendar)
        if not at <= now <= at + LATEST_MS or self._made == at:
            return []
        self._made = at
        owed: dict[str, list[Alert]] = {}
        for alert in alerts:
            if alert.open and alert.opened_at < at and alert.evidence.mode == "live":
                for recipient in alert.memory.told or ():
                    owed.setdefault(recipient, []).append(alert)
        return [self._message(recipient, some, at) for recipient, some in sorted(owed.items())]

    def _message(self, recipient: str, alerts: list[Alert], at: int) -> Notification:
        to = self._audience.of_id(recipient, at)
        lines = [Outstanding(a.title_vi, a.evidence.severity, a.state.attention == "acknowledged", _due(a)) for a in alerts]
        title, text = digest_vi(to.title_vi, lines, at)
        event = event_id(RULE, recipient, str(at))
        return Notification(
            notification_key=notification_key(event, recipient, EMAIL), event_id=event, alert_id=event, rule=RULE, state="intended",
            reason="digest", lane="grouped", channel=EMAIL, recipient=recipient, address=to.address(EMAIL),
            severity=max(a.evidence.severity for a in alerts), transition="digest", title=title, text=text, mode="live", requested_at=at,
            changed_at=at, not_after=at + DAY_MS,
        )  # fmt: skip


def _due(alert: Alert) -> date | None:
    """The due day of an assigned task; None: the alert is of something else."""
    c = alert.evidence
    return local_day(c.period_end - 1) if c.indicator == TASK and c.comparison == "due" else None
