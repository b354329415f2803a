"""Coverage: no row without a way in, pages that are not stale, adapters that exist, a catalogue added as data alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from openpyxl import load_workbook  # type: ignore[import-untyped]
from typer.testing import CliRunner

from indicators.comparisons.kinds import KINDS
from indicators.coverage import RowCoverage, row_coverage
from indicators.derived.book import DerivedBook
from indicators.rule import RuleBook
from indicators.vocabulary import Vocabulary
from ops.catalogue_coverage import accepted, coverage_page, formulas_page, measured
from ops.commands.catalogue import NOT_FOUND, app
from ops.comparison_page import WHERE, comparison_lines
from transport.settings import HOME

RUNNER = CliRunner(env={"COLUMNS": "160", "TERM": "dumb"})


@pytest.fixture(scope="module")
def found() -> dict[str, object]:
    return measured(HOME)


ROW = {
    "code": "A.1", "key": "trees_planted", "concept": "trees_planted", "group": "A", "name_vi": "Số cây xanh trồng mới",
    "name_en": "Trees planted", "components": ["cây bóng mát", "cây ăn quả"], "frequency": ["month"], "measure": "flow",
    "providers": ["DOF-31"],
}  # fmt: skip
THIRD = {
    "catalogue": "city-x", "title_vi": "Bộ chỉ số thành phố X", "title_en": "Set of city X", "document": "Quyết định thử", "version": 1,
    "valid_from": "2026-01-01", "expected_rows": 1, "groups": [{"code": "A", "name_vi": "Nhóm A", "name_en": "Group A"}],
    "indicators": [ROW],
}  # fmt: skip
SHADE = {
    "profile": "monthly", "indicator": "city-x/A.1", "component": "shade", "concept": "trees_planted_shade", "group": "localities",
    "additivity": "flow", "measure_unit": "item", "minimum": "0", "maximum": "1000000", "period_types": ["month"],
    "parts": ["cây bóng mát"],
}  # fmt: skip
FRUIT = SHADE | {"component": "fruit", "concept": "trees_planted_fruit", "parts": ["cây ăn quả"]}


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """An installation whose only catalogue is a new one, added as data alone."""
    (tmp_path / "docs").mkdir()
    folder = tmp_path / "catalogue"
    for name in ("territory", "subjects"):
        shutil.copytree(HOME / "catalogue" / name, folder / name)
    for name in ("agencies.yaml", "measure-units.yaml", "subjects.yaml"):
        shutil.copy(HOME / "catalogue" / name, folder)
    (folder / "indicators").mkdir()
    (folder / "indicators" / "city-x.yaml").write_text(yaml.safe_dump(THIRD, allow_unicode=True), encoding="utf-8")
    return tmp_path


def put_series(home: Path, *specs: Mapping[str, object]) -> None:
    text = (HOME / "catalogue" / "series.yaml").read_text(encoding="utf-8")
    profiles = text[: text.index("\nseries:\n")]
    entries = yaml.safe_dump({"series": [dict(spec) for spec in specs]}, allow_unicode=True)
    (home / "catalogue" / "series.yaml").write_text(f"{profiles}\n{entries}", encoding="utf-8")


def test_no_row_is_without_a_way_in_and_nothing_of_f_or_k_is_missing(found: dict[str, object]) -> None:
    assert (found["rows_national"], found["rows_haiphong"], found["rows_guide"]) == (103, 109, 125)
    assert (found["formulas"], found["comparisons"]) == (40, 18)
    missing = found["missing"]
    assert isinstance(missing, dict)
    assert (missing["rows"], missing["formulas"], missing["comparisons"]) == ([], [], [])
    proposals = found["proposals_to_confirm"]
    assert isinstance(proposals, dict)
    assert sum(proposals.values()) == sum(len(row.to_confirm) for row in Vocabulary.load(HOME).indicators())


def test_the_pages_are_what_the_catalogue_says() -> None:
    for name, page in (("catalogue-coverage.md", coverage_page(HOME)), ("formulas.md", formulas_page(HOME))):
        kept = (HOME / "docs" / name).read_text(encoding="utf-8")
        assert kept == page, f"docs/{name} is stale: run nhip catalogue document"


def test_each_comparison_has_a_worked_example_in_its_tests() -> None:
    texts = {path.stem: path.read_text(encoding="utf-8") for path in (HOME / "tests" / "indicators" / "comparisons").glob("test_*.py")}
    assert list(KINDS) == [f"K{n}" for n in range(1, 19)]
    assert KINDS.keys() == WHERE.keys()
    for code, kind in KINDS.items():
        module, _, test = kind.worked.partition("::")
        assert test.startswith(f"test_{code.lower()}_")
        assert f"def {test}(" in texts[module], f"{code}: {kind.worked} is no test"


def test_what_asks_for_a_comparison_is_computed_somewhere() -> None:
    rows = [line.split(" | ") for line in comparison_lines(DerivedBook.load(HOME), RuleBook.load(HOME))][2:]
    asked = {row[0].removeprefix("| "): row[6] for row in rows}
    assert [code for code, who in asked.items() if who != "–" and WHERE[code].startswith("không")] == []
    assert "vn-1012/A.II.5 export" in asked["K11"].split(", ")
    assert {"GN-DTC-CHAM-KE-HOACH", "F02", "F28.credit_growth"} <= {one for who in asked.values() for one in who.split(", ")}


def city_row(home: Path) -> RowCoverage:
    (found,) = row_coverage(Vocabulary(home), DerivedBook({}))
    return found


def test_a_third_catalogue_is_data_alone(city: Path) -> None:
    put_series(city)
    assert not city_row(city).complete
    put_series(city, SHADE)
    assert city_row(city).uncovered == ("cây ăn quả",)
    put_series(city, SHADE, FRUIT)
    row = city_row(city)
    assert row.complete
    assert row.ways == ("intake",)
    assert {entry[:2] for entry in accepted(Vocabulary(city), list(row.series))} == {("city-x/A.1", "shade"), ("city-x/A.1", "fruit")}


def test_a_row_whose_series_the_door_refuses_has_no_way_in(city: Path) -> None:
    put_series(city, SHADE | {"subject_type": "reservoir"}, FRUIT)  # no reservoir is registered
    assert city_row(city).complete
    assert measured(city)["missing"]["rows"] == ["city-x/A.1"]
    put_series(city, SHADE, FRUIT)
    assert measured(city)["missing"]["rows"] == []


def test_the_command_writes_the_result_and_names_what_is_missing(city: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NHIP_HOME", str(city))
    put_series(city, SHADE)
    result = RUNNER.invoke(app, ["coverage"])
    assert result.exit_code == 1
    assert "Còn thiếu / missing: city-x/A.1, F01, F02" in result.output
    written = json.loads((city / "benchmarks" / "results" / "catalogue.json").read_text(encoding="utf-8"))
    assert (written["rows_national"], written["formulas"], written["comparisons"]) == (0, 0, 18)
    assert written["missing"]["rows"] == ["city-x/A.1"]
    assert written["missing"]["attributes_to_be_given_by_the_owner"]["city-x"]["definition"] == 1
    assert RUNNER.invoke(app, ["document"]).exit_code == 0
    assert "**chưa có: cây ăn quả**" in (city / "docs" / "catalogue-coverage.md").read_text(encoding="utf-8")


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
    assert named == {"tax", "treasury", "customs", "sensors", "icu", "open_data", "heartbeat", "worker", "tasks", "obstacles", "securities",
                     "embargo"}  # fmt: skip
