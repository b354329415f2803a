"""Territory: the list of July 2025, the list before, and what each unit became."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from indicators.instant import day_start
from indicators.territory import COMMUNE_KINDS, REFORM
from indicators.vocabulary import Vocabulary
from transport.settings import HOME

BEFORE, AFTER = day_start(date(2025, 6, 30)), day_start(REFORM)


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary.load(HOME)


def test_34_provinces_and_3321_communes_by_kind(vocabulary: Vocabulary) -> None:
    kinds = Counter(t.kind for t in vocabulary.territories())
    assert kinds == {"country": 1, "province": 34, "xa": 2621, "phuong": 687, "dac_khu": 13}


def test_every_commune_lies_in_one_province_and_every_unit_in_the_country(vocabulary: Vocabulary) -> None:
    provinces = {t.code for t in vocabulary.territories("province")}
    for unit in vocabulary.territories():
        assert vocabulary.ancestor(unit.code, "country") == "VN"
        assert vocabulary.ancestor(unit.code, "province") in (provinces if unit.kind != "country" else {None})
        assert unit.kind not in COMMUNE_KINDS or unit.parent in provinces


def test_the_islands_belong_to_their_cities(vocabulary: Vocabulary) -> None:
    islands = {t.name_vi: vocabulary.ancestor(t.code, "province") for t in vocabulary.territories("dac_khu")}
    assert islands["Đặc khu Hoàng Sa"] == "48"
    assert islands["Đặc khu Trường Sa"] == "56"
    assert len(islands) == 13


def test_hai_phong_has_114_communes(vocabulary: Vocabulary) -> None:
    assert Counter(t.kind for t in vocabulary.territories() if t.parent == "31") == {"xa": 67, "phuong": 45, "dac_khu": 2}


def test_coordinates_lie_in_vietnam_and_areas_are_those_of_a_country(vocabulary: Vocabulary) -> None:
    for unit in vocabulary.territories():
        assert unit.lon is not None
        assert unit.lat is not None
        assert 102 < unit.lon < 118
        assert 6 < unit.lat < 24
    area = sum(t.area_km2 or 0 for t in vocabulary.territories() if t.kind in COMMUNE_KINDS)
    assert 320_000 < area < 335_000


def test_the_former_list_holds_63_provinces_696_districts_10035_communes(vocabulary: Vocabulary) -> None:
    sizes = Counter(len(t.code) for t in vocabulary.former_territories())
    assert sizes == {2: 63, 3: 696, 5: 10_035}


def test_every_former_unit_became_a_present_one_of_its_level(vocabulary: Vocabulary) -> None:
    for unit in vocabulary.former_territories():
        found = [vocabulary.territory(code) for code in vocabulary.successors(unit.code)]
        assert found
        assert all(t is not None and (t.kind == "province") == (unit.kind == "province") for t in found), unit.code


def test_communes_lie_in_the_successor_of_their_province(vocabulary: Vocabulary) -> None:
    former = {t.code: t for t in vocabulary.former_territories()}
    for unit in former.values():
        if len(unit.code) != 2:
            province = unit if unit.kind == "province" else former[unit.parent]
            while province.kind != "province":
                province = former[province.parent]
            expected = set(vocabulary.successors(province.code))
            assert {vocabulary.ancestor(code, "province") for code in vocabulary.successors(unit.code)} <= expected, unit.code


@pytest.mark.parametrize(("old", "new"), [("30", ("31",)), ("31", ("31",)), ("74", ("79",)), ("77", ("79",)), ("498", ("20333",))])
def test_successors_of_known_units(vocabulary: Vocabulary, old: str, new: tuple[str, ...]) -> None:
    assert vocabulary.successors(old) == new


def test_a_code_means_the_unit_of_its_time(vocabulary: Vocabulary) -> None:
    before, after = vocabulary.territory("00004", BEFORE), vocabulary.territory("00004", AFTER)
    assert before is not None
    assert after is not None
    assert (before.name_vi, after.name_vi) == ("Phường Trúc Bạch", "Phường Ba Đình")
    assert vocabulary.territory("00004", AFTER - 1) == before
    assert (before.valid_at(date(2025, 6, 30)), before.valid_at(REFORM)) == (True, False)
    assert (after.valid_at(date(2025, 6, 30)), after.valid_at(REFORM)) == (False, True)
    assert vocabulary.territory("30") is None
    assert vocabulary.territory("30", AFTER) is None
    assert vocabulary.territory("30", BEFORE) is not None
    assert vocabulary.territory("VN", BEFORE) == vocabulary.territory("VN")
    assert vocabulary.territory("nowhere") is None
    assert vocabulary.successors("nowhere") == ()


def test_short_names(vocabulary: Vocabulary) -> None:
    names = {t.code: t.short_name_vi for t in vocabulary.territories()}
    assert (names["31"], names["46"], names["91"], names["00004"], names["VN"]) == ("Hải Phòng", "Huế", "An Giang", "Ba Đình", "Cả nước")


def test_the_vocabulary_is_read_once_and_its_rarer_parts_when_first_asked() -> None:
    fresh = Vocabulary(HOME)
    read = set(vars(fresh))
    assert len(list(fresh.indicators())) > 100
    assert set(vars(fresh)) - read >= {"_indicators", "_catalogues"}
    assert Vocabulary.load(HOME) is Vocabulary.load(HOME)
