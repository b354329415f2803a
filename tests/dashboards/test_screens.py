"""Wall, print, projects and tasks over the seeded database; the acts that make tasks; SDMX-CSV; the outlook of a series."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import pytest

from dashboards.headlines import Lookup
from dashboards.judgement import UNJUDGED, of_severity
from dashboards.outlook import ahead
from dashboards.pages.projects import colour_of
from dashboards.pages.tasks import _state
from dashboards.pages.wall import _screens
from dashboards.sdmx import sdmx_csv, time_period
from indicators import period as periods
from indicators.derived.formula_book import FormulaBook
from indicators.instant import DAY_MS, VIETNAM, to_ms
from indicators.period import Period, period_of
from indicators.rule import RuleBook
from indicators.vocabulary import Vocabulary
from tests.dashboards.conftest import DUTY, LEADER, PROVINCE, Client, Memory, Seeded, served
from tests.dashboards.seeds import NOW_MS
from transport.settings import HOME


def test_screens_are_even() -> None:
    assert [len(s) for s in _screens([None] * 7)] == [4, 3]  # type: ignore[list-item]
    assert _screens([]) == []


def test_colours_of_projects_follow_the_worse_of_money_and_alerts() -> None:
    told = [(UNJUDGED, []), (of_severity(0), []), (of_severity(2), []), (of_severity(0), [3]), (of_severity(2), [4]), (UNJUDGED, [2])]
    assert [colour_of(judgement, alerts) for judgement, alerts in told] == ["grey", "green", "yellow", "red", "red", "yellow"]


def test_a_task_is_overdue_only_while_its_alert_is_open() -> None:
    now = 100 * DAY_MS
    states = [
        _state(done, due, now) for done, due in ((True, now - 1), (False, now - 1), (False, now), (False, now + 3 * DAY_MS), (False, 0))
    ]
    assert states == ["done", "overdue", "soon", "running", "running"]


def test_sdmx_names_components_and_writes_exact_values() -> None:
    rows: Sequence[Sequence[str | Decimal | datetime | None]] = [
        ["31", Decimal("70.50"), datetime(2026, 10, 30), 'a "b", c'],
        ["01", None, None, "=1+1"],
    ]
    body = sdmx_csv("xep-hang", ("code", "value", "event_time", "territory"), rows).decode()
    read = list(csv.reader(body.splitlines()))
    assert read[0] == ["STRUCTURE", "STRUCTURE_ID", "ACTION", "REF_AREA", "OBS_VALUE", "TIME_PERIOD", "TERRITORY"]
    assert read[1] == ["dataflow", "NHIP:XEP_HANG(1.0)", "I", "31", "70.5", "2026-10-30T00:00:00Z", 'a "b", c']
    assert read[2][3:] == ["01", "", "", "=1+1"]
    start = to_ms(datetime(2026, 10, 1, tzinfo=VIETNAM))
    kinds = ("year", "half_year", "quarter", "month", "week", "day", "hour")
    assert [time_period(kind, start) for kind in kinds] == [
        "2026", "2026-S2", "2026-Q4", "2026-M10", "2026-W40", "2026-10-01", "2026-10-01T00:00+07:00"
    ]  # fmt: skip


def lookup(now: int) -> Lookup:
    """What builders look up, at an instant."""
    return Lookup(Vocabulary.load(HOME), FormulaBook.load(HOME), RuleBook.load(HOME), "vi", now)


def months(count: int) -> dict[Period, Decimal]:
    """A straight line of months from January 2026 with small alternating misses."""
    at, found = period_of("month", to_ms(datetime(2026, 1, 15, tzinfo=VIETNAM))), {}
    for i in range(count):
        found[at] = Decimal(100 + 10 * i + (1 if i % 2 else -1))
        at = periods.next(at)
    return found


def test_the_outlook_goes_on_from_whole_periods_alone() -> None:
    known = months(10)
    at = lookup(to_ms(datetime(2026, 11, 2, tzinfo=VIETNAM)))
    coming = ahead(known, "VND", at)
    assert [p.time for p in coming] == ["2026-M11", "2026-M12", "2027-M01"]
    first = coming[0]
    assert first.value is None
    assert first.low is not None
    assert first.high is not None
    assert first.expected is not None
    assert first.low < first.expected < first.high
    assert abs(first.expected - 200) < 5
    assert [p.time for p in ahead(known, "VND", at, within_year=True)] == ["2026-M11", "2026-M12"]
    running = lookup(to_ms(datetime(2026, 10, 20, tzinfo=VIETNAM)))
    assert ahead(known, "VND", running)[0].time == "2026-M10", "October still runs: it is expected, not known"
    assert ahead(months(5), "VND", at) == [], "too few for a trend"


@pytest.mark.loopback
def test_wall_and_print_show_what_the_overview_shows(seeded: Seeded) -> None:
    async def work(client: Client) -> None:
        wall = (await client.get("/wall")).text
        assert wall.count("data-screen") >= 3
        for said in ("Cảnh báo a25", "71,00%", "Tỉnh Phú Thọ"):
            assert said in wall, said
        sheets = (await client.get("/print")).text
        assert 'class="sheet"' in sheets
        assert "71,00%" in sheets
        assert "nhóm chưa có số liệu" in sheets
        one = (await client.get("/print?group=vn-1012/A.II")).text
        assert one.count('class="sheet"') == 1
        assert (await client.get("/print?group=../x")).status_code == 400
        assert (await client.get("/projects")).status_code == 403, "projects are subjects: below the leader's depth"
        assert 'href="/projects"' not in wall

    served(seeded.settings, LEADER, work)


@pytest.mark.loopback
def test_projects_show_money_colour_and_what_nobody_reported(seeded: Seeded) -> None:
    async def work(client: Client) -> None:
        rows = {r["id"]: r for r in (await client.get("/projects?format=json")).json()["rows"]}
        assert (rows["DA-01-01"]["disbursed"], rows["DA-01-01"]["plan"], rows["DA-01-01"]["value"]) == (
            "400000000000",
            "1000000000000",
            "40",
        )
        assert rows["DA-01-01"]["status"] == "Đỏ – chậm tiến độ"
        assert rows["DA-31-01"]["status"] == "Chưa đủ số liệu"
        page = (await client.get("/projects/DA-01-01")).text
        assert "1/14 mục có số liệu" in page
        assert "theo sổ đăng ký dự án" in page
        assert page.count("chưa được cung cấp") == 13
        assert (await client.get("/projects/none")).status_code == 404
        assert "DA-31-01" not in (await client.get("/projects?territory=01&format=json")).text

    served(seeded.settings, DUTY, work)


@pytest.mark.loopback
def test_a_task_is_given_on_the_alert_and_listed_with_its_day(seeded: Seeded) -> None:
    journal = Memory()

    async def work(client: Client) -> None:
        page = (await client.get("/tasks")).text
        assert "Rà soát từng dự án" in page
        assert "quá hạn" in page
        assert "Trực ban" in page
        given = {"action": "task", "note": "Tháo gỡ mặt bằng", "due": "10/11/2026"}
        assert (await client.post("/alerts/a25/acts", given)).status_code == 303
        assert (await client.post("/alerts/a25/acts", {"action": "return", "note": "không thuộc thẩm quyền"})).status_code == 303
        for wrong in ({"due": ""}, {"due": "31/10/2026"}, {"due": "31/02/2026"}, {"note": ""}):
            assert (await client.post("/alerts/a25/acts", {**given, **wrong})).status_code == 400, wrong
        assert "Giao nhiệm vụ" in (await client.get("/alerts/a25")).text

    served(seeded.settings, DUTY, work, journal)
    assert [(a.action, a.note) for a in journal.acts] == [("task", "Tháo gỡ mặt bằng"), ("return", "không thuộc thẩm quyền")]
    assert journal.acts[0].until == to_ms(datetime(2026, 11, 11, tzinfo=VIETNAM)) - 1
    assert journal.acts[0].until > NOW_MS

    async def elsewhere(client: Client) -> None:
        assert "Rà soát" not in (await client.get("/tasks?show=all")).text

    served(seeded.settings, PROVINCE, elsewhere)


@pytest.mark.loopback
def test_tasks_of_documents_stand_apart_with_the_words_of_the_reports(seeded: Seeded) -> None:
    officer = PROVINCE.model_copy(update={"agency": "PPC-31"})

    async def work(client: Client) -> None:
        client.board.accounts.put(officer)
        client.sign(officer)
        rows = {row["id"]: row for row in (await client.get("/tasks?show=all&format=json")).json()["rows"]}
        assert {name: rows[name]["task_state"] for name in ("NV-1", "NV-2", "NV-3")} == {
            "NV-1": "chưa hoàn thành quá hạn",
            "NV-2": "hoàn thành quá hạn",
            "NV-3": "không có hạn",
        }
        assert (rows["NV-1"]["due"], rows["NV-1"]["document_number"]) == ("31/10/2026", "1/VPCP"), "the newest revision"
        assert "NV-6" not in rows, "withdrawn"
        assert not {"NV-4", "NV-5"} & set(rows), "the country's and another province's"
        shown = {
            show: {name for name in rows if f">{name}<" in (await client.get(f"/tasks?show={show}")).text}
            for show in ("open", "mine", "units", "soon", "overdue")
        }
        assert shown == {"open": {"NV-1", "NV-3"}, "mine": {"NV-1"}, "units": {"NV-2", "NV-3"}, "soon": set(), "overdue": {"NV-1"}}

    served(seeded.settings, PROVINCE, work)
