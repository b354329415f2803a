"""The board's emergencies: what the screen shows, who may do what, what is written, and that nothing is written by halves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dashboards.pages.emergency import every_text
from indicators.emergency import place_of
from indicators.vocabulary import Vocabulary
from tests.dashboards.conftest import ANALYST, DUTY, LEADER, PROVINCE, Client, Memory, Seeded, served
from tests.dashboards.seeds_emergency import CLOSED, DRILL, STORM
from transport.settings import HOME

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
    assert [(d.did, d.on, d.detail) for d in journal.deeds] == [(f"emergency.{s.did}", s.emergency, s.id) for s in journal.steps]


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
