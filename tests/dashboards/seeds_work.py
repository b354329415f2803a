"""More rows for the board's tests: tasks of the planted alerts, the money of one project, states that came late, twice and corrected."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from clickhouse_connect.driver.client import Client

from indicators.instant import DAY_MS
from indicators.rule import RuleBook
from ops.backtest import Outcomes, Step
from ops.backtest_history import kept
from tests.dashboards.seeds import _OBSERVATION, MONTH, NOW, NOW_MS, PANE, Planted
from transport.settings import Settings

FLOW = "vn-1012/A.II.5|export|79||market=US|actual"
VALUE = "vn-1012/A.I.2||79|||actual"
PROJECT = "vn-1012/A.II.3||01|project:DA-01-01|"


ACTION = ["topic", "partition", "offset", "appended", "action_id", "alert_id", "action", "actor", "office", "note", "until", "acted_at"]
ACTION += ["via"]


def plant_backtest(settings: Settings) -> list[Planted]:
    """A kept backtest of the pacing rule: a step as raised, and one that only the run anew finds."""
    rule = RuleBook.load(settings.home).rules["GN-DTC-CHAM-KE-HOACH"]
    at = [Step(NOW_MS - n * DAY_MS, f"F02.province|{t}|||2026", "opened", 3, Decimal("41.5")) for n, t in enumerate(("25", "31"))]
    kept(settings, rule, Outcomes([at[0]], [at[1]], []), NOW_MS - 90 * DAY_MS, NOW_MS)
    return [Planted("board_backtests", step.series, step.series.split("|")[1], 0, 0) for step in at]


def _requests(client: Client) -> list[Planted]:
    """A request for explanation of one alert, issued three weeks ago, answered late; acts on another, one refused, one on its way."""
    made = (
        ("q31", "a31", "issue", 21, "explanation_request", "Chánh Văn phòng Ủy ban nhân dân thành phố", "12/VP-TH", "issued", "31", 0),
        ("q31a", "a31", "answer", 2, "explanation_request", "", "", "answered", "31", 0),
        ("q25", "a25", "answer", 3, "explanation_request", "", "", "refused", "25", 0),
        ("q25w", "a25", "withdraw", 1, "data_query", "", "", "", "25", 0),
        ("qicu", "icu", "issue", 1, "explanation_request", "Giám đốc Sở", "5/SYT", "issued", "01", 5),
    )
    acts, events = [], []
    for n, (action, alert, what, days, kind, authority, number, transition, territory, _) in enumerate(made, 20):
        at = NOW - timedelta(days=days)
        issuing = "office_province@31" if what == "issue" else ""
        acts.append(
            [
                *("alerts.actions", 0, n, NOW, action, alert, what, "Văn phòng", "vanphong", "Vướng mặt bằng", None, at, "board"),
                *(kind, authority, number, "", issuing),
            ]
        )
        if transition:
            event = ["alerts.events", 0, n, NOW, f"e{action}", alert, n, transition, "active", "unacknowledged", "Văn bản", "Văn bản"]
            events.append([*event, "Request", at, NOW, "GN-DTC-CHAM-KE-HOACH", action, territory, "Ghi chú"])
    client.insert("alert_actions", acts, column_names=[*ACTION, "inquiry", "authority", "document_number", "outcome", "issuing_office"])
    columns = ["topic", "partition", "offset", "appended", "event_id", "alert_id", "sequence", "transition", "condition", "attention"]
    columns += ["title_vi", "text_vi", "title_en", "recorded_at", "opened_at", "rule", "cause", "territory", "note"]
    client.insert("alert_events", events, column_names=columns)
    return [Planted("board_requests", action, territory, 0, level) for action, *_, territory, level in made]


def _assigned(client: Client) -> list[Planted]:
    """Tasks that documents assign: overdue and moved on by a revision, done late, without a day, withdrawn, restricted."""
    told = (
        ("NV-1", 0, "PPC-31", "31", 20, -2, 1, 0, "official"),
        ("NV-1", 1, "PPC-31", "31", 20, -1, 1, 0, "official"),
        ("NV-2", 0, "DOF-31", "31", 30, -10, 0, 0, "official"),
        ("NV-3", 0, "DOF-31", "31", 5, None, 1, 0, "official"),
        ("NV-4", 0, "MOF", "VN", 9, 2, 1, 0, "official"),
        ("NV-5", 0, "PPC-01", "01", 9, 2, 1, 5, "official"),
        ("NV-6", 0, "PPC-31", "31", 9, 2, 1, 0, "official"),
        ("NV-6", 1, "PPC-31", "31", 9, 2, None, 0, "deleted"),
    )
    rows, planted = [], {}
    for n, (task, revision, agency, territory, since, until, value, level, status) in enumerate(told):
        begins = NOW - timedelta(days=since)
        ends = begins + timedelta(milliseconds=1) if until is None else NOW + timedelta(days=until)
        series, of = f"nhip/N.3||{territory}||agency={agency}|actual", [{"name": "agency", "value": agency}]
        number, moved = None if value is None else Decimal(value), NOW if value == 0 else begins
        rows.append([
            *("obs.test", 7, n, NOW, series, "nhip/N.3", "", territory, "", "", of, "actual", "on_decision"),
            *(level, 2026, "task", status, number, begins, ends, moved, NOW, task),
            *("OOG", "tasks", revision, agency, f"Nội dung {task}", f"{n}/VPCP", "0" * 32),
        ])  # fmt: skip
        planted[task] = (series, territory, level, status)
    client.insert("observations", rows, column_names=[*_OBSERVATION, "revision", "agency", "text", "reference", "trace_id"])
    found = [Planted("board_records", task, territory, 3, level) for task, (_, territory, level, _) in planted.items()]
    for task, (series, territory, level, status) in planted.items():
        if status != "deleted":
            found.append(Planted("board_assigned_tasks", task, territory, 0, level))
            found.append(Planted("board_values", series, territory, 1, level))
    return found


def _obstacles(client: Client) -> list[Planted]:
    """Obstacles of one project: overdue and given more days by a revision, removed late, without a due day, withdrawn, restricted."""
    told = (
        ("VM-1", 0, "DOF-01", "land_clearance", 60, -20, 1, 0, "official"),
        ("VM-1", 1, "DOF-01", "land_clearance", 60, -10, 1, 0, "official"),
        ("VM-2", 0, "PPC-01", "capital", 60, -30, 0, 0, "official"),
        ("VM-3", 0, "MAE", "procedure", 5, None, 1, 0, "official"),
        ("VM-4", 0, "PPC-01", "other", 9, 2, 1, 0, "official"),
        ("VM-4", 1, "PPC-01", "other", 9, 2, None, 0, "deleted"),
        ("VM-5", 0, "PPC-01", "contractor", 9, 2, 1, 5, "official"),
    )
    rows, planted = [], {}
    for n, (obstacle, revision, agency, kind, since, until, value, level, status) in enumerate(told):
        begins = NOW - timedelta(days=since)
        ends = begins + timedelta(milliseconds=1) if until is None else NOW + timedelta(days=until)
        series = f"nhip/N.4||01|project:DA-01-01|agency={agency};obstacle_kind={kind}|actual"
        of = [{"name": "agency", "value": agency}, {"name": "obstacle_kind", "value": kind}]
        number, moved, key = None if value is None else Decimal(value), NOW if value == 0 else begins, f"DA-01-01/{obstacle}"
        rows.append([
            *("obs.test", 6, n, NOW, series, "nhip/N.4", "", "01", "project", "DA-01-01", of, "actual", "on_decision"),
            *(level, 2026, "item", status, number, begins, ends, moved, NOW, key),
            *("DOC-01", "obstacles", revision, agency, f"Nội dung {obstacle}", f"{n}/BC-SXD", ""),
        ])  # fmt: skip
        planted[key] = (series, level, status)
    client.insert("observations", rows, column_names=[*_OBSERVATION, "revision", "agency", "text", "reference", "trace_id"])
    found = [Planted("board_records", key, "01", 3, level) for key, (_, level, _) in planted.items()]
    for key, (series, level, status) in planted.items():
        if status != "deleted":
            found.append(Planted("board_obstacles", key, "01", 2, level))
            found.append(Planted("board_values", series, "01", 2, level))
    return found


def plant_work(client: Client) -> list[Planted]:
    """Insert them; what was planted."""
    made = (
        ("t25", "a25", "25", 0, "Rà soát từng dự án"),
        ("t31", "a31", "31", 0, "Báo cáo tiến độ"),
        ("ticu", "icu", "01", 5, "Điều giường"),
    )
    rows = [
        [
            "alerts.actions",
            0,
            n,
            NOW,
            task,
            alert,
            "task",
            "Trực ban",
            "trucban",
            note,
            NOW - timedelta(days=1),
            NOW - timedelta(days=4),
            "board",
        ]
        for n, (task, alert, _, _, note) in enumerate(made)
    ]
    rows.append(["alerts.actions", 0, 9, NOW, "x1", "a25", "comment", "Trực ban", "trucban", "không phải nhiệm vụ", None, NOW, "board"])
    client.insert("alert_actions", [*rows, rows[0]], column_names=ACTION)
    money = [
        ["panes.test", 1, n, NOW, f"{PROJECT}|{figure}", "budget_year", 2026, 2026, 1, Decimal(amount) * 10**9, NOW - timedelta(days=2)]
        for n, (figure, amount) in enumerate((("actual", 400), ("plan_pm", 1000)))
    ]
    columns = ["topic", "partition", "offset", "appended", "series", "kind", "pane", "budget_year", "count", "sum", "last_time"]
    client.insert("panes", money, column_names=columns)
    tasks = [Planted("board_tasks", task, territory, 0, level) for task, _, territory, level, _ in made]
    panes = [Planted("board_panes", str(row[4]), "01", 2, 0) for row in money]
    return [*tasks, *panes, *_requests(client), *_assigned(client), *_obstacles(client), *_corrected(client)]


def _corrected(client: Client) -> list[Planted]:
    """A month of a flow in three states and a value in three revisions, out of order and one of them twice: the newest counts once."""
    pane = ["topic", "partition", "offset", "appended", "series", "kind", "pane", "budget_year", "count", "sum", "last_time", "through"]
    for through, amount in ((2, 9), (1, 5), (2, 9), (0, 7)):  # each insert a part of its own
        client.insert(
            "panes", [["panes.test", 2, through, NOW, FLOW, "month", PANE, 2026, 1, Decimal(amount), NOW, through]], column_names=pane
        )
    for revision, amount in ((1, 20), (2, 30), (0, 10), (2, 30)):
        record = ["obs.test", 1, revision, NOW, VALUE, "vn-1012/A.I.2", "", "79", "", "", [], "actual", "month", 0, 2026]
        record += ["percent", "revised", Decimal(amount), MONTH, NOW, NOW, NOW, "rev", "NSO", "open_data", revision]
        client.insert("observations", [record], column_names=[*_OBSERVATION, "revision"])
    told = [Planted("board_values", VALUE, "79", 0, 0), Planted("board_records", "rev", "79", 3, 0)]
    return [*told, Planted("board_panes", FLOW, "79", 1, 0)]
