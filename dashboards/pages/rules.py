"""Rules: what each looks at, from which levels, who set them; its golden cases, and what it would have raised beside what was raised.

Rules are the installation's own and no secret: every reader may read them. What a backtest found is shown within the reader's territory and
clearance, as alerts are (view `board_backtests`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

from pydantic import Field

from dashboards import figures, rule_cases, rule_words
from dashboards.board import Answer, Missing, Query, Visit
from dashboards.database import Row
from dashboards.export import Table
from dashboards.judgement import of_severity
from dashboards.pages import backtests
from dashboards.terms import TRANSITIONS
from dashboards.words import Words, word
from indicators.rule import Rule

RAN: Final = "ran"
MARKS: Final = {
    "same": ("=", Words("như đã báo", "as raised")),
    "now": ("+", Words("chỉ khi chạy lại", "only now")),
    "then": ("−", Words("chỉ trong lịch sử", "only then")),
}


class RulesQuery(Query):
    """The rules have no parameters of their own."""


class RuleQuery(Query):
    """One rule: whether a backtest was just ordered or ended."""

    done: bool = Field(False, description="vừa ghi một yêu cầu / an order was just written")


async def answer(visit: Visit, query: RulesQuery) -> Answer:
    """The list."""
    rules = sorted(visit.board.rules, key=lambda rule: (not rule.at_work, rule.id))
    return Answer("rules.html", {"rules": [_line(visit, rule) for rule in rules]}, table(visit, rules))


async def one(visit: Visit, query: RuleQuery, rule_id: str) -> Answer:
    """One rule with its cases and its newest backtest. Raises Missing."""
    rule = visit.board.rules.rules.get(rule_id)
    if rule is None:
        raise Missing
    rows, cases = await asyncio.gather(
        visit.ask("backtest", rule=rule_id), asyncio.to_thread(rule_cases.golden, visit.board.settings.home, rule, visit.language)
    )
    ran = {"backtest": backtest(visit, rule, rows), "can_backtest": rule.has_history}
    shown = {**in_words(visit, rule), "id": rule.id, "cases": cases, "ordered": backtests.shown(visit, rule_id), "done": query.done, **ran}
    return Answer("rule.html", shown, steps_table(visit, rows))


def in_words(visit: Visit, rule: Rule) -> dict[str, Any]:
    """The rule's words for a page: its lines and its ladder."""
    return {
        "rule": _line(visit, rule),
        "described": rule_words.described(rule, visit.lookup, visit.agency_name),
        "levels": rule_words.levels(rule, visit.lookup),
    }


def backtest(visit: Visit, rule: Rule, rows: Iterable[Row]) -> dict[str, Any] | None:
    """The newest run: its stretch, its three counts and its steps in order; None where the rule was never run over history."""
    rows = list(rows)
    run = next((row for row in rows if row["mark"] == RAN), None)
    if run is None:
        return None
    steps = [row for row in rows if row["mark"] in MARKS]
    return {
        "since": figures.day(figures.ms(run["since"]), visit.language),
        "until": figures.day(figures.ms(run["until"]) - 1, visit.language),
        "ran": figures.instant(figures.ms(run["ran_at"]), visit.language),
        "version": int(run["rule_version"]),
        "older": int(run["rule_version"]) != rule.version,
        "counts": [(m, sign, said.of(visit.language), sum(row["mark"] == m for row in steps)) for m, (sign, said) in MARKS.items()],
        "steps": [_step(visit, row) for row in steps],
    }


def _step(visit: Visit, row: Row) -> dict[str, Any]:
    sign, said = MARKS[row["mark"]]
    return {
        "mark": row["mark"],
        "sign": sign,
        "said": said.of(visit.language),
        "at": figures.instant(figures.ms(row["event_time"]), visit.language),
        "where": _where(visit, row),
        "transition": word(TRANSITIONS, row["transition"], visit.language),
        "judgement": of_severity(int(row["severity"])),
        "value": figures.exact(row["value"], visit.language),
    }


def _where(visit: Visit, row: Row) -> str:
    """The subject where there is one, and the territory."""
    subject = visit.subject_name(row["subject_type"], row["subject_id"]) if row["subject_id"] else ""
    return ", ".join(filter(None, (subject, visit.territory_name(row["territory"]))))


def _line(visit: Visit, rule: Rule) -> dict[str, Any]:
    language = visit.language
    return {
        "id": rule.id,
        "title": rule.title_vi if language == "vi" else rule.title_en,
        "status": word(rule_words.STATUS, rule.status, language),
        "at_work": rule.at_work,
        "unset": rule.to_be_set_by_owner,
        "owner": visit.agency_name(rule.owner_agency),
        "legal": "; ".join(rule.legal_basis),
        "levels": [of_severity(level.severity) for level in rule.levels],
    }


def table(visit: Visit, rules: Iterable[Rule]) -> Table:
    """The rules for export: each with its words."""
    at = visit.lookup
    columns = [("id", "id"), *((key, at.text(key)) for key in ("rule", "rule_status", "rule_owner", "rule_legal", "rule_in_words"))]
    rows = [
        [
            line["id"],
            line["title"],
            line["status"],
            line["owner"],
            line["legal"],
            " | ".join(f"{term}: {text}" for term, text in rule_words.described(rule, at, visit.agency_name)),
        ]
        for rule in rules
        for line in (_line(visit, rule),)
    ]
    return Table("quy-tac", columns, rows)


def steps_table(visit: Visit, rows: Iterable[Row]) -> Table:
    """The steps of a backtest for export."""
    at = visit.lookup
    columns = [(key, at.text(key)) for key in ("backtest_mark", "event_time", "series", "territory", "story", "severity", "value")]
    lines = [
        [
            MARKS[r["mark"]][1].of(visit.language),
            r["event_time"],
            r["series"],
            visit.territory_name(r["territory"]),
            word(TRANSITIONS, r["transition"], visit.language),
            int(r["severity"]),
            r["value"],
        ]
        for r in rows
        if r["mark"] in MARKS
    ]
    return Table("chay-lai", columns, lines)
