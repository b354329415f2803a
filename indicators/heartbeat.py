"""The platform's own indicators (`catalogue/indicators/nhip.yaml`): its heartbeat, and what is owed to it.

A beat is an observation like any other, so it proves what every figure needs: a producer that publishes, topics that take it, workers that
fold and commit, and the alert process that reads what they say.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from indicators.observation import Observation
from indicators.series import Series
from indicators.territory import COUNTRY

CATALOGUE: Final = "nhip"
HEARTBEAT: Final = f"{CATALOGUE}/N.1"
REPORTS: Final = f"{CATALOGUE}/N.2"
"""Figures that are missing of a report."""
OPERATOR: Final = "OOG"
"""Who runs the platform (Decision 1012/QĐ-TTg IV.2: the Government Office)."""
BEATING: Final = Series(HEARTBEAT, "", COUNTRY, "", "", (), "actual")
BEATING_KEY: Final = BEATING.key().encode()


def beat(at: int) -> Observation:
    """The beat of an instant (epoch ms, the wall clock of who beats). Its identity is the instant: one sent twice counts once."""
    return Observation(
        indicator=HEARTBEAT, concept="platform_heartbeat", measure_unit="item", period_type="instant", period_start=at, period_end=at + 1,
        event_time=at, ingested_at=at, territory=COUNTRY, agency=OPERATOR, provider=OPERATOR, source_system="nhip",
        source_record_id=f"beat-{at}", status="official", value=Decimal(1),
    )  # fmt: skip
