"""The records of this process on the wire: one decoder and one encoder per schema, the names of its topics."""

from __future__ import annotations

from functools import cached_property

from alerts.ledger_rows import LedgerRows
from transport.dead_letters import DeadLetters
from transport.records import AvroDecoder, AvroEncoder
from transport.registry import Registry
from transport.settings import Settings

CONDITIONS, EMERGENCY, ACTIONS = "alerts.conditions", "alerts.conditions.emergency", "alerts.actions"
EVENTS, CURRENT = "alerts.events", "alerts.current"
REQUESTS, RESULTS, LEDGER = "notify.requests", "notify.results", "notify.ledger"
DEAD = "dead.alerts"
INPUTS = (EMERGENCY, CONDITIONS, ACTIONS)


class Codec:
    """Decoders and encoders of the alerts process. Raises RegistryError where a subject is not registered."""

    def __init__(self, settings: Settings, registry: Registry) -> None:
        self.prefix = settings.topic_prefix
        self.condition = AvroDecoder("condition", registry.schema)
        self.action = AvroDecoder("alert_action", registry.schema)
        self.event = AvroDecoder("alert_event", registry.schema)
        self.notification = AvroDecoder("notification", registry.schema)
        self.write_event = AvroEncoder("alert_event", registry.id_of(EVENTS))
        self.write_notification = AvroEncoder("notification", registry.id_of(REQUESTS))
        self.ledger_rows = LedgerRows(registry.id_of(REQUESTS))  # the id its encoder writes
        self._registry = registry

    @cached_property
    def dead_letters(self) -> DeadLetters:
        """Dead letters of this process; looked up when the first one is needed."""
        return DeadLetters("alerts", AvroEncoder("dead_letter", self._registry.id_of(DEAD)))

    def topic(self, name: str) -> str:
        """The full name of a topic."""
        return self.prefix + name
