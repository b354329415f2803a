"""Acts on the two requests as the story tells them: issued, urged, answered, sent back, decided; each once, each to whom it concerns."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from alerts.action import Action, action_of
from alerts.alert import Alert, restored
from alerts.condition import ConditionError
from alerts.story import Effects, Story
from indicators.instant import VIETNAM, to_ms
from tests.alerts.samples import HOUR, NOON, SLOW, after
from tests.alerts.test_story import act, reread, run, story

OFFICE = "Chánh Văn phòng Ủy ban nhân dân thành phố Hải Phòng"
DUE = to_ms(datetime(2026, 10, 8, 13, tzinfo=VIETNAM))  # Thursday 13:00 + five working days
ISSUED_BY = "office_province@31"


def on(what: str, n: int = 1, **changes: object) -> Action:
    given = {"alert_id": SLOW.alert_id, "inquiry": "explanation_request", "note": "", "office": ISSUED_BY, "via": "api"} | changes
    return act(what, n, **given)


ISSUE = on("issue", authority=OFFICE, document_number="123/VP-TH")
ANSWER = on("answer", note="Vướng giải phóng mặt bằng tại 3 dự án.", office="head@PPC-31", acted_at=NOON + 2 * HOUR)
ACCEPT = on("decide", outcome="accepted", acted_at=NOON + 3 * HOUR)


@pytest.fixture
def tale() -> Story:
    made = story()
    run([SLOW], made)
    return made


def told(effects: Effects) -> set[str]:
    return {n.recipient for n in effects.requests}


def standing(tale: Story) -> Alert:
    return tale.alerts[SLOW.alert_id]


def test_issued_under_a_named_authority_to_who_answers_for_it(tale: Story) -> None:
    done = tale.on_action(ISSUE, NOON + HOUR)
    assert done.event is not None
    assert (done.outcome, done.event.transition) == ("issued", "issued")
    assert done.event.note == f"Yêu cầu báo cáo, giải trình số 123/VP-TH; {OFFICE} ban hành, hạn trả lời 13:00 ngày 08/10/2026"
    assert told(done) == {"chair_province@31"}  # who heads the agency that answers
    (mail,) = [n for n in done.requests if n.channel == "email"]
    assert mail.title.startswith("[Yêu cầu báo cáo, giải trình] Số 123/VP-TH: Thành phố Hải Phòng")
    letter = standing(tale).memory.inquiries[0]
    assert (letter.due_at, letter.state, letter.issued_by) == (DUE, "issued", ISSUED_BY)
    assert standing(tale).state.attention == "unacknowledged"  # asking is not taking


def test_the_letter_has_no_blanks_left(tale: Story) -> None:
    done = tale.on_action(on("issue", inquiry="data_query", authority=OFFICE, document_number="9/VP"), NOON + HOUR)
    texts = {n.text for n in done.requests}
    assert told(done) == {"head@MOF"}
    (text,) = texts
    assert "DỰ THẢO" not in text
    assert "……" not in text


def test_answered_heard_by_all_who_were_told_and_decided(tale: Story) -> None:
    before = set(standing(tale).memory.told or ())
    tale.on_action(ISSUE, NOON + HOUR)
    answered = tale.on_action(ANSWER, NOON + 2 * HOUR)
    assert told(answered) == before | {ISSUED_BY}
    assert any("Vướng giải phóng mặt bằng" in n.text for n in answered.requests)
    assert standing(tale).memory.explained
    assert standing(tale).state.attention == "acknowledged"
    decided = tale.on_action(ACCEPT, NOON + 3 * HOUR)
    assert decided.event is not None
    assert decided.event.note == "Yêu cầu báo cáo, giải trình số 123/VP-TH; kết luận: chấp nhận giải trình"
    assert "chair_province@31" in told(decided)
    assert set(standing(tale).memory.told or ()) == before  # nobody became an addressee by it


def test_each_counts_once_and_is_found_after_a_restart(tale: Story) -> None:
    tale.on_action(ISSUE, NOON + HOUR)
    again = reread(tale)
    assert standing(again).memory.inquiries == standing(tale).memory.inquiries
    assert again.on_action(ISSUE, NOON + HOUR).outcome == "known"
    assert again.on_action(ANSWER, NOON + 2 * HOUR).outcome == "answered"
    assert again.on_action(on("send_back", note="Chưa nêu trách nhiệm."), NOON + 3 * HOUR).outcome == "sent_back"
    assert again.on_action(replace(ANSWER, action_id="answer-2"), NOON + 4 * HOUR).outcome == "answered"


@pytest.mark.parametrize(("acts", "why"), [
    ([ANSWER], "no such request"), ([ISSUE, replace(ISSUE, action_id="issue-2")], "one of this kind"),
    ([ISSUE, ACCEPT], "chỉ có thể: answer, withdraw"), ([ISSUE, ANSWER, replace(ACCEPT, outcome="true")], "accepted, data_error"),
    ([ISSUE, on("withdraw"), ANSWER], "no such request"), ([ISSUE, replace(ANSWER, inquiry="data_query")], "no such request"),
])  # fmt: skip
def test_what_cannot_be_done_is_recorded_and_changes_nothing(tale: Story, acts: list[Action], why: str) -> None:
    *before, last = acts
    for each in before:
        tale.on_action(each, NOON + HOUR)
    stood = standing(tale).memory.inquiries
    done = tale.on_action(last, NOON + HOUR)
    assert done.event is not None
    assert (done.outcome, done.requests) == ("refused", [])
    assert why in done.event.note
    assert standing(tale).memory.inquiries == stood


def test_a_second_request_after_the_first_was_decided(tale: Story) -> None:
    for each in (ISSUE, ANSWER, ACCEPT, replace(ISSUE, action_id="issue-2", document_number="200/VP-TH")):
        tale.on_action(each, NOON + HOUR)
    first, second = standing(tale).memory.inquiries
    assert (first.state, second.state, second.document_number) == ("decided", "issued", "200/VP-TH")
    assert first.id != second.id


def test_an_overdue_answer_is_urged_once(tale: Story) -> None:
    tale.on_action(ISSUE, NOON + HOUR)

    def urged(at: int, tale: Story) -> list[Effects]:
        return [tale.on_timer(alert, timer, at) for alert, timer in tale.due(at) if timer.kind == "urge"]

    assert urged(DUE, tale) == []
    (done,) = urged(DUE + HOUR, reread(tale))
    assert done.event is not None
    assert done.event.transition == "urged"
    assert {"chair_province@31", ISSUED_BY} <= told(done)
    (mine,) = urged(DUE + HOUR, tale)
    assert mine.event is not None
    assert mine.event.event_id == done.event.event_id  # the same however often the process dies
    assert urged(DUE + 2 * HOUR, reread(tale)) == []
    assert standing(tale).memory.inquiries[0].urged_at == DUE + 1
    run([after(SLOW, transition="worse", severity=4, severity_before=3)], tale)  # a rise starts other clocks anew, not this one
    assert urged(DUE + 2 * HOUR, tale) == []
    assert tale.on_action(replace(ANSWER, acted_at=DUE + 3 * HOUR), DUE + 3 * HOUR).outcome == "answered"
    assert "trả lời quá hạn" in standing(tale).note


def test_an_answer_in_time_is_not_urged(tale: Story) -> None:
    tale.on_action(ISSUE, NOON + HOUR)
    tale.on_action(ANSWER, NOON + 2 * HOUR)
    assert [timer.kind for _, timer in tale.due(DUE + HOUR) if timer.kind == "urge"] == []


def test_an_exercise_is_marked_once(tale: Story) -> None:
    drill = story()
    run([replace(SLOW, mode="exercise")], drill)
    done = drill.on_action(ISSUE, NOON + HOUR)
    assert all(n.title.startswith("[DIỄN TẬP] [Yêu cầu") for n in done.requests)
    assert all(n.title.count("DIỄN TẬP") <= 2 for n in done.requests)


@pytest.mark.parametrize(("changes", "field"), [
    ({"inquiry": "letter"}, "inquiry"), ({"authority": " "}, "document_number"), ({"document_number": ""}, "document_number"),
    ({"action": "decide", "outcome": "perhaps"}, "outcome"), ({"action": "answer", "note": " "}, "note"),
    ({"action": "send_back", "note": ""}, "note"),
])  # fmt: skip
def test_an_act_that_says_too_little_is_refused_at_the_door(changes: dict[str, object], field: str) -> None:
    with pytest.raises(ConditionError, match=field):
        action_of(ISSUE.record() | changes)
    assert action_of(ISSUE.record()) == ISSUE


def test_rows_of_before_have_no_requests(tale: Story) -> None:
    alert = standing(tale)
    old = alert.memory.bytes().replace(b',"inquiries":[]', b"")
    assert old != alert.memory.bytes()
    assert restored(alert.record(), old).memory.inquiries == ()
