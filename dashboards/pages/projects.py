"""Projects: each with its money, the facts of table 13 of the guide as far as they are reported, its colour, and what is in its way.

Guide 7146 §5.1.3 (2): Xanh đúng tiến độ, Vàng có nguy cơ chậm, Đỏ chậm tiến độ; it gives no measure. The colour here is the disbursement
of the budget year against the path of the plan by the ladder of the disbursement rule (attention: vàng, warning and above: đỏ) or the
worst open alert of the project, whichever is worse: a default of ours, to be confirmed by the owner of the rule. Obstacles come in
by a source of their own (dashboards/obstacles.py) and do not colour a project; its open alerts stand beside them with the agency that
answers and what it explained. Projects are subjects: depth 2.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final, Literal

from pydantic import Field

from dashboards import figures
from dashboards.access import SUBJECT
from dashboards.board import Answer, Forbidden, Missing, Query, Visit
from dashboards.country_map import Pin, country_map
from dashboards.database import Row
from dashboards.export import Table
from dashboards.headlines import rule_of
from dashboards.judgement import UNJUDGED, Judgement, gap_to_path, of_measure
from dashboards.obstacles import obstacle_lines, standing
from dashboards.pages.alerts import open_only, story
from dashboards.words import Words
from indicators.instant import local
from indicators.subject import Subject

FORMULA: Final = "F02.province"
SIGNS: Final = {"green": ("good", "✓"), "yellow": ("attention", "▲"), "red": ("urgent", "■"), "grey": ("none", "·")}
COLOURS: Final = {
    "green": Words("Xanh – đúng tiến độ", "Green – on schedule"),
    "yellow": Words("Vàng – có nguy cơ", "Yellow – at risk"),
    "red": Words("Đỏ – chậm tiến độ", "Red – behind schedule"),
    "grey": Words("Chưa đủ số liệu", "Not enough data"),
}
FACTS: Final = (
    "T13.1.1", "T13.1.2", "T13.1.3", "T13.1.4", "T13.2.1", "T13.2.2", "T13.2.3", "T13.2.4", "T13.3.1", "T13.3.2", "T13.3.3", "T13.4.1",
    "T13.4.2", "T13.4.3",
)  # fmt: skip
"""Rows of table 13, guide 7146, in its order."""


class ProjectsQuery(Query):
    """The projects: of which colour."""

    colour: Literal["", "green", "yellow", "red", "grey"] = Field("", description="xanh, vàng, đỏ / colour; trống: tất cả / empty: all")


class ProjectQuery(Query):
    """One project has no parameters of its own."""


async def answer(visit: Visit, query: ProjectsQuery) -> Answer:
    """The page. Raises Forbidden below the depth of subjects."""
    if visit.access.depth < SUBJECT:
        raise Forbidden
    territory = visit.territory(query.territory)
    subjects = [s for s in visit.board.vocabulary.subjects("project") if _within(visit, s, territory)]
    money, alerts, told = await asyncio.gather(
        visit.ask("project_money", project=""),
        visit.ask("alerts", everything=0, severity=0, territory=""),
        visit.ask("obstacles", project=""),
    )
    lines = with_obstacles(project_lines(visit, subjects, money, open_only(alerts)), obstacle_lines(visit, told))
    chosen = [line for line in lines if query.colour in ("", line["colour"])]
    shown = {
        "territory": territory,
        "colour": query.colour,
        "projects": chosen,
        "counts": [
            (name, *SIGNS[name], words.of(visit.language), sum(1 for x in lines if x["colour"] == name)) for name, words in COLOURS.items()
        ],
        "picture": country_map(visit.board.vocabulary, {}, [pin for line in chosen if (pin := _pin(line))], visit.lookup.text("projects")),
    }
    return Answer("projects.html", shown, table(visit, chosen))


async def one(visit: Visit, _query: ProjectQuery, project: str) -> Answer:
    """One project. Raises Forbidden below the depth of subjects, Missing where it is not within the scope."""
    if visit.access.depth < SUBJECT:
        raise Forbidden
    subject = visit.board.vocabulary.subject("project", project)
    if subject is None or not visit.access.sees(subject.territory, visit.board.vocabulary):
        raise Missing
    money, facts, alerts, obstacles = await asyncio.gather(
        visit.ask("project_money", project=project),
        visit.ask("project_facts", project=project),
        visit.ask("alerts", everything=1, severity=0, territory=""),
        visit.ask("obstacles", project=project),
    )
    mine = [a for a in alerts if (a["subject_type"], a["subject_id"]) == ("project", project)]
    events, told = await asyncio.gather(
        visit.ask("story", alerts=[a["alert_id"] for a in mine]), visit.ask("told", alerts=[a["alert_id"] for a in mine])
    )
    line = project_lines(visit, [subject], money, open_only(mine))[0]
    rows = _facts(visit, subject, facts)
    shown = {
        "project": line,
        "subject": subject,
        "facts": rows,
        "reported": sum(1 for r in rows if r["reported"]),
        "obstacles": obstacle_lines(visit, obstacles),
        "alerts": [_alert(visit, a) for a in open_only(mine)],
        "story": story(visit, events, told),
    }
    return Answer("project.html", shown, facts_table(visit, rows))


def project_lines(visit: Visit, subjects: Sequence[Subject], money: Iterable[Row], alerts: Iterable[Row]) -> list[dict[str, Any]]:
    """Each project with its money of the newest budget year and its colour, the worst first."""
    by_project: dict[str, list[Row]] = defaultdict(list)
    for row in money:
        by_project[row["subject_id"]].append(row)
    of_project: dict[str, list[Row]] = defaultdict(list)
    for alert in alerts:
        if alert["subject_type"] == "project":
            of_project[alert["subject_id"]].append(alert)
    lines = [_line(visit, s, by_project[s.id], of_project[s.id]) for s in subjects]
    order = {"red": 0, "yellow": 1, "green": 2, "grey": 3}
    return sorted(lines, key=lambda x: (order[x["colour"]], x["gap"] if x["gap"] is not None else Decimal(0), x["name"]))


def with_obstacles(lines: Iterable[dict[str, Any]], obstacles: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines with what stands in the way of each project, in the order they came."""
    of_project: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for obstacle in obstacles:
        of_project[obstacle["project"]].append(obstacle)
    return [line | standing(of_project[line["id"]]) for line in lines]


def _line(visit: Visit, subject: Subject, money: Sequence[Row], alerts: Sequence[Row]) -> dict[str, Any]:
    at = visit.lookup
    year = max((int(r["budget_year"]) for r in money), default=local(visit.now).year)
    own = {r["figure"]: r for r in money if int(r["budget_year"]) == year}
    plan = sum((Decimal(r["value"]) for name, r in own.items() if name in ("plan_pm", "plan_local")), Decimal(0))
    actual = Decimal(own["actual"]["value"]) if "actual" in own else None
    newest = figures.ms(own["actual"]["event_time"]) if "actual" in own else 0
    share = actual / plan * 100 if actual is not None and plan else None
    rule = rule_of(at.rules, at.formulas, FORMULA)
    against = gap_to_path(rule, share, newest, year)
    colour = colour_of(of_measure(rule, -against[1]) if against else UNJUDGED, [int(a["severity"]) for a in alerts])
    name = subject.name_vi if visit.language == "vi" or not subject.name_en else subject.name_en
    return {
        "id": subject.id, "name": name, "subject": subject, "colour": colour, "class": SIGNS[colour][0], "sign": SIGNS[colour][1],
        "words": COLOURS[colour].of(visit.language), "agency": visit.agency_name(subject.agency),
        "territory": visit.territory_name(subject.territory), "year": year, "plan_raw": plan or None, "actual_raw": actual,
        "plan": at.value(plan or None, "VND"), "actual": at.value(actual, "VND"), "share": at.value(share, "percent"), "share_raw": share,
        "gap": against[1] if against else None,
        "gap_text": figures.signed(against[1], "percentage_point", at.vocabulary, at.language) if against else "",
        "day": figures.day(newest, visit.language) if newest else "–", "alerts": len(alerts),
        "first_alert": alerts[0]["alert_id"] if alerts else "",
    }  # fmt: skip


def colour_of(judgement: Judgement, severities: Sequence[int]) -> str:
    """Xanh, vàng, đỏ by the worse of the judgement of the money and the open alerts; grey where neither says anything."""
    worst = max([judgement.severity, *severities])
    if worst:
        return "red" if worst >= 3 else "yellow"
    return "grey" if judgement is UNJUDGED else "green"


def _within(visit: Visit, subject: Subject, territory: str) -> bool:
    vocabulary = visit.board.vocabulary
    inside = territory in ("VN", subject.territory, vocabulary.ancestor(subject.territory, "province"))
    return inside and visit.access.sees(subject.territory, vocabulary)


def _pin(line: dict[str, Any]) -> Pin | None:
    subject: Subject = line["subject"]
    if subject.lon is None or subject.lat is None:
        return None
    return Pin(subject.lon, subject.lat, line["class"], line["sign"], f"{line['name']}: {line['words']}", f"/projects/{subject.id}")


def _facts(visit: Visit, subject: Subject, reported: Iterable[Row]) -> list[dict[str, Any]]:
    """Table 13 row by row; what nobody reported says so. The approved total may stand in the registry."""
    by_code: dict[str, list[Row]] = defaultdict(list)
    for row in reported:
        by_code[row["indicator"].partition("/")[2]].append(row)
    total = subject.attributes.get("total_investment", "")
    found = []
    for code in FACTS:
        named = visit.board.vocabulary.indicator(f"guide-7146/{code}")
        newest = by_code[code]
        values = [visit.lookup.value(r["value"], r["measure_unit"]) if r["value"] is not None else r["text"] or "–" for r in newest]
        if not values and code == "T13.1.1" and total:
            values = [f"{visit.lookup.value(Decimal(total), 'VND')} ({visit.lookup.text('registry')})"]
        found.append(
            {
                "code": code,
                "name": visit.lookup.name(named) if named else code,
                "value": "; ".join(values),
                "reported": bool(values),
                "day": figures.day(figures.ms(newest[0]["event_time"]), visit.language) if newest else "",
                "source": visit.agency_name(newest[0]["provider"]) if newest else "",
            }
        )
    return found


def _alert(visit: Visit, alert: Row) -> dict[str, Any]:
    title = alert["title_vi"] if visit.language == "vi" or not alert["title_en"] else alert["title_en"]
    return {"title": title, "agency": visit.agency_name(alert["agency"]), "id": alert["alert_id"], "note": alert["note"]}


def table(visit: Visit, lines: Iterable[dict[str, Any]]) -> Table:
    """The projects for export."""
    at = visit.lookup
    money = ("disbursed", "plan", "value", "gap", "budget_year", "data_until")
    keys = ("project", "owner", "territory", "status", *money, "obstacles_standing", "must_remove", "days_overdue")
    rows = [
        [
            x["id"],
            x["name"],
            x["agency"],
            x["territory"],
            x["words"],
            x["actual_raw"],
            x["plan_raw"],
            x["share_raw"],
            x["gap"],
            x["year"],
            x["day"],
            x["obstacles"],
            "; ".join(x["must_remove"]),
            x["days_overdue"],
        ]
        for x in lines
    ]
    return Table("du-an", [("id", "id"), *((key, at.text(key)) for key in keys)], rows)


def facts_table(visit: Visit, facts: Iterable[dict[str, Any]]) -> Table:
    """Table 13 for export."""
    at = visit.lookup
    keys = ("indicator", "value", "data_until", "source")
    return Table(
        "bang-13",
        [("code_13", "id"), *((k, at.text(k)) for k in keys)],
        [[f["code"], f["name"], f["value"], f["day"], f["source"]] for f in facts],
    )
