"""Condition rows: what a rule says of a series or result when its state changes, with the evidence beside it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from indicators.observation import SCALE
from indicators.rule import Rule
from indicators.rules.finding import Finding
from indicators.rules.ladder import Ladder
from stream_processors.rule_state import Change, Phase, RuleState

NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "https://nhip.vn/alert")
STATUS_SHIFT: Final = 4
"""The field `phase` carries the phase in its low four bits, the status of the figure last judged above them."""
_QUANTUM = Decimal(1).scaleb(-SCALE)


def alert_id(rule: str, series: str, opened: int) -> str:
    """The identity of an alert: rule, series and start of the period that opened it (epoch ms). The same inputs give the same id, for
    ever.
    """
    return str(uuid.uuid5(NAMESPACE, f"{rule}|{series}|{opened}"))


def identity_of(rule: str, series: str, finding: Finding, former: RuleState) -> str:
    """The identity of the alert that a finding is about: a new one where it opens, else the one that stands in the former state."""
    return alert_id(rule, series, finding.since) if finding.transition == "opened" else former.alert_id


def change_of(finding: Finding, ladder: Ladder) -> Change:
    """The change that a finding says: about the level entered, or for `cleared` the one left."""
    return Change(finding.transition, finding.severity_before, ladder.step(finding.severity or finding.severity_before))


def scaled(value: Decimal) -> Decimal:
    """The value with six places, as it travels."""
    return value.quantize(_QUANTUM)


def condition_row(
    rule: Rule, series: str, change: Change, state: RuleState, evidence: Mapping[str, Any], *, corrected: bool, exercise: bool = False
) -> dict[str, Any]:
    """The Avro record of a change. `state`: after it; `evidence`: the fields that the stage knows (values, period, source record, marks).

    `exercise`: the emergency that put the rule in force is a drill.
    A fall that a correction of the data caused is `corrected`, not `cleared` or `better`: the alert stood on a number that was wrong.
    """
    transition = "corrected" if corrected and change.transition in ("cleared", "better") else change.transition
    return {
        "rule": rule.id,
        "rule_version": rule.version,
        "transition": transition,
        "series": series,
        "severity": 0 if change.transition == "cleared" else state.severity,
        "severity_before": change.severity_before,
        "level": change.level.name,
        "mode": "exercise" if exercise or rule.status == "exercise" else "live",
        **evidence,
    }


def rule_state_record(rule: str, state: RuleState) -> dict[str, Any]:
    """The state as it is kept in the series' own row."""
    return {
        "rule": rule,
        "alert_id": state.alert_id,
        "phase": int(state.phase) | state.status << STATUS_SHIFT,
        "severity": state.severity,
        "since": state.since,
        "candidate": state.candidate,
        "candidate_since": state.candidate_since,
        "evaluated": state.evaluated,
        "value": scaled(state.value),
    }


def rule_state_of(record: Mapping[str, Any]) -> RuleState:
    """The reverse of `rule_state_record`."""
    return RuleState(
        record["alert_id"],
        Phase(record["phase"] & (1 << STATUS_SHIFT) - 1),
        record["severity"],
        record["since"],
        record["candidate"],
        record["candidate_since"],
        record["evaluated"],
        record["value"],
        record["phase"] >> STATUS_SHIFT,
    )


def measured(rule: Rule, change: Change, number: Decimal | None, figure: Decimal | None, at: int, budget_year: int) -> dict[str, Any]:
    """The value, what it is held against, and the gap between: to the plan's path, or to the limit crossed.

    Where a rule measures something of a figure (growth, places, distance from the trend), `value` is that and `numerator` the figure.
    """
    crossed = rule.sign * (change.level.clear_at if change.transition in ("cleared", "better") else change.level.raise_at)
    if rule.pacing is not None:
        value = figure or Decimal(0)
        path = rule.pacing.share_at(at, budget_year) if at else Decimal(0)
        return {"comparison": rule.pacing.figure, "value": scaled(value), "limit": scaled(path), "gap": scaled(path - value)}
    compared: dict[str, Any] = {"comparison": "limit", "value": None, "limit": scaled(crossed), "gap": None}
    if number is not None:
        compared |= {"value": scaled(number), "gap": scaled(number - crossed)}
    if rule.kind not in ("threshold", "composite"):
        compared |= {"comparison": rule.kind, "numerator": None if figure is None else scaled(figure), "denominator": None}
    return compared
