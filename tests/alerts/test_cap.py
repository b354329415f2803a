"""CAP 1.2: golden messages of a whole alert, and a check that catches what the schema alone lets through."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from alerts.alert import Alert
from alerts.cap import Publisher, cap_xml, exported
from alerts.cap_check import problems
from indicators.rule import RuleBook
from tests.alerts.samples import RIVER, after
from tests.alerts.test_messages import Names
from tests.alerts.test_story import BETTER, CLEARED, WORSE, act, run, story
from transport.settings import HOME

GOLDEN = Path(__file__).parent / "golden"
RULES = RuleBook.load(HOME)
OPERATOR = Publisher("dieuhanh.example.vn", "Trực vận hành Trung tâm điều hành")


def steps_of(*rows: object) -> list[Alert]:
    tale = story()
    found = [effects.event for effects in run(list(rows), tale)]  # type: ignore[arg-type]
    tale.on_action(act("acknowledge"), 0)
    return [event for event in found if event]


def message(steps: list[Alert]) -> bytes:
    return cap_xml(exported(steps), RULES.rules.get(steps[-1].evidence.rule), Names(), OPERATOR)


WHOLE = steps_of(RIVER, WORSE, BETTER, CLEARED)
CANCELLED = steps_of(RIVER, after(RIVER, transition="corrected", severity=0, revision=1))


@pytest.mark.parametrize(("name", "steps"), [
    ("cap.opened", WHOLE[:1]), ("cap.worse", WHOLE[:2]), ("cap.cleared", WHOLE), ("cap.cancelled", CANCELLED),
], ids=lambda value: value if isinstance(value, str) else "")  # fmt: skip
def test_golden(name: str, steps: list[Alert]) -> None:
    written = message(steps)
    assert problems(written) == []
    assert written + b"\n" == (GOLDEN / f"{name}.xml").read_bytes()


def test_types_and_references_of_a_whole_story() -> None:
    texts = [message(WHOLE[: n + 1]).decode() for n in range(4)]
    assert ["<msgType>Alert" in t for t in texts] == [True, False, False, False]
    references = [t.split("<references>")[-1].split("</references>")[0] for t in texts[1:]]
    assert [r.count("dieuhanh.example.vn,") for r in references] == [1, 2, 3]
    assert "<responseType>AllClear" in texts[3]
    assert "<msgType>Cancel" in message(CANCELLED).decode()
    assert "<msgType>Alert" in message(WHOLE[1:2]).decode()  # nothing before it to refer to


def test_an_exercise_is_no_actual_alert_and_acts_are_not_exported() -> None:
    exercise = [replace(step, evidence=replace(step.evidence, mode="exercise")) for step in WHOLE[:1]]
    assert "<status>Exercise" in message(exercise).decode()
    acknowledged = replace(WHOLE[0], transition="acknowledged")
    assert exported([acknowledged, *WHOLE]) == WHOLE
    with pytest.raises(ValueError, match="no step"):
        cap_xml([], None, Names(), OPERATOR)


GOOD = message(WHOLE[:2]).decode()


@pytest.mark.parametrize(("old", "new", "says"), [
    ("<restriction>", "<restriction_>", "not XML"), ("<scope>Restricted", "<scope>Private", "addresses: needed"),
    ("<msgType>Update", "<msgType>Updated", "msgType: not one of"), ("+07:00</sent>", "Z</sent>", "sent: an instant"),
    ("<sender>dieuhanh", "<sender>dieu hanh", "sender: without spaces"), ("<urgency>Immediate</urgency>", "", "urgency: missing"),
    ("<category>Met", "<category>Flood", "category: not one of"), ("<valueName>rule</valueName>", "", "parameter: needs"),
    ("<areaDesc>", "<polygon>1,2 3,4</polygon><areaDesc>", "order"), ("<geocode>", "<circle>1,2</circle><geocode>", "circle:"),
    ("<geocode>", "<polygon>1,2 3,4 5,6 7,8</polygon><geocode>", "last equal to the first"),
    ("<incidents>", "<unheard>x</unheard><incidents>", "unknown element"), ("<event>", "<event>x</event><event>", "event: given more"),
    ("<areaDesc>Trạm Hà Nội (sông Hồng)</areaDesc>", "", "areaDesc: missing"),
])  # fmt: skip
def test_what_is_wrong_is_named(old: str, new: str, says: str) -> None:
    assert old in GOOD
    assert any(says in problem for problem in problems(GOOD.replace(old, new, 1).encode()))


def test_what_the_schema_alone_lets_through() -> None:
    start, end = GOOD.index("<references>"), GOOD.index("</references>") + len("</references>")
    assert problems((GOOD[:start] + GOOD[end:]).encode()) == ["references: needed with msgType Update"]
    start, end = GOOD.index("<restriction>"), GOOD.index("</restriction>") + len("</restriction>")
    assert problems((GOOD[:start] + GOOD[end:]).encode()) == ["restriction: needed with scope Restricted"]
    assert problems(GOOD.replace("dieuhanh.example.vn,", "", 1).encode()) == ["references: each is «sender,identifier,sent»"]
    assert problems(b"<alert/>")[0].startswith("alert: the root")
