"""Requests of alerts: what stands after the acts, who may do what, what is written, and that a wrong step is refused."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dashboards.inquiries import requests_of, under_way, waiting
from indicators.calendar import WorkingCalendar
from indicators.inquiry import asked_of
from indicators.instant import VIETNAM, to_ms
from sinks import clickhouse as ch
from tests.dashboards.conftest import ANALYST, DUTY, LEADER, PROVINCE, Client, Memory, Seeded, served
from tests.dashboards.seeds import NOW, NOW_MS
from transport.audit import Deed
from transport.settings import HOME

CALENDAR = WorkingCalendar.load(HOME)
OFFICE = "office_province@31"
NOON = datetime(2026, 10, 1, 5, tzinfo=UTC)
ALERT = {"alert_id": "a1", "provider": "MOF", "agency": "PPC-31"}


def act(n: int, what: str, transition: str, **more: str) -> dict[str, Any]:
    fields = {"alert_id": "a1", "inquiry": "explanation_request", "authority": "", "document_number": "", "outcome": "", "note": f"n{n}"}
    fields |= {"issuing_office": OFFICE if what == "issue" else "", "action_id": f"q{n}"}
    fields["actor"] = "Văn phòng"
    return {"looked": False, **fields, "action": what, "transition": transition, "acted_at": NOON + timedelta(days=n), **more}


def test_what_stands_follows_the_acts_that_counted() -> None:
    issue = act(0, "issue", "issued", authority="Chánh Văn phòng", document_number="1/VP")
    steps = [issue, act(1, "answer", "refused"), act(2, "answer", "answered"), act(3, "send_back", "sent_back")]
    steps.append(act(4, "answer", "answered"))
    (one,) = requests_of(ALERT, steps, None, CALENDAR)
    assert (one.state, one.answer, one.to_agency, one.possible) == ("answered", "n4", "PPC-31", ("decide", "send_back"))
    assert one.due_at == to_ms(datetime(2026, 10, 8, 12, tzinfo=VIETNAM)), "Thursday noon + five working days"
    assert (one.unread_by(OFFICE), one.unread_by("office_province@01"), one.unread_by("")) == (True, False, False)
    (seen,) = requests_of(ALERT, [*steps[:-1], {**steps[-1], "looked": True}], None, CALENDAR)
    assert not seen.unread_by(OFFICE)
    (back,) = requests_of(ALERT, [issue, {**act(2, "answer", "answered"), "looked": True}, *steps[3:]], None, CALENDAR)
    assert back.unread_by(OFFICE), "another answer is looked at anew"
    (early,) = requests_of(ALERT, steps[:2], None, CALENDAR)
    assert (early.state, early.overdue(early.due_at), early.overdue(early.due_at + 1)) == ("issued", False, True)
    more = [act(5, "decide", "decided", outcome="accepted"), {**issue, "document_number": "2/VP"}]
    both = requests_of(ALERT, [*steps, *more], None, CALENDAR)
    assert [(r.document_number, r.state, r.outcome) for r in both] == [("1/VP", "decided", "accepted"), ("2/VP", "issued", "")]
    assert under_way(both, "explanation_request") is both[1]
    assert under_way(both, "data_query") is None
    assert [asked_of(kind, "MOF", "PPC-31") for kind in ("data_query", "explanation_request")] == ["MOF", "PPC-31"]
    assert requests_of(ALERT, [act(0, "issue", "")], None, CALENDAR) == [], "not told of yet"
    assert waiting([act(0, "issue", "")], "a1")
    assert not waiting(steps, "a1")


@pytest.mark.loopback
def test_the_office_issues_decides_and_withdraws_and_it_is_written_with_its_audit(seeded: Seeded) -> None:
    journal = Memory()
    issue = {"action": "issue", "inquiry": "explanation_request", "authority": "Chủ tịch UBND tỉnh", "document_number": "45/UBND"}

    async def work(client: Client) -> None:
        page = (await client.get("/alerts/a25")).text
        assert "DỰ THẢO – Yêu cầu báo cáo, giải trình" in page
        assert "gửi về Văn phòng trong 5 ngày làm việc" in page
        assert "đang chờ tiến trình cảnh báo" in page
        answer = await client.post("/alerts/a25/requests", issue)
        assert (answer.status_code, answer.headers["location"]) == (303, "/alerts/a25?done=1")
        for wrong in ({"authority": ""}, {"document_number": ""}, {"inquiry": "data_query"}, {"inquiry": "x"}, {"action": "answer"}):
            assert (await client.post("/alerts/a25/requests", {**issue, **wrong})).status_code == 400, wrong
        answered = (await client.get("/alerts/a31")).text
        assert "trả lời quá hạn" in answered
        assert "12/VP-TH" in answered
        decide = {"action": "decide", "inquiry": "explanation_request", "outcome": "accepted"}
        assert (await client.post("/alerts/a31/requests", {**decide, "outcome": "true"})).status_code == 400
        assert (await client.post("/alerts/a31/requests", {**decide, "action": "withdraw"})).status_code == 400, "answered already"
        assert (await client.post("/alerts/a31/requests", decide)).status_code == 303
        assert (await client.post("/alerts/none/requests", issue)).status_code == 404
        assert (await client.post("/alerts/a25/requests", {**issue, "token": "x"})).status_code == 403
        listed = (await client.get("/requests?format=json")).json()["rows"]
        assert [(r["number"], r["state"]) for r in listed] == [("12/VP-TH", "đã trả lời, chờ kết luận")]
        shown = (await client.get("/requests")).text
        assert "Vướng mặt bằng" in shown
        assert '<a href="/alerts" aria-current="true">' in shown, "the menu says where one is"

    served(seeded.settings, LEADER, work, journal)
    assert [(a.action, a.alert_id, a.authority, a.document_number, a.outcome) for a in journal.acts] == [
        ("issue", "a25", "Chủ tịch UBND tỉnh", "45/UBND", ""),
        ("decide", "a31", "", "", "accepted"),
    ]
    assert [(d.did, d.on, d.run) for d in journal.deeds] == [(f"alerts.{a.action}", a.alert_id, a.action_id) for a in journal.acts]
    assert [a.issuing_office for a in journal.acts] == ["", ""], "an account without an office names none"


@pytest.mark.loopback
def test_who_may_not_issue_reads_the_draft_and_writes_nothing(seeded: Seeded) -> None:
    journal = Memory()
    issue = {"action": "issue", "inquiry": "explanation_request", "authority": "A", "document_number": "1"}

    async def duty(client: Client) -> None:
        page = (await client.get("/alerts/a25")).text
        assert "DỰ THẢO" in page
        assert 'name="document_number"' not in page
        assert (await client.post("/alerts/a25/requests", issue)).status_code == 403

    async def analyst(client: Client) -> None:
        answer = {"action": "answer", "inquiry": "explanation_request", "note": "x"}
        assert (await client.post("/alerts/a31/requests", answer)).status_code == 403

    async def elsewhere(client: Client) -> None:
        assert (await client.post("/alerts/a25/requests", issue)).status_code == 404

    served(seeded.settings, DUTY, duty, journal)
    served(seeded.settings, ANALYST, analyst, journal)
    served(seeded.settings, PROVINCE, elsewhere, journal)
    assert not journal.acts
    assert not journal.deeds


@pytest.mark.loopback
def test_an_answer_is_marked_for_the_office_that_asked_until_it_looked(seeded: Seeded) -> None:
    """By the office, whoever sits there: not by the title under which the request was recorded."""
    journal, mark = Memory(), "</span>trả lời chưa xem"
    count = "1 trả lời chưa xem"

    async def work(client: Client) -> None:
        same_title = LEADER.model_copy(update={"name": "vanphong", "title_vi": "Văn phòng"})
        elsewhere = LEADER.model_copy(update={"name": "vp01", "office": "office_province@01"})
        for stranger in (LEADER, same_title, elsewhere):
            client.board.accounts.put(stranger)
            client.sign(stranger)
            for page in ("/requests", "/alerts/a31", "/alerts", "/"):
                text = (await client.get(page)).text
                assert mark not in text, (stranger.name, page)
                assert count not in text, (stranger.name, page)
        assert not journal.deeds, "who did not ask leaves no look"
        office = LEADER.model_copy(update={"name": "vp31", "title_vi": "Chuyên viên Văn phòng", "office": OFFICE})
        client.board.accounts.put(office)
        client.sign(office)
        assert count in (await client.get("/")).text
        assert count in (await client.get("/alerts")).text
        assert mark in (await client.get("/requests")).text
        assert not journal.deeds, "a list is no look"
        assert mark in (await client.get("/alerts/a31")).text
        draft = (await client.get("/alerts/a25")).text
        assert "báo về Văn phòng Ủy ban nhân dân Thành phố Hải Phòng" in draft
        issue = {"action": "issue", "inquiry": "explanation_request", "authority": "Chủ tịch", "document_number": "46/UBND"}
        assert (await client.post("/alerts/a25/requests", issue)).status_code == 303
        journal.broken = True
        assert (await client.get("/alerts/a31")).status_code == 200, "a look that cannot be written keeps its mark, the page is shown"

    served(seeded.settings, LEADER, work, journal)
    look, issued = journal.deeds
    assert (look.did, look.on, look.run, look.actor) == ("requests.look", "a31", "q31a", "vp31")
    assert [a.issuing_office for a in journal.acts] == [OFFICE]
    assert issued.did == "alerts.issue"


@pytest.mark.loopback
def test_a_look_in_the_audit_takes_the_mark_away(seeded: Seeded) -> None:
    """Through the sink's table of the audit, as every board process reads it."""
    office = LEADER.model_copy(update={"name": "vp31", "office": OFFICE})
    looked = Deed(at=NOW_MS, actor="vp31", did="requests.look", on="a31", run="q31a", via="board")
    other = Deed(at=NOW_MS, actor="vp31", did="board.view", on="q31a", run="q31a", via="board")

    def audited(n: int, deed: Deed) -> None:
        with ch.connected(seeded.settings) as client:
            names = ["topic", "partition", "offset", "appended", "actor", "body"]
            client.insert("audit", [["ops.audit", 0, 9_000 + n, NOW, deed.actor, deed.body()]], column_names=names)

    async def work(client: Client) -> None:
        client.board.accounts.put(office)
        client.sign(office)
        for n, (deed, marked) in enumerate(((other, True), (looked, False))):
            await asyncio.to_thread(audited, n, deed)
            client.board.database._kept.clear()
            for page in ("/", "/requests", "/alerts/a31"):
                assert ("chưa xem" in (await client.get(page)).text) == marked, (deed.did, page)

    try:
        served(seeded.settings, LEADER, work)
    finally:
        with ch.connected(seeded.settings) as client:
            client.command("TRUNCATE TABLE request_looks")
            client.command("DELETE FROM audit WHERE offset >= 9000")
