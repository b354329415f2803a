"""Who gets which message: storms, flapping, exercises, leaders' one line, alerts handed back, duty seats, words of steps without
figures."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from alerts.action import Action
from alerts.alert import Memory, memory_of
from alerts.audience import Audience
from alerts.condition import Condition, ConditionError
from alerts.duty import Duty, DutyFile, Rota, Seat
from alerts.escalation import Rungs
from alerts.messages import Messages
from alerts.names import VocabularyNames
from alerts.story import Story
from alerts.telling import Telling
from alerts.timers import Timers
from indicators.calendar import WorkingCalendar
from indicators.instant import VIETNAM
from indicators.rule import RuleBook
from indicators.rules.policy import Flap, Storm
from indicators.vocabulary import Vocabulary
from tests.alerts.samples import HOUR, NOON, RIVER, after, alert_id
from tests.alerts.test_messages import Names
from tests.alerts.test_story import OFFICES, RULES, story
from transport.settings import HOME

RIVER_RULE = RULES.rules[RIVER.rule]


def tale_of(duty: Duty | None = None, **changes: object) -> Story:
    """A story over the river's rule, changed."""
    book = RuleBook([RIVER_RULE.model_copy(update=changes)])
    names = Names()
    audience = Audience(OFFICES, names, duty) if duty else Audience(OFFICES, names)
    return Story(book, Messages(names), Telling(book, audience), Timers(Rungs(names, WorkingCalendar())))


def station(n: int) -> Condition:
    return replace(RIVER, alert_id=alert_id(f"station-{n}"), series=f"{RIVER.series}-{n}")


def test_a_storm_of_a_thousand_is_a_few_messages() -> None:
    tale = tale_of(storm=Storm(limit=3, window=timedelta(hours=1)), channels={2: ("email",)})
    requests = [r for n in range(1000) for r in tale.on_condition(station(n), NOON + n).requests]
    sent = [r for r in requests if r.state == "intended"]
    assert len(tale.alerts) == 1000
    assert len(sent) == 2 * (3 + 1)  # two offices: three alerts, one summary
    assert sum(r.reason == "storm_summary" for r in sent) == 2
    assert {(r.state, r.reason) for r in requests if r.state == "recorded"} == {("recorded", "storm")}
    summary = next(r for r in sent if r.reason == "storm_summary")
    assert summary.title == "Nhiều cảnh báo cùng loại: Mực nước sông đạt cấp báo động lũ"
    assert "3 cảnh báo" in summary.text
    keys = [r.notification_key for r in requests]
    assert len(keys) == len(set(keys))


def test_a_storm_passes_and_its_count_survives_a_restart() -> None:
    tale = tale_of(storm=Storm(limit=2, window=timedelta(hours=1)))
    for n in range(2):
        tale.on_condition(station(n), NOON)
    other = tale_of(storm=Storm(limit=2, window=timedelta(hours=1)))
    other.restore(tale.alerts.values(), [])
    assert {r.reason for r in other.on_condition(station(2), NOON + 1).requests} == {"storm", "storm_summary"}
    assert {r.reason for r in other.on_condition(station(3), NOON + 2 * HOUR).requests} == {"opened"}


def test_who_heard_only_of_the_storm_hears_of_no_end() -> None:
    tale = tale_of(storm=Storm(limit=1, window=timedelta(hours=1)))
    for n in range(2):
        tale.on_condition(station(n), NOON + n)
    ends = [tale.on_condition(after(station(n), transition="cleared", severity=0), NOON + 9).requests for n in range(2)]
    assert {(r.state, r.reason) for r in ends[0]} == {("intended", "cleared")}
    assert {(r.state, r.reason) for r in ends[1]} == {("recorded", "not_told")}


def swings(count: int) -> list[Condition]:
    """Openings and ends in turn, ten minutes apart, each opening an alert of its own on the same series."""
    rows = []
    for n in range(count):
        at = NOON + n * 600_000
        one = replace(RIVER, alert_id=alert_id(f"swing-{n // 2}"), event_time=at, period_start=at, period_end=at, through=100 + n)
        rows.append(one if n % 2 == 0 else replace(one, transition="cleared", severity=0))
    return rows


FLAP = Flap(window=timedelta(hours=2), high=4, low=1)


def test_flapping_is_told_until_it_is_clear_that_it_flaps() -> None:
    tale = tale_of(flap=FLAP)
    told = [{(r.state, r.reason) for r in tale.on_condition(row, row.event_time).requests} for row in swings(7)]
    assert told[:4] == [{("intended", "opened")}, {("intended", "cleared")}] * 2
    assert told[4] == {("recorded", "suppressed")}
    assert told[5] == {("recorded", "not_told")}
    assert tale.alerts[alert_id("swing-3")].state == ("active", "suppressed")


def test_what_flapped_and_stays_is_told_after_all() -> None:
    """No alert is lost by suppression: when the window is over and it still holds, people hear of it."""
    tale = tale_of(flap=FLAP)
    rows = swings(5)
    for row in rows:
        tale.on_condition(row, row.event_time)
    last = rows[-1]
    assert tale.due(last.event_time + 2 * HOUR - 1) == []
    ((alert, timer),) = tale.due(last.event_time + 2 * HOUR)
    effects = tale.on_timer(alert, timer, last.event_time + 2 * HOUR)
    assert effects.outcome == "released"
    assert {(r.state, r.reason) for r in effects.requests} == {("intended", "released")}
    assert all(r.title.startswith("[Cảnh báo kéo dài] ") for r in effects.requests)
    assert tale.alerts[alert].state == ("active", "unacknowledged")
    assert tale.on_timer(alert, timer, last.event_time + 3 * HOUR).outcome == "known"


def test_an_exercise_is_marked_in_every_message_also_where_only_the_rule_says_so() -> None:
    tale = tale_of(status="exercise", storm=Storm(limit=1, window=timedelta(hours=1)))
    rows = [RIVER, station(1), after(RIVER, transition="cleared", severity=0)]
    effects = [tale.on_condition(row, NOON + n) for n, row in enumerate(rows)]
    requests = [r for e in effects for r in e.requests]
    assert {r.reason for r in requests} >= {"opened", "storm_summary", "cleared"}
    assert all(r.mode == "exercise" and r.title.startswith("[DIỄN TẬP] ") for r in requests)
    assert all("[DIỄN TẬP]" in r.text.splitlines()[1] for r in requests)
    assert all(e.event is not None and e.event.title_en.startswith("[EXERCISE] ") for e in effects)


def test_a_leader_reads_one_line_with_the_figure() -> None:
    requests = tale_of().on_condition(RIVER, NOON).requests
    chair = next(r for r in requests if r.recipient == "chair_province@01")
    duty = next(r for r in requests if r.recipient == "duty_civil_defence_province@01")
    assert len(chair.text.splitlines()) == 2
    assert "10,62 m" in chair.text
    assert len(duty.text.splitlines()) > 2


def act(what: str, note: str = "không thuộc địa bàn") -> Action:
    return Action(action_id=f"a-{what}", alert_id=RIVER.alert_id, action=what, actor="x", office="", note=note, until=0, acted_at=NOON,
                  via="command")  # fmt: skip


def test_what_is_handed_back_goes_to_the_operator_and_nobody_gains_time() -> None:
    tale = story()
    opened = tale.on_condition(RIVER, NOON).current
    tale.on_action(act("acknowledge"), NOON + HOUR)
    back = tale.on_action(act("return"), NOON + 2 * HOUR)
    assert back.outcome == "handed_back"
    assert {r.recipient for r in back.requests} == {"operations_centre@VN"}
    assert all("trả lại: không thuộc địa bàn" in r.text for r in back.requests)
    now = tale.alerts[RIVER.alert_id]
    assert now.state.attention == "unacknowledged"
    assert opened is not None
    assert now.memory.attention_since == opened.memory.attention_since == NOON


def test_the_seat_on_duty_is_written_to() -> None:
    seats = (Seat(id="ca-1", title_vi="Trực ban ca 1", email="ca1@example.vn", phone="84900000001"),)
    begins = datetime(2026, 1, 1, 7, tzinfo=VIETNAM)
    rota = Rota(office="duty_civil_defence_province", place="01", begins=begins, shift=timedelta(hours=12), seats=("ca-1",))
    tale = tale_of(Duty(DutyFile(seats=seats, rotas=(rota,))), channels={2: ("email", "sms")})
    requests = tale.on_condition(RIVER, NOON).requests
    to = {(r.recipient, r.channel): r.address for r in requests}
    assert to == {
        ("duty_civil_defence_province@01", "email"): "ca1@example.vn", ("duty_civil_defence_province@01", "sms"): "84900000001",
        ("chair_province@01", "email"): "chu-tich-ubnd-01@example.vn",  # no phone in the file: nothing that could be sent
    }  # fmt: skip


@pytest.mark.parametrize(("agency", "recipient", "title"), [
    ("PPC-31", "chair_province@31", "Chủ tịch Ủy ban nhân dân Thành phố Hải Phòng"),
    ("DOF-31", "finance_department@31", "Lãnh đạo Sở Tài chính Thành phố Hải Phòng"),
    ("DOH-31", "head@DOH-31", "Giám đốc Sở Y tế thành phố Hải Phòng"),
    ("OPC-31", "office_province@31", "Chánh Văn phòng Ủy ban nhân dân Thành phố Hải Phòng"),
    ("MOF", "head@MOF", "Bộ trưởng Bộ Tài chính"), ("SBV", "head@SBV", "Thống đốc Ngân hàng Nhà nước Việt Nam"),
    ("CUS3", "head@CUS3", "Chi cục trưởng Chi cục Hải quan khu vực III"), ("GI", "head@GI", "Tổng Thanh tra Chính phủ"),
    ("OOG", "head@OOG", "Bộ trưởng, Chủ nhiệm Văn phòng Chính phủ"),
    ("GOV", "head@GOV", "Thủ tướng Chính phủ"), ("STR7", "head@STR7", "Giám đốc Kho bạc Nhà nước khu vực VII"),
])  # fmt: skip
def test_an_agency_is_told_through_its_head_in_the_right_title(agency: str, recipient: str, title: str) -> None:
    (found,) = Audience(OFFICES, VocabularyNames(Vocabulary.load(HOME))).of_agencies([agency], NOON)
    assert found.id == recipient
    assert found.title_vi == title


def test_memory_is_found_again_also_of_the_version_before() -> None:
    whole = Memory(peak=4, told=("a@01", "b@31"), attention_since=NOON, fired=("remind|1",), changes=(1, 2), explained=True)
    assert memory_of(whole.bytes()) == whole
    old = memory_of(b"3,0,41")
    assert (old.peak, old.told_through, old.told) == (3, 41, None)
    for wrong in (b"", b"{}x", b"1,2", b'{"peak": "four"}', b"[1]"):
        with pytest.raises(ConditionError, match="memory"):
            memory_of(wrong)
