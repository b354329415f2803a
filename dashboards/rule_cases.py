"""Golden cases of a rule as readers see them: what comes in step by step, what the rule must say, and whether it does.

The cases are those of `catalogue/rules/cases`, run by their own evaluators (indicators/rules/cases.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from dashboards import figures
from dashboards.terms import STATUSES, TRANSITIONS
from dashboards.words import Language, Words, word
from indicators.datafile import DataFileError
from indicators.rule import Rule
from indicators.rules.cases import NOTHING, CaseStep, Setting, case_path, failures, instant, load_cases

log = structlog.get_logger(__name__)
SILENT: Final = Words("không báo gì", "nothing")
SEVERITY: Final = Words("mức", "severity")


@dataclass(frozen=True, slots=True)
class Line:
    """One step: when, what came in, what must be said, and whether the rule says it."""

    when: str
    brought: str
    says: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Golden:
    """One case by its name."""

    name: str
    lines: tuple[Line, ...]

    @property
    def holds(self) -> bool:
        """Does the rule say everything that the case asks for?"""
        return all(line.holds for line in self.lines)


def golden(home: Path, rule: Rule, language: Language) -> list[Golden]:
    """The cases of a rule, run now; none where their file is missing or wrong (the log says which and why)."""
    try:
        content = load_cases(case_path(home, rule.id))
        wrong = {(f.case, f.step) for f in failures(rule, content, Setting.load(home))}
    except DataFileError as error:
        log.warning("board.cases_unread", rule=rule.id, why=str(error))
        return []
    return [
        Golden(case.name, tuple(_line(step, (case.name, n) not in wrong, language) for n, step in enumerate(case.steps, 1)))
        for case in content.cases
    ]


def _line(step: CaseStep, holds: bool, language: Language) -> Line:
    return Line(_when(step, language), _brought(step, language), _says(step, language), holds)


def _when(step: CaseStep, language: Language) -> str:
    """The period a step brings, as the case writes it; a clock alone as an instant."""
    if step.period and len(step.period) <= len("2026-10"):
        return step.period
    text = step.now or step.at or step.period
    return figures.instant(instant(text), language) if "T" in text else figures.day(instant(text), language)


def _brought(step: CaseStep, language: Language) -> str:
    parts = [step.unit, step.series, step.member]
    if step.value is not None:
        parts.append(figures.exact(step.value, language))
    if step.severity:
        parts.append(f"{SEVERITY.of(language)} {step.severity}")
    if step.status != "official":
        parts.append(word(STATUSES, step.status, language))
    if step.revision:
        parts.append(f"{Words('đính chính lần', 'revision').of(language)} {step.revision}")
    if step.close:
        parts.append(Words("khóa kỳ", "period closed").of(language))
    return " · ".join(filter(None, parts)) or Words("chỉ có đồng hồ", "the clock alone").of(language)


def _says(step: CaseStep, language: Language) -> str:
    if isinstance(step.says, dict):
        return "; ".join(f"{unit}: {_said(text, language)}" for unit, text in step.says.items()) or SILENT.of(language)
    return _said(step.says, language)


def _said(text: str, language: Language) -> str:
    """`opened 3` in words."""
    if text == NOTHING:
        return SILENT.of(language)
    transition, _, severity = text.partition(" ")
    named = word(TRANSITIONS, transition, language)
    return f"{named}, {SEVERITY.of(language)} {severity}" if severity else named
