"""Tasks: what agencies were ordered to do and until when, as a table of people (CSV, JSON, Excel) or an export of the system of documents.

One row is one task. Sent again with a higher `lan_dinh_chinh` it replaces what was said: done (`ngay_hoan_thanh`), extended (`han`), handed
to another agency is a withdrawal (`trang_thai` «hủy») and a new task. What a row means as a figure: indicators/assigned_task.py.
"""

from __future__ import annotations

from collections.abc import Mapping

from indicators.assigned_task import PERIOD, TASK
from indicators.observation import Observation
from indicators.territory import COUNTRY
from producers.fields import code_of
from producers.intake_fields import needed_in, text_in
from producers.reject import Refused
from producers.sheet import Cell
from producers.undertaking import Days, Undertakings

COLUMNS = (
    "ma_nhiem_vu", "noi_dung", "co_quan_thuc_hien", "co_quan_giao", "so_van_ban", "ngay_giao", "han", "ngay_hoan_thanh", "ma_canh_bao",
    "trang_thai", "lan_dinh_chinh",
)  # fmt: skip
"""Task id, content, agency that does it, agency that ordered it, document, day of the order, due day (empty: none), day done (empty: not
yet), alert that caused it (empty: none), empty or «hủy», revision."""
STATES = {"đang thực hiện": "official", "hủy": "deleted"}


class Tasks(Undertakings):
    """The adapter of tables of tasks."""

    name = "tasks"
    columns = COLUMNS
    states = STATES

    def observation(self, cells: Mapping[str, Cell], now: int) -> Observation:
        """See Undertakings."""
        identity, content, agency = (needed_in(cells, name) for name in ("ma_nhiem_vu", "noi_dung", "co_quan_thuc_hien"))
        ordered_by = text_in(cells, "co_quan_giao") or self.provider
        status, days = self.status(cells), Days.of(cells, "ngay_giao", "han", "ngay_hoan_thanh")
        identity = code_of(identity, "ma_nhiem_vu")
        area = self._area(agency)
        return Observation(
            indicator=TASK, concept="assigned_tasks_open", measure_unit="task", period_type=PERIOD, ingested_at=now, territory=area,
            agency=agency, provider=ordered_by, source_system=self.name, source_record_id=identity, dimensions=(("agency", agency),),
            **self.told(cells, status, days, content), trace_id=_alert(text_in(cells, "ma_canh_bao")),
        )  # fmt: skip

    def _area(self, code: str) -> str:
        """The province an agency works in, where it is one; else the country."""
        agency = self._vocabulary.agency(code)
        if agency is None:
            raise Refused("unknown_agency", "co_quan_thuc_hien", "a code of the list of agencies is required; found another")
        served = agency.territory_served
        return served[0] if len(served) == 1 and self._vocabulary.ancestor(served[0], "province") == served[0] else COUNTRY


def _alert(text: str) -> str:
    """The alert's id as the trace of the task: 32 hexadecimal digits, with or without hyphens."""
    plain = text.replace("-", "").lower()
    if plain and (len(plain) != 32 or set(plain) - set("0123456789abcdef")):
        raise Refused("validation", "ma_canh_bao", "the id of an alert is required (nhip alerts list), or an empty cell")
    return plain
