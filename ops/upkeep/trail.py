"""The audit trail of operators' deeds: lines of `ops.audit`, and what the trail says of each dead letter.

The topic has one partition, so its lines have one order: of two operators who claim the same letter the earlier line wins. The trail, not
a table behind it, is what is asked before anything is sent again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

from transport.audit import AUDIT, Deed, write
from transport.settings import Settings
from transport.state_reader import read_partition

BEGUN, DONE, DROPPED, REPAIRED = "dlq.redrive.begun", "dlq.redrive.done", "dlq.drop", "reconcile.repair"
__all__ = ["AUDIT", "BEGUN", "CLAIM_MS", "DONE", "DROPPED", "REPAIRED", "Deed", "Fate", "Trail", "read", "write"]
_OURS: Final = b'"dlq.'
CLAIM_MS: Final = 60_000
"""How long a claim holds without a result: a message is delivered or failed within 30 s of it, so later nobody still sends."""


@dataclass(slots=True)
class Fate:
    """What the trail says of one letter. `claims`: (run, epoch ms, facts) in the trail's order, without a result; `sent`: how often."""

    claims: list[tuple[str, int, dict[str, Any]]] = field(default_factory=list)
    sent: int = 0
    dropped: bool = False

    def handled(self, again: bool = False) -> bool:
        """Is nothing to be done with the letter any more? `again`: letters that were sent may be sent once more."""
        return self.dropped or (self.sent > 0 and not again)

    def claimed_before(self, run: str, now: int) -> bool:
        """Does another run hold the letter, by an earlier line that has not lapsed at `now` (epoch ms)?"""
        for other, at, _ in self.claims:
            if other == run:
                return False
            if now - at < CLAIM_MS:
                return True
        return False


@dataclass(slots=True)
class Trail:
    """Fates by dead letter id; `sent`: how often the same bytes were sent again, by digest, whatever letter they stood in."""

    fates: dict[str, Fate] = field(default_factory=dict)
    sent: dict[str, int] = field(default_factory=dict)

    def fate(self, letter: str) -> Fate:
        """The letter's fate, empty where the trail does not know it."""
        return self.fates.get(letter) or Fate()

    def take(self, body: bytes | None) -> None:
        """Add one line of the audit, in order. Lines of others, and what is no line, say nothing."""
        if not body or _OURS not in body:
            return
        try:
            line = json.loads(body)
            did, on, run, at, facts = line["did"], str(line["on"]), str(line["with"]), int(line["ms"]), dict(line["facts"])
        except (ValueError, KeyError, TypeError):
            return
        fate = self.fates.setdefault(on, Fate())
        if did == BEGUN:
            fate.claims.append((run, at, facts))
        elif did == DONE:
            fate.claims = [claim for claim in fate.claims if claim[0] != run]
            if line.get("result") == "sent":
                fate.sent += 1
                digest = str(facts.get("digest", ""))
                self.sent[digest] = self.sent.get(digest, 0) + 1
        elif did == DROPPED:
            fate.dropped = True


def read(settings: Settings) -> Trail:
    """The trail to its present end. Raises RestoreError, KafkaException."""
    trail = Trail()
    for batch in read_partition(settings, settings.topic_prefix + AUDIT, 0):
        for message in batch:
            trail.take(message.value())
    return trail
