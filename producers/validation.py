"""The door: every observation is checked against the vocabulary and the limits before it may be published.

A refusal is one `Refused` with the reason, the field and what was expected; the adapter makes a reject of it and goes on with the rest.
"""

from __future__ import annotations

from decimal import Decimal

from indicators.numbers_vi import date_vi
from indicators.observation import FIGURES, PERIOD_TYPES, PRICE_BASES, SCALE, STATUSES, VALUE_LIMIT, Observation
from indicators.series import SeriesError
from indicators.spec import SeriesSpec
from indicators.vocabulary import Vocabulary
from producers.fields import DAY_MS
from producers.reject import Refused

EARLIEST_MS = 946_659_600_000
"""2000-01-01T00:00+07:00."""
FUTURE_TOLERANCE_MS = 300_000
"""A measured time may be this far ahead of ours: clocks of loggers drift."""
PLANNED_AHEAD_MS = 366 * DAY_MS
PLANNED_FIGURES = frozenset(FIGURES) - {"actual"}
MAX_TEXT = 200
_KNOWN_SERIES = 500_000


class Door:
    """Checks of one installation's vocabulary. What depends on the series alone is checked once per series and event day."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._known: dict[tuple[str, ...], SeriesSpec] = {}

    def spec(self, indicator: str, component: str) -> SeriesSpec:
        """The series specification. Raises Refused(unknown_indicator)."""
        spec = self._vocabulary.series_spec(indicator, component)
        if spec is None:
            raise Refused("unknown_indicator", "indicator", "an indicator and component of the catalogue are required; found another code")
        return spec

    def check(self, o: Observation, now: int) -> None:
        """Raises Refused where the observation may not enter; `now` in epoch ms."""
        _required(o)
        spec = self._series(o)
        if spec.ends and o.event_time >= spec.ends:
            raise Refused("validation", "event_time", f"the ad-hoc set was ordered until {date_vi(spec.ends - 1)}; found a later time")
        _times(o, now)
        _words(o, spec)
        _value(o, spec)

    def group(self, o: Observation) -> str:
        """The concept group whose topic carries the observation (it passed `check`)."""
        return self.spec(o.indicator, o.component).group

    def _series(self, o: Observation) -> SeriesSpec:
        try:
            key = o.series().key()
        except SeriesError as e:
            raise Refused("contract", "series", str(e)) from None
        cached = (key, o.agency, o.provider, o.measure_unit, str(o.event_time // DAY_MS))
        spec = self._known.get(cached)
        if spec is None:
            spec = self.spec(o.indicator, o.component)
            self._places(o)
            self._subject(o, spec)
            _dimensions(o, spec)
            if o.measure_unit != spec.measure_unit:
                raise Refused("validation", "measure_unit", f"{spec.measure_unit} is required; found another unit of measure")
            if len(self._known) >= _KNOWN_SERIES:
                self._known.clear()
            self._known[cached] = spec
        return spec

    def _places(self, o: Observation) -> None:
        if self._vocabulary.territory(o.territory) is None:
            successors = self._vocabulary.successors(o.territory)
            hint = f"; since 01/07/2025 this unit is part of {', '.join(successors[:3])}" if successors else ""
            raise Refused("unknown_territory", "territory", f"a code of the territory list of 07/2025 is required{hint}")
        for name, code in (("agency", o.agency), ("provider", o.provider)):
            if self._vocabulary.agency(code) is None:
                raise Refused("unknown_agency", name, "a code of the list of agencies is required; found another")

    def _subject(self, o: Observation, spec: SeriesSpec) -> None:
        if o.subject_type != spec.subject_type and not (o.subject_type == "" and o.figure in PLANNED_FIGURES):
            raise Refused("contract", "subject_type", f"{spec.subject_type or 'no subject'} is required for this indicator")
        if o.subject_type:
            subject = self._vocabulary.subject(o.subject_type, o.subject_id)
            if subject is None:
                raise Refused("unknown_subject", "subject_id", f"a registered {o.subject_type} is required; register it first")


def _required(o: Observation) -> None:
    for name, value in (("source_system", o.source_system), ("source_record_id", o.source_record_id), ("concept", o.concept)):
        if not value:
            raise Refused("contract", name, "a required field is empty")
        if len(value) > MAX_TEXT:
            raise Refused("too_large", name, f"at most {MAX_TEXT} characters")
    if o.subject_id and not o.subject_type:  # before the series is looked up: its key leaves such a subject out
        raise Refused("contract", "subject_id", "a subject without its type")
    if not 0 <= o.revision < 1 << 31:
        raise Refused("out_of_range", "revision", "a revision from 0 to 2^31 is required")


def _words(o: Observation, spec: SeriesSpec) -> None:
    for name, value, allowed in (
        ("figure", o.figure, spec.figures or FIGURES), ("period_type", o.period_type, spec.period_types or PERIOD_TYPES),
        ("status", o.status, STATUSES), ("price_basis", o.price_basis, PRICE_BASES),
    ):  # fmt: skip
        if value not in allowed:
            raise Refused("contract", name, f"one of {', '.join(allowed)} is required")
    if o.cumulative != spec.cumulative_of(o.figure):
        raise Refused("contract", "cumulative", "a running total where single values are expected, or the reverse")
    if not (o.budget_year == 0 or 2000 <= o.budget_year <= 2100):
        raise Refused("impossible_date", "budget_year", "a budget year from 2000 to 2100 is required")


def _times(o: Observation, now: int) -> None:
    planned = o.figure in PLANNED_FIGURES
    latest = now + (PLANNED_AHEAD_MS if planned else FUTURE_TOLERANCE_MS)
    if not EARLIEST_MS <= o.event_time <= latest:
        when = "a year from now" if planned else "now"
        raise Refused("impossible_date", "event_time", f"a time from 01/01/2000 to {when} is required")
    if not EARLIEST_MS <= o.period_start < o.period_end:
        raise Refused("impossible_date", "period_end", "a period from 01/01/2000 is required; its end is the first instant after it")


def _dimensions(o: Observation, spec: SeriesSpec) -> None:
    names = [name for name, _ in o.dimensions]
    if names != sorted(set(names)) or not set(names) <= set(spec.dimensions):
        raise Refused("contract", "dimensions", f"dimensions among {', '.join(spec.dimensions) or 'none'}, sorted, each once")
    for name, value in o.dimensions:
        if not value or len(value) > MAX_TEXT:
            raise Refused("validation", name, "a dimension needs a value of 1 to 200 characters")


def _value(o: Observation, spec: SeriesSpec) -> None:
    value = o.value
    if value is None:
        if o.status != "deleted" and o.text is None and o.reference is None:
            raise Refused("validation", "value", "a value is required; found nothing")
        return
    if not value.is_finite():
        raise Refused("not_a_number", "value", "a finite number is required; found NaN or infinity")
    if value in spec.sentinels:
        raise Refused("sentinel", "value", "the device's code for «no reading», not a measurement")
    if abs(value) > VALUE_LIMIT:
        raise Refused("out_of_range", "value", "|value| ≤ 10^20 is required")
    if _decimals(value) > SCALE:
        raise Refused("wrong_scale", "value", f"at most {SCALE} decimals; found more")
    if (spec.minimum is not None and value < spec.minimum) or (spec.maximum is not None and value > spec.maximum):
        raise Refused("out_of_range", "value", f"{spec.minimum} to {spec.maximum} {spec.measure_unit} is plausible; found a value outside")


def _decimals(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int), "finite values have a whole exponent"
    return 0 if exponent >= -SCALE else -int(value.normalize().as_tuple().exponent)  # trailing zeros are no scale
