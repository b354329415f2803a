"""The observation: one reading, report line or plan value, as it travels in `obs.<group>` (schemas/avro/observation.avsc).

Times are epoch milliseconds UTC inside, Asia/Ho_Chi_Minh at the edges. Values are exact decimals with six places; |value| ≤ 10^20.
A correction is a new observation of the same `source_record_id` with a higher `revision`. A correction that changes the series is sent as
a deletion (status `deleted`, value None) under the old series and a new record under the new one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any

from indicators.series import Series

SCALE = 6
VALUE_LIMIT = Decimal(10) ** 20
FIGURES = ("actual", "plan", "plan_pm", "plan_local", "plan_carried_over", "budget_estimate", "forecast")
PERIOD_TYPES = (
    "instant", "hour", "day", "week", "month", "reporting_month", "quarter", "half_year", "nine_months", "year",
    "budget_year_to_date", "july_november", "on_decision", "multi_year",
)  # fmt: skip
STATUSES = ("estimated", "preliminary", "official", "revised", "deleted")
PRICE_BASES = ("none", "current", "constant")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Field meanings: schemas/avro/observation.avsc. Times in epoch ms UTC; `dimensions` sorted by name."""

    indicator: str
    concept: str
    measure_unit: str
    period_type: str
    period_start: int
    period_end: int
    event_time: int
    ingested_at: int
    territory: str
    agency: str
    provider: str
    source_system: str
    source_record_id: str
    component: str = ""
    figure: str = "actual"
    status: str = "preliminary"
    price_basis: str = "none"
    cumulative: bool = False
    access_level: int = 0
    budget_year: int = 0
    territory_version: int = 20250701
    subject_type: str = ""
    subject_id: str = ""
    method_version: str = ""
    dimensions: tuple[tuple[str, str], ...] = ()
    quality_flags: tuple[str, ...] = ()
    lon: float | None = None
    lat: float | None = None
    text: str | None = None
    reference: str | None = None
    value: Decimal | None = None
    published_at: int | None = None
    revision: int = 0
    trace_id: str = field(default="")

    def series(self) -> Series:
        """The series this observation belongs to."""
        return Series(self.indicator, self.component, self.territory, self.subject_type, self.subject_id, self.dimensions, self.figure)

    def record(self) -> dict[str, Any]:
        """The Avro record: dimensions as a list of {name, value}."""
        record = {name: getattr(self, name) for name in FIELDS}  # `asdict` copies every value deeply: twenty times the time
        record["dimensions"] = [{"name": n, "value": v} for n, v in self.dimensions]
        record["quality_flags"] = list(self.quality_flags)
        return record


FIELDS = tuple(one.name for one in fields(Observation))
"""Names of the fields of an observation, as of its Avro record, in order."""
