"""Emergencies for the board's tests: a storm in Hải Phòng with a shift that waits, a drill with figures, one of Hà Nội that is closed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from clickhouse_connect.driver.client import Client

from indicators.emergency import Area, Did, Step
from indicators.storm_track import TrackPoint
from tests.dashboards.seeds import NOW, NOW_MS, Planted
from transport.emergencies import step_key

STORM, DRILL, CLOSED = "storm-flood-20261101-aaaaaa", "epidemic-20261101-bbbbbb", "disaster-incident-20261030-cccccc"
TRACK = (TrackPoint(NOW_MS, 107.4, 20.2, 60), TrackPoint(NOW_MS + 21_600_000, 106.7, 20.8, 60))
OFF_SHORE = ("10507", "10525")


def _step(emergency: str, did: Did, **fields: Any) -> Step:
    plain: dict[str, Any] = {"id": f"{emergency[:5]}-{did}", "emergency": emergency, "did": did, "at": NOW_MS}
    return Step(**(plain | {"actor": "Trực ban ca đêm", "why": "bão số 12"} | fields))


def _opened(emergency: str, area: Area, **fields: Any) -> Step:
    scenario = emergency.rsplit("-", 2)[0]
    return _step(emergency, "open", scenario=scenario, area=area, phase="response", document="12/CĐ-TTg", actor="Lãnh đạo", **fields)


STEPS = (
    (_opened(STORM, Area(OFF_SHORE, TRACK)), "31"),
    (_step(STORM, "readiness", pillar="forces", state="partly", why="còn thiếu 2 xuồng"), "31"),
    (_step(STORM, "note", why="đê Tràng Cát an toàn"), "31"),
    (_step(STORM, "handover", to="Trực ban ca ngày", why="theo dõi cống Bến Hến"), "31"),
    (_opened(DRILL, Area(("31",)), exercise=True), "31"),
    (_opened(CLOSED, Area(("01",))), "01"),
    (_step(CLOSED, "close", why="đã cứu hộ xong"), "01"),
)


def plant_emergencies(client: Client) -> list[Planted]:
    """Insert them; what was planted."""
    columns = ["topic", "partition", "offset", "appended", "step_key", "body"]
    rows = [
        ["ops.emergency", 0, n, NOW - timedelta(hours=3) + timedelta(minutes=n), step_key(step).decode(), step.body().decode()]
        for n, (step, _) in enumerate(STEPS)
    ]
    client.insert("emergency_steps", rows, column_names=columns)
    return [Planted("board_emergency_steps", step_key(step).decode(), territory, 0, 0) for step, territory in STEPS]
