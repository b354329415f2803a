"""A customs declaration, whatever its format, and what of it is published: one observation a line, in USD of statistical value.

Identity. A line's record id is `<declaration>/<line>`. An amendment (same declaration, higher version) repeats the id with the revision
`version - 1`. Where it changes a part of the series (chapter, market, channel, office, direction), the old record is withdrawn under
its old series and a new one `<declaration>/<line>#<n>` enters. A line that an amendment no longer has, and every line of a cancelled
declaration, is withdrawn. An older version that comes after a newer one is counted as superseded.

Lines are remembered for ten days after registration: information of a declaration may be changed for seven (VNACCS/VCIS); and for 35 more,
since a backlog is read family of files by family (producers/positions.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, dataclass, replace
from decimal import Decimal
from typing import cast

from indicators.observation import Observation
from producers.codes import OfficeCodes
from producers.contract import Json
from producers.documents import Overlay, Parsed
from producers.fields import DAY_MS
from producers.periods import day_period
from producers.reject import Refused

INDICATOR = "vn-1012/A.II.5"
SOURCE_SYSTEM = "vnaccs"
PROVIDER = "CUSTOMS"
REMEMBERED_MS = 10 * DAY_MS
CHANNELS = ("green", "yellow", "red", "unassigned")
"""Unassigned: registered, not yet sorted by the system; an amendment brings the channel."""


@dataclass(frozen=True, slots=True)
class Line:
    """One goods line. `market`: country of origin of an import, of destination of an export (ISO 3166-1 alpha-2); `value` in USD."""

    number: int
    hs: str
    market: str
    value: Decimal


@dataclass(frozen=True, slots=True)
class Declaration:
    """One version of a declaration. `kind`: import or export; `registered_at` epoch ms; version 1 is the first."""

    number: str
    version: int
    kind: str
    registered_at: int
    channel: str
    office: str
    cancelled: bool
    lines: tuple[Line, ...]
    generated: bool = False


@dataclass(frozen=True, slots=True)
class _Known:
    """One line as published last: `n` counts its series, 0 the first; `gone`: withdrawn, its record id is spent."""

    n: int
    component: str
    territory: str
    hs2: str
    market: str
    channel: str
    gone: bool = False

    def record_id(self, declaration: str, line: str) -> str:
        return f"{declaration}/{line}" + (f"#{self.n}" if self.n else "")

    def same_series(self, other: _Known) -> bool:
        return replace(other, n=self.n, gone=self.gone) == self


class Publication:
    """Declarations to observations, given what was published of each before."""

    def __init__(self, offices: OfficeCodes) -> None:
        self._offices = offices

    def publish(self, d: Declaration, memory: Overlay, into: Parsed, place: str, original: bytes) -> None:
        """Put the observations of one version `into`. Raises Refused where the declaration as a whole makes no sense."""
        version, registered_at, known = _recalled(memory, d.number)
        if d.version < version:
            into.superseded += 1
            return
        if d.cancelled:
            if not version:
                raise Refused(
                    "validation", "declaration", "a declaration known here is required; this one never came, or is older than 45 days"
                )
            d = replace(d, lines=(), registered_at=registered_at)
        now_known = self._lines(d, known, lambda o: into.take(o, place, original), into.now)
        value: list[Json] = [d.version, d.registered_at, {number: list(astuple(k)) for number, k in now_known.items()}]
        memory.remember(d.number, value, d.registered_at + REMEMBERED_MS)

    def _lines(self, d: Declaration, known: dict[str, _Known], take: Callable[[Observation], bool], now: int) -> dict[str, _Known]:
        """Send withdrawals and lines through `take`; the lines as they are known from now on."""
        lines = {str(line.number): line for line in d.lines}
        after: dict[str, _Known] = {}
        for number, was in known.items():
            if number not in lines:
                if not was.gone:
                    take(_withdrawal(d, number, was, now))
                after[number] = replace(was, gone=True)
        for number, line in lines.items():
            previous, series = known.get(number), self._series(d, line)
            if previous is not None:
                moved = previous.gone or not previous.same_series(series)
                if moved and not previous.gone:
                    take(_withdrawal(d, number, previous, now))
                series = replace(series, n=previous.n + moved)
            accepted = take(replace(_observation(d, number, series, now), value=line.value))
            if accepted or previous is not None:
                after[number] = series if accepted else replace(series, gone=True)
        return after

    def _series(self, d: Declaration, line: Line) -> _Known:
        return _Known(0, d.kind, self._offices.territory(d.office), line.hs[:2], line.market, d.channel)


def _recalled(memory: Overlay, declaration: str) -> tuple[int, int, dict[str, _Known]]:
    value = memory.recall(declaration)
    if not isinstance(value, list):
        return 0, 0, {}
    version, registered_at, lines = cast(tuple[int, int, dict[str, tuple[int, str, str, str, str, str, bool]]], tuple(value))
    return version, registered_at, {number: _Known(*parts) for number, parts in lines.items()}


def _withdrawal(d: Declaration, line: str, was: _Known, now: int) -> Observation:
    return replace(_observation(d, line, was, now), status="deleted", value=None)


def _observation(d: Declaration, line: str, series: _Known, now: int) -> Observation:
    start, end = day_period(d.registered_at)
    return Observation(
        indicator=INDICATOR, component=series.component, concept=f"{series.component}s", measure_unit="USD", period_type="day",
        period_start=start, period_end=end, event_time=d.registered_at, ingested_at=now, territory=series.territory, agency="MOF",
        provider=PROVIDER, source_system=SOURCE_SYSTEM, source_record_id=series.record_id(d.number, line), revision=d.version - 1,
        status="preliminary" if d.version == 1 else "revised",
        dimensions=(("channel", series.channel), ("hs2", series.hs2), ("market", series.market)),
        quality_flags=("generated",) if d.generated else (),
    )  # fmt: skip
