"""Agencies and subjects: two trees, offices of every province, limits of stations with their legal basis."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from indicators.agency import Agency, chain
from indicators.instant import day_start
from indicators.subject import Subject
from indicators.vocabulary import Vocabulary
from transport.settings import HOME

TODAY = date(2026, 7, 1)


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary.load(HOME)


@pytest.fixture(scope="module")
def agencies(vocabulary: Vocabulary) -> dict[str, Agency]:
    return {a.code: a for a in vocabulary.agencies()}


def test_every_chain_of_command_ends_at_the_government(agencies: dict[str, Agency]) -> None:
    for code, agency in agencies.items():
        assert chain(agencies, code)[-1] == "GOV", code
        assert agency.kind == "government" or agency.parent_agency in agencies


@pytest.mark.parametrize("prefix", ["PPC", "OPC", "DOF", "DOH", "DAE", "DST", "CDC", "CPS", "TAX", "CSO"])
def test_every_province_has_its_offices(vocabulary: Vocabulary, agencies: dict[str, Agency], prefix: str) -> None:
    for province in vocabulary.territories("province"):
        office = agencies[f"{prefix}-{province.code}"]
        assert office.territory_served == (province.code,)
        assert province.short_name_vi in office.name_vi


def test_names_read_as_vietnamese(agencies: dict[str, Agency]) -> None:
    assert agencies["DOF-31"].name_vi == "Sở Tài chính thành phố Hải Phòng"
    assert agencies["PPC-91"].name_vi == "Ủy ban nhân dân tỉnh An Giang"


@pytest.mark.parametrize("prefix", ["STR", "CUS"])
def test_regional_offices_obey_their_branch_and_cover_every_province(
    vocabulary: Vocabulary, agencies: dict[str, Agency], prefix: str
) -> None:
    regions = [agencies[f"{prefix}{n}"] for n in range(1, 21)]
    assert {r.parent_agency for r in regions} == {"VST" if prefix == "STR" else "CUSTOMS"}
    assert {code for r in regions for code in r.territory_served} == {t.code for t in vocabulary.territories("province")}
    assert sum(len(r.territory_served) > 1 for r in regions) >= 8
    assert all("territory_served" in r.to_confirm for r in regions)


def test_vertical_offices_do_not_obey_the_province(agencies: dict[str, Agency]) -> None:
    assert chain(agencies, "TAX-31") == ("TAX-31", "TAX", "MOF", "GOV")
    assert chain(agencies, "CPS-31") == ("CPS-31", "MPS", "GOV")
    assert chain(agencies, "DOH-31") == ("DOH-31", "PPC-31", "GOV")


def test_the_ministries_of_2024_name_who_took_over(agencies: dict[str, Agency]) -> None:
    ended = {a.code: a.successors for a in agencies.values() if not a.valid_at(TODAY)}
    assert ended == {
        "MPI": ("MOF",), "CMSC": ("MOF",), "MARD": ("MAE",), "MONRE": ("MAE",), "MOT": ("MOC",), "MIC": ("MOST",),
        "MOLISA": ("MOHA", "MOET", "MOH", "MAE"), "CEMA": ("MERA",),
    }  # fmt: skip
    assert all(agencies[s].valid_at(TODAY) for successors in ended.values() for s in successors)


def test_legal_limits_only_where_they_were_read(vocabulary: Vocabulary) -> None:
    gauges = {s.id: s for s in vocabulary.subjects("station") if s.limits}
    legal = {s.id: tuple(s.limits.values()) for s in gauges.values() if s.limits_basis == "Quyết định 05/2020/QĐ-TTg"}
    assert legal == {
        "TV-HANOI": (Decimal("9.5"), Decimal("10.5"), Decimal("11.5")),
        "TV-SONTAY": (Decimal("12.4"), Decimal("13.4"), Decimal("14.4")),
    }
    assert len(gauges) >= 12
    assert {s.limits_basis for s in gauges.values() if s.id not in legal} == {"đề xuất, chờ xác nhận"}


def test_subjects_of_the_demonstration_say_so(vocabulary: Vocabulary) -> None:
    assert all(s.origin == "generated" and "(mô phỏng)" in s.name_vi for kind in ("hospital", "project") for s in vocabulary.subjects(kind))
    for foreign in ("GIESSEN-24", "RIVER-WF"):
        station = vocabulary.subject("station", foreign)
        assert station is not None
        assert (station.origin, station.territory, station.lon) == ("published", "VN", None)
    provinces = {t.code for t in vocabulary.territories("province")}
    assert {s.territory for s in vocabulary.subjects("project")} == provinces
    assert len({s.territory for s in vocabulary.subjects("hospital")}) >= 8
    assert vocabulary.subject("station", "nowhere") is None


def test_every_subject_type_of_a_spec_is_registered(vocabulary: Vocabulary) -> None:
    types = {s.subject_type for s in vocabulary.series_specs() if s.subject_type}
    assert types <= {s.type for s in vocabulary.subjects()}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"limits": {"bd1": "1"}, "limits_basis": "x"}, "all three or none"),
        ({"limits": {"bd1": "3", "bd2": "2", "bd3": "4"}, "limits_basis": "x"}, "bd1 <"),
        ({"limits": {"bd1": "1", "bd2": "2", "bd3": "3"}}, "limits_basis"),
        ({"valid_from": "2026-01-01", "valid_to": "2025-01-01"}, "valid_to"),
        ({"lon": 181}, "180"), ({"id": "a|b"}, "pattern"), ({"type": "cloud"}, "project"),
    ],
)  # fmt: skip
def test_a_contradictory_subject_is_refused(change: dict[str, object], words: str) -> None:
    sample: dict[str, object] = {"type": "station", "id": "X-1", "name_vi": "Trạm X", "territory": "31", "agency": "HYDROMET"}
    Subject.model_validate(sample)
    with pytest.raises(ValueError, match=words):
        Subject.model_validate(sample | change)


def test_specs_of_the_main_path(vocabulary: Vocabulary) -> None:
    def spec(indicator: str, component: str = "") -> tuple[str, str, int]:
        found = vocabulary.series_spec(indicator, component)
        assert found is not None
        assert found.status == "decided"
        return found.group, found.fold, found.horizon_ms // 86_400_000

    assert spec("vn-1012/A.II.4") == ("finance_budget", "event", 40)
    assert spec("vn-1012/A.II.1") == ("finance_budget", "reported", 400)
    assert spec("vn-1012/A.II.3") == ("finance_budget", "event", 400)
    assert spec("vn-1012/A.II.2") == ("finance_budget", "reported", 400)
    assert spec("vn-1012/A.II.5", "export") == spec("vn-1012/A.II.5", "import") == ("trade", "event", 10)
    for component in ("rain", "river_level", "water_flow", "temperature"):
        assert spec("vn-1012/D.1", component) == ("emergency", "event", 3)
    assert spec("guide-7146/T14.ICU", "occupied") == spec("guide-7146/T14.ICU", "free") == ("emergency", "reported", 40)
    assert vocabulary.series_spec("vn-1012/A.II.5", "") is None


def test_plans_are_reported_whatever_the_actual_is(vocabulary: Vocabulary) -> None:
    disbursement, spending = (vocabulary.series_spec(f"vn-1012/{code}") for code in ("A.II.3", "A.II.2"))
    assert disbursement is not None
    assert spending is not None
    assert (disbursement.fold_of("actual"), disbursement.fold_of("plan_pm")) == ("event", "reported")
    assert (disbursement.cumulative, spending.cumulative, spending.cumulative_of("plan")) == (False, True, True)


def test_instants_of_days_are_those_of_vietnam() -> None:
    assert day_start(date(1970, 1, 2)) == 17 * 3_600_000
