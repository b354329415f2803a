"""Intensive care: beds occupied and free, as FHIR MeasureReport (JSON) or the daily return of hospitals (CSV). Counts only; occupancy
is computed downstream as beds over beds, and nothing of a patient is read.

MeasureReport: LOINC 112575-6 adult ICU beds occupied, 112574-9 adult ICU beds unoccupied (HL7 US SAFR); children's and all-bed counts
of the same report are read past. `meta.versionId`, where the server numbers its versions, orders corrections; else the minutes from the
start of the day to `date` do: a later report of the same day replaces the earlier.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

from fhir.resources.measurereport import MeasureReport, MeasureReportGroup
from pydantic import ValidationError

from indicators.observation import Observation
from indicators.vocabulary import Vocabulary
from producers.documents import Document, Overlay, Parsed
from producers.fields import LOCAL, date_of, epoch_ms, loads, mapping_of, start_of, text_of, whole_of
from producers.periods import day_period
from producers.reject import Refused
from producers.tables import Row, read_rows

INDICATOR = "guide-7146/T14.ICU"
SOURCE_SYSTEM = "icu"
LOINC = "http://loinc.org"
OCCUPIED, FREE = "112575-6", "112574-9"
COMPONENTS = {OCCUPIED: "occupied", FREE: "free"}
OTHER_COUNTS = frozenset({"112562-4", "112561-6", "112579-8", "112578-0"})
"""Paediatric and all-bed counts of the same measure (domain: 8.4)."""
COLUMNS = ("ma_benh_vien", "ngay", "phien_ban", "giuong_icu", "giuong_icu_su_dung")
MAX_BEDS = 5000
MINUTE_MS = 60_000


class IntensiveCare:
    """The adapter of both formats; the vocabulary gives a hospital its territory and agency."""

    name = "icu"
    provider = "MOH"

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    def parse(self, document: Document, memory: Overlay, into: Parsed) -> None:
        """See documents.Adapter: the daily return from `.csv`, a MeasureReport (or a list of them) from everything else."""
        if document.name.lower().endswith(".csv"):
            read_rows(document, COLUMNS, into, lambda row: self._row(row, document, into))
            return
        try:
            content = loads(document.data)
        except Refused as refused:
            into.refuse(refused, document.name, document.data)
            return
        reports = content if isinstance(content, list) else [content]
        for number, report in enumerate(reports):
            place = document.name if len(reports) == 1 else f"{document.name}#{number + 1}"
            try:
                self._report(report, document.data, place, into)
            except Refused as refused:
                into.refuse(refused, place, document.data)

    def _report(self, content: object, original: bytes, place: str, into: Parsed) -> None:
        report = _validated(content)
        if report.status == "error":
            raise Refused("validation", "status", "the hospital marks its own report as faulty")
        day, published = _day(report), _published(report)
        counts = [c for group in report.group or () if (c := _count(group)) is not None]
        if {component for component, _ in counts} != set(COMPONENTS.values()) or len(counts) != len(COMPONENTS):
            raise Refused("validation", "group", f"one count each of LOINC {OCCUPIED} (occupied) and {FREE} (free) is required")
        identifier = report.reporter.identifier if report.reporter else None
        hospital = identifier.value if identifier else None
        if not hospital:
            raise Refused("validation", "reporter.identifier", "the code of the hospital is required")
        version = report.meta.versionId if report.meta else None
        minutes = max(0, (published - start_of(day)) // MINUTE_MS)
        revision = whole_of(version, "meta.versionId", minimum=1) - 1 if version else minutes
        generated = any(tag.code == "generated" for tag in (report.meta.tag or () if report.meta else ()))
        for component, count in counts:
            observation = self._observation(hospital, day, component, count, into.now)
            into.take(_stamped(observation, revision, published, generated), place, original)

    def _row(self, row: Row, document: Document, into: Parsed) -> None:
        cells = row.cells
        staffed = whole_of(cells["giuong_icu"], "giuong_icu", maximum=MAX_BEDS)
        occupied = whole_of(cells["giuong_icu_su_dung"], "giuong_icu_su_dung", maximum=MAX_BEDS)
        if occupied > staffed:
            raise Refused("validation", "giuong_icu_su_dung", "not more beds in use than staffed beds; count beds, not patients")
        day = date_of(cells["ngay"], "ngay")
        revision = whole_of(cells["phien_ban"], "phien_ban", minimum=1) - 1
        for component, count in (("occupied", occupied), ("free", staffed - occupied)):
            observation = self._observation(text_of(cells, "ma_benh_vien"), day, component, count, into.now)
            stamped = _stamped(observation, revision, None, cells.get("ghi_chu") == "generated")
            into.take(stamped, f"{document.name}:{row.line}", row.original)

    def _observation(self, hospital: str, day: date, component: str, count: int, now: int) -> Observation:
        subject = self._vocabulary.subject("hospital", hospital)
        if subject is None:
            raise Refused("unknown_subject", "hospital", "a hospital of the registry is required; register it, then send again")
        start, end = day_period(start_of(day))
        return Observation(
            indicator=INDICATOR, component=component, concept=f"icu_beds_{component}", measure_unit="bed", period_type="day",
            period_start=start, period_end=end, event_time=start, ingested_at=now, territory=subject.territory, agency=subject.agency,
            provider=subject.agency, source_system=SOURCE_SYSTEM, source_record_id=f"{hospital}/{day.isoformat()}/{component}",
            subject_type="hospital", subject_id=hospital, lon=subject.lon, lat=subject.lat, value=Decimal(count),
        )  # fmt: skip


def _stamped(o: Observation, revision: int, published: int | None, generated: bool) -> Observation:
    return replace(o, revision=revision, published_at=published, quality_flags=("generated",) if generated else ())


def _validated(content: object) -> MeasureReport:
    """A FHIR R5 MeasureReport. Raises Refused naming the first wrong element."""
    try:
        return MeasureReport.model_validate(mapping_of(content, "MeasureReport"))
    except ValidationError as e:
        first = e.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Refused("contract", where or "resourceType", "a FHIR MeasureReport is required; this element is missing or wrong") from None


def _day(report: MeasureReport) -> date:
    start, end = report.period.start, report.period.end
    if start is None or end is None:
        raise Refused("impossible_date", "period", "start and end of the day are required")
    first, last = _local(start), _local(end)
    if first != last:
        raise Refused("impossible_date", "period", "a report of exactly one day is required")
    return first


def _local(at: date | datetime) -> date:
    return at.astimezone(LOCAL).date() if isinstance(at, datetime) else at


def _published(report: MeasureReport) -> int:
    at = report.date
    if at is None:
        raise Refused("impossible_date", "date", "when the report was made is required")
    if not isinstance(at, datetime):
        return start_of(at)
    return epoch_ms(at if at.tzinfo else at.replace(tzinfo=LOCAL))


def _count(group: MeasureReportGroup) -> tuple[str, int] | None:
    """(component, beds) of a group; None for counts of the measure that are not ours."""
    codes = [c.code for c in (group.code.coding or ()) if c.system == LOINC] if group.code else []
    if len(codes) != 1 or (codes[0] not in COMPONENTS and codes[0] not in OTHER_COUNTS):
        raise Refused("validation", "group.code", "a group needs one LOINC code of the bed capacity measure")
    if codes[0] in OTHER_COUNTS:
        return None
    populations = group.population or ()
    if len(populations) != 1 or populations[0].count is None:
        raise Refused("validation", "group.population.count", "one count of beds is required")
    return COMPONENTS[codes[0]], whole_of(populations[0].count, "group.population.count", maximum=MAX_BEDS)
