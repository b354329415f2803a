"""Pages and forms of the board: where each is, what it takes, who answers. Routes and OpenAPI document are made from these tables."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from pydantic import BaseModel

from dashboards.board import Answer, Query, Visit
from dashboards.pages import (
    alerts,
    backtests,
    country,
    emergency,
    emergency_acts,
    indicator,
    operations,
    overview,
    projects,
    ranking,
    report,
    requests,
    rules,
    sheets,
    supply,
    tasks,
    wall,
)
from dashboards.report import DOCUMENTS

Handler = Callable[[Visit, Any, dict[str, str]], Awaitable[Answer]]
Work = Callable[[Visit, Any, dict[str, str]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Page:
    """One page: where it is, what parameters it takes, who answers."""

    path: str
    summary: str
    query: type[Query]
    handler: Handler
    documents: tuple[str, ...] = ()


PAGES: Final = (
    Page("/", "Tổng quan / overview", overview.OverviewQuery, lambda v, q, _: overview.answer(v, q)),
    Page(
        "/indicator/{catalogue}/{code}",
        "Chỉ số / indicator",
        indicator.IndicatorQuery,
        lambda v, q, at: indicator.answer(v, q, f"{at['catalogue']}/{at['code']}"),
    ),
    Page("/ranking", "Xếp hạng / ranking", ranking.RankingQuery, lambda v, q, _: ranking.answer(v, q)),
    Page("/map", "Bản đồ / map", country.MapQuery, lambda v, q, _: country.answer(v, q)),
    Page("/alerts", "Cảnh báo / alerts", alerts.AlertsQuery, lambda v, q, _: alerts.answer(v, q)),
    Page("/alerts/{alert_id}", "Một cảnh báo / one alert", alerts.AlertQuery, lambda v, q, at: alerts.one(v, q, at["alert_id"])),
    Page("/requests", "Văn bản yêu cầu / requests", requests.RequestsQuery, lambda v, q, _: requests.answer(v, q)),
    Page("/rules", "Quy tắc / rules", rules.RulesQuery, lambda v, q, _: rules.answer(v, q)),
    Page("/rules/{rule}", "Một quy tắc / one rule", rules.RuleQuery, lambda v, q, at: rules.one(v, q, at["rule"])),
    Page("/emergency", "Khẩn cấp / emergencies", emergency.EmergenciesQuery, lambda v, q, _: emergency.answer(v, q)),
    Page("/emergency/{emergency}", "Một tình huống / one", emergency.EmergencyQuery, lambda v, q, at: emergency.one(v, q, at["emergency"])),
    Page("/projects", "Dự án / projects", projects.ProjectsQuery, lambda v, q, _: projects.answer(v, q)),
    Page("/projects/{project}", "Một dự án / one project", projects.ProjectQuery, lambda v, q, at: projects.one(v, q, at["project"])),
    Page("/tasks", "Nhiệm vụ / tasks", tasks.TasksQuery, lambda v, q, _: tasks.answer(v, q)),
    Page("/report", "Báo cáo tổng hợp / merged report", report.ReportQuery, lambda v, q, _: report.answer(v, q), tuple(DOCUMENTS)),
    Page("/wall", "Màn hình lớn / wall", wall.WallQuery, lambda v, q, _: wall.answer(v, q)),
    Page("/print", "Bản in theo nhóm / print", sheets.SheetsQuery, lambda v, q, _: sheets.answer(v, q)),
    Page("/supply", "Cung cấp số liệu / data supply", supply.SupplyQuery, lambda v, q, _: supply.answer(v, q)),
    Page("/operations", "Vận hành / operations", operations.OperationsQuery, lambda v, q, _: operations.answer(v, q)),
)


@dataclass(frozen=True, slots=True)
class Form:
    """One form of a page that writes something: where it is sent, its fields, who does it, and the page that is shown afterwards."""

    path: str
    summary: str
    fields: type[BaseModel]
    work: Work
    shown: str

    def goal(self, at: dict[str, str]) -> str:
        """The address of the page afterwards, which then says that it was written."""
        return self.shown.format(**{name: quote(value, safe="") for name, value in at.items()}) + "?done=1"


FORMS: Final = (
    Form(
        "/alerts/{alert_id}/acts",
        "Xử lý một cảnh báo / act on an alert",
        alerts.ActForm,
        lambda v, f, at: alerts.act(v, at["alert_id"], f),
        "/alerts/{alert_id}",
    ),
    Form(
        "/alerts/{alert_id}/requests",
        "Văn bản yêu cầu về một cảnh báo / a request about an alert",
        requests.RequestForm,
        lambda v, f, at: requests.act(v, at["alert_id"], f),
        "/alerts/{alert_id}",
    ),
    Form(
        "/rules/{rule}/backtests",
        "Chạy lại một quy tắc trên lịch sử, hoặc dừng / have a rule run over history, or stop it",
        backtests.BacktestForm,
        lambda v, f, at: backtests.act(v, at["rule"], f),
        "/rules/{rule}",
    ),
    Form(
        "/emergency/acts",
        "Mở hoặc diễn tập một kịch bản / open or exercise a scenario",
        emergency_acts.OpenForm,
        lambda v, f, _: emergency_acts.opened(v, f),
        "/emergency",
    ),
    Form(
        "/emergency/{emergency}/acts",
        "Một bước của tình huống khẩn cấp / a step of an emergency",
        emergency_acts.StepForm,
        lambda v, f, at: emergency_acts.stepped(v, at["emergency"], f),
        "/emergency/{emergency}",
    ),
)
