"""Headlines: each indicator with data as one card: value, period, against plan, same period and the period before, trend, freshness.

Pure: rows of the questions `results`, `totals` and `stations` in, headlines out. Which are core: ratios (relative figures first, guide 7146
§3.3) and flows whose newest event is younger than STALE_MS; the rest is folded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from dashboards import figures
from dashboards.chart import sparkline
from dashboards.judgement import UNJUDGED, Judgement, gap_to_path, late, of_measure
from dashboards.words import TEXT, Language
from indicators.catalogue import Indicator
from indicators.derived.formula import Formula
from indicators.derived.formula_book import FormulaBook
from indicators.instant import DAY_MS, local
from indicators.rule import Rule, RuleBook
from indicators.territory import COUNTRY
from indicators.vocabulary import Vocabulary

STALE_MS: Final = 400 * DAY_MS
SPARK_PERIODS: Final = 12
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """One card; all texts are in the reader's language. `live`: the key of live changes of the value; `raw`: the value itself."""

    indicator: str
    component: str
    name: str
    live: str
    raw: Decimal | None
    measure_unit: str
    value: str
    period: str
    newest: int
    judgement: Judgement = UNJUDGED
    plan: str = ""
    gap: str = ""
    same_period: str = ""
    previous: str = ""
    spark: str = ""
    late: bool = False
    quality: str = ""
    formula: str = ""


@dataclass(frozen=True, slots=True)
class Lookup:
    """What the builders look up: vocabulary, formulas, rules, language and the present instant (epoch ms)."""

    vocabulary: Vocabulary
    formulas: FormulaBook
    rules: RuleBook
    language: Language
    now: int

    def text(self, key: str) -> str:
        """A word of the board."""
        return TEXT[key].of(self.language)

    def name(self, row: Indicator | Formula) -> str:
        """The name of an indicator or formula."""
        return row.name_vi if self.language == "vi" else row.name_en

    def value(self, value: Decimal | None, unit: str) -> str:
        """A value with its unit."""
        return figures.value_text(value, unit, self.vocabulary, self.language)


def rule_of(book: RuleBook, formulas: FormulaBook, formula: str) -> Rule | None:
    """The rule that judges a formula's results; a pacing rule of a sibling (same indicator and plan) lends its path, which is the same."""
    own = [rule for rule in book.of_formula(formula) if rule.by_reading]
    if own:
        return own[0]
    wanted = formulas[formula]
    for rule in book:
        sibling = formulas.formulas.get(rule.scope.formula)
        if sibling and rule.pacing and sibling.indicator == wanted.indicator and sibling.figure_compared == wanted.figure_compared:
            return rule
    return None


def ratio_value(row: Row, formula: Formula) -> Decimal | None:
    """The result itself, or recomputed from the sums of its parts where it was added up over provinces."""
    if row["value"] is not None:
        return Decimal(row["value"])
    numerator, denominator = row["numerator"], row["denominator"]
    if numerator is None or not denominator:
        return None
    return formula.ratio(Decimal(numerator), Decimal(denominator)) if formula.factor else None


def gap_at(rule: Rule | None, value: Decimal | None, at_ms: int, budget_year: int) -> Decimal | None:
    """The path of a plan at an instant, in percent; None without a pacing rule."""
    against = gap_to_path(rule, value, at_ms, budget_year)
    return against[0] if against else None


def ratios(rows: Iterable[Row], at: Lookup) -> list[Headline]:
    """A headline for each ratio; of two formulas of one indicator that of the country goes before the sum over provinces."""
    by_formula: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_formula[row["formula"]].append(row)
    chosen: dict[str, str] = {}
    for name in by_formula:
        formula = at.formulas.formulas.get(name)
        if formula is None or formula.level == "subject" or not formula.leads:
            continue
        if formula.indicator not in chosen or formula.level == "country":
            chosen[formula.indicator] = name
    return [_ratio(at.formulas[name], by_formula[name], at) for name in sorted(chosen.values(), key=_order(at))]


def _order(at: Lookup) -> Any:
    places = {formula.id: i for i, formula in enumerate(at.formulas)}
    return lambda name: places[name]


def _ratio(formula: Formula, rows: list[Row], at: Lookup) -> Headline:
    rows = sorted(rows, key=lambda r: r["period_start"])
    year = max(int(r["budget_year"]) for r in rows)
    current = [r for r in rows if int(r["budget_year"]) == year]
    last = current[-1]
    value, newest = ratio_value(last, formula), figures.ms(last["event_time"])
    rule = rule_of(at.rules, at.formulas, formula.id)
    against = gap_to_path(rule, value, newest, year)
    judgement = UNJUDGED if rule is None else of_measure(rule, -against[1] if against else value)
    values = [ratio_value(r, formula) for r in current][-SPARK_PERIODS:]
    parts = int(last.get("parts", 1))
    return Headline(
        indicator=formula.indicator,
        component=formula.component,
        name=_ratio_name(formula, parts, at),
        live=f"{formula.id}|{last['territory']}|",
        raw=value,
        measure_unit=formula.measure_unit,
        value=at.value(value, formula.measure_unit),
        newest=newest,
        judgement=judgement,
        period=f"{at.text('data_until')} {figures.day(newest, at.language)}",
        plan=f"{at.text('path')}: {at.value(against[0], formula.measure_unit)}" if against else "",
        gap=figures.signed(against[1], "percentage_point", at.vocabulary, at.language) if against else "",
        same_period=_same_ratio(rows, last, formula, at),
        previous=_step(values, "percentage_point", at),
        spark=sparkline(values, at.name(formula)),
        late=_late(formula.indicator, newest, at),
        quality=at.text("from_parts").format(parts=parts) if parts > 1 else "",
        formula=formula.id,
    )


def _ratio_name(formula: Formula, parts: int, at: Lookup) -> str:
    """The formula's name; where it was added up over provinces, the indicator's, which names no level."""
    row = at.vocabulary.indicator(formula.indicator)
    return at.name(row if parts > 1 and row is not None else formula)


def _same_ratio(rows: Sequence[Row], last: Row, formula: Formula, at: Lookup) -> str:
    """The same period a year before, by budget year; says so where there is none."""
    for row in rows:
        start = row["period_start"]
        then = last["period_start"]
        if int(row["budget_year"]) == int(last["budget_year"]) - 1 and (start.month, start.day) == (then.month, then.day):
            return at.value(ratio_value(row, formula), formula.measure_unit)
    return at.text("no_same_period")


def _step(values: Sequence[Decimal | None], unit: str, at: Lookup) -> str:
    """The change from the period before, in points for rates."""
    known = [v for v in values if v is not None]
    return figures.signed(known[-1] - known[-2], unit, at.vocabulary, at.language) if len(known) > 1 else ""


def flows(rows: Iterable[Row], at: Lookup) -> list[Headline]:
    """A headline for each flow: the total of the newest budget year to date, its months as the trend."""
    by_series: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row["figure"] == "actual":
            by_series[row["indicator"], row["component"]].append(row)
    return [_flow(indicator, component, found, at) for (indicator, component), found in by_series.items()]


def _flow(indicator: str, component: str, rows: list[Row], at: Lookup) -> Headline:
    rows = sorted(rows, key=lambda r: (int(r["budget_year"]), int(r["pane"])))
    year = int(rows[-1]["budget_year"])
    current = [r for r in rows if int(r["budget_year"]) == year]
    spec = at.vocabulary.series_spec(indicator, component)
    unit = spec.measure_unit if spec else ""
    total = sum((Decimal(r["value"]) for r in current), Decimal(0))
    newest = max(figures.ms(r["event_time"]) for r in current)
    months = [Decimal(r["value"]) for r in current][-SPARK_PERIODS:]
    first, last = (figures.month_label(int(r["pane"]), at.language) for r in (current[0], current[-1]))
    span = last if first == last else f"{first} – {last}" if len(current) < 10 else f"{at.text('year_to_date').lower()}, {last}"
    return Headline(
        indicator=indicator,
        component=component,
        name=indicator_name(indicator, component, at),
        live=f"moved:{indicator}",
        raw=total,
        measure_unit=unit,
        value=at.value(total, unit),
        period=span,
        newest=newest,
        same_period=_same_flow(rows, current, unit, at),
        previous=_month_change(current, at),
        spark=sparkline(months, indicator),
        late=_late(indicator, newest, at),
        quality=at.text("from_parts").format(parts=int(current[-1]["parts"])) if int(current[-1]["parts"]) > 1 else "",
    )


def _same_flow(rows: Sequence[Row], current: Sequence[Row], unit: str, at: Lookup) -> str:
    months = {int(r["pane"]) - 12 for r in current}
    before = [Decimal(r["value"]) for r in rows if int(r["pane"]) in months and int(r["budget_year"]) == int(current[0]["budget_year"]) - 1]
    return at.value(sum(before, Decimal(0)), unit) if len(before) == len(months) else at.text("no_same_period")


def _month_change(current: Sequence[Row], at: Lookup) -> str:
    """The newest whole month against the one before, in percent; the month that still runs is not compared."""
    whole = [r for r in current if figures.ms(r["event_time"]) and _month_over(int(r["pane"]), at.now)]
    if len(whole) < 2 or not whole[-2]["value"]:
        return ""
    change = (Decimal(whole[-1]["value"]) / Decimal(whole[-2]["value"]) - 1) * 100
    return f"{figures.signed(change, 'percent', at.vocabulary, at.language)} ({figures.month_label(int(whole[-1]['pane']), at.language)})"


def _month_over(pane: int, now: int) -> bool:
    here = local(now)
    return pane < (here.year - 1970) * 12 + here.month - 1


def indicator_name(indicator: str, component: str, at: Lookup) -> str:
    """The catalogue's name, with the component's where the indicator has several."""
    row = at.vocabulary.indicator(indicator)
    name = at.name(row) if row else indicator
    part = COMPONENTS.get(component)
    return f"{name} – {part[0 if at.language == 'vi' else 1]}" if part else name


COMPONENTS: Final = {
    "export": ("xuất khẩu", "exports"),
    "import": ("nhập khẩu", "imports"),
    "river_level": ("mực nước", "river level"),
    "rain": ("mưa", "rain"),
    "temperature": ("nhiệt độ", "temperature"),
    "water_flow": ("lưu lượng", "water flow"),
    "occupied": ("giường đang dùng", "occupied"),
    "free": ("giường trống", "free"),
    "accumulated": ("lũy kế theo báo cáo", "accumulated as reported"),
    "province_total": ("toàn tỉnh", "of the province"),
}


def _late(indicator: str, newest: int, at: Lookup) -> bool:
    row = at.vocabulary.indicator(indicator)
    return late(row.frequency if row else ("month",), newest, at.now)


def core(headlines: Iterable[Headline], now: int) -> tuple[list[Headline], list[Headline]]:
    """(core, folded): those with data of the last STALE_MS, and the older ones."""
    fresh: list[Headline] = []
    old: list[Headline] = []
    for headline in headlines:
        (fresh if now - headline.newest < STALE_MS else old).append(headline)
    return fresh, old


def scope_name(territory: str, at: Lookup) -> str:
    """The territory's name, «Cả nước» for the country."""
    unit = at.vocabulary.territory(territory)
    return at.text("country") if territory == COUNTRY or unit is None else unit.name_vi
