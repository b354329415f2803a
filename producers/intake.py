"""Intake: the way in for every series that has no feed of its own: a template filled by people, as CSV, JSON or Excel.

`nhip catalogue template <catalogue/code>` writes the template (producers/template.py); a filled one goes into the inbox `intake`. One row
is one value of one series; the columns are COLUMNS and one `phan_to:<name>` for each dimension. The row's codes choose the series
specification; unit, figure, period and bounds are checked against it, by the same door as every feed.

The record id of a reported value is made of its series and period, so a file sent twice changes nothing and `lan_dinh_chinh` (0, 1, 2 …)
corrects; records of event series carry an id of their own in `ma_ban_ghi`. Rows without territory, time and value are rows of the template
that nobody has filled: passed over.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from decimal import Decimal

from indicators.instant import PeriodError, local_day
from indicators.observation import Observation
from indicators.period import Period, period_of
from indicators.series import SeriesError
from indicators.spec import SeriesSpec
from indicators.vocabulary import Vocabulary
from producers.documents import Document, Overlay, Parsed
from producers.fields import whole_of
from producers.intake_fields import FIGURE_OF, PERIOD_OF, STATUS_OF, code_of, moment_of, text_in, value_of, word_in
from producers.reject import Refused
from producers.sheet import Line, read_lines

COLUMNS = (
    "ma_chi_so", "thanh_phan", "dia_ban", "loai_ky", "thoi_diem", "so_lieu", "gia_tri", "don_vi_tinh", "trang_thai", "lan_dinh_chinh",
    "nam_ngan_sach", "doi_tuong", "don_vi_cung_cap", "ma_ban_ghi", "noi_dung", "tham_chieu",
)  # fmt: skip
"""Indicator, component, territory, kind of period, a day or time inside it, figure, value, unit, status, revision, budget year, subject id,
provider (empty: the catalogue's), record id (events only), text, reference."""
DIMENSION = "phan_to:"
SOURCE_SYSTEM = "intake"
_FILLED = ("dia_ban", "thoi_diem", "gia_tri", "noi_dung", "tham_chieu")


class Intake:
    """The adapter of filled templates."""

    name = "intake"
    provider = "OOG"

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    def parse(self, document: Document, memory: Overlay, into: Parsed) -> None:
        """See documents.Adapter: `.csv`, `.json` (a list under `dong`), `.xlsx`."""
        read_lines(document, COLUMNS, into, lambda line: self._line(line, into))

    def _line(self, line: Line, into: Parsed) -> None:
        if not any(text_in(line.cells, name) for name in _FILLED):
            into.superseded += 1
            return
        into.take(self._observation(line, into.now), line.place, line.original)

    def _observation(self, line: Line, now: int) -> Observation:
        cells = line.cells
        spec = self._spec(text_in(cells, "ma_chi_so"), text_in(cells, "thanh_phan"))
        figure = word_in(cells, "so_lieu", FIGURE_OF, "actual")
        status = word_in(cells, "trang_thai", STATUS_OF, "preliminary")
        territory = code_of(cells.get("dia_ban"), "dia_ban", lambda code: self._vocabulary.territory(code) is not None)
        period, at = _period(line, spec)
        agency, provider = self._agencies(spec.indicator, territory, text_in(cells, "don_vi_cung_cap"))
        subject = text_in(cells, "doi_tuong")
        if subject and not spec.subject_type:
            raise Refused("contract", "doi_tuong", "this series is of a territory, not of single subjects; leave the cell empty")
        observation = Observation(
            indicator=spec.indicator, component=spec.component, concept=spec.concept, measure_unit=spec.measure_unit, figure=figure,
            period_type=period.type, period_start=period.start_ms, period_end=period.end_ms, event_time=at, ingested_at=now,
            territory=territory, agency=agency, provider=provider, source_system=SOURCE_SYSTEM, source_record_id="-", status=status,
            cumulative=spec.cumulative_of(figure), budget_year=_budget_year(line, spec, figure, period), dimensions=_dimensions(line),
            subject_type=spec.subject_type if subject else "", subject_id=subject, text=text_in(cells, "noi_dung") or None,
            reference=text_in(cells, "tham_chieu") or None, value=self._value(line, spec, status), price_basis=_price_basis(spec),
            revision=whole_of(cells.get("lan_dinh_chinh") or 0, "lan_dinh_chinh", maximum=1_000_000),
        )  # fmt: skip
        return replace(observation, source_record_id=_record_id(line, observation, spec))

    def _spec(self, indicator: str, component: str) -> SeriesSpec:
        spec = self._vocabulary.series_spec(indicator, component)
        if spec is None:
            row = self._vocabulary.indicator(indicator)
            names = [s.component for s in self._vocabulary.series_specs() if s.indicator == indicator]
            field = "ma_chi_so" if row is None else "thanh_phan"
            wanted = "a code catalogue/code, e.g. vn-1012/A.I.1" if row is None else f"one of {', '.join(n or '(empty)' for n in names)}"
            raise Refused("unknown_indicator", field, f"{wanted} is required; take the template of the indicator")
        return spec

    def _agencies(self, indicator: str, territory: str, given: str) -> tuple[str, str]:
        """(agency, provider): who answers for the figure and who supplied it; the catalogue's where the row names none.

        «PPC» of a catalogue means the People's Committee of each province: here that of the territory's own.
        """
        if given and self._vocabulary.agency(given) is None:
            raise Refused("unknown_agency", "don_vi_cung_cap", "a code of the list of agencies is required; found another")
        row = self._vocabulary.indicator(indicator)
        first = next(iter(row.providers if row else ()), self.provider)
        answers = next(iter(row.responsible_agencies if row else ()), given or first)
        return self._own(answers, territory), given or self._own(first, territory)

    def _own(self, agency: str, territory: str) -> str:
        own = f"PPC-{self._vocabulary.ancestor(territory, 'province')}"
        return own if agency == "PPC" and self._vocabulary.agency(own) is not None else agency

    def _value(self, line: Line, spec: SeriesSpec, status: str) -> Decimal | None:
        cells = line.cells
        if status == "deleted":
            return None
        if spec.content != "number":
            field = "noi_dung" if spec.content == "text" else "tham_chieu"
            if not text_in(cells, field):
                raise Refused("validation", field, "this series carries words or files: a text or a reference is required")
            if not text_in(cells, "gia_tri"):
                return Decimal(1)  # one bulletin, one obstacle, one map
        unit = self._vocabulary.measure_unit(spec.measure_unit)
        assert unit is not None, "every unit of a series is in measure-units.yaml: `nhip catalogue check` keeps it"
        return value_of(cells.get("gia_tri"), text_in(cells, "don_vi_tinh"), unit)


def _period(line: Line, spec: SeriesSpec) -> tuple[Period, int]:
    """The period a row speaks of, and the time of its event: the period's start; of running totals and instants the moment given."""
    kind = word_in(line.cells, "loai_ky", PERIOD_OF, spec.period_types[0] if len(spec.period_types) == 1 else "")
    at = moment_of(line.cells.get("thoi_diem"), "thoi_diem")
    year = None
    if kind == "budget_year_to_date":
        year = whole_of(text_in(line.cells, "nam_ngan_sach"), "nam_ngan_sach", minimum=2000, maximum=2100)
    try:
        period = period_of(kind, at, year)
    except PeriodError as e:
        raise Refused("impossible_date", "thoi_diem", str(e)) from None
    return period, at if kind in ("budget_year_to_date", "instant") else period.start_ms


def _budget_year(line: Line, spec: SeriesSpec, figure: str, period: Period) -> int:
    """As the row says; where it says nothing the period's year, but for running totals, of which two budget years are open in January."""
    given = text_in(line.cells, "nam_ngan_sach")
    if given or spec.cumulative_of(figure):
        return whole_of(given, "nam_ngan_sach", minimum=2000, maximum=2100)
    return local_day(period.start_ms).year


def _dimensions(line: Line) -> tuple[tuple[str, str], ...]:
    found = {name[len(DIMENSION) :]: text_in(line.cells, name) for name in line.cells if name.startswith(DIMENSION)}
    return tuple(sorted((name, value) for name, value in found.items() if value))


def _price_basis(spec: SeriesSpec) -> str:
    return spec.component if spec.component in ("constant", "current") else "none"


def _record_id(line: Line, observation: Observation, spec: SeriesSpec) -> str:
    given = text_in(line.cells, "ma_ban_ghi")
    if spec.fold_of(observation.figure) == "event":
        if not given:
            raise Refused("contract", "ma_ban_ghi", "this series counts single records: each needs an id of its own")
        return given
    try:
        key = f"{observation.series().key()}|{observation.period_type}|{observation.period_start}|{observation.budget_year}"
    except SeriesError as e:
        raise Refused("contract", "phan_to", str(e)) from None
    return hashlib.sha256(key.encode()).hexdigest()[:32]
