"""Tax: daily receipts by kind of tax, area and sector, as CSV or JSON, from a folder or over HTTP; and the revenue estimate of the year.

CSV `ma_dia_ban,ngay,sac_thue,khu_vuc,so_tien_dong,phien_ban` (one line a sum of the day); JSON {"report": {"date", "version", "receipts":
[{"area", "tax", "sector", "amount_vnd"}]}}. The record id is area/date/tax/sector; a later version of the same day replaces.
Estimate: CSV `ma_dia_ban,nam_ngan_sach,so_quyet_dinh,ngay_quyet_dinh,lan_dieu_chinh,du_toan_dong`.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from indicators.observation import Observation
from producers.codes import Codes
from producers.documents import Document, Overlay, Parsed
from producers.fields import date_of, dong_of, list_of, loads, mapping_of, start_of, text_of, whole_of
from producers.periods import day_period, year_period
from producers.reject import Refused
from producers.tables import Row, columns_of, read_rows

RECEIPTS, ESTIMATE = "vn-1012/A.II.4", "vn-1012/A.II.1"
SOURCE_SYSTEM = "tax"
PROVIDER = "TAX"
COLUMNS = ("ma_dia_ban", "ngay", "sac_thue", "khu_vuc", "so_tien_dong", "phien_ban")
ESTIMATE_COLUMNS = ("ma_dia_ban", "nam_ngan_sach", "so_quyet_dinh", "ngay_quyet_dinh", "lan_dieu_chinh", "du_toan_dong")


class Tax:
    """The adapter of all three forms."""

    name = "tax"
    provider = PROVIDER

    def __init__(self, codes: Codes) -> None:
        self._codes = codes

    def parse(self, document: Document, memory: Overlay, into: Parsed) -> None:
        """See documents.Adapter: `.json` receipts; `.csv` receipts, or the estimate by its column du_toan_dong."""
        if not document.name.lower().endswith(".csv"):
            self._json(document, into)
        elif _is_estimate(document.data):
            read_rows(document, ESTIMATE_COLUMNS, into, lambda row: _take_estimate(row, document, into))
        else:
            read_rows(document, COLUMNS, into, lambda row: self._row(row, document, into))

    def _row(self, row: Row, document: Document, into: Parsed) -> None:
        cells = row.cells
        observation = self._receipt(
            text_of(cells, "ma_dia_ban"), date_of(cells["ngay"], "ngay"), (cells["sac_thue"], cells["khu_vuc"]),
            dong_of(cells["so_tien_dong"], "so_tien_dong"), whole_of(cells["phien_ban"], "phien_ban", minimum=1), into.now,
            generated=cells.get("ghi_chu") == "generated",
        )  # fmt: skip
        into.take(observation, f"{document.name}:{row.line}", row.original)

    def _json(self, document: Document, into: Parsed) -> None:
        try:
            report = mapping_of(mapping_of(loads(document.data), "file").get("report"), "report")
            day, version = date_of(report.get("date"), "date"), whole_of(report.get("version"), "version", minimum=1)
            receipts = list_of(report.get("receipts"), "receipts")
        except Refused as refused:
            into.refuse(refused, document.name, document.data)
            return
        for index, item in enumerate(receipts):
            place = f"{document.name}#{index + 1}"
            original = str(item).encode()
            try:
                record = mapping_of(item, "receipts")
                cut = (text_of(record, "tax"), text_of(record, "sector"))
                observation = self._receipt(text_of(record, "area"), day, cut, dong_of(record.get("amount_vnd"), "amount_vnd"), version,
                                            into.now, generated=report.get("generated") is True)  # fmt: skip
                into.take(observation, place, original)
            except Refused as refused:
                into.refuse(refused, place, original)

    def _receipt(self, area: str, day: date, cut: tuple[str, str], amount: Decimal, version: int, now: int,
                 *, generated: bool) -> Observation:  # fmt: skip
        tax, sector = self._codes.tax_types.get(cut[0]), self._codes.sectors.get(cut[1])
        if tax is None or sector is None:
            table, field = (self._codes.tax_types, "tax") if tax is None else (self._codes.sectors, "sector")
            raise Refused("validation", field, f"one of {', '.join(table)} is required")
        start, end = day_period(start_of(day))
        return Observation(
            indicator=RECEIPTS, concept="taxes_fees", measure_unit="VND", period_type="day", period_start=start, period_end=end,
            event_time=start, ingested_at=now, territory=area, agency=f"PPC-{area}", provider=PROVIDER, source_system=SOURCE_SYSTEM,
            source_record_id=f"{area}/{day.isoformat()}/{cut[0]}/{cut[1]}", revision=version - 1, budget_year=day.year,
            status="preliminary" if version == 1 else "revised", dimensions=(("sector", sector), ("tax_type", tax)), value=amount,
            quality_flags=("generated",) if generated else (),
        )  # fmt: skip


def _is_estimate(data: bytes) -> bool:
    try:
        return "du_toan_dong" in columns_of(data)
    except Refused:
        return False  # the reader of rows says what is wrong with the first line


def _take_estimate(row: Row, document: Document, into: Parsed) -> None:
    cells = row.cells
    area = text_of(cells, "ma_dia_ban")
    year = whole_of(cells["nam_ngan_sach"], "nam_ngan_sach", minimum=2000, maximum=2100)
    start, end = year_period(year)
    amount = dong_of(cells["du_toan_dong"], "du_toan_dong")
    observation = Observation(
        indicator=ESTIMATE, concept="budget_revenue", measure_unit="VND", figure="budget_estimate", period_type="year", period_start=start,
        period_end=end, event_time=start_of(date_of(cells["ngay_quyet_dinh"], "ngay_quyet_dinh")), ingested_at=into.now, territory=area,
        agency=f"PPC-{area}" if area != "VN" else "MOF", provider="MOF", source_system=SOURCE_SYSTEM, budget_year=year, status="official",
        source_record_id=f"DT/{year}/{area}", revision=whole_of(cells["lan_dieu_chinh"], "lan_dieu_chinh", maximum=1000),
        reference=text_of(cells, "so_quyet_dinh"), value=amount,
        quality_flags=("generated",) if cells.get("ghi_chu") == "generated" else (),
    )  # fmt: skip
    into.take(observation, f"{document.name}:{row.line}", row.original)
