"""Who sits at the desk of an office now: a rota of seats, absences and substitutes. Rules and stories name offices; only this file, kept by
the operator, knows how to reach the person.

File: `catalogue/duty.yaml`. Shifts follow one another without a gap from `begins` on, in the order of `seats`. A seat that is absent is
replaced by its substitute (who may be absent too), else by the next seat of the rota that is there; when nobody is, the office itself is
written to.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from indicators.datafile import DataFileError, Row, read_yaml, row_of
from indicators.instant import VIETNAM, to_ms


class Seat(Row):
    """A seat on duty: a function, never a name. `phone`: 84… without a plus; empty: not reached by text messages."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    title_vi: str = Field(min_length=2)
    email: str = Field("", pattern=r"^$|^[^@\s]+@[^@\s]+\.[^@\s]+$")
    phone: str = Field("", pattern=r"^$|^84\d{9,10}$")


class Rota(Row):
    """The shifts of one office at one place (`*`: at every place)."""

    office: str
    place: str = "*"
    begins: datetime
    shift: timedelta = Field(ge=timedelta(hours=1))
    seats: tuple[str, ...] = Field(min_length=1)

    def index_at(self, at: int) -> int | None:
        """Number of the seat on duty at an instant (epoch ms); None before the rota begins."""
        elapsed = at - _ms(self.begins)
        return None if elapsed < 0 else elapsed // (self.shift // timedelta(milliseconds=1)) % len(self.seats)


class Absence(Row):
    """A seat is not there in [begins, ends)."""

    seat: str
    begins: datetime
    ends: datetime
    substitute: str = ""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.ends <= self.begins:
            raise ValueError("ends must be after begins")
        return self

    def covers(self, at: int) -> bool:
        """Is the seat away at this instant (epoch ms)?"""
        return _ms(self.begins) <= at < _ms(self.ends)


class DutyFile(Row):
    """The file `catalogue/duty.yaml`."""

    seats: tuple[Seat, ...] = ()
    rotas: tuple[Rota, ...] = ()
    absences: tuple[Absence, ...] = ()

    @model_validator(mode="after")
    def _known(self) -> Self:
        known = {seat.id for seat in self.seats}
        if len(known) != len(self.seats):
            raise ValueError("seats: an id is given twice")
        named = [s for r in self.rotas for s in r.seats] + [x for a in self.absences for x in (a.seat, a.substitute) if x]
        lost = sorted({name for name in named if name not in known})
        if lost:
            raise ValueError(f"unknown seat {', '.join(lost)}; add it under seats")
        return self


class Duty:
    """Answers who is on duty."""

    def __init__(self, content: DutyFile) -> None:
        self._seats = {seat.id: seat for seat in content.seats}
        self._rotas = {(rota.office, rota.place): rota for rota in content.rotas}
        self._absences = content.absences

    @classmethod
    def load(cls, home: Path) -> Self:
        """The rotas of `home/catalogue/duty.yaml`; none where there is no such file. Raises DataFileError naming file, line and field."""
        path = home / "catalogue" / "duty.yaml"
        if not path.exists():
            return cls(DutyFile())
        content = read_yaml(path)
        if not isinstance(content, dict):
            raise DataFileError(path, "expected a mapping with lists `seats`, `rotas`, `absences`")
        return cls(row_of(path, content, DutyFile))

    def on_duty(self, office: str, place: str, at: int) -> Seat | None:
        """The seat on duty for an office at a place at an instant (epoch ms); None: no rota, not begun, or nobody is there."""
        rota = self._rotas.get((office, place)) or self._rotas.get((office, "*"))
        index = rota.index_at(at) if rota else None
        if rota is None or index is None:
            return None
        for n in range(len(rota.seats)):
            present = self._present(rota.seats[(index + n) % len(rota.seats)], at)
            if present is not None:
                return self._seats[present]
        return None

    def _present(self, seat: str, at: int) -> str | None:
        """The seat, or who stands in for it along the chain of substitutes; None where the chain ends with nobody."""
        asked: set[str] = set()
        while seat and seat not in asked:
            asked.add(seat)
            away = next((a for a in self._absences if a.seat == seat and a.covers(at)), None)
            if away is None:
                return seat
            seat = away.substitute
        return None


def _ms(moment: datetime) -> int:
    return to_ms(moment if moment.tzinfo else moment.replace(tzinfo=VIETNAM))
