"""Not more messages to one person than he can take in: so many by themselves within a window, what is more goes as one. Pure.

Beyond the storm summary, which is about one rule (alerts/telling.py): this is about one recipient on one channel, whatever the rules. The
direct lane neither counts nor waits. Exact after a death and on reading again, because nothing is remembered but committed rows: what left
within the window is counted from the ledger, and a bundle is committed together with the rows it stands for (`recorded`, reason
`bundled`, its key as their reference), so none of them is ever in two messages or in none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from alerts.ids import event_id, notification_key
from alerts.ledger import deadline
from alerts.notification import Notification
from alerts.words import EXERCISE_VI

BUNDLE = "BUNDLE"
"""Stands in the place of a rule; `bundle` in that of a transition."""
MOST_LINES = 30
TITLE_LIMIT, TEXT_LIMIT = 300, 8000
IN_TIME_MS = 60_000
"""So long before its time runs out a message no longer waits for room: late by the throttle, never lost by it."""

Stream = tuple[str, str]
"""(recipient, channel)."""


@dataclass(frozen=True, slots=True)
class Throttle:
    """At most `messages` within `window_ms` to one recipient over each of `channels`."""

    messages: int
    window_ms: int
    channels: frozenset[str]


NO_THROTTLE = Throttle(1, 0, frozenset())


class Bundling:
    """Counts what left and says what may leave. `keep` must see every committed row of the partition, the newest of a key last."""

    def __init__(self, throttle: Throttle) -> None:
        self._throttle = throttle
        self._left: dict[Stream, dict[str, int]] = {}
        self._bundles: dict[Stream, set[str]] = {}

    def applies(self, row: Notification) -> bool:
        """Is this a message that counts?"""
        return row.lane == "grouped" and row.channel in self._throttle.channels

    def keep(self, row: Notification, settled: bool) -> None:
        """Count a committed row that was tried; remember a bundle that is not settled."""
        if not self.applies(row):
            return
        stream, key = (row.recipient, row.channel), row.notification_key
        if row.attempt:
            self._left.setdefault(stream, {})[key] = row.changed_at
        if row.rule == BUNDLE:
            under_way = self._bundles.setdefault(stream, set())
            under_way.discard(key) if settled else under_way.add(key)

    def opens_at(self, row: Notification, now: int) -> int:
        """From when on this message may leave, epoch ms; one that was tried before has its place already."""
        if not self.applies(row) or row.attempt:
            return now
        stream = (row.recipient, row.channel)
        in_time = max(now, deadline(row) - IN_TIME_MS)
        if self._bundles.get(stream, set()) - {row.notification_key}:
            return in_time  # what is in the bundle comes before what is not
        left = self._within(stream, now)
        over = len(left) - self._throttle.messages
        return now if over < 0 else min(in_time, left[over] + self._throttle.window_ms)

    def bundles(self, live: Iterable[Notification], now: int, awake: Callable[[Notification], bool]) -> list[Notification]:
        """Rows to commit at once: bundles of what waits where more waits than there is room for, and the rows they stand for."""
        waiting: dict[Stream, list[Notification]] = {}
        busy: set[tuple[str, Stream]] = set()
        for row in live:
            stream = (row.recipient, row.channel)
            if row.attempt:
                busy.add((row.alert_id, stream))
            elif self.applies(row) and row.rule != BUNDLE and awake(row):
                waiting.setdefault(stream, []).append(row)
        found: list[Notification] = []
        for stream, some in waiting.items():
            free = self._throttle.messages - len(self._within(stream, now))
            rows = [row for row in some if (row.alert_id, stream) not in busy]
            if len(rows) > max(free, 1) and free > 0 and not self._bundles.get(stream):
                found += bundle(rows, now)
        return found

    def _within(self, stream: Stream, now: int) -> list[int]:
        """Instants within the window, rising; those before it are forgotten."""
        left = self._left.get(stream, {})
        begins = now - self._throttle.window_ms
        for key in [key for key, at in left.items() if at <= begins]:
            del left[key]
        return sorted(left.values())


def bundle(rows: Iterable[Notification], now: int) -> list[Notification]:
    """One message for several to one recipient over one channel, first; then each of them, recorded. The same rows give the same key."""
    some = sorted(rows, key=lambda row: (row.requested_at, row.notification_key))
    first, worst = some[0], min(some, key=lambda row: (-row.severity, -row.requested_at, row.notification_key))
    event = event_id(BUNDLE, "bundle", ",".join(sorted(row.notification_key for row in some)))
    key = notification_key(event, first.recipient, first.channel)
    exercise = all(row.mode == "exercise" for row in some)
    mark = EXERCISE_VI if exercise else ""
    one = replace(
        some[-1], notification_key=key, event_id=event, alert_id=event, rule=BUNDLE, state="intended", reason="bundle", transition="bundle",
        severity=worst.severity, title=f"{mark}Gộp {len(some)} tin, nặng nhất mức {worst.severity}: {worst.title}"[:TITLE_LIMIT],
        text=mark + _text(some), attempt=0, mode="exercise" if exercise else "live", requested_at=now, changed_at=now,
        not_after=max(row.not_after for row in some),
    )  # fmt: skip
    return [one, *(replace(row, state="recorded", reason="bundled", provider_reference=key, changed_at=now) for row in some)]


def _text(rows: list[Notification]) -> str:
    """In the order of the steps, so that nobody reads an end before its beginning."""
    greeting = rows[0].text.split("\n", 1)[0]
    lines = [f"– Mức {row.severity}: {row.title}" for row in rows[-MOST_LINES:]]
    rest = [f"{len(rows) - MOST_LINES} tin trước đó: xem danh sách cảnh báo trên màn hình điều hành."] if len(rows) > MOST_LINES else []
    return "\n".join([greeting, f"{len(rows)} tin trong một thời gian ngắn được gộp làm một:", *rest, *lines])[:TEXT_LIMIT]
