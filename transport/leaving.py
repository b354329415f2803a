"""Leaving: a member of a consumer group closes its client, but does not wait for the group without end.

`Consumer.close` takes no time limit and waits for a rebalance that is under way, in some of its states for good (librdkafka issue 4884,
open with 2.16; seen where a process was stopped just as another had joined or left). What the member did is committed before it leaves,
and a static member keeps its place until its session ends anyway: so a close that takes too long is left to itself, and the process ends.
"""

from __future__ import annotations

import threading
from typing import Final, Protocol

import structlog

log = structlog.get_logger(__name__)

LEAVE_SECONDS: Final = 8.0
"""Below the ten seconds that containers are given to stop."""


class Member(Protocol):
    """A client that is a member of a group."""

    def close(self) -> object:
        """Leave the group and close the connections; calls the member's `on_revoke` in the calling thread."""


def leave(member: Member, group: str, seconds: float = LEAVE_SECONDS) -> bool:
    """Close the client of a member whose work is committed; returns whether it closed within `seconds`. Raises what closing raised.

    `on_revoke` is called in another thread while this one waits; after False it may still be called, and must change nothing that counts.
    """
    failed: list[BaseException] = []

    def close() -> None:
        try:
            member.close()
        except BaseException as error:  # boundary of the thread: raised again below
            failed.append(error)

    closing = threading.Thread(target=close, name=f"leaves-{group}", daemon=True)
    closing.start()
    closing.join(seconds)
    if failed:
        raise failed[0]
    if closing.is_alive():
        log.warning("left a group that did not let go", group=group, waited_s=seconds)
        return False
    return True
