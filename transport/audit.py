"""The audit trail: one line for each deed of a person or of the platform itself, appended to `ops.audit` and never changed.

The topic has one partition, so its lines have one order, and the broker's clock stamps them (LogAppendTime).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from indicators.instant import local
from transport import kafka_clients
from transport.kafka_clients import CountingProducer
from transport.settings import Settings

AUDIT: Final = "ops.audit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One line: who (in which office) did what on what, when (epoch ms), why, in which run or by which act, with which result and further
    facts, by which way (`via`: board, link, code, api, command, nhip)."""

    at: int
    actor: str
    did: str
    on: str
    why: str = ""
    run: str = ""
    office: str = ""
    result: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    via: str = "nhip"

    def body(self) -> bytes:
        """JSON with the names that every writer of the audit uses, `ms` for the exact instant."""
        names = {"at": local(self.at).isoformat(timespec="milliseconds"), "ms": self.at, "actor": self.actor, "office": self.office,
                 "did": self.did, "on": self.on, "with": self.run, "note": self.why, "result": self.result, "facts": self.facts,
                 "via": self.via}  # fmt: skip
        return json.dumps(names, ensure_ascii=False).encode()


def write(settings: Settings, deeds: Iterable[Deed]) -> None:
    """Write lines and wait until the broker has every one. Raises DeliveryError: then some may not stand there."""
    out = CountingProducer(kafka_clients.producer(settings))
    for deed in deeds:
        out.publish(settings.topic_prefix + AUDIT, deed.actor.encode(), deed.body(), partition=0)
    out.flush()
