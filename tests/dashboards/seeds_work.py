"""More rows for the board's tests: tasks of the planted alerts, the money of one project, states that came late, twice and corrected."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from clickhouse_connect.driver.client import Client

from tests.dashboards.seeds import _OBSERVATION, MONTH, NOW, PANE, Planted

FLOW = "vn-1012/A.II.5|export|79||market=US|actual"
VALUE = "vn-1012/A.I.2||79|||actual"
PROJECT = "vn-1012/A.II.3||01|project:DA-01-01|"


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
    columns = [
        "topic",
        "partition",
        "offset",
        "appended",
        "action_id",
        "alert_id",
        "action",
        "actor",
        "office",
        "note",
        "until",
        "acted_at",
        "via",
    ]
    client.insert("alert_actions", [*rows, rows[0]], column_names=columns)
    money = [
        ["panes.test", 1, n, NOW, f"{PROJECT}|{figure}", "budget_year", 2026, 2026, 1, Decimal(amount) * 10**9, NOW - timedelta(days=2)]
        for n, (figure, amount) in enumerate((("actual", 400), ("plan_pm", 1000)))
    ]
    columns = ["topic", "partition", "offset", "appended", "series", "kind", "pane", "budget_year", "count", "sum", "last_time"]
    client.insert("panes", money, column_names=columns)
    tasks = [Planted("board_tasks", task, territory, 0, level) for task, _, territory, level, _ in made]
    return [*tasks, *(Planted("board_panes", str(row[4]), "01", 2, 0) for row in money), *_corrected(client)]


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
    values = [Planted(view, VALUE, "79", 0, 0) for view in ("board_values", "board_known_values")]
    return [*values, Planted("board_records", "rev", "79", 3, 0), Planted("board_panes", FLOW, "79", 1, 0)]
