"""Which level is told next, and when: the rungs of an alert's escalation over two trees. Pure.

`parent_agency` says who commands; `territory_served` where an agency works: the chair of a province coordinates with a regional treasury
and does not command it. An organisation is everything below one agency that stands directly under the Government (a People's Committee, a
ministry). Leaving it is off by default and passes its Office: the Office is told first and has `review` to settle the matter inside.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from indicators.calendar import WorkingCalendar
from indicators.due import due_after
from indicators.rules.policy import Escalation, EscalationStep, Stop

OFFICE_OF_GOVERNMENT = "OOG"


class Agencies(Protocol):
    """The two trees."""

    def chain(self, code: str) -> tuple[str, ...]:
        """The agency and those that command it, the Government last; empty where the code is unknown."""

    def kind(self, code: str) -> str:
        """Kind of the agency («peoples_committee»); empty where the code is unknown."""

    def territory_served(self, code: str) -> tuple[str, ...]:
        """Codes of the provinces it works in; VN: the whole country."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One level to be told at `due` (epoch ms) unless something of `unless` has happened. `level` never falls from rung to rung.

    `reason`: escalated; for_coordination (asked to coordinate, does not command); for_review (the Office decides whether it leaves);
    not_leaving (the rule may not leave the organisation: its Office is told instead).
    """

    due: int
    level: int
    agencies: tuple[str, ...]
    reason: str
    unless: tuple[Stop, ...]


class Rungs:
    """Finds the rungs of an alert."""

    def __init__(self, agencies: Agencies, calendar: WorkingCalendar) -> None:
        self._agencies, self._calendar = agencies, calendar

    @property
    def calendar(self) -> WorkingCalendar:
        """The calendar it counts working days by."""
        return self._calendar

    def of(self, policy: Escalation, responsible: str, severity: int, since: int) -> list[Rung]:
        """All rungs for an alert of this severity that needs attention since `since` (epoch ms), by due time; none for an unknown agency.

        An agency is on one rung only, and no rung is due before a lower one.
        """
        inside = self._inside(responsible)
        found: list[Rung] = []
        if not inside:
            return found
        told, latest, ups = {responsible}, 0, 0
        for step in policy.steps:
            if severity < step.min_severity:
                continue
            ups += step.to == "up"
            for rung in self._rungs(policy, step, inside, ups, since):
                new = tuple(code for code in rung.agencies if code not in told)
                if new:
                    latest = max(latest, rung.due)
                    found.append(Rung(latest, rung.level, new, rung.reason, rung.unless))
                    told.update(new)
        return found

    def _inside(self, responsible: str) -> tuple[str, ...]:
        """The chain of command below the Government: one's own organisation, its head last."""
        return tuple(code for code in self._agencies.chain(responsible) if self._agencies.kind(code) != "government")

    def _rungs(self, policy: Escalation, step: EscalationStep, inside: tuple[str, ...], ups: int, since: int) -> Iterator[Rung]:
        due = due_after(since, step, self._calendar)
        office = self._office_of(inside[-1])
        height = len(inside)
        if step.to == "coordinate":
            yield Rung(due, ups, self._coordinating(inside), "for_coordination", step.unless)
        elif step.to == "up" and ups < height:
            yield Rung(due, ups, (inside[ups],), "escalated", step.unless)
        elif step.to in ("up", "office"):
            yield Rung(due, height, (office,), "escalated" if step.to == "office" else "not_leaving", step.unless)
        elif not policy.leave_organisation:
            yield Rung(due, height, (office,), "not_leaving", step.unless)
        else:
            yield Rung(due, height, (office,), "for_review", step.unless)
            beyond = policy.sector_ministry if step.to == "ministry" else OFFICE_OF_GOVERNMENT
            level = height + (1 if step.to == "ministry" else 2)
            yield Rung(due_after(due, policy.review, self._calendar), level, (beyond,), "escalated", step.unless)

    def _office_of(self, head: str) -> str:
        """The Office of an organisation: that of the People's Committee, else the Government's Office."""
        return head.replace("PPC-", "OPC-", 1) if self._agencies.kind(head) == "peoples_committee" else OFFICE_OF_GOVERNMENT

    def _coordinating(self, inside: tuple[str, ...]) -> tuple[str, ...]:
        """The People's Committees of the provinces served, where they do not command the agency anyway."""
        served = self._agencies.territory_served(inside[0])
        committees = (f"PPC-{code}" for code in served if code != "VN")
        return tuple(code for code in committees if code not in inside and self._agencies.kind(code) == "peoples_committee")
