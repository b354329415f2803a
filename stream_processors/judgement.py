"""What a replay means for alerts: the conditions of a fresh run beside those that were said.

| a fresh run says | was said | outcome | row |
|---|---|---|---|
| the same last word | yes | `already_fired` | none |
| another last word | yes | `would_change` | the fresh one |
| an alert that stands | no | `would_fire` | all of it, in order |
| an alert that ended | no | `would_have_fired` | all of it, in order |
| nothing | an alert that stands | `would_cancel` | `corrected`, severity 0 |
| nothing | an alert that ended | `unfounded` | none: what was told cannot be untold |

The mode of the rows decides whether anybody is told (alerts/telling.py): `replay` is recorded, `live` is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

OUTCOMES: Final = ("already_fired", "would_fire", "would_have_fired", "would_change", "would_cancel", "unfounded")
_WORD: Final = ("transition", "severity", "level", "value", "limit", "period_start", "event_time", "status", "revision")
_SHOWN: Final = ("alert_id", "rule", "series", "severity", "value", "limit", "event_time")


@dataclass(slots=True)
class Judgement:
    """`rows`: condition records to publish, generation yet to be set; `examples`: what would change, outcome first."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    examples: list[dict[str, Any]] = field(default_factory=list)


def judge(fresh: Mapping[str, Sequence[dict[str, Any]]], said: Mapping[str, dict[str, Any]], mode: str, through: int) -> Judgement:
    """Compare by alert id. `fresh`: every condition of a fresh run in order; `said`: the newest that was published; `through`: offset of
    the last input folded."""
    made = Judgement()
    for identity, story in fresh.items():
        _fresh(made, story, said.get(identity), mode)
    for identity, row in said.items():
        if identity in fresh:
            continue
        if not row["severity"]:
            made.counts["unfounded"] += 1
            continue
        _note(made, "would_cancel", row)
        end = {"transition": "corrected", "severity": 0, "severity_before": row["severity"], "mode": mode, "through": through}
        made.rows.append(row | end)
    return made


def _fresh(made: Judgement, story: Sequence[dict[str, Any]], known: dict[str, Any] | None, mode: str) -> None:
    last = story[-1]
    if known is None:
        _note(made, "would_fire" if last["severity"] else "would_have_fired", last)
        made.rows += [row | {"mode": _mode(row, mode)} for row in story]
    elif any(known[name] != last[name] for name in _WORD):
        _note(made, "would_change", last)
        made.rows.append(last | {"mode": _mode(last, mode)})
    else:
        made.counts["already_fired"] += 1


def _mode(row: dict[str, Any], mode: str) -> str:
    """An exercise stays one."""
    return "exercise" if row["mode"] == "exercise" and mode == "live" else mode


def _note(made: Judgement, outcome: str, row: dict[str, Any]) -> None:
    made.counts[outcome] += 1
    made.examples.append({"outcome": outcome} | {name: str(row[name]) if name in ("value", "limit") else row[name] for name in _SHOWN})
