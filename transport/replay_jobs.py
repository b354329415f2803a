"""Replay jobs: their records in the compacted topic `ops.replay.jobs`, and the book that a reader makes of them.

Two kinds of keys: `job|<id>`, written by the `nhip replay` command; `piece|<id>|<topic>|<partition>`, written by who does the piece, in the
transaction that makes its work visible: a piece is done exactly when its row says so. Values are JSON. The topic has one partition, so all
rows have one order.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Literal, Self, get_args

from transport.selection import Selection

TOPIC: Final = "ops.replay.jobs"
Target = Literal["pipeline", "topic", "file"]
State = Literal["planned", "running", "paused", "cancelled", "done", "failed"]
TARGETS: Final[tuple[str, ...]] = get_args(Target)
ENDED: Final = ("cancelled", "done", "failed")


class JobError(ValueError):
    """A row of the topic that is no job; the message names its key."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One partition of a job: records at offsets [first, until). `topic`: full name."""

    topic: str
    partition: int
    first: int
    until: int

    @property
    def records(self) -> int:
        """Offsets in the piece."""
        return max(0, self.until - self.first)

    @property
    def place(self) -> tuple[str, int]:
        """Topic and partition."""
        return self.topic, self.partition


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Who replays what to where, and why. `to`: full topic name or file path; `rate`: records a second at most, 0: no limit; `behind`:
    records that live groups may be behind before the job waits; `fire`: people are told; `late`: take in what came too late; times
    epoch ms.
    """

    id: str
    target: Target
    state: State
    actor: str
    why: str
    created: int
    changed: int
    pieces: tuple[Piece, ...]
    selection: Selection = field(default_factory=Selection)
    to: str = ""
    rate: int = 0
    behind: int = 20_000
    fire: bool = False
    late: bool = False
    report: dict[str, Any] = field(default_factory=dict)
    plan: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> bytes:
        """Key of its row."""
        return f"job|{self.id}".encode()

    @property
    def ended(self) -> bool:
        """Does nothing happen with it any more?"""
        return self.state in ENDED

    @property
    def records(self) -> int:
        """Offsets in its pieces."""
        return sum(piece.records for piece in self.pieces)

    def body(self) -> bytes:
        """Its row."""
        return json.dumps(asdict(self), ensure_ascii=False).encode()

    def moved(self, state: State, now: int) -> Self:
        """The same job in another state."""
        return replace(self, state=state, changed=now)

    @classmethod
    def of(cls, body: bytes) -> Self:
        """From its row. Raises JobError."""
        try:
            plain = json.loads(body)
            pieces = tuple(Piece(**one) for one in plain.pop("pieces"))
            return cls(selection=Selection.of(plain.pop("selection")), pieces=pieces, **plain)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise JobError(f"{TOPIC}: hàng không đọc được / a row that cannot be read: {type(error).__name__}") from error


def piece_key(job: str, piece: Piece) -> bytes:
    """Key of a piece's row."""
    return f"piece|{job}|{piece.topic}|{piece.partition}".encode()


@dataclass(slots=True)
class Book:
    """Every job by id, and rows of pieces by key: `next`: offset up to which the piece is done; `done`: is it whole; what it found."""

    jobs: dict[str, Job] = field(default_factory=dict)
    pieces: dict[bytes, dict[str, Any]] = field(default_factory=dict)

    def take(self, key: bytes | None, body: bytes | None) -> None:
        """One row, in order. Rows that are none of ours are left out: a job that cannot be read must not stop the worker."""
        if key is None or not key.startswith((b"job|", b"piece|")):
            return
        if body is None:
            self.pieces.pop(key, None)
            self.jobs.pop(key.decode().partition("|")[2], None)
            return
        try:
            if key.startswith(b"job|"):
                job = Job.of(body)
                self.jobs[job.id] = job
            else:
                self.pieces[key] = dict(json.loads(body))
        except (JobError, ValueError, TypeError):
            return

    def row(self, job: str, piece: Piece) -> dict[str, Any]:
        """What is known of a piece; empty: nothing yet."""
        return self.pieces.get(piece_key(job, piece), {})

    def close(self, job: Job, piece: Piece) -> None:
        """Whoever committed the piece's row need not wait until it is read back: begun again, the piece would find nothing to change, and
        its second row would say so."""
        self.pieces.setdefault(piece_key(job.id, piece), {})["done"] = True

    def open(self, job: Job) -> Iterator[Piece]:
        """Its pieces that are not done."""
        return (piece for piece in job.pieces if not self.row(job.id, piece).get("done"))

    def running(self, target: Target) -> list[Job]:
        """Jobs at work with something left, the oldest first."""
        found = (job for job in self.jobs.values() if job.target == target and job.state == "running" and any(self.open(job)))
        return sorted(found, key=lambda job: (job.created, job.id))
