"""The two requests from draft to outcome, and the Monday digest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from alerts.audience import Audience
from alerts.digest import Digests
from alerts.inquiry import Inquiry, InquiryError, answer, decide, draft, issue, send_back, withdraw
from indicators.calendar import WorkingCalendar
from indicators.inquiry import NEXT
from indicators.instant import VIETNAM, to_ms
from indicators.rules.policy import Span
from tests.alerts.samples import HOUR, NOON, RIVER, SLOW, after
from tests.alerts.test_messages import Names
from tests.alerts.test_story import OFFICES, run, story
from transport.settings import HOME

WITHIN = Span(after=timedelta(days=5), clock="business")
CALENDAR = WorkingCalendar.load(HOME)
(OPENED,) = run([SLOW])
assert OPENED.current is not None
ALERT = OPENED.current


def drafted(kind: str = "explanation_request") -> Inquiry:
    return draft(ALERT, kind, WITHIN, Names(), NOON)  # type: ignore[arg-type]


def issued() -> Inquiry:
    return issue(drafted(), "Chánh Văn phòng Ủy ban nhân dân thành phố Hải Phòng", "123/VP-TH", WITHIN, CALENDAR, NOON)


def test_who_is_asked_for_what() -> None:
    substance, figure = drafted(), drafted("data_query")
    assert (substance.to_agency, figure.to_agency) == ("PPC-31", "MOF")
    assert substance.text_vi.startswith("DỰ THẢO – Yêu cầu báo cáo, giải trình\nSố: ……………\nKính gửi: Ủy ban nhân dân thành phố Hải Phòng\n")
    assert "52,34%" in substance.text_vi
    assert "trong 5 ngày làm việc kể từ ngày ban hành" in substance.text_vi
    assert "xác nhận số liệu" in figure.text_vi
    assert substance.id == drafted().id != figure.id
    with pytest.raises(InquiryError, match="names no agency"):
        draft(replace(ALERT, evidence=replace(ALERT.evidence, provider="")), "data_query", WITHIN, Names(), NOON)


def test_the_deadline_runs_from_the_issue() -> None:
    whole = issued()
    assert whole.due_at == to_ms(datetime(2026, 10, 8, 12, tzinfo=VIETNAM))  # Thursday noon + five working days
    assert not whole.overdue(whole.due_at)
    assert whole.overdue(whole.due_at + 1)
    for authority, number in (("", "1/VP"), ("Chánh Văn phòng", " ")):
        with pytest.raises(InquiryError, match="which document number"):
            issue(drafted(), authority, number, WITHIN, CALENDAR, NOON)


def test_answered_returned_answered_late_accepted() -> None:
    first = answer(issued(), "Vướng giải phóng mặt bằng.", NOON + HOUR)
    again = send_back(first)
    assert (again.state, again.answer, again.due_at) == ("issued", "", first.due_at)
    late = answer(again, "Vướng mặt bằng tại 3 dự án; đã giao quận xử lý.", first.due_at + 1)
    assert late.late
    assert not first.late
    done = decide(late, "accepted", late.answered_at + 1)
    assert (done.state, done.outcome) == ("decided", "accepted")
    with pytest.raises(InquiryError, match="accepted, data_error"):
        decide(late, "true", NOON)
    with pytest.raises(InquiryError, match="says something"):
        answer(issued(), "  ", NOON)


ACTS: dict[str, Callable[[Inquiry], Inquiry]] = {
    "issue": lambda i: issue(i, "a", "1", WITHIN, CALENDAR, NOON), "answer": lambda i: answer(i, "x", NOON), "return": send_back,
    "decide": lambda i: decide(i, "data_error", NOON), "withdraw": withdraw,
}  # fmt: skip


@pytest.mark.parametrize("state", NEXT)
@pytest.mark.parametrize("act", ACTS)
def test_cell(state: str, act: str) -> None:
    """State × act: what is not in the table is refused."""
    before = replace(drafted(), state=state)
    if act in NEXT[state]:
        assert ACTS[act](before).state != state
    else:
        with pytest.raises(InquiryError, match=state):
            ACTS[act](before)


MONDAY = to_ms(datetime(2026, 10, 5, 8, tzinfo=VIETNAM))


def test_the_monday_digest_goes_once_to_each_office_that_owes_something() -> None:
    tale = story()
    run([SLOW, RIVER, after(RIVER, transition="cleared", severity=0)], tale)
    audience = Audience(OFFICES, Names())
    digests = Digests(audience, CALENDAR)
    assert digests.due(tale.alerts.values(), MONDAY - 1) == []
    found = digests.due(tale.alerts.values(), MONDAY + 60_000)
    assert [n.recipient for n in found] == ["chair_province@31", "finance_department@31"]
    assert found[1].title == "Lãnh đạo Sở Tài chính Thành phố Hải Phòng: 1 việc chưa xong, 1 chưa tiếp nhận, 0 quá hạn"
    assert digests.due(tale.alerts.values(), MONDAY + HOUR) == []
    again = Digests(audience, CALENDAR).due(tale.alerts.values(), MONDAY + HOUR)  # after a restart
    assert [n.notification_key for n in again] == [n.notification_key for n in found]  # the ledger knows them
    assert Digests(audience, CALENDAR).due(tale.alerts.values(), MONDAY + 10 * HOUR) == []
    young = [replace(alert, opened_at=MONDAY) for alert in tale.alerts.values()]
    assert Digests(audience, CALENDAR).due(young, MONDAY + HOUR) == []
