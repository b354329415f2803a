"""Access: a generated matrix of readers × rows through every view of the board, and through every page: nothing leaks, nothing is lost."""

from __future__ import annotations

import itertools
import re

import pytest

from dashboards.access import Access
from dashboards.database import _TAKES, FOLDER, _arguments, query
from indicators.vocabulary import Vocabulary
from sinks import clickhouse as ch
from tests.dashboards.conftest import PROVINCE, Client, Seeded, served
from tests.dashboards.seeds import NOW, Planted
from tests.dashboards.seeds_emergency import CLOSED, STORM

pytestmark = pytest.mark.loopback
ALERTS = (
    "board_alerts",
    "board_alert_events",
    "board_told",
    "board_tasks",
    "board_emergency_steps",
    "board_requests",
    "board_backtests",
    "board_assigned_tasks",
)
WHOLE = ("board_territory_values", "board_known_territory_values")
KEYS = {
    "board_values": "series",
    "board_panes": "series",
    "board_series": "series",
    "board_records": "source_record_id",
    "board_alerts": "alert_id",
    "board_alert_events": "alert_id",
    "board_told": "alert_id",
    "board_tasks": "action_id",
    **dict.fromkeys(WHOLE, "concat(indicator, '|', component, '|', territory, '|||', figure)"),
    "board_results": "result",
    "board_known_results": "result",
    "board_emergency_steps": "step_key",
    "board_requests": "action_id",
    "board_assigned_tasks": "task",
    "board_obstacles": "obstacle",
    "board_backtests": "if(mark = 'ran', '', series)",
}
READERS = [
    *(Access(("VN",), depth, clearance) for depth, clearance in itertools.product(range(4), (0, 5))),
    *(Access(("31",), depth, clearance) for depth, clearance in itertools.product((0, 3), (0, 5))),
    Access(("01", "79"), 3, 4),
    Access(("26732",), 3, 5),
]
"""Alerts do not depend on depth: they are asked at one of them alone."""


def expected(access: Access, row: Planted, vocabulary: Vocabulary) -> bool:
    """Whether the reader may see the row, by the words of docs/board.md."""
    inside = (
        access.whole_country or row.territory in access.territories or vocabulary.ancestor(row.territory, "province") in access.territories
    )
    return inside and row.depth <= access.depth and row.level <= access.clearance


@pytest.mark.timeout(300)
def test_no_view_shows_a_reader_more_or_less_than_the_rules_say(seeded: Seeded) -> None:
    vocabulary = Vocabulary.load(seeded.settings.home)
    moment = ", moment = {moment:DateTime64(3, 'UTC')}"
    parts = {
        view: f"SELECT DISTINCT '{view}' AS view, toString({key}) AS key "
        f"FROM {view}({_arguments(view)}{moment if 'known' in view else ''}{', territory = {every:String}' if view == WHOLE[1] else ''})"
        for view, key in KEYS.items()
    }
    whole = [row._replace(view=view) for view in WHOLE for row in seeded.planted if row.view == "board_values" and row.depth == 0]
    planted = [*seeded.planted, *whole]
    checked = 0
    with ch.connected(seeded.settings, reader=True) as client:
        for access in READERS:
            views = [view for view in KEYS if access.depth == 3 or view not in ALERTS]
            rows = client.query(
                " UNION ALL ".join(parts[v] for v in views), parameters=access.parameters() | {"moment": NOW, "every": ""}
            ).result_rows
            wanted = {(row.view, row.key) for row in planted if row.view in views and expected(access, row, vocabulary)}
            assert set(rows) - {("board_backtests", "")} == wanted, f"{access}: that a rule was run is told to everybody"
            checked += sum(1 for row in planted if row.view in views)
    assert checked > 1000


def test_totals_and_refusals_follow_the_access_too(seeded: Seeded) -> None:
    with ch.connected(seeded.settings, reader=True) as client:

        def asked(view: str, columns: str, access: Access) -> set[object]:
            found = client.query(f"SELECT {columns} FROM {view}({_arguments(view)})", parameters=access.parameters())
            return {tuple(row) for row in found.result_rows}

        totals = "indicator, territory, toFloat64(total)"
        tax = [("vn-1012/A.II.4", t, n * 1e9) for t, n in (("01", 1.0), ("31", 3.0), ("26732", 5.0), ("VN", 7.0))]
        newest = ("vn-1012/A.II.5", "79", 9.0)
        assert asked("board_totals", totals, Access(("VN",), 0)) == {*tax, newest}, "as reported, ICU is no flow, the newest state once"
        values = asked("board_territory_values", "indicator, toFloat64(value), revision", Access(("79",), 0))
        assert values == {("vn-1012/A.I.2", 30.0, 2), ("vn-1012/A.II.4", 5.0, 0)}, "the newest revision once, in whatever order they came"
        assert asked("board_totals", totals, Access(("31",), 3)) == {tax[1]}
        for view, column in (("board_refused", "dead_letter_id"), ("board_operations", "name")):
            assert asked(view, column, Access(("VN",), 2)), view
            assert not asked(view, column, Access(("VN",), 1)), view
            assert not asked(view, column, Access(("31",), 3)), view


def test_every_question_reads_views_with_their_access_and_nothing_else() -> None:
    words = {"territories", "subjects", "agencies", "series_specs"}
    for path in FOLDER.glob("*.sql"):
        sql = "\n".join(line for line in path.read_text("utf-8").splitlines() if not line.startswith("--"))
        sources = set(re.findall(r"\b(?:FROM|JOIN)\s+(\w+)", sql, re.IGNORECASE))
        assert sources - words <= set(_TAKES), path.name
        for view in sources & set(_TAKES):
            assert not re.search(rf"{view}(?!\(@access)\b(?!\.)", sql) or path.stem == "restricted", f"{path.name}: {view} without @access"
        assert "@access" not in query(path.stem)


def test_a_province_reads_of_no_other_on_any_page(seeded: Seeded) -> None:
    async def work(client: Client) -> None:
        for path in (
            "/",
            "/ranking",
            "/map",
            "/map?layers=situation&shade=-",
            "/alerts?everything=true",
            "/supply",
            "/indicator/guide-7146/F02",
            "/indicator/vn-1012/A.II.4",
            "/ranking?format=json",
            "/wall",
            "/print",
            "/report?cutoff=01/11/2026+12:00",
            "/tasks?show=all",
            "/requests?show=all",
            "/rules",
            "/rules/GN-DTC-CHAM-KE-HOACH",
            "/emergency",
            f"/emergency/{STORM}",
        ):
            answer = await client.get(path)
            assert answer.status_code == 200, path
            for foreign in ("Hà Nội", "Phú Thọ", "a25", "BV-01"):
                assert foreign not in re.sub(r"<title>[^<]*</title>|\?[0-9a-f]{12}\"", "", answer.text), f"{path} tells of {foreign}"
        for path, status in (
            ("/?territory=01", 403),
            ("/?territory=VN", 403),
            ("/alerts/a25", 404),
            ("/operations", 403),
            (f"/emergency/{CLOSED}", 404),
            ("/indicator/guide-7146/F02?territory=25", 403),
        ):
            assert (await client.get(path)).status_code == status, path
        assert (await client.get("/alerts/a31")).status_code == 200

    served(seeded.settings, PROVINCE, work)
