"""Templates of intake: one row a series of an indicator, codes filled in, the value left to the person; as CSV, JSON or Excel."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Literal, get_args

from indicators.numbers_vi import day_vi, number_vi
from indicators.spec import SeriesSpec
from indicators.vocabulary import Vocabulary
from producers.intake import COLUMNS, DIMENSION
from producers.intake_fields import FIGURE_OF, PERIOD_OF, STATUS_OF

Form = Literal["csv", "json", "xlsx"]
FORMS: tuple[Form, ...] = get_args(Form)
NAME = "ten_chuoi"
"""Column with the words of the series, for the reader; intake reads past it."""
_HELP = (
    ("ma_chi_so, thanh_phan", "mã chuỗi số liệu, không sửa / codes of the series, leave as they are"),
    ("dia_ban", "mã địa bàn từ 07/2025, dạng chữ (01, 00004; cả nước: VN) / code of the territory, as text"),
    ("loai_ky", f"loại kỳ / kind of period: {', '.join(PERIOD_OF)}"),
    ("thoi_diem", "một ngày trong kỳ, dd/mm/yyyy (kỳ giờ: dd/mm/yyyy hh:mm) / a day inside the period"),
    ("so_lieu", f"loại số liệu / figure: {', '.join(FIGURE_OF)}"),
    ("gia_tri", "số; phần lẻ sau dấu phẩy: 1234,5 / number with a decimal comma"),
    ("don_vi_tinh", "đơn vị tính; được ghi nghìn, triệu, tỷ trước đơn vị / unit; thousands, millions, billions of it may be named"),
    ("trang_thai", f"trạng thái / status: {', '.join(STATUS_OF)}"),
    ("lan_dinh_chinh", "0 lần đầu, 1, 2 … khi đính chính / 0 first, 1, 2 … for corrections"),
    ("nam_ngan_sach", "bắt buộc với số lũy kế / required for running totals"),
    ("doi_tuong", "mã dự án, trạm, bệnh viện, đơn vị / id of the project, station, hospital, department"),
    ("ma_ban_ghi", "bắt buộc với chuỗi từng bản ghi / required where single records are counted"),
    ("noi_dung, tham_chieu", "lời văn; địa chỉ tệp / text; where the file lies"),
)  # fmt: skip


def columns(specs: Iterable[SeriesSpec]) -> list[str]:
    """The columns of a template: those of intake, one for each dimension of the series, and the name last."""
    return [*COLUMNS, *sorted({f"{DIMENSION}{name}" for spec in specs for name in spec.dimensions}), NAME]


def rows(vocabulary: Vocabulary, specs: Sequence[SeriesSpec]) -> list[dict[str, str]]:
    """One row a series and figure, with everything filled in but territory, time and value."""
    word_of = {code: word for word, code in PERIOD_OF.items()}
    found = []
    for spec in specs:
        row, unit = vocabulary.indicator(spec.indicator), vocabulary.measure_unit(spec.measure_unit)
        for figure in spec.figures:
            cells = dict.fromkeys(columns(specs), "")
            cells |= {
                "ma_chi_so": spec.indicator, "thanh_phan": spec.component, "lan_dinh_chinh": "0", "trang_thai": "sơ bộ",
                "loai_ky": word_of[spec.period_types[0]], "so_lieu": next(w for w, code in FIGURE_OF.items() if code == figure),
                "don_vi_tinh": (unit.symbol_vi or unit.code) if unit else spec.measure_unit,
                NAME: spec.name_vi or (row.name_vi if row else ""),
            }  # fmt: skip
            found.append(cells)
    return found


def example(vocabulary: Vocabulary, specs: Sequence[SeriesSpec], on: date) -> list[dict[str, str]]:
    """The same rows filled with invented values inside the bounds, of the periods that `on` lies in: to try the way in."""
    filled = []
    by_key = {(spec.indicator, spec.component): spec for spec in specs}
    for number, line in enumerate(rows(vocabulary, specs)):
        spec = by_key[line["ma_chi_so"], line["thanh_phan"]]
        subject = next(iter(vocabulary.subjects(spec.subject_type)), None) if spec.subject_type else None
        value = Decimal(1) if (spec.minimum or 0) <= 1 <= (spec.maximum or 1) else spec.minimum or Decimal(1)
        line |= {f"{DIMENSION}{name}": "ví dụ" for name in spec.dimensions}
        line |= {
            "dia_ban": subject.territory if subject else "31" if spec.indicator.startswith("hai-phong") else "VN",
            "thoi_diem": day_vi(on), "gia_tri": number_vi(value).replace(".", ""), "nam_ngan_sach": str(on.year),
            "ma_ban_ghi": f"vi-du-{number + 1}",
            "doi_tuong": subject.id if subject else "", "noi_dung": "" if spec.content == "number" else "ví dụ",
            "tham_chieu": "" if spec.content == "number" else "kho/vi-du",
        }  # fmt: skip
        filled.append(line)
    return filled


def write(form: Form, names: Sequence[str], lines: Sequence[dict[str, str]]) -> bytes:
    """A template, or a filled one, in one of the three forms."""
    match form:
        case "csv":
            out = io.StringIO(newline="")
            writer = csv.DictWriter(out, names, lineterminator="\n")
            writer.writeheader()
            writer.writerows(lines)
            return out.getvalue().encode("utf-8-sig")  # with the mark by which Excel knows UTF-8
        case "json":
            return json.dumps({"dong": list(lines)}, ensure_ascii=False, indent=1).encode()
        case "xlsx":
            return _workbook(names, lines)


def _workbook(names: Sequence[str], lines: Sequence[dict[str, str]]) -> bytes:
    from openpyxl import Workbook  # type: ignore[import-untyped]  # imported by the first workbook, as in producers/sheet.py
    from openpyxl.styles import Alignment, Font, PatternFill  # type: ignore[import-untyped]
    from openpyxl.utils import get_column_letter  # type: ignore[import-untyped]

    book = Workbook()
    sheet = book.active
    sheet.title = "Số liệu"
    sheet.append(list(names))
    for line in lines:
        sheet.append([line[name] for name in names])
    for number, name in enumerate(names, 1):
        letter = get_column_letter(number)
        sheet.column_dimensions[letter].width = 60 if name == NAME else max(len(name) + 2, 14)
        sheet[f"{letter}1"].font = Font(bold=True)
        sheet[f"{letter}1"].fill = PatternFill("solid", start_color="FFDDEBF7")
        for cell in sheet[letter][1:]:
            cell.number_format = "@"  # text: codes keep their zeros
    sheet.freeze_panes = "A2"
    guide = book.create_sheet("Hướng dẫn")
    for name, text in _HELP:
        guide.append([name, text])
    guide.column_dimensions["A"].width, guide.column_dimensions["B"].width = 26, 110
    for cell in guide["B"]:
        cell.alignment = Alignment(wrap_text=True)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
