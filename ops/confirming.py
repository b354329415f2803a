"""Confirming figures: what stands for a period, who may confirm it, and whether it is still what the person saw.

What is seen is the value in force of each series in ClickHouse. Its token is a digest of identities, revisions, values and statuses:
whoever confirms gives the token back, and where anything changed in between it is another and the confirmation is refused. """

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from indicators.observation import Observation
from indicators.period import Period
from indicators.vocabulary import Vocabulary
from producers.confirmations import CONFIRMED

_TIMES: Final = ("period_start", "period_end", "event_time", "published_at", "ingested_at")
_PLAIN: Final = (
    "indicator", "concept", "component", "measure_unit", "figure", "period_type", "status", "price_basis", "cumulative", "access_level",
    "budget_year", "territory", "territory_version", "agency", "provider", "source_system", "source_record_id", "subject_type",
    "subject_id", "method_version", "lon", "lat", "text", "reference", "value", "revision", "trace_id",
)  # fmt: skip
IN_FORCE: Final = f"""
SELECT {', '.join(_PLAIN)}, dimensions, quality_flags,
    {', '.join(f'toUnixTimestamp64Milli(observations.{name}) AS {name}' for name in _TIMES)}
FROM observations
WHERE indicator = {{indicator:String}} AND component = {{component:String}} AND figure = 'actual' AND period_type = {{type:String}}
    AND toUnixTimestamp64Milli(observations.period_start) = {{start:Int64}}
    AND ({{territory:String}} = '' OR territory = {{territory:String}})
ORDER BY series, revision DESC, appended, offset
LIMIT 1 BY series
LIMIT 10000
"""
"""The highest revision of each series and period; of equal ones the first, as the stream has it."""


class ConfirmError(ValueError):
    """A confirmation that is not allowed; the message says why and what to do."""


class Stored(Protocol):
    """What a confirmation asks of ClickHouse: rows as mappings."""

    def __call__(self, sql: str, values: dict[str, Any]) -> list[dict[str, Any]]: ...


def in_force(stored: Stored, spec: tuple[str, str], period: Period, territory: str) -> list[Observation]:
    """The figures of an indicator and component for a period, withdrawn ones left out; `territory` empty: everywhere."""
    asked = {"indicator": spec[0], "component": spec[1], "type": period.type, "start": period.start_ms, "territory": territory}
    return [one for one in map(observation_of, stored(IN_FORCE, asked)) if one.status != "deleted"]


def observation_of(row: Mapping[str, Any]) -> Observation:
    """An observation as ClickHouse holds it."""
    dimensions = tuple((one["name"], one["value"]) if isinstance(one, Mapping) else (one[0], one[1]) for one in row["dimensions"])
    fields = {name: row[name] for name in (*_PLAIN, *_TIMES)}
    return Observation(**fields, dimensions=dimensions, quality_flags=tuple(row["quality_flags"]))


def token_of(seen: Sequence[Observation]) -> str:
    """Twelve hex digits that change with any identity, revision, value or status."""
    said = sorted(f"{o.source_system}|{o.source_record_id}|{o.revision}|{o.value}|{o.text}|{o.reference}|{o.status}" for o in seen)
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:12]


def confirmable(found: Sequence[Observation], authority: str, token: str, vocabulary: Vocabulary) -> list[Observation]:
    """What a confirmation with this token confirms: the figures that are not confirmed yet. Raises ConfirmError where there is none, where
    they are no longer what was seen, or where the authority is neither their provider nor responsible for them."""
    waiting = [o for o in found if o.status != CONFIRMED]
    if not waiting:
        raise ConfirmError("Không có số liệu chờ xác nhận của kỳ này / nothing of this period waits to be confirmed")
    if token != token_of(found):
        raise ConfirmError("Số liệu đã thay đổi sau khi xem: xem lại rồi xác nhận / figures changed since they were seen: look again")
    strangers = list(_not_of(waiting, authority, vocabulary))
    if strangers:
        named = ", ".join(strangers[:5])
        raise ConfirmError(f"{authority} không cung cấp, không chịu trách nhiệm về: {named} / has no authority over them")
    return waiting


def _not_of(figures: Sequence[Observation], authority: str, vocabulary: Vocabulary) -> Iterator[str]:
    for o in figures:
        row = vocabulary.indicator(o.indicator)
        answers = {o.provider, o.agency, *(row.responsible_agencies if row else ())}
        if authority not in answers:
            yield o.series().key()
