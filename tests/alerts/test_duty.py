"""The rota: who sits there, who stands in, and what a wrong file is told."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from alerts.duty import Absence, Duty, DutyFile, Rota, Seat
from indicators.datafile import DataFileError
from indicators.instant import VIETNAM, to_ms
from transport.settings import HOME

SEATS = tuple(Seat(id=f"s{n}", title_vi=f"Trực ban ca {n}", email=f"s{n}@example.vn") for n in (1, 2, 3))
BEGINS = datetime(2026, 10, 1, 7, tzinfo=VIETNAM)


def at(day: int, hour: int) -> int:
    return to_ms(datetime(2026, 10, day, hour, tzinfo=VIETNAM))


def duty(*absences: Absence) -> Duty:
    rota = Rota.model_validate({"office": "duty", "place": "01", "begins": BEGINS, "shift": "PT12H", "seats": ("s1", "s2", "s3")})
    return Duty(DutyFile(seats=SEATS, rotas=(rota,), absences=absences))


def away(seat: str, substitute: str = "") -> Absence:
    return Absence(seat=seat, begins=BEGINS, ends=datetime(2026, 10, 2, 7, tzinfo=VIETNAM), substitute=substitute)


def who(found: Duty, when: int, place: str = "01") -> str:
    seat = found.on_duty("duty", place, when)
    return seat.id if seat else ""


@pytest.mark.parametrize(("when", "seat"), [
    (at(1, 6), ""), (at(1, 7), "s1"), (at(1, 18), "s1"), (at(1, 19), "s2"), (at(2, 7), "s3"), (at(2, 19), "s1"), (at(31, 7), "s1"),
])  # fmt: skip
def test_shifts_follow_one_another(when: int, seat: str) -> None:
    assert who(duty(), when) == seat


def test_who_stands_in() -> None:
    assert who(duty(away("s1")), at(1, 8)) == "s2"  # no substitute named: the next seat
    assert who(duty(away("s1", "s3")), at(1, 8)) == "s3"
    assert who(duty(away("s1", "s3"), away("s3", "s2")), at(1, 8)) == "s2"
    assert who(duty(away("s1", "s3"), away("s3", "s1")), at(1, 8)) == "s2"  # each names the other: the next seat that is there
    assert who(duty(away("s1"), away("s2"), away("s3")), at(1, 8)) == ""
    assert who(duty(away("s1")), at(2, 19)) == "s1"  # back again


def test_an_office_without_a_rota_has_no_seat() -> None:
    assert who(duty(), at(1, 8), "31") == ""


def test_the_shipped_file_is_whole() -> None:
    found = Duty.load(HOME)
    assert found.on_duty("duty_government_office", "VN", at(1, 8)) is not None


def test_a_wrong_file_is_refused_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "catalogue"
    folder.mkdir()
    (folder / "duty.yaml").write_text("seats: []\nabsences: [{seat: x, begins: 2026-10-01T07:00:00, ends: 2026-10-02T07:00:00}]\n")
    with pytest.raises(DataFileError, match=r"catalogue/duty\.yaml.*unknown seat x"):
        Duty.load(tmp_path)
