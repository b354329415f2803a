"""A definition that does not fit does not load: file, line and field are told. And lineage, down to each record."""

from __future__ import annotations

import re
import shutil
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from indicators.datafile import DataFileError, read_yaml
from indicators.derived.book import DerivedBook
from indicators.lineage import Lineage, Origin
from transport.settings import HOME

KEPT = ("emergency", "finance", "society")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three files of definitions and the series they use: small, so that many spoilt books are read quickly."""
    home = tmp_path_factory.mktemp("small")
    (home / "catalogue" / "formulas" / "derived").mkdir(parents=True)
    used = set()
    for name in KEPT:
        path = HOME / "catalogue" / "formulas" / "derived" / f"{name}.yaml"
        shutil.copy(path, home / "catalogue" / "formulas" / "derived")
        terms = [t for d in yaml.safe_load(path.read_text(encoding="utf-8"))["definitions"] for t in d["terms"].values()]
        used |= {t["indicator"] for t in terms if "indicator" in t}
    shutil.copy(HOME / "catalogue" / "measure-units.yaml", home / "catalogue")
    series = read_yaml(HOME / "catalogue" / "series.yaml")
    series["series"] = [s for s in series["series"] if s["indicator"] in used]
    (home / "catalogue" / "series.yaml").write_text(yaml.safe_dump(series, allow_unicode=True), encoding="utf-8")
    return home


@pytest.fixture
def copy(small: Path, tmp_path: Path) -> Path:
    """A copy of the small book, to be spoilt."""
    shutil.copytree(small / "catalogue", tmp_path / "catalogue")
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
