"""How a figure stands: a severity of its rule, good, late or without judgement; each with a colour, a sign and words.

Colours follow xanh, vàng, đỏ of guide 7146 §5.1.3 and the severity of the rule; the sign and the word say the same without the colour. The
judgement is the rule's ladder applied to the shown figure: whether an alert stands is told by the alerts alone (clear limits, holds).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from dashboards.terms import SEVERITIES
from dashboards.words import Language, Words
from indicators.instant import DAY_MS, HOUR_MS
from indicators.rule import Rule

SIGNS: Final = {"good": "✓", "notice": "○", "attention": "▲", "warning": "◆", "urgent": "■", "disaster": "■", "none": "·", "over": "✓"}
_NAMES: Final = {0: "over", 1: "notice", 2: "attention", 3: "warning", 4: "urgent", 5: "disaster"}
GOOD: Final = Words("đạt tiến độ", "on path")
WITHIN: Final = Words("trong giới hạn", "within limits")
NOT_JUDGED: Final = Words("chưa có quy tắc", "no rule yet")
_LATE_DAYS: Final = {"day": 4, "week": 10, "month": 45, "reporting_month": 45, "quarter": 120, "half_year": 215, "year": 430}
_LATE_AFTER: Final = {"instant": 3 * HOUR_MS, "hour": 3 * HOUR_MS, **{name: days * DAY_MS for name, days in _LATE_DAYS.items()}}
"""Age of the newest event from which a figure of a period is late: the period, and half of it for the way. Defaults of ours."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """`name` is the class of style; `sign` and `words` say the same; `severity` 0 where nothing is wrong or nothing is known."""

    name: str
    words: Words
    severity: int = 0

    @property
    def sign(self) -> str:
        """The mark that stands beside the colour."""
        return SIGNS[self.name]

    def text(self, language: Language) -> str:
        """What it is called."""
        return self.words.of(language)


UNJUDGED: Final = Judgement("none", NOT_JUDGED)
ON_PATH: Final = Judgement("good", GOOD)
WITHIN_LIMITS: Final = Judgement("good", WITHIN)


def of_severity(severity: int) -> Judgement:
    """The judgement of an alert's severity."""
    return Judgement(_NAMES[severity], SEVERITIES[severity], severity)


def of_measure(rule: Rule | None, measure: Decimal | None) -> Judgement:
    """The highest level of the rule that the measure reaches. Levels named by a limit of the subject need `of_limits`."""
    if rule is None or measure is None:
        return UNJUDGED
    reached = [level.severity for level in rule.levels if isinstance(level.raise_at, Decimal) and _reaches(rule, measure, level.raise_at)]
    return of_severity(max(reached)) if reached else ON_PATH if rule.pacing and measure <= 0 else WITHIN_LIMITS


def of_limits(value: Decimal, limits: Sequence[tuple[str, Decimal]], rule: Rule) -> tuple[Judgement, str]:
    """The judgement of a station's reading under the rule's named levels, and the name of the level reached (empty: none)."""
    known = dict(limits)
    reached = [
        level
        for level in rule.levels
        if isinstance(level.raise_at, str) and (at := known.get(level.raise_at)) is not None and _reaches(rule, value, at)
    ]
    if not reached:
        return Judgement("good", Words("dưới báo động", "below alarm")), ""
    worst = max(reached, key=lambda level: level.severity)
    return of_severity(worst.severity), worst.name_vi or worst.name


def gap_to_path(rule: Rule | None, value: Decimal | None, at_ms: int, budget_year: int) -> tuple[Decimal, Decimal] | None:
    """(path, value − path) of a rate at an instant, in percent and points; None without a pacing rule or a value."""
    if rule is None or rule.pacing is None or value is None:
        return None
    path = rule.pacing.share_at(at_ms, budget_year)
    return path, value - path


def late(frequencies: Sequence[str], newest_ms: int, now_ms: int) -> bool:
    """Whether the newest event is older than the fastest of the frequencies allows."""
    allowed = [_LATE_AFTER[name] for name in frequencies if name in _LATE_AFTER]
    return bool(allowed) and now_ms - newest_ms > min(allowed)


def _reaches(rule: Rule, value: Decimal, limit: Decimal) -> bool:
    return value >= limit if rule.direction == "above" else value <= limit
