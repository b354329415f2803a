"""Obstacles of projects as a source: what a row becomes, and what is refused where it stands."""

from __future__ import annotations

from decimal import Decimal
from io import BytesIO

import pytest
from openpyxl import Workbook  # type: ignore[import-untyped]

from indicators.observation import Observation
from indicators.rules.cases import instant
from producers.obstacles import COLUMNS
from tests.producers.support import parse, reasons

ROW = {
    "ma_vuong_mac": "VM-01", "ma_du_an": "DA-31-01", "loai": "giải phóng mặt bằng", "noi_dung": "Còn 14 hộ chưa bàn giao mặt bằng",
    "co_quan_thao_go": "PPC-31", "so_van_ban": "45/BC-SXD", "tu_ngay": "05/01/2026", "han": "15/03/2026",
}  # fmt: skip


def table(**cells: str) -> bytes:
    row = ROW | cells
    return (",".join(COLUMNS) + "\n" + ",".join(row.get(name, "") for name in COLUMNS) + "\n").encode()


def one(**cells: str) -> Observation:
    (found,) = parse("obstacles", "vuong-mac.csv", table(**cells)).observations
    return found


def test_an_obstacle_stands_on_its_project_until_the_end_of_its_due_day() -> None:
    o = one()
    assert (o.period_start, o.period_end, o.event_time) == (instant("2026-01-05"), instant("2026-03-16"), instant("2026-01-05"))
    assert o.series().key() == "nhip/N.4||31|project:DA-31-01|agency=PPC-31;obstacle_kind=land_clearance|actual"
    assert (o.agency, o.provider, o.source_record_id) == ("PPC-31", "DOC-31", "DA-31-01/VM-01"), "told by the project's own agency"
    assert (o.value, o.text, o.reference) == (Decimal(1), ROW["noi_dung"], ROW["so_van_ban"])


def test_removed_withdrawn_without_a_due_day_and_told_by_another() -> None:
    removed = one(ngay_thao_go="10/03/2026", lan_dinh_chinh="1")
    assert (removed.value, removed.event_time, removed.revision) == (Decimal(0), instant("2026-03-10"), 1)
    gone = one(trang_thai="hủy", lan_dinh_chinh="1")
    assert (gone.status, gone.value) == ("deleted", None)
    told = one(han="", co_quan_bao_cao="MOC", loai="capital")
    assert (told.period_end - told.period_start, told.provider, dict(told.dimensions)["obstacle_kind"]) == (1, "MOC", "capital")


def test_the_same_id_of_two_projects_is_two_obstacles() -> None:
    assert one().source_record_id != one(ma_du_an="DA-01-02").source_record_id


def test_excel_says_the_same_and_names_the_cell_that_is_wrong() -> None:
    book = Workbook()
    book.active.append(["Vướng mắc của dự án"])
    for row in (COLUMNS, [ROW.get(name) for name in COLUMNS], [(ROW | {"loai": "thời tiết"}).get(name) for name in COLUMNS]):
        book.active.append(list(row))
    out = BytesIO()
    book.save(out)
    parsed = parse("obstacles", "vuong-mac.xlsx", out.getvalue())
    assert [o.series() for o in parsed.observations] == [one().series()]
    assert reasons(parsed.rejects) == [("validation", "loai (ô C)")]


@pytest.mark.parametrize(
    ("cells", "reason", "field"),
    [
        ({"ma_vuong_mac": ""}, "validation", "ma_vuong_mac"), ({"ma_vuong_mac": "a|b"}, "contract", "ma_vuong_mac"),
        ({"ma_du_an": ""}, "validation", "ma_du_an"), ({"ma_du_an": "DA-99-99"}, "unknown_subject", "ma_du_an"),
        ({"loai": ""}, "validation", "loai"), ({"loai": "thời tiết"}, "validation", "loai"), ({"noi_dung": ""}, "validation", "noi_dung"),
        ({"co_quan_thao_go": ""}, "validation", "co_quan_thao_go"), ({"co_quan_thao_go": "X"}, "unknown_agency", "co_quan_thao_go"),
        ({"co_quan_bao_cao": "X"}, "unknown_agency", "provider"), ({"tu_ngay": "30/02/2026"}, "impossible_date", "tu_ngay"),
        ({"tu_ngay": "22/03/2026", "han": ""}, "impossible_date", "event_time"), ({"han": "04/01/2026"}, "impossible_date", "han"),
        ({"ngay_thao_go": "04/01/2026"}, "impossible_date", "ngay_thao_go"), ({"trang_thai": "xong"}, "validation", "trang_thai"),
        ({"lan_dinh_chinh": "x"}, "not_a_number", "lan_dinh_chinh"),
    ],
)  # fmt: skip
def test_a_wrong_cell_is_named(cells: dict[str, str], reason: str, field: str) -> None:
    parsed = parse("obstacles", "a.csv", table(**cells))
    assert parsed.observations == []
    assert reasons(parsed.rejects) == [(reason, field)]
