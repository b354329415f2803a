"""Sending dead letters again, once each: claim in the audit trail, publish, write down what became of it.

1. **choose**: letters that were neither sent again nor dropped (`again`: also those sent), whose bytes were sent fewer times than the cap;
2. **judge**: what the product's own door would refuse again is parked: it stays where it is;
3. **claim**: a line of the trail for each letter, then the trail is read again: a letter that another run claimed earlier is left to it;
4. **publish** the original's key and bytes with three headers, wait for every acknowledgement;
5. **result**: a line for each letter.

A crash between 3 and 5 leaves a claim without a result. The next run finds out by looking for the letter's header behind the ends that
the claim names: what is there counts as sent, what is not is sent now.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from ops.upkeep import origin, trail
from ops.upkeep.door import Verdict
from ops.upkeep.letter import PAGE, Letter
from ops.upkeep.trail import CLAIM_MS, Deed, Trail
from transport import kafka_clients
from transport.dead_letters import Headers
from transport.kafka_clients import CountingProducer
from transport.settings import Settings
from transport.state_reader import read_partition
from transport.tail import Tail

ATTEMPTS_HEADER: Final = "nhip-attempts"
LETTER_HEADER: Final = "nhip-dead-letter-id"
ATTEMPTS: Final = 3
"""How often the same bytes are sent again at most, so that a loop between a door and its operators ends."""
SEND_SECONDS: Final = CLAIM_MS / 1000 / 2
Clock = Callable[[], int]


class RedriveError(RuntimeError):
    """The run stopped before anything of it was sent; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Order:
    """Who sends again and why. `cap`: attempts per bytes; `again`: also letters that were sent before."""

    actor: str
    why: str
    cap: int = ATTEMPTS
    again: bool = False
    run: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(slots=True)
class Plan:
    """What a run would do: `send` letter with its full topic; the others by id with the reason."""

    send: list[tuple[Letter, str]] = field(default_factory=list)
    parked: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)


def digest(one: Letter) -> str:
    """Identity of the original's key and bytes, 32 hex digits."""
    key = one.key or b""
    return hashlib.sha256(len(key).to_bytes(4, "big") + key + (one.body or b"")).hexdigest()[:32]


def plan(letters: Sequence[Letter], known: Trail, order: Order, now: int, judge: Callable[[Sequence[Letter]], list[Verdict]]) -> Plan:
    """Choose and judge; `now` in epoch ms. Raises what `judge` raises."""
    made, left = Plan(), list[Letter]()
    for one in letters:
        if reason := _unwanted(one, known, order, now):
            made.skipped[one.id] = reason
        else:
            left.append(one)
    for one, verdict in zip(left, judge(left) if left else [], strict=True):
        if verdict.topic:
            made.send.append((one, verdict.topic))
        else:
            made.parked[one.id] = verdict.why
    return made


def healed(letters: Iterable[Letter], most: int, judge: Callable[[Sequence[Letter]], list[Verdict]]) -> list[Letter]:
    """The first `most` letters that the doors would take today, each id once; judged PAGE at a time. Raises what `judge` raises."""
    found: dict[str, Letter] = {}
    source = iter(letters)
    while len(found) < most and (page := list(islice(source, PAGE))):
        for one, verdict in zip(page, judge(page), strict=True):
            if verdict.topic and len(found) < most:
                found.setdefault(one.id, one)
    return list(found.values())


def _unwanted(one: Letter, known: Trail, order: Order, now: int) -> str:
    fate = known.fate(one.id)
    if fate.dropped:
        return "đã bỏ / dropped"
    if fate.sent and not order.again:
        return "đã gửi lại / sent again before (--again)"
    if fate.claimed_before(order.run, now):
        return "lần chạy khác đang gửi / another run is sending it"
    sent = known.sent.get(digest(one), 0)
    return f"đã gửi lại {sent} lần, tối đa {order.cap} / sent that often" if sent >= order.cap else ""


def headers(one: Letter, attempt: int) -> Headers:
    """The headers of a letter that is sent again for the `attempt`-th time."""
    return [(origin.HEADER, origin.pack(one.origin)), (LETTER_HEADER, one.id.encode()), (ATTEMPTS_HEADER, str(attempt).encode())]


def execute(settings: Settings, made: Plan, order: Order, known: Trail, clock: Clock = lambda: time.time_ns() // 1_000_000) -> list[str]:
    """Steps 3 to 5; returns the ids that were sent. Raises RedriveError, DeliveryError, RestoreError, KafkaException."""
    if not made.send:
        return []
    with closing(Tail(settings, "dlq")) as tail:
        ends = tail.ends({topic for _, topic in made.send})
    claims = {one.id: {"to": topic, "digest": digest(one), "ends": [end for (t, _), end in sorted(ends.items()) if t == topic]}
              for one, topic in made.send}  # fmt: skip
    began = clock()
    trail.write(settings, [_deed(order, trail.BEGUN, i, began, facts=facts) for i, facts in claims.items()])
    now_known = trail.read(settings)
    mine = [(one, topic) for one, topic in made.send if not now_known.fate(one.id).claimed_before(order.run, clock())]
    if clock() - began > SEND_SECONDS * 1000:
        raise RedriveError("Ghi nhận quá lâu, chưa gửi gì: chạy lại sau một phút / claiming took too long, nothing was sent: run again")
    _publish(settings, [(one, topic, known.sent.get(digest(one), 0) + 1) for one, topic in mine])
    sent = [one.id for one, _ in mine]
    results = [_deed(order, trail.DONE, i, clock(), "sent" if i in set(sent) else "left", facts) for i, facts in claims.items()]
    trail.write(settings, results)
    return sent


def settle(settings: Settings, letters: Sequence[Letter], known: Trail, order: Order, now: int) -> int:
    """Find out what became of lapsed claims without a result and write it down; returns how many. The caller reads the trail again."""
    deeds: list[Deed] = []
    for one in letters:
        for run, at, facts in known.fate(one.id).claims:
            if now - at >= CLAIM_MS:
                result = "sent" if _stands(settings, one.id, facts) else "not sent"
                deeds.append(Deed(at=now, actor=order.actor, did=trail.DONE, on=one.id, why="", run=run, result=result, facts=facts))
    if deeds:
        trail.write(settings, deeds)
    return len(deeds)


def drop(settings: Settings, letters: Sequence[Letter], known: Trail, order: Order, now: int) -> list[str]:
    """Mark letters as dropped, with the reason; their bytes stay where they are. Returns the ids that were not dropped before."""
    fresh = [one for one in letters if not known.fate(one.id).dropped]
    trail.write(settings, [_deed(order, trail.DROPPED, one.id, now, "dropped", {"digest": digest(one)}) for one in fresh])
    return [one.id for one in fresh]


def _publish(settings: Settings, letters: Sequence[tuple[Letter, str, int]]) -> None:
    out = CountingProducer(kafka_clients.producer(settings))
    for one, topic, attempt in letters:
        at_home = topic.endswith(one.origin.topic) and one.origin.topic != "" and one.origin.partition >= 0
        out.publish(topic, one.key, one.body, headers(one, attempt), partition=one.origin.partition if at_home else None)
    out.flush(SEND_SECONDS)


def _stands(settings: Settings, letter: str, facts: Mapping[str, object]) -> bool:
    """Was the letter written behind the ends that its claim names?"""
    ends = facts.get("ends")
    wanted = (LETTER_HEADER, letter.encode())
    for partition, end in enumerate(ends if isinstance(ends, list) else []):
        for batch in read_partition(settings, str(facts["to"]), partition, int(end)):
            if any(wanted in (m.headers() or ()) for m in batch):
                return True
    return False


def _deed(order: Order, did: str, on: str, at: int, result: str = "", facts: Mapping[str, object] | None = None) -> Deed:
    return Deed(at=at, actor=order.actor, did=did, on=on, why=order.why, run=order.run, result=result, facts=dict(facts or {}))
