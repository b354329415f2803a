"""What readers do in emergencies: open, exercise, widen, change the phase, report readiness, write the log, hand the shift over, close.

Who may is said by the scenario (`may`), by role. Beyond that, what concerns an area (opening, widening, phase, close) takes a reader whose
scope holds all of it; the log and readiness take one who sees the emergency.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from dashboards.board import Forbidden, Missing, Visit
from dashboards.figures import ms
from indicators.datafile import DataFileError
from indicators.emergency import Area, Emergency, EmergencyError, State, Step
from indicators.instant import VIETNAM, local
from indicators.numbers_vi import unaccent_vi
from indicators.scenario import Phase, Pillar, Scenario
from indicators.storm_track import TrackPoint, track_of, units_within
from indicators.vocabulary import Vocabulary
from transport.emergencies import EmergencyBook

OF_AREA: Final = frozenset({"open", "widen", "phase", "close"})
MOST_CHARACTERS: Final = 20_000


class OpenForm(BaseModel):
    """What the form of an opening sends."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    scenario: str = Field(max_length=64)
    phase: Phase
    units: str = Field("", max_length=MOST_CHARACTERS)
    track: str = Field("", max_length=MOST_CHARACTERS)
    why: str = Field(min_length=1, max_length=2000)
    document: str = Field(min_length=1, max_length=200)
    exercise: bool = False


class StepForm(BaseModel):
    """What the form of a step sends."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    did: Literal["widen", "phase", "readiness", "note", "handover", "accept", "close"]
    phase: Phase | Literal[""] = ""
    units: str = Field("", max_length=MOST_CHARACTERS)
    track: str = Field("", max_length=MOST_CHARACTERS)
    pillar: Pillar | Literal[""] = ""
    state: State | Literal[""] = ""
    to: str = Field("", max_length=200)
    why: str = Field("", max_length=2000)
    document: str = Field("", max_length=200)


async def book_of(visit: Visit) -> EmergencyBook:
    """The emergencies that the reader may see."""
    book = EmergencyBook()
    for row in await visit.ask("emergency_steps"):
        book.take(row["step_key"].encode(), row["body"].encode(), ms(row["appended"]))
    return book


async def opened(visit: Visit, form: OpenForm) -> None:
    """Open or exercise a scenario. Raises Forbidden, EmergencyError or JournalError."""
    scenario = visit.board.scenarios.get(form.scenario)
    if scenario is None:
        raise EmergencyError("không có kịch bản này / no such scenario")
    if not may(visit, scenario, "exercise" if form.exercise else "open"):
        raise Forbidden
    area = area_of(visit, form.units, form.track, scenario)
    identity = f"{scenario.id}-{local(visit.now).astimezone(VIETNAM):%Y%m%d}-{uuid.uuid4().hex[:6]}"
    step = _step(visit, identity, did="open", scenario=scenario.id, exercise=form.exercise, phase=form.phase, area=area, why=form.why,
                 document=form.document)  # fmt: skip
    await _written(visit, Emergency(identity), step)


async def stepped(visit: Visit, identity: str, form: StepForm) -> None:
    """Another step. Raises Forbidden, Missing, EmergencyError or JournalError."""
    one = (await book_of(visit)).emergencies.get(identity)
    scenario = visit.board.scenarios.get(one.scenario) if one else None
    if one is None or scenario is None:
        raise Missing
    if not may(visit, scenario, form.did) or (form.did in OF_AREA and not _holds(visit, one.units)):
        raise Forbidden
    fields = form.model_dump(exclude={"units", "track"})
    if form.did == "widen":
        fields["area"] = area_of(visit, form.units, form.track, scenario)
    if form.did == "accept":
        waiting = one.waiting_handover()
        fields["about"] = waiting.step.id if waiting else ""
    await _written(visit, one, _step(visit, identity, **fields))


def may(visit: Visit, scenario: Scenario, deed: str) -> bool:
    """Does the scenario let the reader's role do this?"""
    allowed = {name: roles for name, roles in scenario.may.items() if name == deed}
    return visit.access.may_act and any(visit.account.role in roles for roles in allowed.values())


def area_of(visit: Visit, units: str, track: str, scenario: Scenario) -> Area:
    """The area of a form. Raises EmergencyError for names and points that are none, Forbidden outside the reader's scope."""
    vocabulary = visit.board.vocabulary
    codes = {_unit(vocabulary, word.strip()) for word in units.replace("\n", ";").split(";") if word.strip()}
    points: tuple[TrackPoint, ...] = ()
    if track:
        if not scenario.storm_track:
            raise EmergencyError("kịch bản này không lấy địa bàn từ đường đi của bão / this scenario takes no storm track")
        try:
            points = track_of(track, Path("duong-di-cua-bao.csv"))
        except DataFileError as error:
            raise EmergencyError(str(error)) from error
        codes.update(units_within(vocabulary, points))
    if not codes:
        raise EmergencyError("chưa có địa bàn: ghi tên tỉnh, mã xã hoặc đường đi của bão / no unit: name provinces, communes or a track")
    if not _holds(visit, codes):
        raise Forbidden
    return Area(tuple(sorted(codes)), points)


def _unit(vocabulary: Vocabulary, word: str) -> str:
    """The code of a unit in force by its code, or of a province by its name, with or without marks."""
    if vocabulary.territory(word) is not None:
        return word
    wanted = unaccent_vi(word).lower()
    for unit in vocabulary.territories("province"):
        if wanted in (unaccent_vi(unit.name_vi).lower(), unaccent_vi(unit.short_name_vi).lower()):
            return unit.code
    raise EmergencyError(f"không có địa bàn «{word[:60]}» / no such unit")


def _holds(visit: Visit, units: tuple[str, ...] | set[str]) -> bool:
    return all(visit.access.sees(code, visit.board.vocabulary) for code in units)


def _step(visit: Visit, identity: str, **fields: object) -> Step:
    made: dict[str, object] = {"id": str(uuid.uuid4()), "emergency": identity, "at": visit.now, "actor": visit.account.title_vi,
                               "office": visit.account.name, "via": "board", **fields}  # fmt: skip
    return Step(**made)  # type: ignore[arg-type]  # the forms have checked each field


async def _written(visit: Visit, one: Emergency, step: Step) -> None:
    if said := step.lacks() or one.refuses(step):
        raise EmergencyError(said)
    await visit.board.journal.step(step, visit.deed(f"emergency.{step.did}", step.emergency, step.id, step.why))
