"""Receipts of held figures (`nhip/N.5`): that a provider delivered a figure before its publication, and when; never the figure.

A held figure stands in no topic until it is published, so nobody could tell that it came. Its receipt is a record of the platform,
published at once: value 1, the period of the figure, the series in `reference`; its event time is the instant of delivery. Whoever judges
whether a report came in time counts from there (stream_processors/receipts.py; view `board_quality`). A figure that is taken back takes
its receipt back. """

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Final

from indicators.heartbeat import CATALOGUE
from indicators.observation import Observation
from indicators.series import Series, parse

RECEIPT: Final = f"{CATALOGUE}/N.5"
_MARK: Final = ("held", "1")


def receipt_of(o: Observation, delivered_at: int) -> Observation:
    """The receipt of a figure delivered at an instant (epoch ms); of a deletion the receipt's own withdrawal."""
    gone = o.status == "deleted"
    return Observation(
        indicator=RECEIPT, concept="held_figure_receipts", measure_unit="item", period_type=o.period_type, period_start=o.period_start,
        period_end=o.period_end, event_time=delivered_at, ingested_at=delivered_at, territory=o.territory, agency=o.agency,
        provider=o.provider, source_system="nhip", source_record_id=_identity(o), dimensions=(("agency", o.provider),),
        status="deleted" if gone else "official", value=None if gone else Decimal(1), reference=o.series().key(), revision=o.revision,
    )  # fmt: skip


def told_of(reference: str) -> tuple[Series, str]:
    """The series a receipt speaks of, and the key under which its arrival stands beside that of the figure itself. Raises SeriesError."""
    series = parse(reference)
    return series, series._replace(dimensions=tuple(sorted((*series.dimensions, _MARK)))).key()


def _identity(o: Observation) -> str:
    return hashlib.sha256(f"{o.source_system}|{o.source_record_id}".encode()).hexdigest()[:32]
