"""A rule in words: what it looks at, against what, from which levels, since when, on which legal basis, who set its limits, who is told.

Pure: a `Rule` in, lines of (term, text) and levels out, in the reader's language. The words of each kind say what its evaluator measures
(indicators/rules/kinds.py); nothing here judges.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from dashboards import figures
from dashboards.headlines import Lookup
from dashboards.judgement import Judgement, of_severity
from dashboards.terms import FREQUENCIES, OFFICES
from dashboards.words import Words, word, words
from indicators.instant import DAY_MS, HOUR_MS
from indicators.numbers_vi import day_vi
from indicators.rule import Level, Rule
from indicators.rules.kinds import PathPoint

STATUS: Final = words(
    draft=("dự thảo, chưa áp dụng", "draft, not in force"),
    exercise=("đang diễn tập", "in exercise"),
    active=("đang áp dụng", "in force"),
    retired=("đã thôi áp dụng", "retired"),
)
LANES: Final = words(
    direct=("báo ngay", "told at once"), grouped=("gom tin, không báo ban đêm", "bundled, not at night unless urgent")
)
NO_DATA: Final = words(
    hold=("thiếu số liệu thì giữ nguyên mức", "without data the level stays"),
    open=("thiếu số liệu thì cảnh báo", "without data an alert opens"),
    resolve=("thiếu số liệu thì hết cảnh báo", "without data the alert ends"),
    ignore=("thiếu số liệu thì bỏ qua", "missing data is passed over"),
)
_COMPARE: Final = words(
    gap_points=("chậm hơn tiến độ bao nhiêu điểm %", "points behind the path"),
    gap_days=("chậm hơn tiến độ bao nhiêu ngày", "days behind the path"),
    forecast=("cuối kỳ dự kiến thiếu bao nhiêu điểm % kế hoạch", "points of the plan that will be missing at its end"),
)
_CHANGES: Final = words(
    percent=("mức tăng, giảm (%)", "growth in percent"),
    difference=("chênh lệch", "difference"),
    rises=("số kỳ tăng liên tiếp", "rises in a row"),
    falls=("số kỳ giảm liên tiếp", "falls in a row"),
)
_OVER: Final = words(
    count=("số đối tượng đang có cảnh báo", "how many members are in alert"),
    share=("tỷ lệ đối tượng đang có cảnh báo (%)", "percent of members in alert"),
    all=("mức thấp nhất trong các quy tắc", "the lowest severity among the rules"),
    any=("mức cao nhất trong các quy tắc", "the highest severity among the rules"),
)
_ALIGN: Final = words(calendar=("theo dương lịch", "by the calendar"), tet=("có điều chỉnh Tết", "aligned by Tết"))
_PLANS: Final = words(
    plan=("kế hoạch", "the plan"),
    plan_pm=("kế hoạch Thủ tướng giao", "the plan assigned by the Prime Minister"),
    plan_local=("kế hoạch địa phương giao", "the locality's plan"),
    plan_carried_over=("kế hoạch vốn kéo dài", "the plan carried over"),
    budget_estimate=("dự toán", "the estimate"),
)
_NO_UNIT: Final = {"year_on_year": "percent", "composite": "", "outlier": "", "rank": "place", "absence": "", "due": "", "watchdog": ""}
_AFTER: Final = words(
    outlier=("điểm lệch", "score"),
    absence=("giờ", "h"),
    due=("ngày làm việc", "working days"),
    watchdog=("phút", "min"),
    periods=("kỳ", "periods"),
    gap_days=("ngày", "days"),
)


@dataclass(frozen=True, slots=True)
class LevelLine:
    """One level of the ladder as a row: its judgement, its name, from when it is raised and left."""

    judgement: Judgement
    name: str
    raised: str
    left: str


def described(rule: Rule, at: Lookup, agency: Callable[[str], str]) -> list[tuple[str, str]]:
    """(term, text) of everything that is no level. `agency`: code → name."""
    said = Words("hết hiệu lực từ {}", "until {}").of(at.language)
    until = f"; {said.format(_day(rule.valid_to, at))}" if rule.valid_to else ""
    since = Words("từ {day}, phiên bản {n}, {status}", "from {day}, version {n}, {status}").of(at.language)
    lines = [
        (Words("Xem xét", "Looks at"), _looked_at(rule, at)),
        (Words("So với", "Against"), _against(rule, at)),
        (
            Words("Hiệu lực", "Since"),
            since.format(day=_day(rule.valid_from, at), n=rule.version, status=word(STATUS, rule.status, at.language)) + until,
        ),
        (Words("Căn cứ pháp lý", "Legal basis"), "; ".join(rule.legal_basis) or _none(at)),
        (Words("Ai đặt mức", "Who set the limits"), _set_by(rule, at, agency(rule.owner_agency))),
        (Words("Báo cho", "Tells"), _told(rule, at)),
        (Words("Cách báo", "How"), f"{word(LANES, rule.lane, at.language)}; {word(NO_DATA, rule.no_data, at.language)}"),
    ]
    return [(term.of(at.language), text) for term, text in lines]


def levels(rule: Rule, at: Lookup) -> list[LevelLine]:
    """The ladder, the highest level first."""
    return [_level(rule, level, at) for level in reversed(rule.levels)]


def _level(rule: Rule, level: Level, at: Lookup) -> LevelLine:
    sign = "≥" if rule.direction == "above" else "≤"
    back = "<" if rule.direction == "above" else ">"
    if isinstance(level.raise_at, str):
        limit = level.name_vi or level.raise_at
        toward = "−" if rule.direction == "above" else "+"
        raised, left = f"{sign} {limit}", f"{back} {limit} {toward} {_amount(rule, level.clear_margin, at)}"
    else:
        margin = level.clear_margin or Decimal(0)
        clear = level.clear_at if level.clear_at is not None else level.raise_at - rule.sign * margin
        raised, left = f"{sign} {_amount(rule, level.raise_at, at)}", f"{back} {_amount(rule, clear, at)}"
    return LevelLine(
        of_severity(level.severity),
        level.name_vi if at.language == "vi" else level.name,
        raised + _lasting(level.periods, level.hold, at),
        left + _lasting(level.clear_periods, level.clear_hold, at),
    )


def _lasting(periods: int, hold: timedelta, at: Lookup) -> str:
    parts = []
    if periods > 1:
        parts.append(Words("{n} kỳ liền", "{n} periods in a row").of(at.language).format(n=periods))
    if hold:
        parts.append(_span(hold, at))
    return f" ({', '.join(parts)})" if parts else ""


def _span(span: timedelta, at: Lookup) -> str:
    milliseconds = int(span.total_seconds() * 1000)
    for size, unit in ((DAY_MS, Words("ngày", "days")), (HOUR_MS, Words("giờ", "h"))):
        if milliseconds >= size and milliseconds % size == 0:
            return f"{milliseconds // size} {unit.of(at.language)}"
    return f"{milliseconds // figures.MINUTE_MS} {Words('phút', 'min').of(at.language)}"


def _amount(rule: Rule, value: Decimal | None, at: Lookup) -> str:
    """A number of the ladder in the unit of what the rule measures."""
    if value is None:
        return "–"
    unit = _unit(rule, at)
    if unit == "percentage_point" and at.language == "vi":
        return f"{figures.exact(value)} điểm %"
    after = _measured_in(rule)
    text = f"{figures.exact(value, at.language)}{'%' if unit == 'percent' else ''}"
    named = word(_AFTER, after, at.language) if after else "" if unit in ("", "percent", "place") else _symbol(unit, at)
    return f"{text} {named}".strip()


def _symbol(unit: str, at: Lookup) -> str:
    if unit == "percentage_point":
        return "points"
    known = at.vocabulary.measure_unit(unit)
    return known.symbol_vi if known and known.symbol_vi else unit


def _measured_in(rule: Rule) -> str:
    """The word that stands for the unit, of kinds that measure none of their own."""
    if rule.pacing and rule.pacing.compare == "gap_days":
        return "gap_days"
    if rule.change and rule.change.measure in ("rises", "falls"):
        return "periods"
    return rule.kind if rule.kind in _AFTER else ""


def _unit(rule: Rule, at: Lookup) -> str:
    if rule.pacing:
        return "" if rule.pacing.compare == "gap_days" else "percentage_point"
    if rule.change and rule.change.measure != "difference":
        return "percent" if rule.change.measure == "percent" else ""
    if rule.composite and rule.composite.measure == "share":
        return "percent"
    if rule.kind in _NO_UNIT:
        return _NO_UNIT[rule.kind]
    formula = at.formulas.formulas.get(rule.scope.formula)
    spec = at.vocabulary.series_spec(rule.scope.indicator, rule.scope.component) if rule.scope.indicator else None
    unit = formula.measure_unit if formula else spec.measure_unit if spec else ""
    return "percentage_point" if unit == "percent" and rule.change else unit


def _looked_at(rule: Rule, at: Lookup) -> str:
    s = rule.scope
    formula = at.formulas.formulas.get(s.formula)
    indicator = at.vocabulary.indicator(s.indicator) if s.indicator else None
    named = at.name(formula) if formula else at.name(indicator) if indicator else s.formula or s.indicator
    waits = Words("số liệu chưa có nguồn: {}", "figures not supplied yet: {}").of(at.language)
    parts = [named or (waits.format(s.awaits) if s.awaits else rule.title_vi if at.language == "vi" else rule.title_en)]
    parts += [s.component] if s.component else []
    parts += [Words("điều kiện {}", "where {}").of(at.language).format(s.where)] if s.where else []
    parts += [word(FREQUENCIES, rule.period, at.language)] if rule.period else []
    if s.emergency:
        parts.append(Words("chỉ khi có tình huống khẩn cấp: {}", "only in emergencies: {}").of(at.language).format(", ".join(s.emergency)))
    return "; ".join(parts)


def _against(rule: Rule, at: Lookup) -> str:
    of = at.language
    if rule.pacing:
        plan = f"{word(_PLANS, rule.pacing.figure, of)}: {', '.join(_point(p, at) for p in rule.pacing.path)}"
        return f"{word(_COMPARE, rule.pacing.compare, of)}; {plan}"
    if rule.year_on_year:
        base = Words("cùng kỳ năm trước", "the same period of last year").of(of)
        return f"{base}, {word(_ALIGN, rule.year_on_year.align, of)}"
    if rule.change:
        base = Words("{n} kỳ trước", "{n} periods before").of(of).format(n=rule.change.periods)
        return f"{base}: {word(_CHANGES, rule.change.measure, of)}"
    if rule.outlier:
        return Words("xu hướng {n} kỳ trước", "the trend of {n} periods before").of(of).format(n=rule.outlier.window)
    if rule.rank:
        text = Words("{n} địa phương cuối bảng, khi đủ {share}% đã báo cáo", "the last {n} places, once {share}% have reported").of(of)
        return text.format(n=rule.rank.n, share=figures.exact(rule.rank.reported_share, of))
    return _against_others(rule, at)


def _against_others(rule: Rule, at: Lookup) -> str:
    of = at.language
    if rule.absence:
        return Words("thời gian im lặng của từng chuỗi số liệu phải có", "the silence of each expected series").of(of)
    if rule.due:
        return Words("hạn theo lịch «{}»", "the due day of calendar «{}»").of(of).format(rule.due.calendar)
    if rule.composite:
        return f"{word(_OVER, rule.composite.measure, of)}: {', '.join(rule.composite.of)}"
    if rule.watchdog:
        return Words("thời gian từ tín hiệu hoạt động gần nhất", "the time since the newest heartbeat").of(of)
    return Words("ngưỡng cố định", "fixed limits").of(of)


def _point(point: PathPoint, at: Lookup) -> str:
    month, day = point.date.removeprefix("next-").split("-")
    following = point.date.startswith("next-")
    on = f"{day}/{month}" + (Words(" năm sau", " of the next year").of(at.language) if following else "")
    return f"{figures.exact(point.share, at.language)}% {Words('đến', 'by').of(at.language)} {on}"


def _set_by(rule: Rule, at: Lookup, owner: str) -> str:
    unset = Words("mặc định của hệ thống, chờ {} xác nhận", "defaults of the system, to be confirmed by {}")
    return unset.of(at.language).format(owner) if rule.to_be_set_by_owner else owner


def _told(rule: Rule, at: Lookup) -> str:
    offices = list(dict.fromkeys(office for _, named in sorted(rule.audience.items()) for office in named))
    return "; ".join(word(OFFICES, office, at.language) for office in offices)


def _none(at: Lookup) -> str:
    return Words("không văn bản nào quy định mức này", "no document gives these limits").of(at.language)


def _day(day: date, at: Lookup) -> str:
    return day_vi(day) if at.language == "vi" else f"{day.day} {day:%b %Y}"
