"""Obstacles of projects: what holds a project up and who must remove it until when, as a table of people (CSV, JSON, Excel).

One row is one obstacle of one project; its id is the project's own. Sent again with a higher `lan_dinh_chinh` it replaces what was said:
removed (`ngay_thao_go`), another due day (`han`), other words. Of another kind, or handed to another agency, it is a withdrawal
(`trang_thai` «hủy») and a new obstacle. What a row means as a figure: indicators/obstacle.py.
"""

from __future__ import annotations

from decimal import Decimal

from indicators.assigned_task import PERIOD
from indicators.observation import Observation
from indicators.obstacle import KINDS_VI, OBSTACLE
from indicators.series import SeriesError, check
from indicators.subject import Subject
from indicators.vocabulary import Vocabulary
from producers.documents import Document, Overlay, Parsed
from producers.fields import whole_of
from producers.intake_fields import needed_in, text_in, word_in
from producers.reject import Refused
from producers.sheet import Line, read_lines
from producers.undertaking import MAX_CONTENT, Days

COLUMNS = (
    "ma_vuong_mac", "ma_du_an", "loai", "noi_dung", "co_quan_thao_go", "co_quan_bao_cao", "so_van_ban", "tu_ngay", "han", "ngay_thao_go",
    "trang_thai", "lan_dinh_chinh",
)  # fmt: skip
"""Obstacle id within its project, project, kind (a word of indicators/obstacle.py or its code), content, agency that must remove it, agency
that tells of it (empty: the project's own), document, since which day, due day (empty: none), day removed (empty: not yet), empty or
«hủy», revision."""
STATES = {"chưa tháo gỡ": "official", "hủy": "deleted"}
KINDS: dict[str, str] = {word: code for code, word in KINDS_VI.items()}


class Obstacles:
    """The adapter of tables of obstacles."""

    name = "obstacles"
    provider = "OOG"

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    def parse(self, document: Document, memory: Overlay, into: Parsed) -> None:
        """See documents.Adapter: `.csv`, `.json` (a list under `dong`), `.xlsx`."""
        read_lines(document, COLUMNS, into, lambda line: self._line(line, into))

    def _line(self, line: Line, into: Parsed) -> None:
        into.take(self._obstacle(line, into.now), line.place, line.original)

    def _obstacle(self, line: Line, now: int) -> Observation:
        cells = line.cells
        identity, content, agency = (needed_in(cells, name) for name in ("ma_vuong_mac", "noi_dung", "co_quan_thao_go"))
        try:
            check(identity, "ma_vuong_mac")
        except SeriesError as error:
            raise Refused("contract", "ma_vuong_mac", str(error)) from None
        project, kind = self._project(needed_in(cells, "ma_du_an")), word_in(cells, "loai", KINDS, "")
        status, days = word_in(cells, "trang_thai", STATES, "official"), Days.of(cells, "tu_ngay", "han", "ngay_thao_go")
        if self._vocabulary.agency(agency) is None:
            raise Refused("unknown_agency", "co_quan_thao_go", "a code of the list of agencies is required; found another")
        return Observation(
            indicator=OBSTACLE, concept="project_obstacles_open", measure_unit="item", period_type=PERIOD, period_start=days.begins,
            period_end=days.ends, event_time=days.done or days.begins, ingested_at=now, territory=project.territory, agency=agency,
            provider=text_in(cells, "co_quan_bao_cao") or project.agency, source_system=self.name,
            source_record_id=f"{project.id}/{identity}", subject_type=project.type, subject_id=project.id,
            dimensions=(("agency", agency), ("obstacle_kind", kind)), status=status,
            revision=whole_of(cells.get("lan_dinh_chinh") or 0, "lan_dinh_chinh"), text=content[:MAX_CONTENT],
            reference=text_in(cells, "so_van_ban") or None,
            value=None if status == "deleted" else Decimal(0 if days.done else 1),
        )  # fmt: skip

    def _project(self, code: str) -> Subject:
        found = self._vocabulary.subject("project", code)
        if found is None:
            raise Refused("unknown_subject", "ma_du_an", "the id of a registered project is required; register it first")
        return found
