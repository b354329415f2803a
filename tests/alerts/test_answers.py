"""The answer to a request reaches the office that issued it: by that office's own way, whole, once; and a deadline that goes by likewise.

The golden file anew: `python -m tests.alerts.test_answers`, then read it before committing.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from alerts.inquiry import Inquiry
from alerts.notification import Notification
from alerts.offices import unknown_recipient
from alerts.story import Effects, Story
from indicators.rule import RuleBook
from indicators.vocabulary import Vocabulary
from tests.alerts.samples import HOUR, NOON, SLOW
from tests.alerts.test_forms import block
from tests.alerts.test_inquiry_acts import ACCEPT, ANSWER, DUE, ISSUE, on, standing, told
from tests.alerts.test_story import OFFICES, reread, run, story
from transport.settings import HOME

GOLDEN = Path(__file__).parent / "golden" / "van-ban-yeu-cau.txt"
CHAIR = "chair_province@01"
BOARD = replace(ISSUE, office="lanhdao", issuing_office=CHAIR, via="board")
NAMELESS = replace(ISSUE, office="lanhdao", via="board")
LONG = replace(ANSWER, note="Vướng giải phóng mặt bằng tại 3 dự án.\nBàn giao mặt bằng trước 15/11/2026.")


@pytest.fixture
def tale() -> Story:
    made = story()
    run([SLOW], made)
    return made


def sent_to(effects: Effects, recipient: str) -> list[Notification]:
    return [n for n in effects.requests if n.recipient == recipient and n.channel == "email"]


def after_deadline(tale: Story) -> list[Effects]:
    return [tale.on_timer(alert, timer, DUE + HOUR) for alert, timer in tale.due(DUE + HOUR) if timer.kind == "urge"]


def test_the_answer_goes_to_the_office_that_the_board_names_whole_though_a_leader_sits_there(tale: Story) -> None:
    tale.on_action(BOARD, NOON + HOUR)
    assert standing(tale).memory.inquiries[0].issued_by == CHAIR
    done = reread(tale).on_action(LONG, NOON + 2 * HOUR)
    (mail,) = sent_to(done, CHAIR)
    assert mail.address == "chu-tich-ubnd-01@example.vn"
    assert "Bàn giao mặt bằng trước 15/11/2026." in mail.text, "leaders get one line of an alert, but asked for the answer"
    assert (mail.state, mail.lane, mail.reason) == ("intended", "grouped", "answered")
    again = reread(tale).on_action(LONG, NOON + 3 * HOUR)
    assert [n.notification_key for n in again.requests] == [n.notification_key for n in done.requests], "the ledger tells it once"
    assert sent_to(tale.on_action(LONG, NOON + 2 * HOUR), CHAIR)
    assert sent_to(tale.on_action(ACCEPT, NOON + 3 * HOUR), CHAIR)


def test_an_answer_that_no_office_waits_for_is_told_to_the_operator(tale: Story) -> None:
    tale.on_action(NAMELESS, NOON + HOUR)
    assert standing(tale).memory.inquiries[0].issued_by == "", "the name of an account is no office"
    (urged,) = after_deadline(reread(tale))
    answered = tale.on_action(ANSWER, NOON + 2 * HOUR)
    for effects in (urged, answered):
        (mail,) = sent_to(effects, "operations_centre@VN")
        assert mail.reason == "no_recipient"
    assert "operations_centre@VN" not in told(tale.on_action(ACCEPT, NOON + 3 * HOUR))


def test_a_deadline_that_went_by_is_told_to_the_office_once(tale: Story) -> None:
    tale.on_action(BOARD, NOON + HOUR)
    (urged,) = after_deadline(tale)
    (mail,) = sent_to(urged, CHAIR)
    assert mail.title == "[Đôn đốc] Yêu cầu báo cáo, giải trình số 123/VP-TH: quá hạn"
    assert after_deadline(tale) == []
    assert after_deadline(reread(tale)) == []


def test_a_deadline_outlives_its_rule(tale: Story) -> None:
    tale.on_action(BOARD, NOON + HOUR)
    later = reread(tale)
    later._rules = RuleBook([])
    (urged,) = after_deadline(later)
    assert sent_to(urged, CHAIR), "the document was sent, whatever became of the rule"


def letters(tale: Story) -> str:
    """What each office reads of each step of both requests, as mail and as a text message."""
    blocks = []
    for kind in ("data_query", "explanation_request"):
        issued = replace(BOARD, inquiry=kind, action_id=f"issue-{kind}")
        tale.on_action(issued, NOON + HOUR)
        (one,) = [i for i in standing(tale).memory.inquiries if i.kind == kind]
        steps: dict[str, Inquiry] = {"issued": one, "urged": replace(one, urged_at=DUE + 1)}
        steps["answered"] = replace(one, state="answered", answer=LONG.note, answered_at=DUE - HOUR)
        steps["answered late"] = replace(steps["answered"], answered_at=DUE + HOUR)
        steps["sent_back"] = replace(one, state="issued")
        steps["decided"] = replace(steps["answered"], state="decided", outcome="data_error")
        steps["withdrawn"] = replace(one, state="withdrawn")
        for name, inquiry in steps.items():
            note = "Chưa nêu rõ trách nhiệm." if name == "sent_back" else ""
            text = tale._inquiries.letter(name.split()[0], inquiry, standing(tale), note)
            blocks.append(block(f"{kind}: {name}", text, SLOW.alert_id))
    return "\n".join(blocks)


def test_golden(tale: Story) -> None:
    assert letters(tale) == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.parametrize(("recipient", "wrong"), [
    ("office_province@31", ""), ("duty_government_office@VN", ""), ("director_hospital@hospital:BV-01-01", ""),
    ("director_hospital@BV-01-01", "no such place"), ("head@MOF", ""),
    ("head@NOBODY", "no such agency"), ("office_province@99", "no such place"), ("office_province", "no such place"),
    ("duty_government_office@31", "write as duty_government_office@VN"), ("van-phong@31", "no such office"),
    ("office_province@26732", "no such place"),
])  # fmt: skip
def test_an_office_that_cannot_be_told_is_named(recipient: str, wrong: str) -> None:
    said = unknown_recipient(recipient, OFFICES, Vocabulary.load(HOME))
    assert (wrong in said) if wrong else said == ""


def test_only_an_issue_names_its_office() -> None:
    assert on("answer", note="x").record()["issuing_office"] == ""
    assert BOARD.record()["issuing_office"] == CHAIR


if __name__ == "__main__":
    opened = story()
    run([SLOW], opened)
    GOLDEN.write_text(letters(opened), encoding="utf-8")
