"""Formulas as data: derived indicators, parents and rankings, computed by stage 2 from forwarded operands.

Files: `catalogue/formulas/*.yaml`. Three kinds:

- `ratio`: sum of the numerator's terms / sum of the denominator's terms × factor, rounded as the formula says. A rate is always recomputed
  from its parts, never averaged, so the same formula gives the hospital, the province and the country.
- `sum`: the numerator alone: a parent in the tree of territory.
- `rank`: places among the results of another formula, best first; equal values share a place (1, 2, 2, 4).

What an indicator means (expression, units, source, variants) is its definition in `catalogue/formulas/derived`; a formula here names it in
`definition` and says how stage 2 carries it out: panes, level, budget year. A test holds both to the same numbers.

`mode: cumulative`: the numerator adds up over the budget year to each period; the denominator is the newest value of the budget year.
`mode: instant`: both are of the same period.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Literal, NamedTuple, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from indicators.series import Series

PaneKind = Literal["hour", "day", "month", "budget_year"]


class FormulaError(ValueError):
    """A formula file is wrong; the message names file and field."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Term(_Model):
    """One operand of a formula: which series, and which figure of their panes."""

    role: str = Field(pattern=r"^[a-z][a-z_]*$")
    indicator: str
    component: str = ""
    figure: str = "actual"
    pane: PaneKind
    take: Literal["sum", "last"] = Field("sum", description="sum of the pane, or its last value (stocks, reported values)")


class Formula(_Model):
    """One derived indicator, parent or ranking. `id` is part of result keys: never reuse one for another meaning."""

    id: str = Field(pattern=r"^[A-Z][A-Za-z0-9.-]*$")
    name_vi: str
    name_en: str
    source: str = Field(description="document and section that print or imply it; «proposal» where none does")
    kind: Literal["ratio", "sum", "rank"]
    definition: str = Field("", description="id of the definition whose value this computes (indicators/derived)")
    indicator: str
    component: str = ""
    group: str
    level: Literal["subject", "province", "country"]
    mode: Literal["cumulative", "instant"]
    measure_unit: str
    numerator: tuple[Term, ...] = ()
    denominator: tuple[Term, ...] = ()
    factor: Decimal = Decimal(1)
    places: int = Field(2, ge=0, le=6)
    figure_compared: str = ""
    of: str = Field("", description="rank: id of the formula whose results are ranked")
    best: Literal["highest", "lowest"] = "highest"
    keep_periods: int = Field(400, ge=1, description="periods of an instant formula kept as state, newest first")

    @model_validator(mode="after")
    def _shape(self) -> Self:
        if self.kind == "rank":
            if not self.of or self.numerator or self.denominator:
                raise ValueError("rank: needs `of` and no terms")
        elif not self.numerator or (self.kind == "ratio") != bool(self.denominator):
            raise ValueError("ratio needs numerator and denominator, sum only a numerator")
        return self

    def terms(self) -> dict[str, Term]:
        """Terms by role; one role may stand in numerator and denominator."""
        return {term.role: term for term in (*self.numerator, *self.denominator)}

    def round(self, value: Decimal) -> Decimal:
        """Rounded to `places`, half up: the way Vietnamese reports round."""
        return value.quantize(Decimal(1).scaleb(-self.places), ROUND_HALF_UP)


class Use(NamedTuple):
    """A formula that uses a series, in one role."""

    formula: Formula
    term: Term


class FormulaBook:
    """All formulas, indexed by what they use."""

    def __init__(self, formulas: list[Formula]) -> None:
        self.formulas = {formula.id: formula for formula in formulas}
        self._uses: dict[tuple[str, str, str], list[Use]] = {}
        self._ranks: dict[str, list[Formula]] = {}
        for formula in formulas:
            for term in formula.terms().values():
                self._uses.setdefault((term.indicator, term.component, term.figure), []).append(Use(formula, term))
            if formula.of:
                if formula.of not in self.formulas or self.formulas[formula.of].kind == "rank":
                    raise FormulaError(f"{formula.id}: of: {formula.of} is no formula that can be ranked")
                self._ranks.setdefault(formula.of, []).append(formula)

    @classmethod
    def load(cls, home: Path) -> Self:
        """Formulas of `home/catalogue/formulas`. Raises FormulaError naming file and field."""
        return cls([f for path in sorted((home / "catalogue" / "formulas").glob("*.yaml")) for f in _load(path)])

    def extended(self, formulas: list[Formula]) -> Self:
        """The same book with formulas that no single series is an operand of. Raises FormulaError for an id that is taken."""
        taken = [f.id for f in formulas if f.id in self.formulas]
        if taken or len({f.id for f in formulas}) < len(formulas):
            raise FormulaError(f"{', '.join(taken) or 'formulas'}: an id comes twice")
        book = type(self)([])
        book.formulas = self.formulas | {f.id: f for f in formulas}
        book._uses, book._ranks = self._uses, self._ranks
        return book

    def uses(self, indicator: str, component: str, figure: str) -> list[Use]:
        """Formulas that use this kind of series."""
        return self._uses.get((indicator, component, figure), [])

    def rankings_of(self, formula: str) -> list[Formula]:
        """Rankings over the results of this formula."""
        return self._ranks.get(formula, [])

    def __getitem__(self, formula: str) -> Formula:
        return self.formulas[formula]

    def __iter__(self) -> Iterator[Formula]:
        return iter(self.formulas.values())


class Result(NamedTuple):
    """One result series of a formula: `formula|territory|subject_type:subject_id|dimensions|budget year`.

    `dimensions`: `name=value` pairs sorted by name and joined by `;`, as in a series key; only sums over dimensions have any.
    """

    formula: str
    territory: str
    subject_type: str
    subject_id: str
    budget_year: int
    dimensions: str = ""

    def key(self) -> str:
        """The Kafka key of operands; `|` and the period's start are added for `derived`."""
        subject = f"{self.subject_type}:{self.subject_id}" if self.subject_type else ""
        return f"{self.formula}|{self.territory}|{subject}|{self.dimensions}|{self.budget_year or ''}"

    @classmethod
    def parse(cls, key: str) -> Self:
        """The result of a key. Raises FormulaError where the key has another shape."""
        parts = key.split("|")
        if len(parts) != 5:
            raise FormulaError(f"result key: {len(parts)} parts where 5 are expected")
        subject_type, _, subject_id = parts[2].partition(":")
        return cls(parts[0], parts[1], subject_type, subject_id, int(parts[4] or 0), parts[3])


def result_of(formula: Formula, series: Series, territory: str | None, budget_year: int) -> Result | None:
    """Which result of `formula` a series belongs to; `territory` is the series' ancestor at the formula's level, None: none there."""
    year = budget_year if formula.mode == "cumulative" else 0
    if formula.level == "subject":
        return Result(formula.id, series.territory, series.subject_type, series.subject_id, year)
    return Result(formula.id, territory, "", "", year) if territory else None


def _load(path: Path) -> list[Formula]:
    try:
        return [Formula.model_validate(entry) for entry in yaml.safe_load(path.read_text(encoding="utf-8"))["formulas"]]
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise FormulaError(f"{path.name}: {'.'.join(map(str, first['loc'])) or 'the whole'}: {first['msg']}") from error
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise FormulaError(f"{path.name}: not a list of formulas under `formulas`") from error
