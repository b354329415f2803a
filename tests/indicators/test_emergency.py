"""Scenarios hold what their documents and the catalogue give, wrong files are refused by line and field; steps make an emergency."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from indicators.datafile import DataFileError
from indicators.emergency import FOREVER, Area, Emergency, EmergencyError, Span, Step, place_of
from indicators.scenario import PHASES, PILLARS, ScenarioBook
from indicators.storm_track import TrackPoint, read_track, units_within, within
from indicators.verification import scenario_problems
from indicators.vocabulary import Vocabulary
from transport.settings import HOME

VOCABULARY = Vocabulary.load(HOME)
BOOK = ScenarioBook.load(HOME)
GOLDEN = {
    "disaster-incident": (10, "MND", 9, 7), "epidemic": (8, "MOH", 6, 8), "maritime-rescue": (7, "MND", 5, 3),
    "storm-flood": (15, "MAE", 11, 10),
}  # fmt: skip
"""Scenario → series, owner, series of the response … and of the recovery, counted by hand in the files."""
TRACK = (TrackPoint(0, 107.5, 20.0, 60), TrackPoint(6 * 3_600_000, 106.6, 20.8, 80))


def step(did: str, **fields: object) -> Step:
    plain: dict[str, object] = {"id": f"{did}{len(fields)}{fields}", "emergency": "E1", "did": did, "at": 1, "actor": "trucban"}
    if did == "open":
        plain |= {"scenario": "storm-flood", "area": Area(("31",)), "why": "bão số 3", "document": "01/CĐ", "phase": "prevention"}
    return Step(**(plain | fields))  # type: ignore[arg-type]


def test_every_scenario_is_whole_and_its_series_exist() -> None:
    found = {
        s.id: (len(s.indicators), s.owner_agency, sum("response" in i.phases for i in s.indicators), len(s.of_phase("recovery")))
        for s in BOOK
    }
    assert {name: (n, owner) for name, (n, owner, *_) in found.items()} == {name: (n, owner) for name, (n, owner, *_) in GOLDEN.items()}
    assert list(BOOK.problems(VOCABULARY)) == []
    for scenario in BOOK:
        assert set(scenario.readiness) == set(PILLARS)
        assert all(scenario.of_phase(phase) for phase in PHASES)
        assert {"indicators", "may", "readiness"} <= set(scenario.to_confirm), "what no document gives is marked as a proposal"
        assert "duty_officer" not in scenario.may["open"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("every: PT10M", "every: PT10S", "indicators.0.every"),
        ("  close: [leader]\n", "", "nobody may close"),
        ("layer: people}", "layer: peopel}", "layer"),
        ("measured_by: [[guide-7146/T14.3.4, forces]]", "measured_by: [[guide-7146/T14.9, forces]]", "not among the indicators"),
        ("id: storm-flood", "id: flood", "name the file"),
    ],
)
def test_a_wrong_scenario_is_refused_with_file_line_and_field(tmp_path: Path, old: str, new: str, said: str) -> None:
    folder = tmp_path / "catalogue" / "scenarios"
    shutil.copytree(HOME / "catalogue" / "scenarios", folder)
    path = folder / "storm-flood.yaml"
    path.write_text(path.read_text("utf-8").replace(old, new, 1), "utf-8")
    with pytest.raises(DataFileError) as caught:
        ScenarioBook.load(tmp_path)
    assert said in str(caught.value)
    assert "catalogue/scenarios/storm-flood.yaml" in str(caught.value)


def test_the_catalogue_check_sees_a_rule_of_a_scenario_that_is_not_there(tmp_path: Path) -> None:
    for name in ("scenarios", "rules"):
        shutil.copytree(HOME / "catalogue" / name, tmp_path / "catalogue" / name)
    (tmp_path / "catalogue" / "scenarios" / "epidemic.yaml").unlink()
    assert [p.text for p in scenario_problems(VOCABULARY, tmp_path)] == ["KC-GIUONG-ICU-CAN: scope.emergency epidemic is no scenario"]


def test_a_storm_track_gives_the_communes_whose_point_lies_in_its_corridor(tmp_path: Path) -> None:
    units = units_within(VOCABULARY, TRACK)
    provinces = {VOCABULARY.ancestor(code, "province") for code in units}
    assert "31" in provinces, "Hải Phòng lies where the track ends"
    assert not provinces & {"79", "48", "11"}
    assert all(within(TRACK, u.lon or 0, u.lat or 0) for code in units if (u := VOCABULARY.territory(code)))
    midway = (107.05, 20.4)
    assert within(TRACK, *midway)
    assert within(TRACK, 107.45, 20.79), "60 km beside the track, where it reaches 70"
    assert not within(TRACK, 107.71, 21.05), "100 km beside it"
    assert not within((TRACK[0],), 107.5, 20.0 + 61 / 111.195)
    assert within((TRACK[0],), 107.5, 20.0 + 59 / 111.195)
    path = tmp_path / "bao.csv"
    path.write_text("time,lon,lat,radius_km\n01/11/2026 06:00,107.5,20.0,60\n01/11/2026 12:00,106.6,20.8,80\n", "utf-8")
    assert [(p.lon, p.lat, p.radius_km) for p in read_track(path)] == [(107.5, 20, 60), (106.6, 20.8, 80)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("time,lon,lat\n", "bao.csv:1"),
        ("time,lon,lat,radius_km\n01/11/2026 06:00,20.0,107.5,60\n", "bao.csv:2: lon"),
        ("time,lon,lat,radius_km\n06 giờ,107.5,20.0,60\n", "bao.csv:2: time"),
        ("time,lon,lat,radius_km\n01/11/2026 06:00,107.5,20,60\n01/11/2026 05:00,107.5,20,60\n", "tăng dần"),
    ],
)
def test_a_wrong_track_is_refused_with_line_and_column(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "bao.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(DataFileError, match=said):
        read_track(path)


def test_steps_make_an_emergency_and_those_it_does_not_allow_change_nothing() -> None:
    one = Emergency("E1")
    course = [
        (step("widen", area=Area(("01",)), why="sớm"), False), (step("open"), True), (step("open", why="hai lần"), False),
        (step("phase", phase="prevention"), False), (step("phase", phase="response"), True),
        (step("widen", area=Area(("22",)), why="bão mạnh lên"), True), (step("readiness", pillar="forces", state="partly"), True),
        (step("close", why="bão tan"), True), (step("phase", phase="recovery"), False), (step("note", why="rút kinh nghiệm"), True),
    ]  # fmt: skip
    for n, (one_step, _) in enumerate(course):
        one.take(one_step, 1000 * n)
    assert [taken.counts for taken in one.steps] == [counts for _, counts in course]
    assert (one.scenario, one.phase, one.units, one.open) == ("storm-flood", "response", ("22", "31"), False)
    assert one.readiness["forces"].step.state == "partly"
    hai_phong, quang_ninh = place_of(VOCABULARY, "31"), place_of(VOCABULARY, "22")
    assert one.span(hai_phong, VOCABULARY) == Span("E1", 1000, 7000, exercise=False)
    assert one.span(place_of(VOCABULARY, "79"), VOCABULARY) is None
    widened = one.span(quang_ninh, VOCABULARY)
    assert widened is not None
    assert (widened.begin, widened.end) == (5000, 7000), "from the widening on"


def test_a_shift_is_taken_by_another_than_who_gives_it() -> None:
    one = Emergency("E1")
    one.take(step("open"), 0)
    given = step("handover", to="trucban2", why="theo dõi đê", id="H1")
    one.take(given, 1)
    assert one.waiting_handover() is not None
    assert one.refuses(step("accept", about="H1"))
    assert one.refuses(step("accept", about="H0", actor="trucban2"))
    one.take(step("accept", about="H1", actor="trucban2"), 2)
    assert one.waiting_handover() is None


def test_a_place_is_in_the_area_by_its_unit_one_above_or_its_point() -> None:
    commune = next(t for t in VOCABULARY.territories() if t.parent == "31")
    by_list = Area((commune.code,))
    assert by_list.covers(place_of(VOCABULARY, commune.code), VOCABULARY)
    assert by_list.covers(place_of(VOCABULARY, "31"), VOCABULARY), "figures of the whole province speak of its communes too"
    assert not by_list.covers(place_of(VOCABULARY, "VN"), VOCABULARY)
    assert not by_list.covers(place_of(VOCABULARY, "22"), VOCABULARY)
    assert Area(("VN",)).covers(place_of(VOCABULARY, "22"), VOCABULARY)
    narrow = (TrackPoint(0, 106.6, 20.8, 20),)
    by_track = Area(units_within(VOCABULARY, narrow), narrow)
    near, far = place_of(VOCABULARY, "31", "station", "MUA-HAIPHONG"), place_of(VOCABULARY, "31", "station", "TV-PHALAI")
    assert by_track.covers(near, VOCABULARY)
    assert by_track.covers(near, VOCABULARY)
    assert not by_track.covers(far, VOCABULARY), "a station is where it stands, not where its province reaches"


def test_a_row_is_a_step_again_and_a_broken_one_is_told() -> None:
    opened = step("open", area=Area(("31",), TRACK))
    assert Step.of(opened.body()) == opened
    for body in (b"{", b"[]", opened.body().replace(b'"did": "open"', b'"did": "begin"'), step("open", document="").body()):
        with pytest.raises(EmergencyError):
            Step.of(body)
    assert FOREVER > 1 << 50
