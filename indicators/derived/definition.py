"""The definition of a derived indicator, as the file holds it: expression, terms, unit, rounding, rules for periods, absence and territory.

Files: `catalogue/formulas/derived/*.yaml`, a list under `definitions`. Where guide 7146 prints a formula that does not mean what the guide
says it means, two variants stand side by side (domain rule: ICOR, relative purchasing power) and `shown` tells which one leads.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from indicators.datafile import Row
from indicators.derived.evaluation import Rounding

Standing = Literal["printed", "in_words", "named", "implied", "proposal"]
"""How far the source goes: prints the formula, says it in words, names the indicator, implies it by its inputs; or it is our proposal."""

At = Literal["this", "previous", "same_period", "december", "previous_session"]


class Term(Row):
    """One operand: which series, of which period, and what its absence means.

    - `of`: another definition instead of a series; its exact result is the operand.
    - `at`: the asked period, the one before, the same one of last year, or December of last year; of a trading day the session before.
    - `take`: *period*: the value of that period; *year_to_date*: the values of `period_type` from 1 January to the period's end, added up;
      *newest*: the newest value of the year that is not after the period (plans, estimates, denominators).
    - `across`: over all territories of the level: the highest value, the mean or the sum, instead of the territory's own.
    - `each`: the operand carries the dimension that the definition is computed for each value of; without it, the total over the dimension.
    - `missing`: *absent*: no figure, no result; *zero*: no report means none happened, and the result says so.
    - `up`: *sum*: adds up from communes to the country; *none*: an index, a rate or a level, which the parent must report itself.
    """

    indicator: str = ""
    component: str = ""
    figure: str = "actual"
    dimensions: dict[str, str] = Field(default_factory=dict)
    of: str = ""
    at: At = "this"
    take: Literal["period", "year_to_date", "newest"] = "period"
    period_type: str = Field("", description="period type of the values added up; empty: that of the asked period")
    across: Literal["", "highest", "mean", "sum"] = ""
    each: bool = False
    missing: Literal["absent", "zero"] = "absent"
    up: Literal["sum", "none"] = "sum"
    name_vi: str = ""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if bool(self.indicator) == bool(self.of):
            raise ValueError("give either `indicator` (a series) or `of` (another definition)")
        return self


class Condition(Row):
    """What must be above zero before the formula means anything; else the result is absent with these words."""

    above_zero: str
    reason_vi: str = Field(min_length=4)
    reason_en: str = Field(min_length=4)


class Ranking(Row):
    """Places among the results of a formula, best first."""

    id: str = Field(pattern=r"^[A-Z][A-Za-z0-9_.-]*$")
    name_vi: str = Field(min_length=4)
    name_en: str = Field(min_length=4)
    source: str = Field(min_length=8, description="document and section")


class Carried(Row):
    """A level at which the stream computes a definition. The formula's id is `<definition>.<level or type of subject>`, for ever.

    What is left out is the definition's own. `component` tells the results of one indicator apart where two levels would share a series.
    """

    level: Literal["subject", "province", "country"]
    component: str | None = None
    name_vi: str = ""
    name_en: str = ""
    source: str = ""
    ranking: Ranking | None = None


class Definition(Row):
    """One derived indicator or one variant of it. `id` is for ever; `indicator` and `component` name the series of its results."""

    id: str = Field(pattern=r"^[A-Z][A-Za-z0-9_.-]*$")
    name_vi: str = Field(min_length=4)
    name_en: str = Field(min_length=4)
    indicator: str
    component: str = ""
    source: str = Field(min_length=8, description="document and section")
    standing: Standing
    formula_vi: str = Field("", description="the formula in words: the document's where `standing` is printed or in_words, else ours")
    owner: str = Field("", description="agency that confirms what the document does not print")
    shown: bool = Field(True, description="False: a variant kept beside the one that leads")
    published: bool = Field(False, description="received as the statistics office publishes it, never computed here")
    budget_year: bool = Field(False, description="results are kept by budget year, whose capital is paid until 31 January of the next")
    carried: tuple[Carried, ...] = Field((), description="levels the stream computes; empty: those its series have (carrying.py)")
    each: str = Field("", description="dimension whose every value gives a result of its own")
    expression: str = Field(min_length=1)
    terms: dict[str, Term] = Field(min_length=1)
    conditions: tuple[Condition, ...] = ()
    measure_unit: str
    places: int = Field(2, ge=0, le=6)
    rounding: Rounding = "half_up"
    better: Literal["higher", "lower", "neither"]

    @property
    def number(self) -> str:
        """`F09` of `F09.as_printed`."""
        return self.id.partition(".")[0]

    @property
    def additive(self) -> bool:
        """Whether the parent's result is computed from its parts' operands; else the parent reports operands of its own."""
        return all(term.up == "sum" and not term.across for term in self.terms.values())

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.standing != "printed" and not self.owner:
            raise ValueError("owner: name the agency that confirms a formula the document does not print")
        if bool(self.each) != any(term.each for term in self.terms.values()):
            raise ValueError("each: name the dimension, and the terms that carry it")
        if self.published and (len(self.terms) != 1 or self.expression not in self.terms):
            raise ValueError("published: the expression is the one published series and nothing else")
        return self
