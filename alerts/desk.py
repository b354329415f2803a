"""What a person at a terminal does: sees the alerts that stand, acts on one. Acts are written, never applied here: the process records
them.

Each act leaves two rows in one transaction: the act itself (`alerts.actions`) and who did it (`ops.audit`).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping

from alerts.acting import refusal
from alerts.action import Action, check
from alerts.acts import ActWriter
from alerts.alert import Alert, Memory, restored
from alerts.codec import CURRENT, EVENTS, Codec
from alerts.condition import ConditionError
from alerts.restore import header, newest, to_end
from alerts.rows import MEMORY_HEADER
from transport.records import DecodeError
from transport.registry import Registry
from transport.settings import Settings
from transport.topics import table


class DeskError(ValueError):
    """What was asked for cannot be done; the message says what to do next, Vietnamese first."""


class Desk:
    """Reads `alerts.current`, writes `alerts.actions`."""

    def __init__(self, settings: Settings, registry: Registry, clock: Callable[[], int]) -> None:
        self._settings, self._clock = settings, clock
        self._codec = Codec(settings, registry)
        self._registry = registry

    def alerts(self) -> list[Alert]:
        """Every alert there is, the worst and latest first. Raises RestoreError where the broker does not answer."""
        topic = self._codec.topic(CURRENT)
        found: list[Alert] = []
        for message in newest(to_end(self._settings, topic, range(table(self._settings.topic_prefix)[topic].partitions))).values():
            try:
                found.append(restored(self._codec.event.decode(message.value()), header(message, MEMORY_HEADER)))
            except (DecodeError, ConditionError) as error:
                place = f"{topic} [{message.partition()}] {message.offset()}"
                raise DeskError(f"Không đọc được {place} / cannot be read: {error}; `nhip doctor`") from error
        return sorted(found, key=lambda a: (-a.evidence.severity, -a.recorded_at))

    def find(self, beginning: str) -> Alert:
        """The alert whose id begins so. Raises DeskError where there is none or more than one."""
        found = [alert for alert in self.alerts() if alert.alert_id.startswith(beginning)] if beginning else []
        if len(found) == 1:
            return found[0]
        if not found:
            raise DeskError("Không có cảnh báo với mã này / no alert with this id; xem / see `nhip alerts list --all`")
        raise DeskError(f"{len(found)} cảnh báo có mã bắt đầu như vậy, hãy ghi dài hơn / that many alerts begin so; give more of the id")

    def steps(self, alert_id: str) -> list[Alert]:
        """Every step in the story of one alert, in order. Raises RestoreError, DeskError."""
        topic = self._codec.topic(EVENTS)
        key, found = alert_id.encode(), []
        for message in to_end(self._settings, topic, range(table(self._settings.topic_prefix)[topic].partitions)):
            if message.key() != key:
                continue
            try:
                found.append(restored(self._codec.event.decode(message.value()), Memory().bytes()))
            except (DecodeError, ConditionError) as error:
                place = f"{topic} [{message.partition()}] {message.offset()}"
                raise DeskError(f"Không đọc được {place} / cannot be read: {error}; `nhip doctor`") from error
        return sorted(found, key=lambda step: step.sequence)

    def act(
        self, alert: Alert, what: str, actor: str, note: str, *, office: str = "", until: int = 0, about: Mapping[str, str] | None = None,
    ) -> Action:  # fmt: skip
        """Write an act; `about`: the fields of an act on a request (action.OF_INQUIRY). Raises DeskError where it says too little or the
        alert's state refuses it, WriteError where the broker does."""
        if not actor.strip():
            raise DeskError("Thiếu người thực hiện / who does it? --by «họ tên»")
        if what in ("explain", "comment") and not note.strip():
            raise DeskError("Thiếu nội dung / what is said? --note «…»")
        now = self._clock()
        if until and until <= now:
            raise DeskError("Thời hạn gác lại đã qua / the shelf's end lies in the past")
        act = Action(
            action_id=str(uuid.uuid4()), alert_id=alert.alert_id, action=what, actor=actor.strip(), office=office, note=note, until=until,
            acted_at=now, via="command", **(about or {}),
        )  # fmt: skip
        try:
            check(act)
        except ConditionError as error:
            raise DeskError(f"Chưa đủ / says too little: {error}") from error
        refused = refusal(alert, act)
        if refused:
            raise DeskError(f"Không thực hiện được: {refused} / refused in the alert's present state")
        ActWriter(self._settings, self._registry, f"alerts-desk-{act.action_id}").record(act)
        return act


def open_ones(alerts: Iterable[Alert]) -> list[Alert]:
    """Those that hold, and those that are over but that nobody has acknowledged."""
    return [alert for alert in alerts if alert.open or alert.state.attention == "returned"]
