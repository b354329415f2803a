"""The report as a Word document: A4, Times New Roman 13, margins of administrative texts (Decree 30/2020/NĐ-CP, annex I: 20–25 mm top and
bottom, 30–35 mm left, 15–20 mm right)."""

from __future__ import annotations

import io
from typing import Any, Final

from docx import Document
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt

from dashboards.report import Grid, Report

FONT: Final = "Times New Roman"
TEXT_MM: Final = 160.0
"""Width between the margins."""


def written(report: Report) -> bytes:
    """The document."""
    made = Document()
    _page(made)
    for i, text in enumerate(report.head()):
        _centred(made, text, bold=i < 2, size=14 if i == 0 else 13 if i == 1 else 12)
    for heading, grid in report.sections():
        _heading(made, heading)
        _table(made, grid, report.said("nothing"))
    _heading(made, report.said("late"))
    made.add_paragraph("; ".join(report.late) + "." if report.late else report.said("nothing"))
    note = made.add_paragraph(report.said("notes"))
    note.runs[0].italic = True
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def _page(made: Any) -> None:
    section = made.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin = section.bottom_margin = Mm(20)
    section.left_margin, section.right_margin = Mm(30), Mm(20)
    style = made.styles["Normal"]
    style.font.name, style.font.size = FONT, Pt(12)
    style.element.rPr.rFonts.set(qn("w:eastAsia"), FONT)
    style.paragraph_format.space_after = Pt(4)
    foot = section.footer.paragraphs[0]
    foot.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _field(foot.add_run(), "PAGE")


def _field(run: Any, name: str) -> None:
    """A field that the reader's program fills in: the number of the page."""
    for kind, text in (("begin", ""), ("", name), ("end", "")):
        element = OxmlElement("w:fldChar" if kind else "w:instrText")
        if kind:
            element.set(qn("w:fldCharType"), kind)
        else:
            element.text = text
        run._r.append(element)


def _centred(made: Any, text: str, bold: bool, size: int) -> None:
    paragraph = made.add_paragraph()
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    run = paragraph.add_run(text)
    run.bold, run.font.size = bold, Pt(size)


def _heading(made: Any, text: str) -> None:
    paragraph = made.add_heading(level=2)
    run = paragraph.add_run(text)
    run.font.name, run.font.size, run.bold = FONT, Pt(13), True
    run.font.color.rgb = None
    paragraph.paragraph_format.space_before = Pt(10)


def _table(made: Any, grid: Grid, nothing: str) -> None:
    if not grid.rows:
        made.add_paragraph(nothing)
        return
    table = made.add_table(rows=1, cols=len(grid.head))
    table.style, table.alignment, table.autofit = "Table Grid", WD_TABLE_ALIGNMENT.CENTER, False
    _row(table.rows[0], grid.head, grid, bold=True)
    repeat = OxmlElement("w:tblHeader")
    repeat.set(qn("w:val"), "true")
    table.rows[0]._tr.get_or_add_trPr().append(repeat)
    for row in grid.rows:
        _row(table.add_row(), row, grid, bold=False)


def _row(row: Any, texts: Any, grid: Grid, bold: bool) -> None:
    for i, (cell, text, share) in enumerate(zip(row.cells, texts, grid.widths, strict=True)):
        cell.width = Mm(TEXT_MM * share)
        paragraph = cell.paragraphs[0]
        paragraph.paragraph_format.space_after = Pt(0)
        if i in grid.numbers:
            paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        run = paragraph.add_run(text)
        run.bold, run.font.size = bold, Pt(10)
