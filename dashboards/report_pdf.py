"""The report as PDF on A4, in DejaVu Serif Condensed, which has every Vietnamese letter; its free licence lies beside it
(`fonts/LICENSE.dejavu`)."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.enums import TA_CENTER, TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Flowable, LongTable, Paragraph, SimpleDocTemplate, TableStyle

from dashboards.report import Grid, Report

FONTS: Final = Path(__file__).resolve().parent / "fonts"
REGULAR, BOLD = "DejaVuSerifCondensed", "DejaVuSerifCondensed-Bold"
TEXT_WIDTH: Final = 160 * mm


def written(report: Report) -> bytes:
    """The document."""
    _fonts()
    out = io.BytesIO()
    made = SimpleDocTemplate(
        out, pagesize=A4, leftMargin=30 * mm, rightMargin=20 * mm, topMargin=20 * mm, bottomMargin=20 * mm, title=report.said("title"),
        author=report.by, subject=report.head()[2],
    )  # fmt: skip
    styles = (_style(14, TA_CENTER, True), _style(13, TA_CENTER, True), _style(12, TA_CENTER), _style(11, TA_CENTER))
    story: list[Flowable] = [Paragraph(escape(text), style) for text, style in zip(report.head(), styles, strict=True)]
    for heading, grid in report.sections():
        story += [_heading(heading), *_table(grid, report.said("nothing"))]
    late = "; ".join(report.late) + "." if report.late else report.said("nothing")
    story += [
        _heading(report.said("late")),
        Paragraph(escape(late), _style(11)),
        Paragraph(escape(report.said("notes")), _style(9, before=10)),
    ]
    made.build(story, onFirstPage=_numbered(report), onLaterPages=_numbered(report))
    return out.getvalue()


@cache
def _fonts() -> None:
    for name in (REGULAR, BOLD):
        pdfmetrics.registerFont(TTFont(name, FONTS / f"{name}.ttf"))


def _style(size: float, alignment: int = 0, bold: bool = False, before: float = 0) -> ParagraphStyle:
    font = BOLD if bold else REGULAR
    name = f"{font}{size}{alignment}"
    more = {"leading": size * 1.3, "alignment": alignment, "spaceBefore": before, "spaceAfter": 2}
    return ParagraphStyle(name, fontName=font, fontSize=size, **more)


def _heading(text: str) -> Paragraph:
    style = _style(12.5, bold=True, before=12)
    style.keepWithNext = 1
    return Paragraph(escape(text), style)


def _table(grid: Grid, nothing: str) -> list[Flowable]:
    if not grid.rows:
        return [Paragraph(escape(nothing), _style(11))]
    head = [Paragraph(escape(text), _style(9, bold=True)) for text in grid.head]
    plain, right = _style(9.5), _style(9.5, TA_RIGHT)
    body = [[Paragraph(escape(text), right if i in grid.numbers else plain) for i, text in enumerate(row)] for row in grid.rows]
    table = LongTable([head, *body], colWidths=[TEXT_WIDTH * share for share in grid.widths], repeatRows=1)
    table.setStyle(
        TableStyle([
            ("GRID", (0, 0), (-1, -1), 0.4, colors.HexColor("#8795a5")),
            ("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#eaeef3")),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("TOPPADDING", (0, 0), (-1, -1), 2),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
        ])
    )  # fmt: skip
    return [table]


def _numbered(report: Report) -> Any:
    def draw(canvas: Any, document: Any) -> None:
        canvas.setFont(REGULAR, 9)
        canvas.drawCentredString(A4[0] / 2, 12 * mm, report.said("page", n=document.page))

    return draw
