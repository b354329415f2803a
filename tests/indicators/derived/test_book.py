"""A definition that does not fit does not load: file, line and field are told. And lineage, down to each record."""

from __future__ import annotations

import re
import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from indicators.datafile import DataFileError
from indicators.derived.book import DerivedBook
from indicators.lineage import Lineage, Origin
from transport.settings import HOME


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The files a book is made of, to be spoilt."""
    shutil.copytree(HOME / "catalogue" / "formulas", tmp_path / "catalogue" / "formulas")
    for name in ("series.yaml", "measure-units.yaml"):
        shutil.copy(HOME / "catalogue" / name, tmp_path / "catalogue" / name)
    return tmp_path


def spoil(home: Path, name: str, old: str, new: str) -> int:
    """Replace the first `old` of a file; its line from 1."""
    path = home / "catalogue" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "field", "words"),
    [
        ("expression: occupied / (occupied + free)", "expression: occupied / (occupied + money)", "expression", "money: no term"),
        ("component: free}", "component: free, figure: plan}", "terms.free", "T14.ICU free plan"),
        ("expression: occupied / (occupied + free)", "expression: occupied / occupied", "terms", "free: the expression does not use it"),
        ("expression: occupied / (occupied + free)", "expression: occupied + free", "measure_unit", "gives bed, which is no percent"),
        ("component: free", "component: empty", "terms.free", "series.yaml has no guide-7146/T14.ICU empty actual"),
        ("expression: evacuated / to_evacuate", "expression: evacuated / (to_evacuate", "expression", "place 25"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_file_line_and_field(copy: Path, old: str, new: str, field: str, words: str) -> None:
    line = spoil(copy, "formulas/derived/emergency.yaml", old, new)
    with pytest.raises(DataFileError) as e:
        DerivedBook.load(copy)
    told = re.match(r"catalogue/formulas/derived/emergency\.yaml:(\d+): definitions\.\d+\.([a-z_.]+): (.*)", str(e.value))
    assert told is not None, str(e.value)
    assert told[2] == field
    assert words in told[3]
    assert field in ("terms", "measure_unit") or int(told[1]) == line


def test_a_formula_that_adds_đồng_to_beds_does_not_load(copy: Path) -> None:
    beds, money = "free: {indicator: guide-7146/T14.ICU, component: free}", "free: {indicator: vn-1012/A.II.4}"
    spoil(copy, "formulas/derived/emergency.yaml", beds, money)
    with pytest.raises(DataFileError, match=r"emergency\.yaml:\d+: definitions\.0\.expression: F36: \+: bed and VND are different"):
        DerivedBook.load(copy)


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("formulas/derived/society.yaml", "of: F01", "of: F06", "F06 uses itself"),
        ("formulas/derived/society.yaml", "of: F01", "of: F99", "no definition F99"),
        ("formulas/derived/society.yaml", "id: F05.due", "id: F05", "F05 given twice"),
        ("formulas/derived/society.yaml", "  owner: OOG\n", "", "owner"),
        ("formulas/derived/finance.yaml", "each: true", "each: false", "each"),
        ("formulas/derived/finance.yaml", "each: revenue_item", "each: item", "has no such dimension"),
        ("measure-units.yaml", 'equals: "VND / person"', 'equals: "VND / persons"', "persons is not in"),
    ],
)  # fmt: skip
def test_contradictions_of_the_book(copy: Path, name: str, old: str, new: str, words: str) -> None:
    spoil(copy, name, old, new)
    with pytest.raises(DataFileError, match=words):
        DerivedBook.load(copy)


def test_who_uses_a_series_and_in_which_order_definitions_come() -> None:
    book = DerivedBook.load(HOME)
    assert [(u.derived.definition.id, u.role) for u in book.uses("vn-1012/A.II.3", "", "plan_pm")] == [("F02", "plan")]
    assert [u.derived.definition.id for u in book.users("F02")] == ["F06"]
    order = [d.definition.id for d in book]
    assert order.index("F06") > max(order.index("F01"), order.index("F02"))


def test_lineage_shows_the_tree_down_to_the_record() -> None:
    record = Origin("obs.finance_budget", 1, 7)
    plan = Lineage("Kế hoạch vốn", "vn-1012/A.II.3||31||||plan_pm", "năm 2026", Decimal(100), "đồng", origins=(record,))
    paid = Lineage("Vốn đã giải ngân", "vn-1012/A.II.3||31||||actual", "tháng 3/2026", None, reason_vi="chưa có số liệu")
    tree = Lineage("Tỷ lệ giải ngân", "F02|31", "tháng 3/2026", Decimal("5.23"), "%", formula="disbursed / plan", parts=(paid, plan))
    assert list(tree.lines()) == [
        "Tỷ lệ giải ngân, tháng 3/2026: 5,23 % = disbursed / plan [F02|31]",
        "  Vốn đã giải ngân, tháng 3/2026: không có (chưa có số liệu) [vn-1012/A.II.3||31||||actual]",
        "  Kế hoạch vốn, năm 2026: 100 đồng [vn-1012/A.II.3||31||||plan_pm]",
        "    obs.finance_budget/1@7 r0",
    ]
    assert list(tree.inputs()) == [record]
