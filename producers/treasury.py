"""Treasury: disbursement entries in TABMIS-like segments, and assigned capital plans.

Entries (`*.jsonl`): one accounting entry a line over the twelve-segment account combination, then one trailer with count and total, by
which a cut file is told. The segment `unit` holds the code of the investment project, `area` the province; `budget_year` is carried,
for capital of a year is paid until 31 January of the next. Amounts are whole đồng. A back-dated entry counts on its `effective_date`.

A reversal corrects the past instead of adding a negative: a full one withdraws the original entry (same record id, next revision,
deleted), a partial one lowers it; the reversal itself is kept as a record of zero that refers to the original. Originals are remembered
for 400 days.

Plans (`*.csv`): one line a province, budget year and kind of plan: Prime Minister's, local, carried over; an adjustment replaces.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from indicators.observation import Observation
from producers.contract import Json
from producers.documents import Document, Overlay, Parsed
from producers.fields import (
    DAY_MS,
    date_of,
    dong_of,
    instant_of,
    loads,
    local_date,
    mapping_of,
    start_of,
    text_of,
    whole_of,
)
from producers.periods import day_period, year_period
from producers.reject import Refused
from producers.tables import MAX_LINE_BYTES, Row, read_rows

INDICATOR = "vn-1012/A.II.3"
CONCEPT = "public_investment_disbursement"
SOURCE_SYSTEM = "tabmis"
PROVIDER = "VST"
REMEMBERED_MS = 400 * DAY_MS
SEGMENTS = ("fund", "account", "economic_content", "budget_level", "unit", "area", "chapter", "sector", "programme", "treasury", "source",
            "reserve")  # fmt: skip
INVESTMENT_ACCOUNTS = ("82", "15", "17")
"""Leading digits of accounts of capital spending and its advances (chart of accounts of the treasury; to be confirmed by the owner)."""

PLAN_COLUMNS = ("ma_dia_ban", "nam_ngan_sach", "loai_ke_hoach", "so_quyet_dinh", "ngay_quyet_dinh", "lan_dieu_chinh", "so_tien_dong")
PLAN_FIGURES = {"TTG": "plan_pm", "DP": "plan_local", "KD": "plan_carried_over"}
"""Kế hoạch Thủ tướng Chính phủ giao, địa phương giao, kéo dài."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One disbursement entry, read and plausible in itself. `amount` in đồng; negative only for a reversal."""

    number: str
    posted_at: int
    effective: int
    budget_year: int
    project: str
    province: str
    amount: Decimal
    reversal_of: str
    generated: bool


class Treasury:
    """The adapter of both formats."""

    name = "treasury"
    provider = PROVIDER

    def parse(self, document: Document, memory: Overlay, into: Parsed) -> None:
        """See documents.Adapter: plans from `.csv`, entries from everything else."""
        if document.name.lower().endswith(".csv"):
            read_rows(document, PLAN_COLUMNS, into, lambda row: _take_plan(row, document, into))
        else:
            _Entries(document, memory, into).read()


def _take_plan(row: Row, document: Document, into: Parsed) -> None:
    figure = PLAN_FIGURES.get(row.cells["loai_ke_hoach"])
    if figure is None:
        raise Refused("validation", "loai_ke_hoach", f"one of {', '.join(PLAN_FIGURES)} is required")
    year = whole_of(row.cells["nam_ngan_sach"], "nam_ngan_sach", minimum=2000, maximum=2100)
    province = text_of(row.cells, "ma_dia_ban")
    start, end = year_period(year)
    decision = text_of(row.cells, "so_quyet_dinh")
    observation = Observation(
        indicator=INDICATOR, concept=CONCEPT, measure_unit="VND", figure=figure, period_type="year", period_start=start, period_end=end,
        event_time=start_of(date_of(row.cells["ngay_quyet_dinh"], "ngay_quyet_dinh")), ingested_at=into.now, territory=province,
        agency=f"PPC-{province}" if province != "VN" else "MOF", provider="MOF", source_system=SOURCE_SYSTEM, budget_year=year,
        source_record_id=f"KHV/{year}/{province}/{row.cells['loai_ke_hoach']}", status="official", reference=decision,
        revision=whole_of(row.cells["lan_dieu_chinh"], "lan_dieu_chinh", maximum=1000),
        value=dong_of(row.cells["so_tien_dong"], "so_tien_dong"),
        quality_flags=("generated",) if row.cells.get("ghi_chu") == "generated" else (),
    )  # fmt: skip
    if observation.value is not None and observation.value < 0:
        raise Refused("out_of_range", "so_tien_dong", "a plan is not negative")
    into.take(observation, f"{document.name}:{row.line}", row.original)


class _Entries:
    """Reading of one file of entries."""

    def __init__(self, document: Document, memory: Overlay, into: Parsed) -> None:
        self._document, self._memory, self._into = document, memory, into
        self._count, self._total = 0, Decimal(0)
        self._refused, self._trailer = False, False

    def read(self) -> None:
        lines = self._document.data.split(b"\n")
        for index, line in enumerate(lines):
            if line.strip():
                self._guarded(index, line)
        if not self._trailer:
            refused = Refused("truncated", "trailer", "the file must end with its trailer (count and total); send it again whole")
            self._into.refuse(refused, self._place(len(lines) - 1), lines[-1])

    def _guarded(self, index: int, line: bytes) -> None:
        try:
            self._line(index, line)
        except Refused as refused:
            self._refused = True
            if index >= self._document.from_line:
                self._into.refuse(refused, self._place(index), line)

    def _place(self, index: int) -> str:
        return f"{self._document.name}:{index + 1}"

    def _line(self, index: int, line: bytes) -> None:
        if len(line) > MAX_LINE_BYTES:
            self._count += 1
            raise Refused("too_large", "", f"a line of at most {MAX_LINE_BYTES} bytes is expected")
        is_trailer = line.lstrip().startswith(b'{"trailer"')
        self._count += not is_trailer
        record = mapping_of(loads(line), "entry")
        if is_trailer:
            self._trailer = True
            self._check_trailer(mapping_of(record.get("trailer"), "trailer"))
            return
        self._total += dong_of(record.get("amount_vnd"), "amount_vnd")
        if index >= self._document.from_line:
            entry = read_entry(record)
            take = self._reverse if entry.reversal_of else self._enter
            take(entry, self._place(index), line)

    def _check_trailer(self, trailer: dict[str, Any]) -> None:
        if whole_of(trailer.get("entries"), "trailer.entries") != self._count:
            raise Refused("truncated", "trailer.entries", "another number of entries than the trailer says; send the file again whole")
        total = dong_of(trailer.get("total_vnd"), "trailer.total_vnd")
        if total != self._total and not self._refused:  # beside a refused line the totals cannot agree
            raise Refused("contract", "trailer.total_vnd", "the entries add up to another total than the trailer says; send the file again")

    def _enter(self, entry: Entry, place: str, line: bytes) -> None:
        known = self._memory.recall(entry.number)
        if isinstance(known, list) and whole_of(known[5], "revision"):
            self._into.superseded += 1  # sent again after a reversal changed it: the newer revision stands
            return
        if self._into.take(_observation(entry, self._into.now), place, line):
            self._remember(entry, 0)

    def _reverse(self, entry: Entry, place: str, line: bytes) -> None:
        record = replace(_observation(entry, self._into.now), value=Decimal(0), reference=entry.reversal_of,
                         quality_flags=("reversal", *_flags(entry)))  # fmt: skip
        if self._memory.recall(entry.number) is not None:
            self._into.superseded += 1
            return
        original = _remembered(entry.reversal_of, self._memory.recall(entry.reversal_of))
        if original is None:
            raise Refused("validation", "reversal_of", "the entry it reverses is not known here: never received, or older than 400 days")
        was, revision = original
        left = was.amount + entry.amount
        if entry.amount >= 0 or left < 0:
            raise Refused("validation", "amount_vnd", "a reversal is negative and not larger than what is left of its original")
        corrected = replace(_observation(was, self._into.now), revision=revision + 1, value=left or None, published_at=entry.posted_at,
                            status="revised" if left else "deleted")  # fmt: skip
        if self._into.take(record, place, line) and self._into.take(corrected, place, line):
            self._remember(replace(was, amount=left), revision + 1)
            self._remember(entry, 0)

    def _remember(self, entry: Entry, revision: int) -> None:
        value: list[Json] = [
            entry.posted_at, entry.effective, entry.budget_year, entry.project, entry.province, revision, str(entry.amount),
            entry.generated,
        ]  # fmt: skip
        self._memory.remember(entry.number, value, max(entry.effective, entry.posted_at) + REMEMBERED_MS)


def _remembered(number: str, value: object) -> tuple[Entry, int] | None:
    if not isinstance(value, list):
        return None
    posted, effective, year, project, province, revision, amount, generated = value
    return Entry(number, posted, effective, year, project, province, Decimal(amount), "", generated), revision


def read_entry(record: dict[str, Any]) -> Entry:
    """One entry of the feed. Raises Refused naming the field."""
    segments = mapping_of(record.get("segments"), "segments")
    for name in SEGMENTS:
        text_of(segments, name)
    if not segments["account"].startswith(INVESTMENT_ACCOUNTS):
        raise Refused("contract", "segments.account", f"an account of capital spending ({', '.join(INVESTMENT_ACCOUNTS)}…) is required")
    posted = instant_of(record.get("posted_at"), "posted_at")
    effective = date_of(record.get("effective_date"), "effective_date")
    if effective > local_date(posted):
        raise Refused("impossible_date", "effective_date", "an effective date not after the posting is required")
    reversal_of = record.get("reversal_of")
    amount = dong_of(record.get("amount_vnd"), "amount_vnd")
    if amount <= 0 and not reversal_of:
        raise Refused("out_of_range", "amount_vnd", "a positive amount is required; a correction comes as a reversal of its original")
    return Entry(
        text_of(record, "entry"), posted, start_of(effective),
        whole_of(record.get("budget_year"), "budget_year", minimum=2000, maximum=2100),
        segments["unit"].strip(), segments["area"].strip(), amount, text_of(record, "reversal_of") if reversal_of else "",
        record.get("generated") is True,
    )  # fmt: skip


def _flags(entry: Entry) -> tuple[str, ...]:
    return ("generated",) if entry.generated else ()


def _observation(entry: Entry, now: int) -> Observation:
    start, end = day_period(entry.effective)
    back_dated = local_date(entry.effective) != local_date(entry.posted_at)
    return Observation(
        indicator=INDICATOR, concept=CONCEPT, measure_unit="VND", period_type="day", period_start=start, period_end=end,
        event_time=entry.effective, ingested_at=now, published_at=entry.posted_at, territory=entry.province, agency=f"PPC-{entry.province}",
        provider=PROVIDER, source_system=SOURCE_SYSTEM, source_record_id=entry.number, status="official", budget_year=entry.budget_year,
        subject_type="project", subject_id=entry.project, value=entry.amount,
        quality_flags=(("back_dated",) if back_dated else ()) + _flags(entry),
    )  # fmt: skip
