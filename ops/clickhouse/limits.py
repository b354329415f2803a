"""What one endpoint may use: memory, threads, waiting requests, bytes and seconds. Every number is a bound, none is a target."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one endpoint. Bytes and seconds; `workers` queries run at once and `queue` more wait, the next one gets code 202."""

    memory_bytes: int = 1500 * MIB
    workers: int = 8
    queue: int = 64
    sessions: int = 1000
    body_bytes: int = 1024 * MIB
    body_in_memory_bytes: int = 8 * MIB
    statement_bytes: int = 16 * MIB
    form_bytes: int = 64 * MIB
    result_bytes: int = 128 * MIB
    reply_buffer_bytes: int = MIB
    reply_in_memory_bytes: int = 8 * MIB
    send_seconds: float = 60.0
    stop_seconds: float = 10.0

    @property
    def query_memory_bytes(self) -> int:
        """What a single query may take: a little less than all, so that one query cannot starve the endpoint's own bookkeeping."""
        return self.memory_bytes * 9 // 10
