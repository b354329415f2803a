"""Golden forms: every step that figures do not cause, in accented text and as a text message with what each form costs."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerts.channels.contract import Message, message_of
from alerts.channels.sms import sms_text
from alerts.condition import Condition
from alerts.messages import Messages, Text, storm_text
from alerts.sms_text import form_of
from alerts.words import LEADS_VI
from indicators.rule import RuleBook
from indicators.rules.policy import DEFAULT_STORM
from tests.alerts.samples import ICU, NOON, RIVER, SLOW, notification
from tests.alerts.test_messages import Names
from transport.settings import HOME

GOLDEN = Path(__file__).parent / "golden"
RULES = RuleBook.load(HOME)
WRITER = Messages(Names())


def sms_of(text: Text, alert_id: str) -> str:
    told: Message = message_of(notification("sms", title=text.title_vi, alert_id=alert_id), "https://dieuhanh.example.vn/a/" + "MaKy" * 28)
    return sms_text(told)


def block(name: str, text: Text, alert_id: str) -> str:
    """One step: title, text, then the text message with the parts of its accented and unaccented form."""
    plain = sms_of(text, alert_id)
    accented, bare = form_of(text.title_vi), form_of(plain)
    cost = f"[có dấu: {accented.parts} phần {accented.alphabet}; không dấu: {bare.parts} phần {bare.alphabet}]"
    return f"== {name}\n{text.title_vi}\n{text.text_vi}\nSMS {cost}: {plain}\n"


def forms(c: Condition) -> str:
    rule = RULES.rules[c.rule]
    blocks = [block(lead, WRITER.led(rule, lead, NOON, c, "không thuộc địa bàn"), c.alert_id) for lead in LEADS_VI]
    opened = WRITER.render(rule, "opened", c, None, NOON)
    storm = storm_text(rule, c.rule, DEFAULT_STORM, c.mode)
    return "\n".join([block("opened", opened, c.alert_id), *blocks, block("storm", storm, c.alert_id)])


@pytest.mark.parametrize("c", [RIVER, ICU, SLOW], ids=lambda c: c.rule.lower())
def test_golden(c: Condition) -> None:
    assert forms(c) == (GOLDEN / f"{c.rule.lower()}.forms.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("c", [RIVER, ICU, SLOW], ids=lambda c: c.rule.lower())
def test_no_text_message_needs_more_than_three_parts_or_another_alphabet(c: Condition) -> None:
    rule = RULES.rules[c.rule]
    for lead in LEADS_VI:
        found = form_of(sms_of(WRITER.led(rule, lead, NOON, c, "x"), c.alert_id))
        assert (found.alphabet, found.parts <= 3) == ("GSM-7", True)
