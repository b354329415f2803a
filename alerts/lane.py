"""Delivery of one partition of requests: the ledger's order of operations, around channels that may hang, die or lie.

`notify.requests` and `notify.ledger` share key and number of partitions, so a lane's requests, its ledger and its transactional id are one
partition. Order, which is the guarantee (docs/alerts.md repeats the numbers; tests/alerts/test_lane.py dies between any two):
1. accept: queued rows (attempt 0) or recorded ones, with the requests' offset, in one transaction;
2. begin: «intended, attempt n» committed before the message is handed over; a channel that cannot repeat safely has one message under way;
3. hand over, in a thread of the channel, so that a server that hangs delays nobody else;
4. finish: the outcome committed, with the message to the channel that stands in where one refused; failed attempts wait for their time;
5. receive: what a provider says of it later is committed before the provider is answered.
Messages of one alert to one recipient over one channel leave in the order of their steps: a later one waits until the one before it is
settled, so that nobody reads «over» before «opened». Whatever rings at night waits for the morning, but for the direct lane. More to one
recipient than he can take in goes as one message (alerts/bundling.py).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import structlog

from alerts.bundling import Bundling
from alerts.channels.contract import Channel, Message, Outcome, message_of
from alerts.ledger import (
    RETRY,
    Ledger,
    accepted,
    attempted,
    deadline,
    due_at,
    expired,
    folded,
    is_settled,
    is_unknown,
    settled,
    standing_in,
    switched_off,
    uncertain,
)
from alerts.manner import Manner
from alerts.notification import Notification
from alerts.queue import NEVER, Queue
from alerts.receipts import Folded, Receipt
from transport.faults import reach

PLAIN = Manner()
SIDE_BY_SIDE = 8
"""Messages under way at once on a channel whose repetition is harmless; elsewhere one, so that a crash leaves one in doubt."""

log = structlog.get_logger(__name__)


Commit = Callable[[Sequence[Notification], Sequence[Notification], int | None], None]
"""(ledger rows, those of them that are results, next offset of the requests or None): written all or nothing."""

Submit = Callable[[Channel, Callable[[], Outcome]], Callable[[], Outcome | None]]
"""Start a piece of work on a channel's thread; the returned function gives its outcome, None while it runs."""


class Room:
    """How many messages each channel may have under way in this process, over all its lanes. A direct message that found no place gets the
    next one: until the `turn` is over nobody else takes it."""

    def __init__(self, channels: Iterable[Channel]) -> None:
        self._free = {c.name: 1 if c.repeat == "blind" else SIDE_BY_SIDE for c in channels}
        self._wanted: set[str] = set()

    def turn(self) -> None:
        """All lanes are about to be asked, those with direct messages first, or one of them is gone: who wants a place will say so."""
        self._wanted.clear()

    def take(self, channel: str, *, direct: bool = False) -> bool:
        """Take a place if there is one, and no direct message waits for it."""
        if not self._free.get(channel):
            if direct:
                self._wanted.add(channel)
            return False
        if channel in self._wanted and not direct:
            return False
        self._wanted.discard(channel)
        self._free[channel] -= 1
        return True

    def give(self, channel: str) -> None:
        """Give it back."""
        self._free[channel] += 1


class Lane:
    """One partition. For one thread; only `Channel.send` runs elsewhere. `clock`: epoch ms."""

    def __init__(
        self, rows: Sequence[Notification], channels: Mapping[str, Channel], room: Room, commit: Commit, submit: Submit,
        clock: Callable[[], int], manner: Manner = PLAIN,
    ) -> None:  # fmt: skip
        self.ledger = Ledger(reporting=manner.reporting)
        self._bundling, self._queue = Bundling(manner.throttle), Queue()
        for row in rows:
            self.keep(row)
        self._manner = manner
        self._room = room
        self._channels, self._commit, self._submit, self._clock = channels, commit, submit, clock
        self._under_way: dict[str, tuple[Notification, Callable[[], Outcome | None]]] = {}

    def keep(self, row: Notification) -> None:
        """Take over a committed row, at a start before `recover`; the newest row of a key holds."""
        self.ledger.keep(row)
        settled = is_settled(row)
        self._bundling.keep(row, settled)
        self._queue.has_come(row, settled)

    def recover(self) -> None:
        """After a start: decide on every message that may have been handed over before it, and on those whose channel is off by now."""
        rows = [self._decided(row) for row in self.ledger.live.values()]
        self._write([row for row in rows if row is not None])

    def accept(self, requests: Sequence[Notification], next_offset: int) -> None:
        """Take over requests read up to `next_offset`; a key that is known is not taken twice."""
        now = self._clock()
        rows: dict[str, Notification] = {}
        for request in requests:
            if request.notification_key not in self.ledger and request.notification_key not in rows:
                rows[request.notification_key] = accepted(request, request.channel in self._channels, now)
        self._write(list(rows.values()), next_offset)

    def receive(self, receipt: Receipt) -> Folded:
        """Fold what a provider says of a message; one said again, or of a message nobody waits for any more, changes nothing."""
        row = self.ledger.reported(receipt)
        if row is None:
            return "known" if receipt.notification_key and receipt.notification_key in self.ledger else "unknown"
        now = self._clock()
        done = folded(row, receipt, now)
        self._write([done, *self._stand_ins([done], now)])
        return "folded"

    def begin(self) -> None:
        """Start what is due and has room; the direct lane and the severe first."""
        now = self._clock()
        is_new = self._queue.is_old(now, bool(self._under_way))
        if is_new:
            self._look(now)
        ready = [attempted(row, now) for found in self._queue.channels() for row in self._taken(found, now, is_new)]
        self._write(ready)
        reach("alerts:intended")
        for row in ready:
            channel = self._channels[row.channel]
            self._under_way[row.notification_key] = row, self._submit(channel, _sending(channel, self._manner.message(row)))

    def _look(self, now: int) -> None:
        """Look at every message that waits: write down those whose time is over and new bundles, queue those that may leave; forget those
        whose receipt is no longer waited for."""
        receipt_ends = self.ledger.stop_waiting(now)
        late = [row for key, row in self.ledger.live.items() if key not in self._under_way and due_at(row) <= now > deadline(row)]
        self._write([expired(row, now) for row in late])
        self._write(self._bundling.bundles(self.ledger.live.values(), now, lambda row: self._awake_at(row, now) <= now))
        times = [(self._may_go_at(row, now), row) for row in self._first_of_each()]
        ends = [max(due_at(row), deadline(row) + 1) for key, row in self.ledger.live.items() if key not in self._under_way]
        ends.append(NEVER if receipt_ends is None else receipt_ends)
        wakes_at = min(at for at in (*(at for at, _ in times), *ends) if at > now)
        self._queue.look([row for at, row in times if at <= now], len(self.ledger.live), now, wakes_at)

    def _taken(self, found: deque[Notification], now: int, is_new: bool) -> Iterator[Notification]:
        """Take messages of one channel while there is room, and drop what may not leave any more. Of a look that is not new nothing that is
        counted for bundling: a bundle may come before it."""
        while found:
            row = found[0]
            if self._may_go(row, now) and (is_new or not self._bundling.applies(row)):
                if not self._room.take(row.channel, direct=row.lane == "direct"):
                    return
                yield row
            found.popleft()

    def _may_go(self, row: Notification, now: int) -> bool:
        """May a message that a look found leave now? Not one that was taken, settled or withdrawn since, nor one whose time is over."""
        stands = self.ledger.live.get(row.notification_key) is row and row.notification_key not in self._under_way
        return stands and self._may_go_at(row, now) <= now <= deadline(row)

    def finish(self) -> int:
        """Write the outcomes that are there; returns how many messages are still under way."""
        now = self._clock()
        done: list[Notification] = []
        for key, (row, poll) in list(self._under_way.items()):
            outcome = poll()
            if outcome is not None:
                del self._under_way[key]
                self._room.give(row.channel)
                if key not in self.ledger.live:
                    continue  # the provider's receipt came before its answer
                done.append(settled(row, outcome, self._channels[row.channel].repeat, now))
                if not outcome.accepted:
                    log.warning("not handed over", channel=row.channel, notification_key=key, attempt=row.attempt,
                                error_class=outcome.error_class, error=outcome.error)  # fmt: skip
        if done:
            reach("alerts:handed-over")
        self._write([*done, *self._stand_ins(done, now)])
        return len(self._under_way)

    @property
    def urgent(self) -> bool:
        """Does a message of the direct lane wait here?"""
        return any(row.lane == "direct" for key, row in self.ledger.live.items() if key not in self._under_way)

    def next_due(self) -> int:
        """When there may be something to begin, epoch ms: what was found, or a new look. `queue.NEVER`: nothing waits."""
        return self._clock() if self._queue else self._queue.next_look(bool(self._under_way))

    def abandon(self) -> None:
        """The partition is somebody else's: nothing is written any more, the places under way are free."""
        for row, _ in self._under_way.values():
            self._room.give(row.channel)
        self._room.turn()
        self._under_way.clear()

    def _first_of_each(self) -> list[Notification]:
        """Of each alert, recipient and channel the earliest message that is not settled, unless it is under way."""
        first: dict[tuple[str, str, str], Notification] = {}
        for row in self.ledger.live.values():
            stream = (row.alert_id, row.recipient, row.channel)
            known = first.get(stream)
            if known is None or _order(row) < _order(known):
                first[stream] = row
        return [row for row in first.values() if row.notification_key not in self._under_way]

    def _may_go_at(self, row: Notification, now: int) -> int:
        """When a message may leave, epoch ms: its time has come, nobody is woken, and there is room."""
        return max(self._awake_at(row, now), self._bundling.opens_at(row, now))

    def _awake_at(self, row: Notification, now: int) -> int:
        channel = self._channels.get(row.channel)
        wanted = max(due_at(row), now)
        rings = channel is not None and channel.rings and row.lane != "direct"
        return self._manner.night.opens_at(wanted) if rings else due_at(row)

    def _stand_ins(self, rows: Iterable[Notification], now: int) -> list[Notification]:
        """Messages to the channels that stand in for one that refused or never answered in time; each once, by its key."""
        found = []
        for row in rows:
            channel = self._channels.get(row.channel)
            other = channel.stand_in if channel is not None else ""
            if other in self._channels and row.state == "failed" and row.reason in ("refused", "deadline", "undelivered"):
                found.append(standing_in(row, other, now))
        return [row for row in found if row.notification_key not in self.ledger]

    def _decided(self, row: Notification) -> Notification | None:
        """What a start makes of a live row; None: nothing, it is sent when due (again, where that is harmless)."""
        channel = self._channels.get(row.channel)
        if channel is None:
            return switched_off(row, self._clock())
        if not is_unknown(row):
            return None
        if channel.repeat == "askable":
            known = channel.ask(message_of(row))
            return settled(row, known, channel.repeat, self._clock()) if known is not None else None
        after = uncertain(row, channel.repeat, self._clock())
        return after if after != row else None

    def _write(self, rows: Sequence[Notification], next_offset: int | None = None) -> None:
        """Commit, then believe."""
        if not rows and next_offset is None:
            return
        results = [row for row in rows if is_settled(row) or (row.state == "failed" and row.reason == RETRY)]
        self._commit(rows, results, next_offset)
        for row in rows:
            self.keep(row)


def _order(row: Notification) -> tuple[int, str]:
    """Messages of one alert carry rising instants (`recorded_at` of its events)."""
    return row.requested_at, row.notification_key


def _sending(channel: Channel, message: Message) -> Callable[[], Outcome]:
    def send() -> Outcome:
        try:
            return channel.send(message)
        except Exception as error:
            # The edge to a provider: a message that a channel cannot even write (a line break in a header …) must not stop all others.
            log.error("channel failed", channel=channel.name, notification_key=message.key, error=type(error).__name__)
            return Outcome.failed(type(error).__name__, "the channel could not send this message; see the log", retryable=False)

    return send
