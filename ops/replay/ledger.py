"""Replay jobs as operators keep them: rows of `ops.replay.jobs`, and a line of the audit for everything that is ordered."""

from __future__ import annotations

from typing import Any

from ops.stack.control import StackError
from ops.upkeep import trail
from transport import kafka_clients
from transport.kafka_clients import CountingProducer
from transport.replay_jobs import TOPIC, Book, Job, State
from transport.settings import Settings
from transport.state_reader import read_partition

ALLOWED: dict[State, tuple[State, ...]] = {
    "running": ("planned", "paused", "running"), "paused": ("running",), "cancelled": ("planned", "running", "paused"),
}  # fmt: skip
"""What may be ordered → in which states. `running` again: a job whose process died goes on."""


def read(settings: Settings) -> Book:
    """Every job and piece to the present end. Raises RestoreError, KafkaException."""
    book = Book()
    for batch in read_partition(settings, settings.topic_prefix + TOPIC, 0):
        for message in batch:
            book.take(message.key(), message.value())
    return book


def find(book: Book, identity: str) -> Job:
    """The job of an id or of its beginning. Raises StackError."""
    found = [job for job in book.jobs.values() if job.id.startswith(identity)]
    if len(found) != 1:
        raise StackError(f"{len(found)} lượt phát lại có mã «{identity}»: `nhip replay list` / jobs have this id")
    return found[0]


def keep(settings: Settings, job: Job, did: str, actor: str, why: str) -> None:
    """Write the job and the audit's line. Raises DeliveryError."""
    out = CountingProducer(kafka_clients.producer(settings))
    out.publish(settings.topic_prefix + TOPIC, job.key, job.body(), partition=0)
    out.flush()
    facts: dict[str, Any] = {"target": job.target, "to": job.to, "records": job.records, "fire": job.fire, "late": job.late,
             "selection": job.selection.plain()}  # fmt: skip
    facts |= {"report": job.report} if job.report else {}
    trail.write(settings, [trail.Deed(at=job.changed, actor=actor, did=f"replay.{did}", on=job.id, why=why, run=job.id, result=job.state,
                                      facts=facts)])  # fmt: skip


def ordered(settings: Settings, job: Job, state: State, by: tuple[str, str], now: int) -> Job:
    """Move a job by an operator's word. `by`: who and why. Raises StackError where its state does not allow that."""
    if job.state not in ALLOWED[state]:
        raise StackError(f"Lượt {job.id[:8]} đang «{job.state}», không chuyển sang «{state}» được / it cannot be moved to that state")
    moved = job.moved(state, now)
    keep(settings, moved, state, *by)
    return moved
