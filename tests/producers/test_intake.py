"""Intake: every series of the catalogues filled through its template in three forms; each wrong cell is refused where it stands."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook  # type: ignore[import-untyped]

from indicators.numbers_vi import number_vi
from indicators.observation import Observation
from indicators.spec import SeriesSpec
from producers.documents import Parsed
from producers.intake import COLUMNS
from producers.intake_fields import value_of
from producers.reject import Refused
from producers.template import Form, columns, example, rows, write
from tests.producers.support import NOW, parse, reasons, vocabulary

WORDS = vocabulary()
SPECS = list(WORDS.series_specs())
ON = date(2025, 7, 15)
ROW = {
    "ma_chi_so": "vn-1012/A.IV.1", "thanh_phan": "new", "dia_ban": "31", "loai_ky": "tháng", "thoi_diem": "20/02/2026",
    "so_lieu": "thực hiện", "gia_tri": "1234", "don_vi_tinh": "doanh nghiệp", "trang_thai": "sơ bộ", "lan_dinh_chinh": "0",
}  # fmt: skip

MAP = {"ma_chi_so": "vn-1012/D.6", "thanh_phan": "flood_maps", "don_vi_tinh": ""}
TOTAL = {"ma_chi_so": "hai-phong/A.II.1", "thanh_phan": "accumulated", "don_vi_tinh": "tỷ đồng"}


def send(*lines: dict[str, Any], form: Form = "csv", name: str = "") -> Parsed:
    filled = [dict.fromkeys(COLUMNS, "") | line for line in lines]
    names = list(dict.fromkeys(column for line in filled for column in line))
    return parse("intake", name or f"so-lieu.{form}", write(form, names, [{n: line.get(n, "") for n in names} for line in filled]))


def one(**changes: Any) -> Observation:
    parsed = send(ROW | changes)
    assert parsed.rejects == []
    return parsed.observations[0]


def test_every_series_of_every_catalogue_comes_in_by_its_template() -> None:
    parsed = parse("intake", "tat-ca.csv", write("csv", columns(SPECS), example(WORDS, SPECS, ON)))
    assert parsed.rejects == []
    sent = {(spec.indicator, spec.component, figure) for spec in SPECS for figure in spec.figures}
    assert {(o.indicator, o.component, o.figure) for o in parsed.observations} == sent
    assert len({o.source_record_id for o in parsed.observations}) == len(parsed.observations) == len(sent)


@pytest.mark.parametrize("form", ["json", "xlsx"])
def test_every_row_of_the_catalogues_comes_in_by_json_and_excel(form: Form) -> None:
    firsts = list({spec.indicator: spec for spec in SPECS}.values())
    lines = [line for line in example(WORDS, firsts, ON) if line["so_lieu"] != "dự báo" and line["so_lieu"] != "kế hoạch"]
    parsed = parse("intake", f"moi-dong.{form}", write(form, columns(firsts), lines))
    assert parsed.rejects == []
    assert {o.indicator for o in parsed.observations} == {spec.indicator for spec in SPECS}


def test_an_empty_template_is_no_data_and_no_error() -> None:
    specs = [s for s in SPECS if s.indicator == "vn-1012/A.IV.1"]
    parsed = parse("intake", "mau.xlsx", write("xlsx", columns(specs), rows(WORDS, specs)))
    assert (parsed.observations, parsed.rejects, parsed.superseded) == ([], [], len(specs) * 3)


def test_one_row_becomes_one_observation_with_the_attributes_of_its_series() -> None:
    found = one()
    assert (found.value, found.measure_unit, found.concept, found.budget_year) == (Decimal(1234), "enterprise", "enterprises_new", 2026)
    assert (found.period_type, found.period_start, found.period_end) == ("month", 1769878800000, 1772298000000)  # February 2026, UTC+7
    assert (found.event_time, found.status, found.revision) == (1769878800000, "preliminary", 0)


def test_who_supplies_and_who_answers_is_the_catalogues_unless_the_row_says() -> None:
    assert (one().provider, one(don_vi_cung_cap="DOF-31").provider) == ("DPE", "DOF-31")
    local = one(ma_chi_so="guide-7146/T5.2.2", thanh_phan="", don_vi_tinh="đồng", dia_ban="00004")
    assert local.agency == local.provider == "PPC-01"


def test_the_same_row_again_is_the_same_record_and_a_correction_replaces_it() -> None:
    first, again, corrected = one(), one(gia_tri="9"), one(gia_tri="9", trang_thai="đính chính", lan_dinh_chinh="1")
    assert first.source_record_id == again.source_record_id == corrected.source_record_id
    assert (corrected.revision, corrected.status, corrected.value) == (1, "revised", Decimal(9))
    others = [one(dia_ban="01"), one(thoi_diem="20/01/2026"), one(so_lieu="kế hoạch"), one(thanh_phan="returned"),
              one(nam_ngan_sach="2025")]  # fmt: skip
    assert len({first.source_record_id, *(o.source_record_id for o in others)}) == 6
    assert one(trang_thai="hủy", gia_tri="", lan_dinh_chinh="2").value is None


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("1234,5", "đồng", "1234.5"), ("1.234.567", "VND", "1234567"), ("1.234,5", "tỷ đồng", "1234500000000"),
        ("2,5", "triệu đồng", "2500000"), ("1.5", "", "1.5"), ("0.125", "", "0.125"),
        ("-7", "", "-7"), ("−7,25", "", "-7.25"), (12, "nghìn đồng", "12000"), (Decimal("0.1"), "", "0.1"),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them(text: Any, unit: str, expected: str) -> None:
    dong = WORDS.measure_unit("VND")
    assert dong is not None
    assert value_of(text, unit, dong) == Decimal(expected)


@settings(deadline=None)
@given(st.decimals(min_value=-(10**12), max_value=10**12, places=2, allow_nan=False))
def test_a_number_written_the_vietnamese_way_is_read_back_or_refused_never_changed(value: Decimal) -> None:
    dong = WORDS.measure_unit("VND")
    assert dong is not None
    if value == value.to_integral_value() and 1000 <= abs(value) < 1000000:
        with pytest.raises(Refused, match="two ways"):
            value_of(number_vi(value), "", dong)
    else:
        assert value_of(number_vi(value), "", dong) == value


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"gia_tri": "1.234"}, "not_a_number", "gia_tri"), ({"gia_tri": "mười"}, "not_a_number", "gia_tri"),
        ({"gia_tri": ""}, "not_a_number", "gia_tri"),
        ({"gia_tri": "-1"}, "out_of_range", "value"), ({"gia_tri": "0,12345678"}, "wrong_scale", "value"),
        ({"don_vi_tinh": "đồng"}, "validation", "don_vi_tinh"), ({"don_vi_tinh": "tỷ đồng"}, "validation", "don_vi_tinh"),
        ({"ma_chi_so": "vn-1012/Z.1"}, "unknown_indicator", "ma_chi_so"), ({"thanh_phan": "newest"}, "unknown_indicator", "thanh_phan"),
        ({"dia_ban": "99"}, "unknown_territory", "territory"), ({"dia_ban": ""}, "unknown_territory", "territory"),
        ({"loai_ky": "tháng trăng"}, "validation", "loai_ky"), ({"loai_ky": "năm"}, "contract", "period_type"),
        ({"thoi_diem": "30/02/2026"}, "impossible_date", "thoi_diem"), ({"thoi_diem": ""}, "impossible_date", "thoi_diem"),
        ({"thoi_diem": "20/05/2026"}, "impossible_date", "event_time"), ({"so_lieu": "ước"}, "validation", "so_lieu"),
        ({"so_lieu": "dự toán"}, "contract", "figure"), ({"trang_thai": "xong"}, "validation", "trang_thai"),
        ({"lan_dinh_chinh": "-1"}, "out_of_range", "lan_dinh_chinh"), ({"nam_ngan_sach": "26"}, "out_of_range", "nam_ngan_sach"),
        ({"don_vi_cung_cap": "NOBODY"}, "unknown_agency", "don_vi_cung_cap"), ({"doi_tuong": "DA-31-02"}, "contract", "doi_tuong"),
        ({"phan_to:colour": "đỏ"}, "contract", "dimensions"), ({"phan_to:vsic": "a|b"}, "contract", "phan_to"),
        (MAP | {"ma_ban_ghi": "1"}, "validation", "tham_chieu"), (MAP | {"tham_chieu": "x"}, "contract", "ma_ban_ghi"),
        (TOTAL, "not_a_number", "nam_ngan_sach"),
    ],
)  # fmt: skip
def test_a_wrong_cell_is_refused_and_its_neighbour_goes_through(changes: dict[str, str], reason: str, field: str) -> None:
    parsed = send(ROW | changes, ROW)
    assert reasons(parsed.rejects) == [(reason, field)]
    assert len(parsed.observations) == 1


def workbook(*table: list[Any], title: str = "Bảng") -> bytes:
    book = Workbook()
    book.active.title = title
    for line in table:
        book.active.append(line)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def cells(**changes: Any) -> list[Any]:
    return [(ROW | changes).get(name) for name in COLUMNS]


def test_excel_as_a_commune_fills_it() -> None:
    data = workbook(
        ["BÁO CÁO THÁNG", None], [], list(COLUMNS), cells(thoi_diem=datetime(2026, 2, 20), gia_tri=12.5, dia_ban=31, don_vi_tinh=None),
        [None] * len(COLUMNS), cells(gia_tri="mười"),
    )  # fmt: skip
    parsed = parse("intake", "bao-cao.xlsx", data)
    assert [(o.value, o.territory) for o in parsed.observations] == [(Decimal("12.5"), "31")]
    assert [(r.field, r.place) for r in parsed.rejects] == [("gia_tri (ô G)", "bao-cao.xlsx!Bảng:6")]


def test_a_territory_code_that_excel_made_a_number_is_taken_only_where_one_code_fits() -> None:
    assert WORDS.territory("04") is not None
    assert WORDS.territory("00004") is not None
    parsed = parse("intake", "x.xlsx", workbook(list(COLUMNS), cells(dia_ban=4), cells(dia_ban=79)))
    assert reasons(parsed.rejects) == [("unknown_territory", "dia_ban (ô C)")]
    assert [o.territory for o in parsed.observations] == ["79"]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("x.xlsx", b"PK\x03\x04 broken", "decode"), ("x.xlsx", b"no zip", "decode"), ("x.xlsx", workbook(["a", "b"]), "changed_header"),
        ("x.xlsx", workbook([*COLUMNS, COLUMNS[0]]), "changed_header"),
        ("x.csv", b"a,b\n1,2\n", "changed_header"), ("x.csv", b"\xff\xfea\0", "wrong_encoding"),
        ("x.json", b'{"dong": 3}', "validation"), ("x.json", b"[1]", "validation"), ("x.json", b'{"dong": [', "truncated"),
        ("x.json", b'{"dong": [7]}', "validation"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_template_is_refused_whole(name: str, data: bytes, reason: str) -> None:
    parsed = parse("intake", name, data)
    assert [r.reason for r in parsed.rejects] == [reason]
    assert parsed.observations == []


def test_a_workbook_that_unpacks_to_too_much_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producers.sheet.MAX_UNPACKED_BYTES", 100)
    assert reasons(parse("intake", "x.xlsx", workbook(list(COLUMNS), cells())).rejects) == [("too_large", "")]


def test_json_numbers_stay_exact_and_semicolons_part_csv_too() -> None:
    line = dict.fromkeys(COLUMNS, "") | ROW | {"gia_tri": "@"}
    data = json.dumps({"dong": [line]}).replace('"@"', "0.1").encode()
    assert parse("intake", "x.json", data).observations[0].value == Decimal("0.1")
    csv = ";".join(COLUMNS) + "\n" + ";".join(str(v or "") for v in cells(gia_tri="0,1")) + "\n"
    assert parse("intake", "x.csv", csv.encode()).observations[0].value == Decimal("0.1")


def test_running_totals_and_words_carry_what_they_need() -> None:
    total = one(**TOTAL, gia_tri="2,5", nam_ngan_sach="2025", thoi_diem="20/01/2026")
    assert (total.cumulative, total.budget_year, total.value) == (True, 2025, Decimal(2500000000))
    said = {"noi_dung": "thiếu cát đắp nền", "ma_ban_ghi": "vm-1"}
    words = one(ma_chi_so="vn-1012/C.4", thanh_phan="obstacles", don_vi_tinh="", gia_tri="", **said)
    assert (words.value, words.text, words.source_record_id) == (Decimal(1), "thiếu cát đắp nền", "vm-1")
    prices = one(ma_chi_so="hai-phong/A.XIII.1", thanh_phan="constant", loai_ky="năm", thoi_diem="01/01/2025", don_vi_tinh="tỷ đồng")
    assert prices.price_basis == "constant"


def _specs(choose: Callable[[SeriesSpec], bool]) -> list[SeriesSpec]:
    return [spec for spec in SPECS if choose(spec)]


def test_series_with_a_subject_take_registered_ones() -> None:
    lines = example(WORDS, _specs(lambda s: s.subject_type == "project"), ON)
    assert all(line["doi_tuong"] for line in lines)
    lines[0]["doi_tuong"] = "DA-99-99"
    names = list(lines[0])
    parsed = parse("intake", "x.csv", write("csv", names, lines))
    assert reasons(parsed.rejects) == [("unknown_subject", "subject_id")]
    assert all(o.event_time < NOW for o in parsed.observations)
