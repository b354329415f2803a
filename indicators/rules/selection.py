"""Conditions in Common Expression Language: which series, results or members a rule looks at. Compiled once, checked where rules are read.

What an expression may name is fixed (`SERIES`, `MEMBER`); it answers true or false. It chooses what is looked at and never whether an
alert stands: that comparison is made between decimals (indicators/rules/ladder.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import cel

SERIES: Final[Mapping[str, Any]] = {
    "territory": "01", "subject_type": "", "subject_id": "", "budget_year": 2026, "dimensions": {},
}  # fmt: skip
"""Names of `scope.where` with a value of their kind: what is judged. `dimensions`: a map, empty for a total."""

MEMBER: Final[Mapping[str, Any]] = {**SERIES, "rule": "", "severity": 1}
"""Names of `composite.where`: a member and the severity it stands at; 0: not in alert."""


class SelectionError(ValueError):
    """An expression is no condition over the names it may use; the message says why."""


def check(expression: str, names: Mapping[str, Any]) -> None:
    """Raises SelectionError where the expression cannot be read, names something else, or does not answer true or false."""
    if not expression:
        return
    _ask(expression, names)


def chosen(expression: str, values: Mapping[str, Any]) -> bool:
    """What the expression says of these values; an empty one chooses everything. Raises SelectionError."""
    return not expression or _ask(expression, values)


def dimensions_of(text: str) -> dict[str, str]:
    """Dimensions of a key (`name=value` joined by `;`) as a map."""
    return dict(part.split("=", 1) for part in text.split(";") if "=" in part)


def _ask(expression: str, values: Mapping[str, Any]) -> bool:
    try:
        answer = _program(expression).execute(dict(values))
    except (ValueError, TypeError, RuntimeError, KeyError) as error:
        raise SelectionError(f"«{expression}»: {error}") from error
    if not isinstance(answer, bool):
        raise SelectionError(f"«{expression}»: answers {type(answer).__name__}, not true or false")
    return answer


@lru_cache(maxsize=512)
def _program(expression: str) -> cel.Program:
    import cel  # here, not above: it brings an interactive console along, and most commands never ask a condition

    return cel.compile(expression)
