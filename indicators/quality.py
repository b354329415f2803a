"""The quality of data as series: timeliness, completeness, consistency, size of revisions, duplicate reporting, by provider and indicator.

Sources: guide 7146 §3.5.1 (timely, accurate and consistent, complete) and §3.3, §3.4.2 with Decision 1012 I.3 (one source for each figure);
Decision 1012 IV.2.g asks the Government Office to follow them. The documents give neither due days nor limits: both are data of the due
calendar, proposed until the owner confirms.

Everything is a pure function of the reports known at an instant, so «what did we know on 3 November at 08:00» is the same functions over
the reports received until then (`known_at`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import groupby, pairwise
from typing import NamedTuple

from indicators.derived.evaluation import rounded
from indicators.period import Period


class Report(NamedTuple):
    """One figure as it was received: which series and period, from whom, as which record of theirs, its revision, its value (None: taken
    back), when it arrived, and how sure it is (indicators/observation.py): reported first, confirmed later."""

    series: str
    period: Period
    provider: str
    record: str
    revision: int
    value: Decimal | None
    received_at: int
    status: str = "official"


class Due(NamedTuple):
    """A report that is owed: by whom, for which series and period, until when (epoch ms UTC, the last instant that is in time)."""

    series: str
    period: Period
    provider: str
    until: int


class Timeliness(NamedTuple):
    """Of the reports due by now: in time, late, not there; the rate in percent of those due, None where none was due; mean lateness in
    hours of the late ones, None where none was late."""

    due: int
    in_time: int
    late: int
    absent: int
    rate: Decimal | None
    mean_hours_late: Decimal | None


class Completeness(NamedTuple):
    """How many of the expected parts (territories, components, dimensions) hold a figure, which do not, and the rate in percent."""

    expected: int
    present: int
    absent: tuple[str, ...]
    rate: Decimal | None


class Revisions(NamedTuple):
    """Figures revised and their mean absolute change in percent of the first value; `bias`: mean signed change, above zero where first
    figures are too low. First values of zero have no percentage and are counted only."""

    figures: int
    revised: int
    mean_percent: Decimal | None
    bias: Decimal | None


class Conflict(NamedTuple):
    """One series and period reported by more than one provider: the rule of one source is broken; `values` differ or repeat."""

    series: str
    period: Period
    values: tuple[tuple[str, Decimal], ...]

    @property
    def agree(self) -> bool:
        """Whether the providers say the same: double work, but no contradiction."""
        return len({value for _, value in self.values}) == 1


class Inconsistency(NamedTuple):
    """A whole that is not the sum of its parts: by how much the whole exceeds them, absolutely and in percent of the whole."""

    whole: Decimal
    parts: Decimal
    excess: Decimal
    percent: Decimal | None


def known_at(reports: Iterable[Report], at: int) -> list[Report]:
    """The reports received until an instant, it included."""
    return [report for report in reports if report.received_at <= at]


def newest(reports: Iterable[Report]) -> dict[tuple[str, Period, str], Report]:
    """The valid report of each series, period and provider: the highest revision; of equals the one received first. Taken back: none."""
    found: dict[tuple[str, Period, str], Report] = {}
    for report in sorted(reports, key=lambda r: (r.revision, -r.received_at)):
        found[report.series, report.period, report.provider] = report
    return {key: report for key, report in found.items() if report.value is not None}


def timeliness(dues: Collection[Due], reports: Iterable[Report], now: int) -> Timeliness:
    """Punctuality by the first report of each figure, whoever sent it: a correction after the due day makes nobody late. A figure that was
    taken back is not there."""
    known = known_at(reports, now)
    there = {(series, period) for series, period, _ in newest(known)}
    first: dict[tuple[str, Period], int] = {}
    for report in known:
        key = (report.series, report.period)
        if report.value is not None and key in there:
            first[key] = min(first.get(key, report.received_at), report.received_at)
    owed = [due for due in dues if due.until <= now]
    arrived = [(due, first.get((due.series, due.period))) for due in owed]
    late = [at - due.until for due, at in arrived if at is not None and at > due.until]
    absent = sum(at is None for _, at in arrived)
    in_time = len(owed) - len(late) - absent
    hours = _two(Fraction(sum(late), len(late) * 3_600_000)) if late else None
    return Timeliness(len(owed), in_time, len(late), absent, _percent(in_time, len(owed)), hours)


def completeness(expected: Collection[str], present: Collection[str]) -> Completeness:
    """What is there of what should be. What nobody expected does not make up for what is not there."""
    absent = tuple(sorted(set(expected) - set(present)))
    count = len(set(expected))
    return Completeness(count, count - len(absent), absent, _percent(count - len(absent), count))


def revisions(reports: Iterable[Report]) -> Revisions:
    """How far first figures were from the newest ones."""
    histories = [[one for one in kept if one.value is not None] for kept, _ in _histories(reports)]
    histories = [kept for kept in histories if kept]
    changes: list[Fraction] = []
    revised = 0
    for kept in histories:
        first, last = Fraction(kept[0].value or 0), Fraction(kept[-1].value or 0)
        revised += last != first
        if kept[-1].revision > kept[0].revision and first:
            changes.append((last - first) / abs(first) * 100)
    if not changes:
        return Revisions(len(histories), revised, None, None)
    size, bias = sum(map(abs, changes), Fraction(0)) / len(changes), sum(changes, Fraction(0)) / len(changes)
    return Revisions(len(histories), revised, _two(size), _two(bias))


def duplicates(reports: Iterable[Report]) -> int:
    """Reports of a provider that say again what it has said of a series and period: the same revision, sent again or under another record,
    or a higher revision with the same value and status (a confirmation of the same value is none)."""
    again = 0
    for kept, repeated in _histories(reports):
        again += repeated + sum((a.value, a.status) == (b.value, b.status) for a, b in pairwise(kept))
    return again


def _histories(reports: Iterable[Report]) -> Iterator[tuple[list[Report], int]]:
    """Of each series, period and provider the report that counts of each revision, the one received first, in order; and how many more
    there were."""
    found: dict[tuple[str, Period, str], list[Report]] = defaultdict(list)
    for report in sorted(reports, key=lambda r: (r.revision, r.received_at)):
        found[report.series, report.period, report.provider].append(report)
    for sent in found.values():
        kept = [next(same) for _, same in groupby(sent, key=lambda r: r.revision)]
        yield kept, len(sent) - len(kept)


def conflicts(reports: Iterable[Report]) -> list[Conflict]:
    """Figures that more than one provider reports, in order of series and period."""
    by_figure: dict[tuple[str, Period], list[tuple[str, Decimal]]] = defaultdict(list)
    for (series, period, provider), report in newest(reports).items():
        if report.value is not None:
            by_figure[series, period].append((provider, report.value))
    return [Conflict(series, period, tuple(sorted(values))) for (series, period), values in sorted(by_figure.items()) if len(values) > 1]


def rounding(parts: int, scale: int) -> Decimal:
    """By how much a whole may differ from the sum of its parts because each was rounded to `scale` decimals: half a unit each."""
    return Decimal(parts + 1).scaleb(-scale) / 2


def inconsistency(whole: Decimal, parts: Collection[Decimal], tolerance: Decimal = Decimal(0)) -> Inconsistency | None:
    """Whether a whole differs from the sum of its parts by more than `tolerance` in its unit (rounding of published figures)."""
    total = sum(parts, Decimal(0))
    excess = whole - total
    if abs(excess) <= tolerance:
        return None
    return Inconsistency(whole, total, excess, _two(Fraction(excess) * 100 / Fraction(whole)) if whole else None)


def _percent(part: int, whole: int) -> Decimal | None:
    return _two(Fraction(100 * part, whole)) if whole else None


def _two(value: Fraction) -> Decimal:
    return rounded(value, 2, "half_up")
