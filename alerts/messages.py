"""The text of an alert: a rule's template filled with the evidence; Vietnamese first, English title second.

Templates are data (`message_vi`, `message_en` of a rule file), so they run in Jinja2's sandbox with strict names: a wrong one cannot reach
anything and cannot print a hole. A template that fails never loses the alert: a plain text built from the evidence stands in and says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Protocol

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from alerts import words
from alerts.condition import Condition
from indicators import numbers_vi
from indicators.period import Period, PeriodError, label_vi
from indicators.rule import Level, Message, Rule
from indicators.rules.policy import Storm

TITLE_LIMIT = 300
TEXT_LIMIT = 8000


class Names(Protocol):
    """Names in the language of the reader; the code itself where a name is unknown."""

    def territory_name(self, code: str) -> str:
        """Name of a unit of territory."""

    def subject_name(self, kind: str, code: str) -> str:
        """Name of a project, station, hospital …"""

    def agency_name(self, code: str) -> str:
        """Name of an agency."""

    def figure_name(self, code: str) -> str:
        """Name of a series by `catalogue/code` or `catalogue/code:component`."""

    def subject_limit(self, kind: str, code: str, name: str) -> Decimal | None:
        """A named limit of a subject (bd1 of a river station), in the unit of its series; None where it has none."""


@dataclass(frozen=True, slots=True)
class Text:
    """What people read of one event. `fallback`: why the rule's own template was not used; empty: it was."""

    title_vi: str
    text_vi: str
    title_en: str
    fallback: str = ""


def _environment() -> SandboxedEnvironment:
    environment = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True)
    for name in ("number_vi", "percent_vi", "points_vi", "date_vi", "time_vi", "money_vi", "unaccent_vi"):
        environment.filters[name] = getattr(numbers_vi, name)
    environment.filters["duration_vi"] = words.duration_vi
    environment.filters["number_en"] = words.number_en
    return environment


_ENVIRONMENT = _environment()


@lru_cache(maxsize=512)
def _template(source: str) -> Template:
    return _ENVIRONMENT.from_string(source)


def check_templates(rule: Rule) -> list[str]:
    """«rule: message: what is wrong» for each template that cannot be parsed."""
    found = []
    for language, messages in (("message_vi", rule.message_vi), ("message_en", rule.message_en)):
        for transition, message in messages.items():
            try:
                _template(message.title)
                _template(message.text)
            except TemplateError as error:
                found.append(f"{rule.id}: {language}.{transition}: {error}")
    return found


class Messages:
    """Writes the texts of events."""

    def __init__(self, names: Names) -> None:
        self._names = names

    @property
    def names(self) -> Names:
        """The names it writes."""
        return self._names

    def render(self, rule: Rule | None, transition: str, condition: Condition, before: Condition | None, opened_at: int) -> Text:
        """The text of one change, marked where it is an exercise. `before`: the evidence it replaces, if any; `opened_at`: when the alert
        opened, epoch ms."""
        text = self._unmarked(rule, transition, condition, before, opened_at)
        mark = words.EXERCISE_VI if condition.mode == "exercise" else ""
        mark_en = words.EXERCISE_EN if condition.mode == "exercise" else ""
        return Text(
            _cut(mark + text.title_vi, TITLE_LIMIT), _cut(mark + text.text_vi, TEXT_LIMIT), _cut(mark_en + text.title_en, TITLE_LIMIT),
            text.fallback,
        )  # fmt: skip

    def led(self, rule: Rule | None, lead: str, alert_since: int, condition: Condition, note: str = "") -> Text:
        """The text of a step that figures did not cause (escalated, for_review, reminder …): why it comes now, then where things stand.
        `alert_since`: since when somebody should have acted, epoch ms."""
        text = self._unmarked(rule, "opened", condition, None, alert_since)
        before, sentence = words.LEADS_VI[lead]
        agency = self._names.agency_name(condition.agency)
        said = sentence.format(since=numbers_vi.time_vi(alert_since), agency=agency, note=note)
        mark = words.EXERCISE_VI if condition.mode == "exercise" else ""
        mark_en = words.EXERCISE_EN if condition.mode == "exercise" else ""
        return Text(
            _cut(mark + before + text.title_vi, TITLE_LIMIT), _cut(f"{mark}{said} {text.text_vi}", TEXT_LIMIT),
            _cut(mark_en + text.title_en, TITLE_LIMIT), text.fallback,
        )  # fmt: skip

    def _unmarked(self, rule: Rule | None, transition: str, condition: Condition, before: Condition | None, opened_at: int) -> Text:
        values = self.values(rule, transition, condition, before, opened_at)
        if rule is None:
            return self._plain(values, "unknown_rule")
        try:
            title, text = _filled(_of(rule.message_vi, transition), values)
            english = _of(rule.message_en, transition) if rule.message_en else None
            title_en = _filled(english, values)[0] if english else rule.title_en
        # A template is data written by a person: whatever it raises inside the sandbox is that template's fault and must not stop alerts.
        except (TemplateError, ArithmeticError, TypeError, ValueError, LookupError, AttributeError) as error:
            return self._plain(values, f"template: {type(error).__name__}")
        return Text(title, text, title_en)

    def values(self, rule: Rule | None, transition: str, c: Condition, before: Condition | None, opened_at: int) -> dict[str, Any]:
        """What a template may use; docs/alerts.md lists it."""
        level, former = _level(rule, c.severity), _level(rule, before.severity if before else c.severity_before)
        figures = {name: getattr(c, name) for name in ("value", "limit", "gap", "numerator", "denominator")}
        times = {name: getattr(c, name) for name in ("period_start", "period_end", "since", "event_time", "budget_year")}
        return figures | times | {
            "transition": transition, "transition_vi": words.TRANSITIONS_VI.get(transition, transition), "mode": c.mode,
            "severity": c.severity, "severity_vi": words.SEVERITIES_VI.get(c.severity, ""),
            "severity_en": words.SEVERITIES_EN.get(c.severity, ""),
            "severity_before": c.severity_before, "level": c.level, "level_now": level.name if level else "",
            "level_vi": _level_vi(rule, c.level, level),
            "level_limit": self._raise_limit(level, c),
            "level_before_vi": _level_vi(rule, before.level if before else "", former),
            "rule": c.rule, "rule_title": rule.title_vi if rule else c.rule, "rule_title_en": rule.title_en if rule else c.rule,
            "legal_basis": rule.legal_basis if rule else (), "to_be_set_by_owner": bool(rule and rule.to_be_set_by_owner),
            "territory": self._names.territory_name(c.territory), "territory_code": c.territory,
            "subject": self._names.subject_name(c.subject_type, c.subject_id) if c.subject_id else "", "subject_id": c.subject_id,
            "agency": self._names.agency_name(c.agency), "provider": self._names.agency_name(c.provider), "series": c.series,
            "comparison": c.comparison,
            "plan_vi": words.plan_of(c.comparison, words.PLANS_VI), "plan_en": words.plan_of(c.comparison, words.PLANS_EN),
            "clear_limit": self._clear_limit(level if c.severity or rule is None else rule.levels[0], c),
            "duration": c.event_time - c.since, "opened_at": opened_at,
            "value_before": before.value if before else None, "gap_before": before.gap if before else None,
            "period_vi": _period_vi(c), "due": c.period_end - 1, "missing": self._missing(c),
            "status": c.status, "status_vi": words.STATUSES_VI.get(c.status, c.status), "revision": c.revision,
            "record": c.source_record_id,
            "source_vi": self._source_vi(c),
            "source": f"{c.source_topic}[{c.source_partition}]@{c.source_offset}",
        }  # fmt: skip

    def _missing(self, c: Condition) -> list[str]:
        """Names of the figures that a report still owes, the last line counting those that evidence does not name."""
        named = [self._names.figure_name(code) for code in c.missing.split()]
        rest = int(c.numerator or 0) - len(named) if named else 0
        return [*named, f"và {rest} chỉ tiêu khác"] if rest > 0 else named

    def _clear_limit(self, level: Level | None, c: Condition) -> Decimal | None:
        """Where this level is left again, for an alert that is over the lowest level; None where neither rule nor registry says."""
        if level is None:
            return None
        if level.clear_at is not None:
            return level.clear_at
        limit = self._raise_limit(level, c)
        return limit - level.clear_margin if limit is not None and level.clear_margin is not None else None

    def _raise_limit(self, level: Level | None, c: Condition) -> Decimal | None:
        """The limit of a level for this subject: a fall carries the clear limit it crossed, not the level that still holds."""
        if level is None:
            return None
        if not isinstance(level.raise_at, str):
            return level.raise_at
        known = self._names.subject_limit(c.subject_type, c.subject_id, level.raise_at)
        return known if known is not None or not c.severity else c.limit

    def _source_vi(self, c: Condition) -> str:
        """Who supplied the figure and which record; the formula, for a result that has no record of its own (its place in the topics is
        with the evidence: `source`)."""
        record = f"bản ghi {c.source_record_id}" if c.source_record_id else f"kết quả tính theo công thức {c.series.partition('|')[0]}"
        return f"{self._names.agency_name(c.provider)}, {record}" if c.provider else record

    def _plain(self, values: Mapping[str, Any], why: str) -> Text:
        where = values["subject"] or values["territory"]
        title = f"{values['transition_vi']}: {values['rule_title']} – {where}"
        figures = "; ".join(
            f"{word} {_plain_number(values[name])}" for word, name in (("giá trị", "value"), ("giới hạn", "limit"), ("chênh", "gap"))
        )
        text = (
            f"{title}. Mức {values['severity']} ({values['severity_vi']}); {figures}. "
            f"Bản ghi nguồn: {values['record']} ({values['source']}). "
            "Quy tắc hoặc mẫu câu của cảnh báo này không dùng được: người quản trị kiểm tra tệp quy tắc."
        )
        english = f"{values['transition']}: {values['rule_title_en']} – {where}"
        return Text(title, text, english, why)


def storm_text(rule: Rule | None, rule_id: str, storm: Storm, mode: str) -> Text:
    """The summary that stands for all further alerts of a rule within its storm's window."""
    named, minutes = rule.title_vi if rule else rule_id, storm.window // timedelta(minutes=1)
    mark = words.EXERCISE_VI if mode == "exercise" else ""
    title = f"Nhiều cảnh báo cùng loại: {named}"
    text = (
        f"Đã có {storm.limit} cảnh báo «{named}» gửi tới đơn vị trong {minutes} phút. Các cảnh báo tiếp theo cùng loại được ghi lại, không "
        "gửi riêng; xem danh sách cảnh báo đang mở trên màn hình điều hành."
    )
    english = f"Many alerts of one kind: {rule.title_en if rule else rule_id}"
    return Text(_cut(mark + title, TITLE_LIMIT), mark + text, _cut((words.EXERCISE_EN if mark else "") + english, TITLE_LIMIT))


def _of(messages: Mapping[str, Message], transition: str) -> Message:
    return messages[transition] if transition in messages else messages["opened"]


def _filled(message: Message, values: Mapping[str, Any]) -> tuple[str, str]:
    title = " ".join(_template(message.title).render(values).split())
    text = "\n".join(" ".join(line.split()) for line in _template(message.text).render(values).splitlines() if line.strip())
    return title, text or title


def _level(rule: Rule | None, severity: int) -> Level | None:
    return next((level for level in rule.levels if level.severity == severity), None) if rule else None


def _level_vi(rule: Rule | None, name: str, level: Level | None) -> str:
    """The level that severity says; by its name only where the rule has no such severity (a fall names the level it left)."""
    named = next((x.name_vi for x in rule.levels if x.name and x.name == name), "") if rule else ""
    return level.name_vi if level else named or name


def _period_vi(c: Condition) -> str:
    """«tháng 9/2026»; empty for a type without a name."""
    try:
        return label_vi(Period(c.period_type, c.period_start, c.period_end))
    except PeriodError:
        return ""


def _plain_number(value: Decimal | None) -> str:
    if value is None:
        return "không có"
    return format(value.normalize() + 0, "f").replace(".", ",")


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
