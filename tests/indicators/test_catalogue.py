"""The catalogues hold what the documents print, corrected where the first transcription differed, and every name in them exists."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from indicators.agency import read_agencies
from indicators.calendar import WorkingCalendar
from indicators.catalogue import Catalogue, Indicator, read_catalogue
from indicators.datafile import DataFileError
from indicators.measure_unit import read_measure_units
from indicators.spec import read_series_specs
from indicators.subject import read_subjects
from indicators.territory import read_current
from indicators.verification import verify
from indicators.vocabulary import Vocabulary
from transport.settings import HOME
from transport.topics import GROUPS


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary.load(HOME)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the catalogue that a test may spoil."""
    shutil.copytree(HOME / "catalogue", tmp_path / "catalogue")
    return tmp_path


def row(vocabulary: Vocabulary, code: str) -> Indicator:
    found = vocabulary.indicator(code)
    assert found is not None, code
    return found


@pytest.mark.parametrize(
    ("code", "rows", "by_group"),
    [("vn-1012", 103, {"A": 76, "B": 15, "C": 4, "D": 8}), ("hai-phong", 109, {"A": 85, "B": 15, "C": 2, "D": 7})],
)
def test_the_two_catalogues_hold_every_row_of_their_documents(
    vocabulary: Vocabulary, code: str, rows: int, by_group: dict[str, int]
) -> None:
    catalogue: Catalogue = vocabulary.catalogues[code]
    assert len(catalogue.indicators) == rows
    assert Counter(i.group for i in catalogue.indicators) == by_group
    assert all(i.source_text and i.source_period and i.scope and i.agency and i.providers for i in catalogue.indicators)


def test_the_rows_by_period_are_those_counted_in_the_documents(vocabulary: Vocabulary) -> None:
    national = Counter(f for i in vocabulary.catalogues["vn-1012"].indicators for f in i.frequency)
    assert national == {"hour": 7, "day": 13, "month": 82, "quarter": 21, "half_year": 2, "year": 29, "july_november": 1, "on_decision": 1}
    city = Counter(f for i in vocabulary.catalogues["hai-phong"].indicators for f in i.frequency)
    assert city == {"hour": 2, "day": 5, "month": 66, "quarter": 20, "half_year": 18, "year": 52, "july_november": 1}


def test_keys_shared_by_the_two_catalogues(vocabulary: Vocabulary) -> None:
    national, city = ({i.key for i in vocabulary.catalogues[c].indicators} for c in ("vn-1012", "hai-phong"))
    assert (len(national & city), len(national - city), len(city - national)) == (83, 20, 26)


@pytest.mark.parametrize(
    ("row_code", "attribute", "expected"),
    [
        # MOLISA's successor differs by row.
        ("vn-1012/A.XII.1", "providers", ("MOHA",)), ("vn-1012/A.XII.2", "providers", ("MOET",)),
        ("vn-1012/A.XII.3", "providers", ("MOET",)),
        ("vn-1012/A.XII.4", "providers", ("MOH",)), ("vn-1012/D.4", "providers", ("MOH",)), ("vn-1012/D.5", "providers", ("MOH",)),
        ("vn-1012/C.2", "providers", ("MAE",)), ("vn-1012/D.3", "providers", ("MOF",)),
        # What does not add up, or is two things.
        ("vn-1012/A.X.2", "measure", "mixed"), ("hai-phong/A.IX.2", "measure", "mixed"), ("vn-1012/D.4", "measure", "mixed"),
        ("vn-1012/A.II.3", "measure", "mixed"), ("hai-phong/A.II.3", "measure", "mixed"),
        # Cells word for word.
        ("hai-phong/A.I.1", "disaggregation", ("11 nhóm hành chính",)), ("hai-phong/A.I.2", "disaggregation", ("11 nhóm hành chính",)),
        ("hai-phong/A.IV.5", "disaggregation", ("Phân ngành kinh tế (VSIC)", "thành phố", "thành phố")),
        ("hai-phong/A.V.3", "disaggregation", ("Kwh",)),
        *((f"vn-1012/D.{n}", "scope", ("Cả nước", "Tỉnh thành phố")) for n in range(1, 9)),
    ],
)  # fmt: skip
def test_each_correction_after_the_second_reading_is_made_and_named(
    vocabulary: Vocabulary, row_code: str, attribute: str, expected: object
) -> None:
    found = row(vocabulary, row_code)
    assert getattr(found, attribute) == expected
    assert any(text.startswith(attribute) for text in found.corrections)


@pytest.mark.parametrize(
    ("concept", "keys"),
    [
        ("cpi_average", {"cpi_average_yoy", "cpi_average"}), ("ntm_commune_share", {"ntm_commune_rate", "ntm_commune_share"}),
        ("public_investment_disbursement", {"public_investment_disbursement", "local_disbursement_rate"}),
        ("budget_revenue", {"budget_revenue", "local_budget_revenue"}),
        ("trained_labour_rate", {"trained_labour_rate", "local_trained_labour"}),
        ("health_insurance_coverage", {"health_insurance_coverage", "local_health_insurance"}),
    ],
)  # fmt: skip
def test_keys_that_name_one_concept_twice_share_it(vocabulary: Vocabulary, concept: str, keys: set[str]) -> None:
    assert {i.key for i in vocabulary.indicators(concept) if i.catalogue != "guide-7146"} == keys


def test_the_third_catalogue_holds_the_icu_row_and_every_derived_indicator(vocabulary: Vocabulary) -> None:
    guide = vocabulary.catalogues["guide-7146"]
    assert {f"F{n:02d}" for n in range(1, 41)} == {i.code for i in guide.indicators if i.group == "F"}
    assert "occupied / (occupied + free)" in str(row(vocabulary, "guide-7146/T14.ICU").notes)
    unprinted = {i.code for i in guide.indicators if "formula" in i.to_confirm}
    assert unprinted == {"F06", "F08", "F24", "F28", "F35", "F36", "F37", "F38"}
    assert all(i.formula for i in guide.indicators if i.group == "F")


def test_rows_of_the_guide_are_in_neither_table_but_for_the_named_joins(vocabulary: Vocabulary) -> None:
    elsewhere = {i.concept for i in vocabulary.indicators() if i.catalogue != "guide-7146"}
    joined = {i.code for i in vocabulary.catalogues["guide-7146"].indicators if i.concept in elsewhere}
    assert joined == {"T5.6.2", "T13.1.4"}


def test_nobody_dissolved_supplies_a_figure_and_the_whole_catalogue_agrees() -> None:
    assert verify(HOME, GROUPS.keys()) == []


READERS: dict[str, Callable[[Path], object]] = {
    "indicators": read_catalogue,
    "series.yaml": read_series_specs,
    "agencies.yaml": lambda path: read_agencies(path, read_current(HOME / "catalogue" / "territory")),
    "subjects.yaml": lambda path: read_subjects(path.parent),
    "territory": lambda path: read_current(path.parent),
    "working-days.yaml": lambda path: WorkingCalendar.load(path.parent.parent),
    "measure-units.yaml": read_measure_units,
}


def spoil(home: Path, file: str, old: str, new: str) -> Path:
    """`file` of the catalogue under `home`, made from the real one with the first `old` replaced."""
    text = (HOME / "catalogue" / file).read_text(encoding="utf-8")
    assert old in text
    path = home / "catalogue" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("indicators/vn-1012.yaml", "name_en: Monthly consumer price", "name_eng: Monthly consumer price", r"vn-1012.yaml:\d+: .*name_en"),
        ("indicators/vn-1012.yaml", "code: A.I.2\n", "code: A.I.1\n", "A.I.1"),
        ("indicators/vn-1012.yaml", "frequency: [month]", "frequency: [monthly]", r"yaml:\d+: indicators.0.frequency.0: .*unknown"),
        ("indicators/hai-phong.yaml", "catalogue: hai-phong", "catalogue: hp", "file's name"),
        ("series.yaml", "fold: event", "fold: events", r"series.yaml:\d+: series.0.fold"),
        ("series.yaml", "dimension_sets: [[], [tax_type]", "dimension_sets: [[], [tax]", "dimension_sets"),
        ("series.yaml", "profile: tax,", "profile: taxes,", "profile must be one of tax, "),
        ("series.yaml", "component: import,", "component: export,", "given twice"),
        ("agencies.yaml", "parent_agency: VNMHA", "parent_agency: HYDROMET", "circle"),
        ("agencies.yaml", "parent_agency: VNMHA", "parent_agency: NOBODY", "unknown agency NOBODY"),
        ("agencies.yaml", 'territory_served: ["38"]', 'territory_served: ["99"]', "unknown territory 99"),
        ("agencies.yaml", "code: MPS,", "code: MND,", "MND given twice"),
        ("agencies.yaml", "kind: network, parent_agency: VNMHA", "kind: net, parent_agency: VNMHA", r"yaml:\d+: agencies.\d+.kind"),
        ("subjects.yaml", 'bd2: "10.5"', 'bd2: "9.5"', r"subjects.yaml:\d+: .*bd1 < bd2 < bd3"),
        ("subjects.yaml", "id: BV-31-02", "id: BV-31-01", "hospital BV-31-01 given twice"),
        ("territory/units-2025-07.csv", "Phường Ba Đình,phuong,01", "Phường Ba Đình,phuong,00", "parent '00' is not in the file"),
        ("territory/units-2025-07.csv", "Phường Ba Đình,phuong", "Phường Ba Đình,quarter", r"csv:\d+: kind: unknown kind"),
        ("territory/units-2025-07.csv", ",105.698,", ",east,", "units-2025-07.csv:2: 01: a number"),
        ("territory/units-2025-07.csv", "04,Tỉnh Cao Bằng", "01,Tỉnh Cao Bằng", "code 01 given twice"),
        ("territory/units-2025-07.csv", "area_km2", "area", "units-2025-07.csv:1: expected the columns"),
        ("working-days.yaml", "2026-01-10", "2026-01-09", r"working-days.yaml:\d+: .*Saturday"),
        ("measure-units.yaml", 'code: "USD"', 'code: "VND"', "unit VND given twice"),
    ],
)  # fmt: skip
def test_a_spoilt_file_is_refused_with_its_place_and_field(tmp_path: Path, file: str, old: str, new: str, words: str) -> None:
    path = spoil(tmp_path, file, old, new)
    reader = READERS.get(file) or READERS[file.split("/")[0]]
    with pytest.raises(DataFileError, match=words) as e:
        reader(path)
    assert str(e.value).startswith(f"catalogue/{file}")
    assert str(tmp_path) not in str(e.value)


def test_series_are_judged_by_what_is_written_and_not_by_where(tmp_path: Path) -> None:
    path = tmp_path / "catalogue" / "series.yaml"
    path.parent.mkdir()
    shutil.copy(HOME / "catalogue" / "series.yaml", path)
    first = read_series_specs(path)
    first.clear()
    assert len(read_series_specs(path)) > 100, "what one reader does with its table is its own affair"
    spoil(tmp_path, "series.yaml", "measure_unit: USD", "measure_units: USD")
    with pytest.raises(DataFileError, match="measure_unit: Field required"):
        read_series_specs(path)


def test_every_contradiction_between_files_is_told_at_once(copy: Path) -> None:
    spoil(copy, "indicators/vn-1012.yaml", "providers: [VST]", "providers: [MPI]")
    spoil(copy, "indicators/hai-phong.yaml", "providers: [STR3]", "providers: [STR33]")
    path = spoil(copy, "series.yaml", "measure_unit: USD", "measure_unit: usd")
    text = path.read_text(encoding="utf-8").replace("group: trade", "group: trades", 1).replace("vn-1012/A.II.4,", "vn-1012/A.II.44,", 1)
    path.write_text(text, encoding="utf-8")
    spoil(copy, "subjects.yaml", "agency: DOH-31", "agency: DOH-30")
    spoil(copy, "subjects/projects.yaml", 'territory: "91"', 'territory: "89"')
    told = [f"{p.place}: {p.text}" for p in verify(copy, GROUPS.keys())]
    for words in ("A.II.3: MPI was dissolved", "agency STR33", "'trades' has no topic", "A.II.44: no catalogue has this row", "unit 'usd'",
                  "agency DOH-30", "territory 89", "formulas/derived/"):  # fmt: skip
        assert any(words in line for line in told), (words, told)


def test_targets_are_of_figures_that_exist_in_their_unit_for_present_units(copy: Path) -> None:
    path = spoil(copy, "targets/public-investment.yaml", "territory: VN\n  agency: MOF", "territory: \"30\"\n  agency: MOFF")
    text = path.read_text(encoding="utf-8").replace("component: local\n", "component: locals\n", 1)
    before, mark, after = text.partition("- id: f02-vn-2026-plan-pm")
    path.write_text(before + mark + after.replace("measure_unit: percent", "measure_unit: ratio", 1), encoding="utf-8")
    told = [p.text for p in verify(copy, GROUPS.keys())]
    assert len(told) == 4
    for words in ("agency MOFF", "territory 30 is no", "gives guide-7146/F02 locals", "plan-pm: unit ratio, the figures are in percent"):
        assert any(words in line for line in told), (words, told)


def test_a_file_that_cannot_be_read_is_a_problem_not_a_crash(copy: Path) -> None:
    (copy / "catalogue" / "agencies.yaml").unlink()
    (copy / "catalogue" / "territory" / "units-before-2025-07.csv.gz").write_bytes(b"not gzip")
    places = {p.place for p in verify(copy, GROUPS.keys())}
    assert {"catalogue/agencies.yaml", "catalogue/territory/units-before-2025-07.csv.gz"} <= places


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"catalogue: [", "not valid YAML"), (b"\xff\xfe\x00", "UTF-8"), (b"- 1\n", "expected a mapping"), (b"", "expected a mapping"),
        (b"catalogue: a\ncatalogue: b\nindicators: []\n", "key given twice: catalogue"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_catalogue_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    with pytest.raises(DataFileError, match=words):
        read_catalogue(path)


def test_a_lost_row_is_noticed(copy: Path) -> None:
    path = copy / "catalogue" / "indicators" / "vn-1012.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.rindex("- code: D.8")], encoding="utf-8")
    with pytest.raises(DataFileError, match="holds 102 rows, expected_rows says 103"):
        read_catalogue(path)


def test_bounds_of_every_spec_hold_the_values_they_are_for(vocabulary: Vocabulary) -> None:
    for spec in vocabulary.series_specs():
        assert spec.problems() == [], spec
        assert spec.minimum is not None, spec
        assert spec.maximum is not None, spec
        assert not any(spec.minimum <= s <= spec.maximum for s in spec.sentinels), spec
        if spec.measure_unit == "percent":
            assert spec.minimum <= Decimal("52.43") <= spec.maximum, spec


def test_every_row_of_one_numeric_series_has_a_spec(vocabulary: Vocabulary) -> None:
    numeric = {
        i.id
        for i in vocabulary.indicators()
        if i.group != "F" and i.measure in ("flow", "stock", "index", "rate") and i.measure_unit and ";" not in i.measure_unit
    }
    unclear = {"guide-7146/T14.1.3", "guide-7146/T14.1.4", "guide-7146/T11.4.3", "vn-1012/A.V.2", "vn-1012/A.V.4", "hai-phong/A.V.2",
               "hai-phong/A.XIII.17"}  # fmt: skip
    assert numeric - unclear <= {s.indicator for s in vocabulary.series_specs()}


def refused(change: Callable[[], object]) -> str:
    with pytest.raises(ValueError, match=r".") as e:
        change()
    return str(e.value)


def test_to_confirm_names_only_attributes(vocabulary: Vocabulary) -> None:
    sample = row(vocabulary, "vn-1012/A.I.1").model_dump()
    assert "colour" in refused(lambda: Indicator.model_validate(sample | {"to_confirm": ("colour",)}))
    assert "valid_to" in refused(lambda: Indicator.model_validate(sample | {"valid_to": "2024-01-01"}))
