"""Coverage: no row without a way in, pages that are not stale, adapters that exist, a catalogue added as data alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml
from openpyxl import load_workbook  # type: ignore[import-untyped]
from typer.testing import CliRunner

from indicators.comparisons.kinds import KINDS
from indicators.coverage import RowCoverage, row_coverage
from indicators.derived.book import DerivedBook
from indicators.vocabulary import Vocabulary
from ops.catalogue_coverage import accepted, coverage_page, formulas_page, measured
from ops.commands.catalogue import NOT_FOUND, app
from transport.settings import HOME

RUNNER = CliRunner(env={"COLUMNS": "160", "TERM": "dumb"})


@pytest.fixture(scope="module")
def found() -> dict[str, object]:
    return measured(HOME)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the catalogue that a test may change."""
    shutil.copytree(HOME / "catalogue", tmp_path / "catalogue")
    (tmp_path / "docs").mkdir()
    return tmp_path


def test_no_row_is_without_a_way_in_and_nothing_of_f_or_k_is_missing(found: dict[str, object]) -> None:
    assert (found["rows_national"], found["rows_haiphong"], found["rows_guide"]) == (103, 109, 125)
    assert (found["formulas"], found["comparisons"]) == (40, 18)
    missing = found["missing"]
    assert isinstance(missing, dict)
    assert (missing["rows"], missing["formulas"], missing["comparisons"]) == ([], [], [])


def test_the_pages_are_what_the_catalogue_says() -> None:
    for name, page in (("catalogue-coverage.md", coverage_page(HOME)), ("formulas.md", formulas_page(HOME))):
        kept = (HOME / "docs" / name).read_text(encoding="utf-8")
        assert kept == page, f"docs/{name} is stale: run nhip catalogue document"


def test_each_comparison_has_a_worked_example_in_its_tests() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in (HOME / "tests" / "indicators" / "comparisons").glob("test_*.py"))
    assert list(KINDS) == [f"K{n}" for n in range(1, 19)]
    assert [code for code in KINDS if f"def test_{code.lower()}_" not in texts] == []


def third_row(home: Path) -> RowCoverage:
    return next(r for r in row_coverage(Vocabulary(home), DerivedBook.load(home)) if r.row.catalogue == "city-x")


def test_a_third_catalogue_is_data_alone(copy: Path) -> None:
    row = {
        "code": "A.1", "key": "trees_planted", "concept": "trees_planted", "group": "A", "name_vi": "Số cây xanh trồng mới",
        "name_en": "Trees planted", "components": ["cây bóng mát", "cây ăn quả"], "frequency": ["month"], "measure": "flow",
        "providers": ["DOF-31"],
    }  # fmt: skip
    third = {
        "catalogue": "city-x", "title_vi": "Bộ chỉ số thành phố X", "title_en": "Set of city X", "document": "Quyết định thử", "version": 1,
        "valid_from": "2026-01-01", "expected_rows": 1, "groups": [{"code": "A", "name_vi": "Nhóm A", "name_en": "Group A"}],
        "indicators": [row],
    }  # fmt: skip
    (copy / "catalogue" / "indicators" / "city-x.yaml").write_text(yaml.safe_dump(third, allow_unicode=True), encoding="utf-8")
    assert not third_row(copy).complete
    series = copy / "catalogue" / "series.yaml"
    shade = {"profile": "monthly", "indicator": "city-x/A.1", "component": "shade", "concept": "trees_planted_shade", "group": "localities",
             "additivity": "flow", "measure_unit": "item", "minimum": "0", "maximum": "1000000", "period_types": ["month"],
             "parts": ["cây bóng mát"]}  # fmt: skip
    text = series.read_text(encoding="utf-8") + yaml.safe_dump([shade], allow_unicode=True)
    series.write_text(text, encoding="utf-8")
    assert third_row(copy).uncovered == ("cây ăn quả",)
    fruit = shade | {"component": "fruit", "concept": "trees_planted_fruit", "parts": ["cây ăn quả"]}
    series.write_text(text + yaml.safe_dump([fruit], allow_unicode=True), encoding="utf-8")
    row_now, vocabulary = third_row(copy), Vocabulary(copy)
    assert row_now.complete
    assert row_now.ways == ("intake",)
    assert {entry[:2] for entry in accepted(vocabulary, list(row_now.series))} == {("city-x/A.1", "shade"), ("city-x/A.1", "fruit")}


def test_the_command_writes_the_result_and_names_what_is_missing(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NHIP_HOME", str(copy))
    path = copy / "catalogue" / "series.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("parts: [chỉ số VNINDEX]", "parts: []"), encoding="utf-8")
    result = RUNNER.invoke(app, ["coverage"])
    assert result.exit_code == 1
    assert "Còn thiếu / missing: vn-1012/A.II.6" in result.output
    written = json.loads((copy / "benchmarks" / "results" / "catalogue.json").read_text(encoding="utf-8"))
    assert (written["rows_national"], written["missing"]["rows"]) == (102, ["vn-1012/A.II.6"])
    assert RUNNER.invoke(app, ["document"]).exit_code == 0
    assert "**chưa có: chỉ số VNINDEX**" in (copy / "docs" / "catalogue-coverage.md").read_text(encoding="utf-8")


def test_a_template_is_written_for_an_indicator(tmp_path: Path) -> None:
    path = tmp_path / "mau.xlsx"
    result = RUNNER.invoke(app, ["template", "vn-1012/A.IV.1", "--out", str(path)])
    assert result.exit_code == 0
    assert "mau.xlsx: 7 chuỗi / series" in result.output
    book = load_workbook(path)
    assert [cell.value for cell in book["Số liệu"]["B"]][1:4] == ["active", "active", "active"]
    assert book["Hướng dẫn"]["A1"].value
    for arguments in (["template", "vn-1012/Z.9"], ["template", "vn-1012/A.IV.1", "--form", "pdf"]):
        refused = RUNNER.invoke(app, arguments)
        assert refused.exit_code == NOT_FOUND
        assert "Xem / see" in refused.output


def test_adapters_named_by_series_are_those_of_the_producers() -> None:
    named = {spec.adapter for spec in Vocabulary.load(HOME).series_specs()} - {""}
    assert named == {"tax", "treasury", "customs", "sensors", "icu", "open_data"}
