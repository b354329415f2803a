"""Tables of tasks: what a row becomes, and what is refused where it stands."""

from __future__ import annotations

from decimal import Decimal

import pytest

from indicators.rules.cases import instant
from producers.tasks import COLUMNS
from tests.producers.support import parse

ROW = {
    "ma_nhiem_vu": "123/TB-UBND.2", "noi_dung": "Báo cáo tiến độ giải ngân", "co_quan_thuc_hien": "DOF-31", "co_quan_giao": "OPC-31",
    "so_van_ban": "123/TB-UBND", "ngay_giao": "02/02/2026", "han": "25/02/2026",
}  # fmt: skip


def table(**cells: str) -> bytes:
    row = ROW | cells
    return (",".join(COLUMNS) + "\n" + ",".join(row.get(name, "") for name in COLUMNS) + "\n").encode()


def test_a_task_lasts_from_its_order_to_the_end_of_its_due_day() -> None:
    (o,) = parse("tasks", "nhiem-vu.csv", table()).observations
    assert (o.period_start, o.period_end) == (instant("2026-02-02"), instant("2026-02-26"))
    assert (o.agency, o.provider, o.territory, o.dimensions) == ("DOF-31", "OPC-31", "31", (("agency", "DOF-31"),))
    assert (o.value, o.text, o.reference, o.source_record_id) == (Decimal(1), ROW["noi_dung"], ROW["so_van_ban"], ROW["ma_nhiem_vu"])


def test_done_withdrawn_without_a_due_day_and_from_an_alert() -> None:
    (done,) = parse("tasks", "a.csv", table(ngay_hoan_thanh="20/02/2026", lan_dinh_chinh="1")).observations
    assert (done.value, done.event_time, done.revision) == (Decimal(0), instant("2026-02-20"), 1)
    (gone,) = parse("tasks", "a.csv", table(trang_thai="hủy", lan_dinh_chinh="1")).observations
    assert (gone.status, gone.value) == ("deleted", None)
    (open_,) = parse("tasks", "a.csv", table(han="", co_quan_thuc_hien="NSO")).observations
    assert (open_.period_end - open_.period_start, open_.territory) == (1, "VN")
    (caused,) = parse("tasks", "a.csv", table(ma_canh_bao="ba046444-4352-575d-9506-55757ea71587")).observations
    assert caused.trace_id == "ba0464444352575d950655757ea71587"


@pytest.mark.parametrize(
    ("cells", "reason", "field"),
    [
        ({"ma_nhiem_vu": ""}, "validation", "ma_nhiem_vu"), ({"ma_nhiem_vu": "a|b"}, "contract", "ma_nhiem_vu"),
        ({"noi_dung": ""}, "validation", "noi_dung"), ({"co_quan_thuc_hien": "KHONG-CO"}, "unknown_agency", "co_quan_thuc_hien"),
        ({"co_quan_giao": "KHONG-CO"}, "unknown_agency", "provider"), ({"ngay_giao": "30/02/2026"}, "impossible_date", "ngay_giao"),
        ({"han": "31/01/2026"}, "impossible_date", "han"), ({"ngay_hoan_thanh": "01/01/2026"}, "impossible_date", "ngay_hoan_thanh"),
        ({"trang_thai": "xong"}, "validation", "trang_thai"), ({"ma_canh_bao": "7"}, "validation", "ma_canh_bao"),
        ({"lan_dinh_chinh": "x"}, "not_a_number", "lan_dinh_chinh"),
    ],
)  # fmt: skip
def test_a_wrong_cell_is_named(cells: dict[str, str], reason: str, field: str) -> None:
    parsed = parse("tasks", "a.csv", table(**cells))
    assert parsed.observations == []
    assert [(r.reason, r.field) for r in parsed.rejects] == [(reason, field)]
