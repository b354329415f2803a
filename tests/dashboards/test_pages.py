"""Pages over the seeded database: what each shows to whom, exports, as-of, and the states that go wrong."""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from dashboards.board import Visit
from dashboards.routes import PAGES
from dashboards.settings import BoardSettings
from tests.dashboards.conftest import ANALYST, DUTY, LEADER, Client, Memory, Seeded, served
from tests.dashboards.seeds_emergency import STORM

pytestmark = pytest.mark.loopback
INLINE = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", re.IGNORECASE)


def test_the_overview_says_what_is_wrong_who_answers_and_what_stands(seeded: Seeded) -> None:
    async def work(client: Client) -> None:
        answer = await client.get("/")
        assert answer.status_code == 200
        assert "Ủy ban nhân dân tỉnh Phú Thọ" in answer.text
        assert "Cảnh báo a25 &lt;b&gt;thử&lt;/b&gt;" in answer.text, "text is text"
        assert "42,00% (−" in answer.text, "the figure as it stands now"
        assert "71,00%" in answer.text
        assert "Chủ tịch Ủy ban nhân dân" in answer.text
        assert not INLINE.search(answer.text)
        english = await client.get("/?lang=en")
        assert "Needs attention now" in english.text
        assert 'lang="en"' in english.text
        assert "nhip_lang=en" in english.headers["set-cookie"]
        one = await client.get("/?territory=31&lang=vi")
        assert "Thành phố Hải Phòng" in one.text
        assert "70,00%" in one.text

    served(seeded.settings, LEADER, work)


def test_the_ranking_orders_moves_and_sets_late_units_apart(seeded: Seeded) -> None:
    async def work(client: Client) -> None:
        rows = (await client.get("/ranking?format=json")).json()["rows"]
        assert [(r["place"], r["code"], r["value"]) for r in rows] == [
            (1, "01", "75"),
            (2, "31", "70"),
            (3, "25", "42"),
            (None, "79", "50"),
        ]
        assert [r["before"] for r in rows] == [1, 2, 3, None]
        page = (await client.get("/ranking")).text
        assert "Địa phương gửi số liệu muộn" in page
        assert "Chậm nhất" in page
        assert "Tỉnh Phú Thọ" in page.split("Chậm nhất")[1][:400]
        earlier = (await client.get("/ranking?format=json&as_of=10/09/2026+08:00")).json()["rows"]
        assert [(r["code"], r["value"]) for r in earlier] == [("01", "55"), ("31", "50"), ("79", "40"), ("25", "30")]
        assert (await client.get("/ranking?as_of=31/02/2026")).status_code == 400
        assert (await client.get("/ranking?formula=F99")).status_code == 404

    served(seeded.settings, LEADER, work)


def test_depth_is_that_of_the_reader_and_records_are_written_down(seeded: Seeded) -> None:
    journal = Memory()

    async def analyst(client: Client) -> None:
        page = await client.get("/indicator/vn-1012/A.II.4?territory=31")
        assert page.status_code == 200
        assert "tax_type: v0" in page.text
        assert ">r3<" in page.text, "a source record"
        assert "obs.test" in page.text
        assert [d.did for d in journal.deeds] == ["board.view_records"]
        journal.broken = True
        assert (await client.get("/indicator/vn-1012/A.II.4")).status_code == 503, "what cannot be written down is not shown"

    async def leader(client: Client) -> None:
        page = await client.get("/indicator/vn-1012/A.II.4?territory=31")
        assert page.status_code == 200
        assert "3,0 tỷ đồng" in page.text
        assert "tax_type: v0" not in page.text
        assert ">r3<" not in page.text
        assert "dưới mức chi tiết" in page.text

    served(seeded.settings, ANALYST, analyst, journal)
    served(seeded.settings, LEADER, leader)


def test_a_reported_value_that_does_not_add_up_has_its_card_and_page(seeded: Seeded) -> None:
    async def work(client: Client) -> None:
        card = (await client.get("/")).text.partition("vn-1012/A.I.1")[2][:2500]
        assert "103,1" in card
        assert "+1,0 điểm %" in card
        assert "100,1" in card, "the same month of last year"
        page = (await client.get("/indicator/vn-1012/A.I.1?as_of=31/12/2026+00:00")).text
        assert "103,1" in page
        assert "tháng 10/2026" in page
        rows = (await client.get("/indicator/vn-1012/A.I.1?format=json&as_of=31/12/2026")).json()["rows"]
        assert [(r["value"], r["then"]) for r in rows] == [("100.1", "100.1"), ("101.1", "101.1"), ("102.1", "102.1"), ("103.1", "103.1")]
        earlier = (await client.get("/indicator/vn-1012/A.I.1?format=json&as_of=01/01/2026")).json()["rows"]
        assert {r["then"] for r in earlier} == {None}, "nothing was known then"

    served(seeded.settings, LEADER, work)


def test_a_long_list_of_stations_begins_with_the_worst_and_all_are_on_the_map(seeded: Seeded, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = {"component": "rain", "territory": "31", "latest": Decimal(1), "latest_time": datetime(2026, 7, 1, tzinfo=UTC), "limits": [],
             "indicator": "vn-1012/D.1", "name_en": "", "lon": 106.0, "lat": 20.0}  # fmt: skip
    rows = [plain | {"subject_id": f"S{n}", "name_vi": f"Trạm {n}", "h24_sum": Decimal(60 * n)} for n in range(3)]
    asked = Visit.ask

    async def ask(visit: Visit, name: str, **values: Any) -> list[dict[str, Any]]:
        return rows if name == "stations" else await asked(visit, name, **values)

    monkeypatch.setattr(Visit, "ask", ask)
    monkeypatch.setattr("dashboards.pages.country.MOST_LISTED", 1)

    async def work(client: Client) -> None:
        cut, whole = [(await client.get(f"/map?shade=-&layers=situation{more}")).text for more in ("", "&whole=1")]
        assert "Xem mọi trạm</a>" not in whole
        assert 'whole=1">Xem mọi trạm (3)</a>' in cut
        assert [f'<th scope="row">Trạm {n}<' in cut for n in range(3)] == [False, False, True]
        assert all(f'<th scope="row">Trạm {n}<' in whole for n in range(3))
        assert cut.count('<g class="pin') == whole.count('<g class="pin') >= 3

    served(seeded.settings, LEADER, work)


def test_alerts_tell_their_story_and_the_map_shows_the_archipelagos(seeded: Seeded) -> None:
    async def work(client: Client) -> None:
        page = (await client.get("/alerts/a25")).text
        for said in ("Cảnh báo mới", "Ủy ban nhân dân tỉnh Phú Thọ", "(email: đã gửi)", "Tiếp nhận", "Gác lại", "alerts"):
            assert said in page, said
        assert (await client.get("/alerts/none")).status_code == 404
        every = "?layers=situation,resources,people,international"
        for asked in ("", "?shade=-&layers=situation", "?by=value", "?shade=vn-1012/A.II.4", every):
            drawn = (await client.get(f"/map{asked}")).text
            assert "QĐ. Hoàng Sa (Đà Nẵng)" in drawn
            assert "QĐ. Trường Sa (Khánh Hòa)" in drawn
            assert "sơ đồ" in drawn
            assert drawn[drawn.index('<svg class="country"') :].split("</svg>")[0].count('class="dots') == 34
        assert 'class="halo urgent"' in drawn, "an area with alerts"
        assert f"/emergency/{STORM}" in drawn
        assert "Nguồn lực" in drawn
        for wrong in ("?layers=roads", "?layers=people,", "?shade=%27", "?by=x"):
            assert (await client.get(f"/map{wrong}")).status_code == 400, wrong
        assert (await client.get("/map?shade=none/X.1")).status_code == 404
        valued = (await client.get("/map?shade=vn-1012/A.II.4&format=json")).json()["rows"]
        assert valued[0] == {"territory": "Thành phố Hải Phòng", "value": "3000000000", "measure_unit": "VND"}
        supply = (await client.get("/supply")).text
        assert "trạm báo số đo hỏng" in supply
        public_security = supply[supply.index("Báo cáo theo hạn") :]
        public_security = public_security[public_security.index("Bộ Công an") :].split("</tr>")[0]
        cells = re.findall(r'<td class="n">([^<]*)</td>', public_security)
        assert cells == ["33,3", "1", "1", "1", "0", "0"], "one report in time, one late, one missing"
        assert "Còn thiếu: " in public_security
        assert (await client.get("/operations")).status_code == 200

    served(seeded.settings, DUTY, work)


def test_what_is_shown_can_be_taken_away(seeded: Seeded) -> None:
    journal = Memory()

    async def work(client: Client) -> None:
        answer = await client.get("/ranking?format=csv")
        assert answer.headers["content-disposition"] == 'attachment; filename="nhip-xep-hang.csv"'
        lines = answer.content.decode("utf-8-sig").split("\r\n")
        assert lines[1].startswith("1;01;Thành phố Hà Nội;75;")
        sheet = zipfile.ZipFile(io.BytesIO((await client.get("/alerts?format=xlsx")).content)).read("xl/worksheets/sheet1.xml").decode()
        assert "Cảnh báo a25 &lt;b&gt;thử&lt;/b&gt;" in sheet
        assert "<v>74.5</v>" in sheet
        assert [d.did for d in journal.deeds] == ["board.export_csv", "board.export_xlsx"]

    served(seeded.settings, LEADER, work, journal)


def test_the_document_names_every_page_and_every_answer(seeded: Seeded) -> None:
    async def work(client: Client) -> None:
        document = (await client.get("/openapi.json")).json()
        assert {page.path for page in PAGES} <= set(document["paths"])
        wrong = {
            "territory": "x'",
            "severity": "9",
            "everything": "?",
            "days": "0",
            "shade": "'",
            "by": "?",
            "layers": "z",
            "whole": "2",
            "formula": "'",
            "as_of": "'",
            "component": "-",
            "catalogue": "/",
            "done": "?",
            "colour": "mauve",
            "show": "?",
            "cutoff": "'",
            "seconds": "1",
            "group": "../x",
        }
        for path, item in document["paths"].items():
            if path == "/events" or "get" not in item:
                continue
            names = {"catalogue": "vn-1012", "code": "A.I.1", "alert_id": "a25", "project": "DA-01-01", "emergency": STORM}
            address = path.format(**names, rule="GN-DTC-CHAM-KE-HOACH")
            for name in [p["name"] for p in item["get"]["parameters"] if p["in"] == "query" and p["name"] not in ("format", "lang")]:
                answer = await client.get(f"{address}?{name}={wrong[name]}&format=json")
                assert answer.status_code == 400, (path, name)
                assert str(answer.status_code) in item["get"]["responses"]
                assert answer.headers["content-type"] == "application/problem+json"
                assert json.loads(answer.text)["detail"]

    served(seeded.settings, DUTY, work)


def test_pages_without_a_data_store_say_so(adrift: BoardSettings) -> None:
    async def work(client: Client) -> None:
        for path in (
            "/",
            "/ranking",
            "/map",
            "/alerts",
            "/supply",
            "/operations",
            "/indicator/guide-7146/F02",
            "/report",
            "/wall",
            "/print",
            "/projects",
            "/tasks",
            "/emergency",
        ):
            answer = await client.get(path)
            assert answer.status_code == 503, path
            assert "Kho số liệu chưa trả lời" in answer.text
        assert (await client.get("/nowhere")).status_code == 404

    served(adrift, DUTY, work)


@pytest.mark.parametrize("path", ["/", "/alerts", "/map?layers=situation&shade=-"])
def test_a_stranger_is_led_to_the_door(adrift: BoardSettings, path: str) -> None:
    async def work(client: Client) -> None:
        answer = await client.get(path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in?next=%2F")
        assert (await client.get(f"{path}{'&' if '?' in path else '?'}format=json")).status_code == 401
        assert (await client.get("/events")).status_code == 401
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy

    served(adrift, None, work)
