"""Report: one click makes the merged report of a territory as it was known at a cut-off, by default today's (or yesterday's) 17:30."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from pydantic import Field

from dashboards import figures
from dashboards.about import agencies
from dashboards.board import Answer, Query, Visit
from dashboards.database import Row
from dashboards.headlines import Headline, Lookup, flows, ratios, scope_name
from dashboards.judgement import of_severity
from dashboards.moments import PATTERN, known_at
from dashboards.pages.alerts import OPEN
from dashboards.pages.overview import table
from dashboards.pages.ranking import Unit, standing
from dashboards.report import Grid, Report
from dashboards.reported import levels
from dashboards.terms import ATTENTIONS
from dashboards.words import word
from indicators.instant import local

CUTOFF: Final = (17, 30)
"""The time of day up to which a daily report counts, where no other is asked for: the default of the board."""
FORMULA: Final = "F02.province"


class ReportQuery(Query):
    """The report: as known when."""

    cutoff: str = Field("", pattern=PATTERN, description="số liệu đã biết đến lúc, giờ Việt Nam; trống: 17:30 gần nhất / cut-off")


async def answer(visit: Visit, query: ReportQuery) -> Answer:
    """The page with its preview; the same as DOCX and PDF. Raises MomentError for a wrong moment or one to come."""
    territory = visit.territory(query.territory)
    at = known_at(query.cutoff, visit.now) if query.cutoff else figures.moment(default_cutoff(visit.now))
    then = min(figures.ms(at), visit.now)
    lookup = Lookup(visit.board.vocabulary, visit.board.formulas, visit.board.rules, visit.language, then)
    alerts, shown, rows = await asyncio.gather(
        _alerts(visit, territory, then),
        _figures(visit, territory, lookup),
        visit.ask("known_results", formula=FORMULA, moment=figures.moment(then)),
    )
    made = report_of(visit, territory, lookup, (alerts, shown, rows))
    page = {
        "report": made,
        "territory": territory,
        "cutoff": f"{local(then):%d/%m/%Y %H:%M}",
        "default_cutoff": f"{local(default_cutoff(visit.now)):%d/%m/%Y %H:%M}",
    }
    return Answer("report.html", page, table(shown, lookup), document=made)


def default_cutoff(now: int) -> int:
    """The newest 17:30 in Vietnam that is over, epoch ms."""
    here = local(now)
    today = here.replace(hour=CUTOFF[0], minute=CUTOFF[1], second=0, microsecond=0)
    return figures.ms(today if today <= here else today - timedelta(days=1))


async def _figures(visit: Visit, territory: str, at: Lookup) -> list[Headline]:
    moment = figures.moment(at.now)
    year_before = figures.ms(datetime(local(at.now).year - 1, 1, 1, tzinfo=local(at.now).tzinfo))
    formulas = [f.id for f in visit.board.formulas if f.kind == "ratio"]
    results, totals, values = await asyncio.gather(
        visit.ask("known_ratios", territory=territory, moment=moment, formulas=formulas),
        visit.ask("known_totals", territory=territory, moment=moment, indicator="", component="", since=figures.moment(year_before)),
        visit.ask("known_values", territory=territory, moment=moment, indicator="", component=""),
    )
    return [*ratios(results, at), *flows(totals, at), *levels(values, at)]


async def _alerts(visit: Visit, territory: str, then: int) -> list[Row]:
    """Alerts as they stood then, with territory and agency, which do not change."""
    known, alerts = await asyncio.gather(
        visit.ask("known_alerts", moment=figures.moment(then)),
        visit.ask("alerts", everything=1, severity=0, territory=territory),
    )
    about = {row["alert_id"]: row for row in alerts}
    return [{**about[k["alert_id"]], **k} for k in known if k["alert_id"] in about and k["condition"] in OPEN]


def report_of(visit: Visit, territory: str, at: Lookup, found: tuple[list[Row], list[Headline], list[Row]]) -> Report:
    """The report from (alerts, figures, results of the provinces) as they were known at `at.now`."""
    alerts, shown, rows = found
    ranked, late = standing(rows, at, FORMULA)
    if territory != "VN":
        ranked = [u for u in ranked if u.territory == territory]
    return Report(
        name=f"bao-cao-{local(at.now):%Y%m%d-%H%M}",
        language=visit.language,
        scope=scope_name(territory, at),
        cutoff=figures.instant(at.now, visit.language),
        prepared=figures.instant(visit.now, visit.language),
        by=visit.account.title_vi,
        alerts=_alert_grid(visit, alerts),
        figures=_figure_grid(shown, at),
        ranking=_ranking_grid(visit, ranked),
        late=_late(visit, territory, ranked, late),
    )


def _alert_grid(visit: Visit, alerts: Iterable[Row]) -> Grid:
    at = visit.lookup
    rows = [
        [
            of_severity(int(a["severity"])).text(visit.language),
            a["title_vi"] if visit.language == "vi" or not a["title_en"] else a["title_en"],
            visit.agency_name(a["agency"]),
            f"{word(ATTENTIONS, a['attention'], visit.language)}; {figures.instant(figures.ms(a['changed_at']), visit.language)}",
        ]
        for a in alerts
    ]
    return Grid([at.text("severity"), at.text("alert"), at.text("owner"), at.text("attention")], rows, (0.12, 0.42, 0.24, 0.22))


def _figure_grid(shown: Iterable[Headline], at: Lookup) -> Grid:
    head = [at.text(k) for k in ("indicator", "value", "against", "same_period", "source", "period")]
    return Grid(head, [_figure(h, at) for h in shown], (0.27, 0.16, 0.16, 0.13, 0.16, 0.12), frozenset({1, 3}))


def _figure(headline: Headline, at: Lookup) -> list[str]:
    """Name, value, judgement, same period, source, and the time of the figure."""
    row = at.vocabulary.indicator(headline.indicator)
    source = agencies(row.providers, at) if row else ""
    if headline.formula:
        source = f"{at.text('computed')} {headline.formula}" + (f" ({source})" if source else "")
    judged = f"{headline.gap} ({headline.judgement.text(at.language)})" if headline.gap else "–"
    time = f"{headline.period}; {at.text('late').lower()}" if headline.late else headline.period
    return [headline.name, headline.value, judged, headline.same_period or "–", source or "–", time]


def _ranking_grid(visit: Visit, ranked: Iterable[Unit]) -> Grid:
    at = visit.lookup
    rows = [
        [
            str(u.place),
            visit.territory_name(u.territory),
            at.value(u.value, "percent"),
            figures.signed(u.gap, "percentage_point", at.vocabulary, at.language) if u.gap is not None else "–",
            u.judgement.text(at.language),
            figures.day(u.newest, at.language),
        ]
        for u in ranked
    ]
    head = [at.text(k) for k in ("place", "territory", "value", "gap", "status", "data_until")]
    return Grid(head, rows, (0.09, 0.29, 0.14, 0.17, 0.15, 0.16), frozenset({0, 2, 3}))


def _late(visit: Visit, territory: str, ranked: Iterable[Unit], late: Iterable[Unit]) -> list[str]:
    """Units behind their peers with the day their data ends, then those that have sent nothing."""
    language = visit.language
    said = [
        f"{visit.territory_name(u.territory)} ({visit.lookup.text('data_until').lower()} {figures.day(u.newest, language)})" for u in late
    ]
    have = {u.territory for u in (*ranked, *late)}
    wanted = [p.code for p in visit.board.vocabulary.territories("province") if visit.access.sees(p.code, visit.board.vocabulary)]
    missing = [code for code in wanted if code not in have and territory in ("VN", code)]
    return said + [f"{visit.territory_name(code)} ({visit.lookup.text('no_data').lower()})" for code in missing]
