"""Server-sent events: what changed, as far as the reader may know it, already in the reader's words."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Any, Final

from dashboards import figures
from dashboards.board import Board, Visit
from dashboards.database import DatabaseError
from dashboards.judgement import of_severity
from dashboards.live import Change
from dashboards.terms import DEEDS
from dashboards.words import word

HEARTBEAT_SECONDS: Final = 15.0
AGAIN_SECONDS: Final = 1.0
MOST_OF_ONE: Final = 20
MOST: Final = 500
RETRY: Final = b"retry: 2000\n\n"


class Streams:
    """How many pages listen, bounded per account and in all."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    def room(self, account: str) -> bool:
        """Whether one more may open."""
        return self._open[account] < MOST_OF_ONE and self._open.total() < MOST

    @contextmanager
    def one(self, account: str) -> Iterator[None]:
        """A stream for as long as the block runs."""
        self._open[account] += 1
        try:
            yield
        finally:
            self._open[account] -= 1


async def stream(visit: Visit, streams: Streams) -> AsyncGenerator[bytes, None]:
    """Events until the session ends, its account changes, or the page is closed."""
    board = visit.board
    with streams.one(visit.account.name), board.hub.subscribed() as subscriber:
        yield RETRY + state(board)
        while still_valid(board, visit):
            changes = await subscriber.take(HEARTBEAT_SECONDS)
            try:
                sent = [event(visit, change) for change in await permitted(visit, changes)]
            except DatabaseError:
                subscriber.put_back(changes)  # what is withheld is not known now: told when it is
                sent = []
                await asyncio.sleep(AGAIN_SECONDS)
            yield b"".join(sent) or state(board)


def state(board: Board) -> bytes:
    """Whether changes are being followed; also what keeps a quiet stream open."""
    live = board.follower is not None and board.follower.following.is_set()
    return f"event: state\ndata: {json.dumps({'live': live})}\n\n".encode()


def still_valid(board: Board, visit: Visit) -> bool:
    """Whether the session of a stream has not ended meanwhile."""
    return visit.session.until > board.clock() and board.account(visit.session) is not None


async def permitted(visit: Visit, changes: list[Change]) -> list[Change]:
    """The changes the reader may know of. Raises DatabaseError where ClickHouse cannot say what is withheld."""
    access = visit.access
    near = [c for c in changes if c.everyone or (c.depth <= access.depth and access.sees(c.territory, visit.board.vocabulary))]
    if not near:
        return []
    rows = await visit.ask("withheld")
    series, indicators = {r["series"] for r in rows}, {r["indicator"] for r in rows}
    made_of = {name for name, operand in visit.board.formulas.operand_pairs if operand in indicators}
    of_figures = made_of | indicators
    return [c for c in near if c.series not in series and c.indicator not in (of_figures if c.kind in ("result", "moved") else made_of)]


def event(visit: Visit, change: Change) -> bytes:
    """One event in the reader's language."""
    said: dict[str, Any] = {"kind": change.kind, "key": change.key, "indicator": change.indicator, "territory": change.territory}
    if change.kind in ("result", "series"):
        unit = change.measure_unit or _unit_of(visit, change.key)
        said |= {"text": visit.lookup.value(change.value, unit), "at": figures.instant(change.at, visit.language)}
    if change.kind == "emergency":
        title = change.title_vi if visit.language == "vi" else change.title_en
        said |= {"id": change.key.removeprefix("emergency:").partition("|")[0], "title": title}
        said |= {"did": word(DEEDS, change.condition, visit.language), "at": figures.instant(change.at, visit.language)}
    if change.kind == "alert":
        judgement = of_severity(change.severity)
        said |= {
            "id": change.key.removeprefix("alert:"),
            "title": change.title_vi if visit.language == "vi" or not change.title_en else change.title_en,
            "severity": change.severity,
            "name": judgement.name,
            "sign": judgement.sign,
            "words": judgement.text(visit.language),
            "open": change.condition in ("active", "recovering"),
        }
    return f"event: change\ndata: {json.dumps(said, ensure_ascii=False)}\n\n".encode()


def _unit_of(visit: Visit, key: str) -> str:
    indicator, component = key.split("|")[:2]
    spec = visit.board.vocabulary.series_spec(indicator, component)
    return spec.measure_unit if spec else ""
