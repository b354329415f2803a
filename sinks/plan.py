"""The plan of a batch: what makes a repeated insert the same insert.

Before an insert, one synchronous offset commit names the batch: offset = first record, metadata = `{"end": last}`. Kafka keeps metadata
beside the offset, so after a crash the next owner of the partition reads the range, builds the batch again and inserts it under the same
token: what went in already is not doubled, what did not goes in. Only the ends are stored: compaction and transactions leave gaps in the
offsets, and a record compacted away since is one that a later record replaces.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

METADATA_LIMIT: Final = 256
"""Most bytes of metadata we write; the broker's own limit is `offset.metadata.max.bytes`, 4,096 by default."""


class PlanError(ValueError):
    """Committed metadata that is no plan of ours: another program uses this consumer group."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The range [first, last] of one partition's offsets, both inclusive, that goes in as one block."""

    first: int
    last: int

    @property
    def metadata(self) -> str:
        """What is committed with `first`."""
        return json.dumps({"end": self.last}, separators=(",", ":"))

    def token(self, generation: str, topic: str, partition: int) -> str:
        """The insert's deduplication token. `generation` changes when table or topic is made anew: an old token would swallow new rows."""
        return f"{generation}-{topic}-{partition}-{self.first}-{self.last}"


def read(first: int, metadata: str | None) -> Plan | None:
    """The plan left by the former owner; None where it left none. Raises PlanError for metadata of another shape."""
    if not metadata:
        return None
    if len(metadata) > METADATA_LIMIT:
        raise PlanError(f"metadata of {len(metadata)} characters at offset {first}")
    try:
        content = json.loads(metadata)
    except ValueError as error:
        raise PlanError(f"metadata at offset {first} is not JSON") from error
    last = content.get("end") if isinstance(content, dict) else None
    if not isinstance(last, int) or isinstance(last, bool) or last < first:
        raise PlanError(f"metadata at offset {first} names no end at or after it")
    return Plan(first, last)
