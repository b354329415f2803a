"""The heartbeat in stage 1: every beat that is folded becomes a condition row of each watchdog at work, «over no limit».

The row says nothing of a figure: it is how a beat travels on to the alert process, by the same transaction, topic and consumer as every
alert. Who judges the silence between beats stands outside (ops/watchdog).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indicators.heartbeat import BEATING_KEY
from indicators.rule import Rule
from indicators.rules.finding import ladder_of
from stream_processors.conditions import alert_id, condition_row, scaled
from stream_processors.rule_state import Change, RuleState

Evidence = Callable[[int], dict[str, Any]]


class Beats:
    """Of one partition. `rules`: the watchdogs at work."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)
        self._key = BEATING_KEY.decode()

    def __bool__(self) -> bool:
        return bool(self._rules)

    def stop(self) -> None:
        """Hand no beat on any more: they are folded again."""
        self._rules = ()

    def rows(self, mine: NDArray[np.int64], evidence: Evidence) -> list[dict[str, Any]]:
        """A row for each of these arrivals (indices that `evidence` takes) and each watchdog, in order."""
        return [self._row(rule, evidence(i)) for i in mine.tolist() for rule in self._rules]

    def _row(self, rule: Rule, fields: dict[str, Any]) -> dict[str, Any]:
        at, zero = fields["event_time"], scaled(Decimal(0))
        step = ladder_of(rule).steps[0]
        fields |= {"alert_id": alert_id(rule.id, self._key, 0), "since": at, "comparison": rule.kind, "value": zero, "gap": None,
                   "limit": scaled(step.raise_at), "numerator": None, "denominator": None}  # fmt: skip
        return condition_row(rule, self._key, Change("cleared", 0, step), RuleState(), fields, corrected=False)
