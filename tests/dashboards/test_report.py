"""The merged report: its cut-off, what stands in it, and the two documents made of it."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import datetime

import pytest

from dashboards.figures import ms
from dashboards.pages.report import default_cutoff
from dashboards.report import Grid, Report, encoded
from indicators.instant import VIETNAM
from tests.dashboards.conftest import LEADER, Client, Memory, Seeded, served


def at(text: str) -> int:
    """Epoch ms of a moment in Vietnam."""
    return ms(datetime.strptime(text, "%d/%m/%Y %H:%M").replace(tzinfo=VIETNAM))


@pytest.mark.parametrize(
    ("now", "cutoff"),
    [("01/11/2026 17:30", "01/11/2026 17:30"), ("01/11/2026 17:29", "31/10/2026 17:30"), ("01/01/2026 00:05", "31/12/2025 17:30")],
)
def test_the_default_cut_off_is_the_newest_half_past_five(now: str, cutoff: str) -> None:
    assert default_cutoff(at(now)) == at(cutoff)


def sample() -> Report:
    """A report with text that XML would take for markup, and an empty part."""
    grid = Grid(["Chỉ số", "Giá trị"], [["Giải ngân <b> & “ngoặc”", "71,00%"]], (0.7, 0.3), frozenset({1}))
    empty = Grid(["a", "b"], [], (0.5, 0.5))
    return Report("bao-cao", "vi", "Cả nước", "17:30 ngày 01/11/2026", "18:00", "Lãnh đạo", empty, grid, grid, ["Tỉnh Đắk Lắk (chậm)"])


def test_word_holds_every_text_and_opens_as_a_document() -> None:
    body = encoded(sample(), "docx")
    archive = zipfile.ZipFile(io.BytesIO(body))
    text = archive.read("word/document.xml").decode()
    plain = re.sub(r"<[^>]+>", "", text)
    for said in (
        "BÁO CÁO TỔNG HỢP",
        "CẢ NƯỚC",
        "17:30 ngày 01/11/2026",
        "Giải ngân &lt;b&gt; &amp; “ngoặc”",
        "71,00%",
        "Tỉnh Đắk Lắk (chậm)",
        "Không có.",
    ):
        assert said in plain, said
    assert "Times New Roman" in archive.read("word/styles.xml").decode()
    assert 'w:w="11906"' in text, "A4"


def test_pdf_carries_a_font_with_every_vietnamese_letter() -> None:
    from reportlab.pdfbase import pdfmetrics

    body = encoded(sample(), "pdf")
    assert body.startswith(b"%PDF-")
    assert b"DejaVuSerifCondensed" in body
    known = pdfmetrics.getFont("DejaVuSerifCondensed").face.charToGlyph
    letters = "ăâđêôơưĂÂĐÊÔƠƯáàảãạắằẳẵặấầẩẫậéèẻẽẹếềểễệíìỉĩịóòỏõọốồổỗộớờởỡợúùủũụứừửữựýỳỷỹỵ–−«»“”…"
    assert [letter for letter in letters if ord(letter) not in known] == []


@pytest.mark.loopback
def test_one_click_makes_the_report_as_it_was_known(seeded: Seeded) -> None:
    journal = Memory()

    async def work(client: Client) -> None:
        page = await client.get("/report")
        assert page.status_code == 200
        assert "17:30 ngày 31/10/2026" in page.text, "the seeds' present is noon of 01/11/2026"
        assert "Tỉnh An Giang (chưa có số liệu)" in page.text
        assert "71,00%" not in page.text, "a result of 01/11/2026 was not known on 31/10/2026"
        now = await client.get("/report?cutoff=01/11/2026+12:00")
        assert "71,00%" in now.text
        assert "Thành phố Hồ Chí Minh (số liệu đến" in now.text, "late"
        assert "Ủy ban nhân dân tỉnh Phú Thọ" in now.text, "who answers for the open alert"
        for form, begins in (("docx", b"PK"), ("pdf", b"%PDF-")):
            made = await client.get(f"/report?cutoff=01/11/2026+12:00&format={form}")
            assert made.content.startswith(begins)
            assert made.headers["content-disposition"] == f'attachment; filename="nhip-bao-cao-20261101-1200.{form}"'
        assert (await client.get("/report?cutoff=31/02/2026")).status_code == 400
        assert "Báo cáo" in (await client.get("/ranking?format=docx")).text, "only the report is a document"

    served(seeded.settings, LEADER, work, journal)
    assert [d.did for d in journal.deeds] == ["board.export_docx", "board.export_pdf"]
