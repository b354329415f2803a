"""Writes acts of people: the act itself (`alerts.actions`) and who did it (`ops.audit`), in one transaction. Whoever tells the story
records what came of it; nothing is applied here."""

from __future__ import annotations

import threading

from alerts.action import Action
from alerts.codec import ACTIONS
from alerts.rows import Row
from alerts.writer import WriteError, Writer
from transport.audit import AUDIT, Deed
from transport.records import AvroEncoder
from transport.registry import Registry
from transport.settings import Settings


class ActWriter:
    """For any thread. The producer is made when the first act comes, and anew after a failure. Raises RegistryError at the start."""

    def __init__(self, settings: Settings, registry: Registry, transactional_id: str) -> None:
        self._settings, self._id = settings, transactional_id
        self._encoder = AvroEncoder("alert_action", registry.id_of(ACTIONS))
        self._writer: Writer | None = None
        self._lock = threading.Lock()

    def record(self, act: Action) -> None:
        """Write one act. Raises WriteError where the broker refuses it: it is not written."""
        prefix = self._settings.topic_prefix
        deed = Deed(at=act.acted_at, actor=act.actor, office=act.office, did=f"alerts.{act.action}", on=act.alert_id, run=act.action_id,
                    why=act.note, via=act.via)  # fmt: skip
        rows = [
            Row(prefix + ACTIONS, act.alert_id.encode(), self._encoder.encode(act.record())),
            Row(prefix + AUDIT, act.actor.encode(), deed.body()),
        ]
        with self._lock:
            try:
                self._writer = self._writer or Writer(self._settings, self._id)
                self._writer.commit(rows)
            except WriteError:
                self._writer = None
                raise
