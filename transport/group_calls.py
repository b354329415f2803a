"""Calls of a member that wait for its group, made so that a process that is to end does end.

A broker answers the requests of one connection one after the other, and a member's connection to its coordinator carries its JoinGroup: a
commit behind it waits for as long as the rebalance waits for somebody else (a static member that has gone: until its session ends; one
that hangs: `max.poll.interval.ms`). `Consumer.close` waits too, in some states for good (librdkafka issue 4884, open with 2.16). Neither
takes a time limit. So these calls are made in a thread of their own, and once the process was told to stop it waits for them for a
bounded time only. Nothing is lost by that: what was not committed is done again by the next life, under the same token.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, Protocol, TypeVar

import structlog

T = TypeVar("T")

log = structlog.get_logger(__name__)

LEAVE_SECONDS: Final = 8.0
"""Below the ten seconds that containers are given to stop."""
UNANSWERED_SECONDS: Final = 2.0
LOOK_SECONDS: Final = 0.2


class Unanswered(RuntimeError):
    """The process is to stop and the group has not answered."""


class Member(Protocol):
    """A client that is a member of a group."""

    def close(self) -> object:
        """Leave the group and close the connections; calls the member's `on_revoke` in the calling thread."""


class GroupCalls:
    """One thread that makes a member's waiting calls, in the order they are given: a close never runs beside a commit that waits.

    Not for the member's own callbacks: confluent-kafka lets one thread at a time use a client (since 2.16), and the one that polls uses it
    until its callback has returned. A call given from there and awaited there would never begin.
    """

    def __init__(self, group: str) -> None:
        self._group = group
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        # A daemon: one that hangs in the client does not keep the process.
        threading.Thread(target=self._serve, name=f"calls-{group}", daemon=True).start()

    def ask(self, call: Callable[[], T], stop: threading.Event) -> T:
        """What `call` returns or raises. Raises Unanswered where `stop` has been set for two seconds and it has not come back; it may
        still take effect then."""
        answer, since = self._give(call), 0.0
        while True:
            try:
                return answer.result(LOOK_SECONDS)
            except TimeoutError:
                if answer.done():  # it came just now, or the call itself raised this
                    return answer.result()
            if stop.is_set():
                since = since or time.monotonic()
                if time.monotonic() - since >= UNANSWERED_SECONDS:
                    raise Unanswered(f"group {self._group}: no answer to a call within {UNANSWERED_SECONDS} s of the stop")

    def leave(self, member: Member, last: Callable[[], object] | None = None, seconds: float = LEAVE_SECONDS) -> bool:
        """Make the `last` call, close the member, end the thread; returns whether that was done within `seconds`. Raises what they raised.

        `on_revoke` is called in the other thread; after False it may still be called, and must change nothing that counts.
        """

        def close() -> None:
            try:
                if last is not None:
                    last()
            finally:
                member.close()

        answer = self._give(close)
        self._calls.put(None)
        try:
            answer.result(seconds)
        except TimeoutError:
            if not answer.done():
                log.warning("left a group that did not let go", group=self._group, waited_s=seconds)
                return False
            answer.result()
        return True

    def _give(self, call: Callable[[], T]) -> Future[T]:
        answer: Future[T] = Future()

        def run() -> None:
            try:
                answer.set_result(call())
            except BaseException as error:  # boundary of the thread: raised where the answer is awaited
                answer.set_exception(error)

        self._calls.put(run)
        return answer

    def _serve(self) -> None:
        while (call := self._calls.get()) is not None:
            call()


def leave(member: Member, group: str, seconds: float = LEAVE_SECONDS) -> bool:
    """Close a member whose work is committed, see `GroupCalls.leave`."""
    return GroupCalls(group).leave(member, seconds=seconds)
