"""Obstacles of projects: what holds a project up and who must remove it until when, as a table of people (CSV, JSON, Excel).

One row is one obstacle of one project; its id is the project's own. Sent again with a higher `lan_dinh_chinh` it replaces what was said:
removed (`ngay_thao_go`), another due day (`han`), other words. Of another kind, or handed to another agency, it is a withdrawal
(`trang_thai` «hủy») and a new obstacle. What a row means as a figure: indicators/obstacle.py.
"""

from __future__ import annotations

from collections.abc import Mapping

from indicators.assigned_task import PERIOD
from indicators.observation import Observation
from indicators.obstacle import KINDS_VI, OBSTACLE
from indicators.subject import Subject
from producers.fields import code_of
from producers.intake_fields import needed_in, text_in, word_in
from producers.reject import Refused
from producers.sheet import Cell
from producers.undertaking import Days, Undertakings

COLUMNS = (
    "ma_vuong_mac", "ma_du_an", "loai", "noi_dung", "co_quan_thao_go", "co_quan_bao_cao", "so_van_ban", "tu_ngay", "han", "ngay_thao_go",
    "trang_thai", "lan_dinh_chinh",
)  # fmt: skip
"""Obstacle id within its project, project, kind (a word of indicators/obstacle.py or its code), content, agency that must remove it, agency
that tells of it (empty: the project's own), document, since which day, due day (empty: none), day removed (empty: not yet), empty or
«hủy», revision."""
STATES = {"chưa tháo gỡ": "official", "hủy": "deleted"}
KINDS: dict[str, str] = {word: code for code, word in KINDS_VI.items()}


class Obstacles(Undertakings):
    """The adapter of tables of obstacles."""

    name = "obstacles"
    columns = COLUMNS
    states = STATES

    def observation(self, cells: Mapping[str, Cell], now: int) -> Observation:
        """See Undertakings."""
        identity, content, agency = (needed_in(cells, name) for name in ("ma_vuong_mac", "noi_dung", "co_quan_thao_go"))
        identity = code_of(identity, "ma_vuong_mac")
        project, kind = self._project(needed_in(cells, "ma_du_an")), word_in(cells, "loai", KINDS, "")
        status, days = self.status(cells), Days.of(cells, "tu_ngay", "han", "ngay_thao_go")
        if self._vocabulary.agency(agency) is None:
            raise Refused("unknown_agency", "co_quan_thao_go", "a code of the list of agencies is required; found another")
        return Observation(
            indicator=OBSTACLE, concept="project_obstacles_open", measure_unit="item", period_type=PERIOD, ingested_at=now,
            territory=project.territory, agency=agency, provider=text_in(cells, "co_quan_bao_cao") or project.agency,
            source_system=self.name, source_record_id=f"{project.id}/{identity}", subject_type=project.type, subject_id=project.id,
            dimensions=(("agency", agency), ("obstacle_kind", kind)), **self.told(cells, status, days, content),
        )  # fmt: skip

    def _project(self, code: str) -> Subject:
        found = self._vocabulary.subject("project", code)
        if found is None:
            raise Refused("unknown_subject", "ma_du_an", "the id of a registered project is required; register it first")
        return found
