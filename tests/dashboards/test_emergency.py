"""The board's emergencies: what the screen shows, who may do what, what is written, and that nothing is written by halves."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from dashboards.board import Visit
from dashboards.events import event, permitted
from dashboards.live import Change, steps_of
from dashboards.pages.emergency import every_text
from indicators.adhoc import AdhocSet
from indicators.emergency import Emergency, place_of
from indicators.vocabulary import Vocabulary
from tests.dashboards.conftest import ANALYST, DUTY, LEADER, PROVINCE, Client, Memory, Seeded, served
from tests.dashboards.seeds import NOW_MS
from tests.dashboards.seeds_emergency import CLOSED, DRILL, STEPS, STORM
from transport.emergencies import OpenedSet, OrderedSet, step_key
from transport.emergency_follower import EmergencyFollower
from transport.settings import HOME, Settings

OPEN = {"scenario": "storm-flood", "phase": "prevention", "units": "hai phong; Quảng Ninh", "why": "bão số 13", "document": "13/CĐ"}


def test_frequencies_in_words() -> None:
    told = [every_text(timedelta(minutes=m), "vi") for m in (10, 60, 1440, 90)]
    assert told == ["10 phút", "1 giờ", "1 ngày", "90 phút"]


@pytest.mark.loopback
def test_the_list_and_the_screen_say_what_stands(seeded: Seeded) -> None:
    async def work(client: Client) -> None:
        page = (await client.get("/emergency")).text
        for said in ("Bão, lũ, ngập lụt", "DIỄN TẬP", "ứng phó", "12/CĐ-TTg", "Đã kết thúc", "Thành phố Hải Phòng (2)"):
            assert said in page, said
        assert page.index(DRILL) < page.index(CLOSED)
        storm = (await client.get(f"/emergency/{STORM}")).text
        for said in ("Lực lượng tại chỗ", "sẵn sàng một phần", "còn thiếu 2 xuồng", "chưa báo cáo", "đê Tràng Cát an toàn", "10 phút",
                     "Ca trực chờ nhận: Trực ban ca đêm giao cho Trực ban ca ngày", "33/2013/QH13", "Chưa có số liệu", "a31",
                     "Hoàng Sa"):  # fmt: skip
            assert said in storm, said
        assert "/alerts/a25" not in storm, "alerts of other places stand elsewhere"
        drill = (await client.get(f"/emergency/{DRILL}?lang=en")).text
        assert "EXERCISE" in drill
        figures = (await client.get(f"/emergency/{DRILL}?format=json")).json()
        assert [(row["indicator"], row["component"], row["value"]) for row in figures["rows"]] == [("guide-7146/T14.ICU", "occupied", "7")]
        assert (await client.get("/emergency/none")).status_code == 404

    served(seeded.settings, DUTY, work)


@pytest.mark.loopback
def test_a_leader_opens_and_closes_and_it_is_written_with_its_audit(seeded: Seeded) -> None:
    journal = Memory()

    async def work(client: Client) -> None:
        assert (await client.post("/emergency/acts", OPEN)).headers["location"] == "/emergency?done=1"
        track = "time,lon,lat,radius_km\n01/11/2026 06:00,107.5,20.0,60\n01/11/2026 12:00,106.6,20.8,80\n"
        assert (await client.post("/emergency/acts", OPEN | {"units": "", "track": track, "exercise": "true"})).status_code == 303
        for wrong in ({"units": "Atlantis"}, {"units": ""}, {"document": " "}, {"scenario": "none"}, {"phase": "later"}, {"track": "x"}):
            assert (await client.post("/emergency/acts", OPEN | wrong)).status_code == 400, wrong
        assert (await client.post(f"/emergency/{STORM}/acts", {"did": "close", "why": "bão tan"})).status_code == 303
        assert (await client.post(f"/emergency/{CLOSED}/acts", {"did": "phase", "phase": "recovery"})).status_code == 400
        assert (await client.post(f"/emergency/{STORM}/acts", {"did": "close", "why": "x", "token": "other"})).status_code == 403
        journal.broken = True
        assert (await client.post(f"/emergency/{STORM}/acts", {"did": "note", "why": "x"})).status_code == 503

    served(seeded.settings, LEADER, work, journal)
    opened, drill, closed = journal.steps
    assert (opened.did, opened.area.units, opened.exercise, opened.actor, opened.via) == ("open", ("22", "31"), False, "Lãnh đạo", "board")
    assert (drill.exercise, len(drill.area.track)) == (True, 2)
    vocabulary = Vocabulary.load(HOME)
    assert drill.area.covers(place_of(vocabulary, "31", "station", "MUA-HAIPHONG"), vocabulary)
    assert (closed.did, closed.emergency) == ("close", STORM)
    assert [(d.did, d.on, d.run) for d in journal.deeds] == [(f"emergency.{s.did}", s.emergency, s.id) for s in journal.steps]


@pytest.mark.loopback
def test_roles_and_territories_bound_what_is_done(seeded: Seeded) -> None:
    journal = Memory()

    async def duty(client: Client) -> None:
        assert (await client.post("/emergency/acts", OPEN)).status_code == 403, "a duty officer opens drills alone"
        assert (await client.post("/emergency/acts", OPEN | {"exercise": "true"})).status_code == 303
        assert (await client.post(f"/emergency/{STORM}/acts", {"did": "close", "why": "x"})).status_code == 403
        assert (await client.post(f"/emergency/{STORM}/acts", {"did": "accept"})).status_code == 303
        assert (await client.post(f"/emergency/{DRILL}/acts", {"did": "accept"})).status_code == 400
        assert "do_close" not in (await client.get(f"/emergency/{STORM}")).text

    async def analyst(client: Client) -> None:
        assert (await client.post(f"/emergency/{STORM}/acts", {"did": "note", "why": "x"})).status_code == 403
        assert "/acts" not in (await client.get(f"/emergency/{STORM}")).text

    async def province(client: Client) -> None:
        assert (await client.post("/emergency/acts", OPEN)).status_code == 403, "Quảng Ninh is another's"
        assert (await client.post("/emergency/acts", OPEN | {"units": "31"})).status_code == 303
        assert (await client.post(f"/emergency/{CLOSED}/acts", {"did": "note", "why": "x"})).status_code == 404

    for account, work in ((DUTY, duty), (ANALYST, analyst), (PROVINCE, province)):
        served(seeded.settings, account, work, journal)
    assert [(s.did, s.exercise, s.about) for s in journal.steps] == [
        ("open", True, ""), ("accept", False, "storm-handover"), ("open", False, "")]  # fmt: skip


@pytest.mark.loopback
def test_an_ordered_set_stands_on_the_overview_with_its_document_until_it_is_over(seeded: Seeded) -> None:
    def opened(name: str, last: date) -> OpenedSet:
        content = AdhocSet.model_validate({
            "id": name, "title_vi": f"Thống kê {name}", "title_en": f"Set {name}", "document": "77/CĐ-TTg ngày 20/10/2026",
            "owner_agency": "MAE", "provider": "PPC", "starts_on": "2026-10-20", "ends_on": last,
            "indicators": [{"code": "S1", "name_vi": "Số nhà sập", "name_en": "Houses down", "measure_unit": "house", "additivity": "flow",
                            "period_types": ["day"], "minimum": 0, "maximum": 9999}],
        })  # fmt: skip
        return OpenedSet(OrderedSet(content=content, actor="vpcp", why="lệnh", at=NOW_MS), NOW_MS)

    async def work(client: Client) -> None:
        follower = EmergencyFollower(client.board.settings)
        follower.book.sets.update({n: opened(n, day) for n, day in (("nha", date(2026, 11, 20)), ("cu", date(2026, 10, 25)))})
        client.board.ordered = follower
        page = (await client.get("/")).text
        for said in ("Thống kê nha", "77/CĐ-TTg ngày 20/10/2026", "đến hết ngày 20/11/2026", "/indicator/adhoc-nha/S1"):
            assert said in page, said
        assert "Thống kê cu" not in page, "over since 26 October"
        assert "đã hết hạn ngày 25/10/2026" in (await client.get("/emergency")).text

    served(seeded.settings, LEADER, work)


def test_a_new_step_is_told_once_a_unit_and_history_is_not(tmp_path: Path) -> None:
    told: list[Emergency] = []
    follower = EmergencyFollower(Settings.load(data_dir=tmp_path), changed=told.append)
    first, note = STEPS[0][0], STEPS[2][0]
    follower.book.take(step_key(first), first.body(), NOW_MS)
    follower._tell()
    assert told == [], "the topic has not been read to its end"
    follower.seen_at = NOW_MS
    follower.book.take(step_key(note), note.body(), NOW_MS)
    for _ in range(2):
        follower._tell()
    assert [one.id for one in told] == [STORM]
    changes = steps_of(told[0], "Bão", "Storm")
    assert [(c.kind, c.key, c.territory, c.condition) for c in changes] == [
        ("emergency", f"emergency:{STORM}|{unit}", unit, "note") for unit in told[0].units
    ]


@pytest.mark.loopback
def test_a_step_reaches_the_page_of_who_sees_a_unit_of_the_area(seeded: Seeded) -> None:
    async def work(client: Client) -> None:
        change = Change("emergency", f"emergency:{STORM}|31", "", "31", 0, NOW_MS, title_vi="Bão", title_en="Storm", condition="note")
        account = client.board.accounts.accounts()[PROVINCE.name]
        visit = Visit(client.board, account, client.board.sessions.begin(account, NOW_MS), "vi", NOW_MS)
        assert await permitted(visit, [change, replace(change, territory="01")]) == [change]
        said = json.loads(event(visit, change).decode().partition("data: ")[2])
        assert (said["id"], said["title"], said["did"]) == (STORM, "Bão", "Ghi sổ trực")

    served(seeded.settings, PROVINCE, work)
