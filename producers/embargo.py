"""Embargo: figures that come before their publication are held at the door, and published when it is time, by themselves.

`Embargo` stands between the sources and the publisher. An observation that a publication calendar means (indicators/publication.py) and
that comes before the instant of its publication is held (held.py) instead of published; only its receipt goes out
(indicators/receipt.py). So nothing below the door, no pane, ratio, ranking, alert, export or answer, can be made of it. What comes at or
after the instant goes through at once.

A period may be published again: preliminary, official (`releases`). Once the first publication is past, what amends a figure and bears
such a status waits for its release. A confirmation by document (`nhip catalogue confirm`) is itself the publication: it passes.

`Release` is a source like any other, so the runner repeats what was not acknowledged: what is due is fetched, delivered with `ingested_at`
the instant it went out (what was known when), `published_at` that of its publication and everything else as it came; the saved position
acknowledges it, and then the file forgets it. A crash in between publishes the same (source_record_id, revision) again, which the workers
drop. A figure that the catalogue no longer knows when its time comes is refused like any bad record.

Refused records go to the dead letters with their bytes, which many may read: of a row that such a calendar means the bytes are withheld.
The provider has the place in his own file. """

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

import structlog

from indicators.observation import Observation
from indicators.publication import PublicationBook, PublicationCalendar
from indicators.receipt import receipt_of
from producers.clock import Clock
from producers.confirmations import NAME as CONFIRMATIONS
from producers.contract import Fetched, Json, Position
from producers.held import Held, HeldFigures, Publication
from producers.publisher import NotDelivered
from producers.reject import Refused, Reject
from producers.runner import Delivery
from producers.validation import Door

NAME: Final = "embargo"
MOST_AT_ONCE: Final = 500
WITHHELD: Final = b"[withheld until publication]"

log = structlog.get_logger(__name__)


class Instants(dict[Publication, int]):
    """The instant of each publication, asked once: the observations of one delivery are mostly of one."""

    def __init__(self, ask: Callable[[Publication], int]) -> None:
        super().__init__()
        self._ask = ask

    def __missing__(self, publication: Publication) -> int:
        found = self[publication] = self._ask(publication)
        return found


class Embargo:
    """The door's keeper: a `Delivery` before the publisher. `clock` says now."""

    def __init__(self, publisher: Delivery, book: PublicationBook, held: HeldFigures, clock: Clock) -> None:
        self._publisher, self._book, self._held, self._clock = publisher, book, held, clock
        codes = sorted(map(re.escape, book.indicators()), key=len, reverse=True)
        self._named = re.compile(rf"(?:{'|'.join(codes)})(?![\w.])".encode()) if codes else None

    def deliver(self, source: str, observations: Sequence[Observation], rejects: Sequence[Reject]) -> None:
        """Hold what must wait, publish the rest and the receipts. Raises NotDelivered."""
        if source == NAME:
            self._publisher.deliver(source, observations, rejects)
            return
        now = self._clock.now_ms()
        free, waiting = self._parted(source, observations, now)
        if waiting:
            self._held.hold(waiting, now)
            log.info("producers.held", source=source, figures=len(waiting))
        told = self._held.without_receipt() if waiting else []
        withdrawn = [receipt_of(o, now) for o in free if o.status == "deleted" and self._book.of(o) is not None]
        receipts = [receipt_of(one.observation, one.delivered_at) for one in told]
        self._publisher.deliver(source, [*free, *receipts, *withdrawn], [self._without_bytes(one) for one in rejects])
        if told:
            self._held.receipted(told)

    def _parted(
        self, source: str, observations: Iterable[Observation], now: int
    ) -> tuple[list[Observation], list[tuple[Observation, Publication, int]]]:
        """What is free, and what waits with its publication and the instant of it. Raises NotDelivered, see `_later`."""
        free: list[Observation] = []
        waiting: list[tuple[Observation, Publication, int]] = []
        instants = Instants(self._release)
        for o in observations:
            calendar = self._book.of(o)
            if calendar is None:
                free.append(o)
                continue
            publication = Publication(calendar.id, o.period_type, o.period_start, o.period_end)
            if instants[publication] <= now and source != CONFIRMATIONS:
                publication = publication._replace(release=self._later(calendar, o))
            if instants[publication] <= now:
                free.append(o)
            else:
                waiting.append((o, publication, instants[publication]))
        return free, waiting

    def _later(self, calendar: PublicationCalendar, o: Observation) -> str:
        """The later release for which an amendment waits once the first publication is past; empty: none. What amends a figure that waits,
        waits with it; what is taken back is taken back at once. Raises NotDelivered where the first figure is due and not out yet: the
        amendment would take its place; a moment later it may come again."""
        if not calendar.releases or o.revision == 0 or o.status == "deleted":
            return ""
        held, later = self._held.release_of(o), self._book.later(calendar, o)
        if held == "" and later is not None:
            raise NotDelivered(
                f"{o.source_system}/{o.source_record_id}: số liệu trước đang được công bố, gửi lại ngay sau đó / the figure before it is "
                "being published: again in a moment"
            )
        return held or (later.id if later is not None else "")

    def redate(self) -> None:
        """Let what waits follow the calendars as they are now; what no calendar means any more is free. Raises HeldError."""
        self._held.redate([(one, self._by_calendar(one)) for one in self._held.publications()])

    def _by_calendar(self, one: Publication) -> int:
        known = self._book.calendars.get(one.calendar)
        if known is None:
            return 0
        later = known.later(one.release)
        return 0 if one.release and later is None else self._book.release(known, one.period, later)

    def _release(self, publication: Publication) -> int:
        """The instant of a publication, as moved where it was."""
        moved = self._held.moved(publication)
        return self._by_calendar(publication) if moved is None else moved

    def _without_bytes(self, reject: Reject) -> Reject:
        if self._named is None or not self._named.search(reject.original):
            return reject
        return replace(reject, original=WITHHELD + f" {reject.place}".encode())


class Release:
    """Source of what is due. Position: {"published": [[seq, revision], …]}, what the last delivered fetch held."""

    def __init__(self, held: HeldFigures, door: Door, clock: Clock) -> None:
        self._held, self._door, self._clock = held, door, clock
        self._forgotten: object = None

    @property
    def name(self) -> str:
        """See Source."""
        return NAME

    def fetch(self, since: Position) -> Fetched:
        """See Source: forgets what the position acknowledges, then brings what is due by now. Raises HeldError."""
        published = since.get("published")
        if isinstance(published, list) and published != self._forgotten:
            self._held.forget(_pairs(published))
            self._forgotten = published
        now = self._clock.now_ms()
        due = self._held.due(now, MOST_AT_ONCE)
        if not due:
            return Fetched([], [], since)
        observations: list[Observation] = []
        rejects: list[Reject] = []
        for one in due:
            o = replace(one.observation, ingested_at=now, published_at=one.observation.published_at or one.release_at)
            try:
                self._door.check(o, now)
            except Refused as refused:
                rejects.append(_refused(refused, o))
            else:
                observations.append(o)
        return Fetched(observations, rejects, {"published": _marks(due)}, more=len(due) == MOST_AT_ONCE)

    def close(self) -> None:
        """The file is closed by whoever opened it."""


def _refused(refused: Refused, o: Observation) -> Reject:
    place = f"{o.source_system}/{o.source_record_id}"
    return Reject.of(refused, place=place, original=f"{place} r{o.revision}".encode(), source=NAME, provider=o.provider)


def _marks(due: Iterable[Held]) -> list[Json]:
    return [[one.seq, one.revision] for one in due]


def _pairs(marks: Iterable[Json]) -> list[tuple[int, int]]:
    """What `_marks` wrote."""
    lists = (mark for mark in marks if isinstance(mark, list) and len(mark) == 2)
    return [(seq, revision) for seq, revision in lists if isinstance(seq, int) and isinstance(revision, int)]
