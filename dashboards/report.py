"""The merged report: what was known of a territory at a cut-off, as plain texts in the reader's language; writers make documents of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dashboards.words import Language, Words, words

DOCUMENTS: Final = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
}
SAID: Final[dict[str, Words]] = words(
    title=("BÁO CÁO TỔNG HỢP CHỈ ĐẠO, ĐIỀU HÀNH", "MERGED STEERING REPORT"),
    cutoff=("Số liệu đã biết đến {at}", "Figures as known at {at}"),
    prepared=("Lập lúc {at}, người lập: {by}", "Prepared at {at} by {by}"),
    alerts=("I. Cảnh báo đang mở", "I. Open alerts"),
    figures=("II. Chỉ số", "II. Indicators"),
    ranking=("III. Tiến độ giải ngân của các địa phương", "III. Disbursement by province"),
    late=("IV. Đơn vị gửi số liệu muộn, chưa có số liệu", "IV. Units whose data is late or missing"),
    nothing=("Không có.", "None."),
    notes=(
        "Mỗi số liệu ghi nguồn và thời điểm của số liệu. Tiến độ và mức cảnh báo là mặc định của hệ thống, chờ cơ quan chủ trì xác nhận.",
        "Each figure names its source and its time. Paths and levels are defaults, to be confirmed by their owners.",
    ),
    page=("Trang {n}", "Page {n}"),
)


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: headings, rows of texts, and the share of the width each column takes. `numbers`: columns set flush right."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    widths: Sequence[float]
    numbers: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Report:
    """One report. `late`: names of units; `name` is the file's name without its ending."""

    name: str
    language: Language
    scope: str
    cutoff: str
    prepared: str
    by: str
    alerts: Grid
    figures: Grid
    ranking: Grid
    late: Sequence[str]

    def said(self, key: str, **values: object) -> str:
        """A text of the report in its language."""
        return SAID[key].of(self.language).format(**values)

    def head(self) -> tuple[str, str, str, str]:
        """Title, territory, cut-off, who prepared it and when."""
        return (
            self.said("title"), self.scope.upper(), self.said("cutoff", at=self.cutoff), self.said("prepared", at=self.prepared, by=self.by)
        )  # fmt: skip

    def sections(self) -> tuple[tuple[str, Grid], ...]:
        """The three tables in their order."""
        return ((self.said("alerts"), self.alerts), (self.said("figures"), self.figures), (self.said("ranking"), self.ranking))


def encoded(report: Report, form: str) -> bytes:
    """The report as a document of DOCUMENTS; the writers are loaded when they are first asked for."""
    if form == "docx":
        from dashboards.report_docx import written as write_docx

        return write_docx(report)
    from dashboards.report_pdf import written as write_pdf

    return write_pdf(report)
