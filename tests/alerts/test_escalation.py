"""The rungs over both trees: never down, never out of one's own organisation without the Office, nobody twice."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from alerts.escalation import Rung, Rungs
from alerts.names import VocabularyNames
from indicators.calendar import WorkingCalendar
from indicators.instant import VIETNAM, to_ms
from indicators.rules.policy import LEVEL_OF, Escalation, EscalationStep, Target
from indicators.vocabulary import Vocabulary
from transport.settings import HOME

MONDAY = to_ms(datetime(2026, 10, 5, 9, tzinfo=VIETNAM))
HOUR = 3_600_000
RUNGS = Rungs(VocabularyNames(Vocabulary.load(HOME)), WorkingCalendar.load(HOME))


def step(to: Target, hours: int, **more: object) -> EscalationStep:
    return EscalationStep.model_validate({"to": to, "after": timedelta(hours=hours)} | more)


def rungs(*steps: EscalationStep, of: str = "DOF-31", severity: int = 4, leave: bool = False) -> list[Rung]:
    policy = Escalation(steps=steps, leave_organisation=leave, sector_ministry="MOF")
    return RUNGS.of(policy, of, severity, MONDAY)


def shape(found: list[Rung]) -> list[tuple[int, tuple[str, ...], str]]:
    return [((rung.due - MONDAY) // HOUR, rung.agencies, rung.reason) for rung in found]


def test_from_a_department_to_the_committee_then_its_office() -> None:
    found = rungs(step("up", 1), step("up", 2), step("office", 3))
    assert shape(found) == [(1, ("PPC-31",), "escalated"), (2, ("OPC-31",), "not_leaving")]


def test_the_organisation_is_not_left_by_default() -> None:
    found = rungs(step("ministry", 5), step("government", 9))
    assert shape(found) == [(5, ("OPC-31",), "not_leaving")]


def test_leaving_passes_the_office_and_gives_it_time() -> None:
    found = rungs(step("up", 1), step("ministry", 5), step("government", 9), leave=True)
    assert shape(found) == [
        (1, ("PPC-31",), "escalated"), (5, ("OPC-31",), "for_review"), (29, ("MOF",), "escalated"), (33, ("OOG",), "escalated"),
    ]  # fmt: skip


def test_the_chair_coordinates_with_a_vertical_agency_and_does_not_command_it() -> None:
    found = rungs(step("coordinate", 0), step("up", 1), step("up", 2), step("up", 3), of="CUS3")
    assert shape(found) == [
        (0, ("PPC-31", "PPC-33"), "for_coordination"), (1, ("CUSTOMS",), "escalated"), (2, ("MOF",), "escalated"),
        (3, ("OOG",), "not_leaving"),
    ]  # fmt: skip
    assert shape(rungs(step("coordinate", 0), of="DOF-31")) == []  # its chair commands it: there is nothing to coordinate


def test_severity_below_a_rung_and_unknown_agency() -> None:
    assert rungs(step("up", 1, min_severity=4), severity=3) == []
    assert rungs(step("up", 1), of="NOBODY") == []


def test_business_time() -> None:
    found = rungs(EscalationStep(to="up", after=timedelta(days=5), clock="business"))
    assert shape(found) == [(7 * 24, ("PPC-31",), "escalated")]


def test_a_policy_never_goes_down() -> None:
    with pytest.raises(ValidationError, match="never goes down"):
        Escalation(steps=(step("government", 1), step("up", 2)))
    with pytest.raises(ValidationError, match="sector_ministry"):
        Escalation(steps=(step("ministry", 1),))


targets = st.lists(st.tuples(st.sampled_from(list(LEVEL_OF)), st.integers(0, 200)), max_size=6)


@given(targets, st.sampled_from(["DOF-31", "PPC-31", "CUS3", "STR7", "MOH", "CPC-01", "GOV"]), st.booleans())
def test_escalation_never_goes_down_a_level_nor_back_in_time(drawn: list[tuple[Target, int]], of: str, leave: bool) -> None:
    """P7 of the properties of the alert channel, first half."""
    ordered = sorted(drawn, key=lambda pair: LEVEL_OF[pair[0]])
    found = rungs(*(step(to, hours) for to, hours in ordered), of=of, leave=leave)
    dues = [r.due for r in found]
    assert dues == sorted(dues)
    climbing = [r.level for r in found if r.reason != "for_coordination"]
    assert climbing == sorted(climbing)
    told = [code for rung in found for code in rung.agencies]
    assert len(told) == len(set(told))
    assert of not in told
    if not leave:
        names = VocabularyNames(Vocabulary.load(HOME))
        inside = {code for code in names.chain(of) if code != "GOV"}
        coordinating = {f"PPC-{code}" for code in names.territory_served(of)}
        assert set(told) <= inside | coordinating | {"OOG", "OPC-31", "OPC-01"}
        assert all(r.reason == "not_leaving" or "OOG" not in r.agencies for r in found if of in ("DOF-31", "PPC-31", "CPC-01"))
