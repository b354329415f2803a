"""Emergencies as events: steps that people take, and what stands after them. Pure; the topic is transport/emergencies.py's affair.

An emergency is a scenario opened for an area, by a person, for a reason, under a document. Its steps have one order; what follows is a
function of them: a step that its emergency does not allow any more (a second opening, a phase after the close) is kept and changes nothing.
A step takes effect at its `effective` instant, never earlier: readings are judged by what was in effect at their event time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any, Final, Literal, Self, get_args

from indicators.scenario import PHASES, PILLARS, Phase, Pillar
from indicators.storm_track import TrackPoint, within
from indicators.territory import COUNTRY
from indicators.vocabulary import Vocabulary

Did = Literal["open", "widen", "phase", "readiness", "note", "handover", "accept", "close"]
AFTER_CLOSE: Final = frozenset({"note", "handover", "accept"})
"""What is still written after the close: the record is finished and handed over."""
State = Literal["ready", "partly", "not_ready"]
STATES_VI: Final[dict[str, str]] = {"ready": "sẵn sàng", "partly": "sẵn sàng một phần", "not_ready": "chưa sẵn sàng"}
DID_VI: Final[dict[str, str]] = {
    "open": "mở", "widen": "mở rộng địa bàn", "phase": "chuyển giai đoạn", "readiness": "báo cáo bốn tại chỗ", "note": "ghi sổ trực",
    "handover": "bàn giao ca trực", "accept": "nhận ca trực", "close": "kết thúc",
}  # fmt: skip
FOREVER: Final = 1 << 60


class EmergencyError(ValueError):
    """A step that is none, or that the emergency does not allow; the message is for people, Vietnamese first."""


@dataclass(frozen=True, slots=True)
class Area:
    """Area of interest: codes of units (a commune, a province, VN), and a storm's track whose units are among them."""

    units: tuple[str, ...] = ()
    track: tuple[TrackPoint, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.units or self.track)

    def covers(self, place: Place, vocabulary: Vocabulary) -> bool:
        """Is a place in the area? Its own unit or one above is listed; or its point lies within the track; or, of a figure that speaks of
        a whole province, one of the province's communes is listed (stations are registered by province)."""
        known = _listed(self.units)
        if not known.isdisjoint(place.units):
            return True
        if self.track and place.point is not None:
            return within(self.track, *place.point)
        return place.units[0] in _provinces(vocabulary, self.units)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a figure is of: its unit and those above it, and the subject's point (lon, lat) where it has one."""

    units: tuple[str, ...]
    point: tuple[float, float] | None = None


def place_of(vocabulary: Vocabulary, territory: str, subject_type: str = "", subject_id: str = "") -> Place:
    """The place of a series."""
    chain, code = [territory], territory
    while (unit := vocabulary.territory(code)) is not None and unit.parent:
        code = unit.parent
        chain.append(code)
    if chain[-1] != COUNTRY:
        chain.append(COUNTRY)
    subject = vocabulary.subject(subject_type, subject_id) if subject_type else None
    point = (subject.lon, subject.lat) if subject and subject.lon is not None and subject.lat is not None else None
    return Place(tuple(chain), point)


@lru_cache(maxsize=64)
def _listed(units: tuple[str, ...]) -> frozenset[str]:
    return frozenset(units)


@lru_cache(maxsize=64)
def _provinces(vocabulary: Vocabulary, units: tuple[str, ...]) -> frozenset[str]:
    """Provinces that the listed units lie in."""
    return frozenset(province for code in units if (province := vocabulary.ancestor(code, "province")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a person did. `at`: the writer's clock, epoch ms; `why`, `document`: the reason and the number of the document; `to`: who takes
    the shift over; `about`: id of the step that is accepted; `via`: nhip or board."""

    id: str
    emergency: str
    did: Did
    at: int
    actor: str
    office: str = ""
    why: str = ""
    document: str = ""
    scenario: str = ""
    exercise: bool = False
    phase: Phase | Literal[""] = ""
    area: Area = field(default_factory=Area)
    pillar: Pillar | Literal[""] = ""
    state: State | Literal[""] = ""
    to: str = ""
    about: str = ""
    via: str = "nhip"

    def body(self) -> bytes:
        """Its row."""
        return json.dumps(asdict(self), ensure_ascii=False).encode()

    @classmethod
    def of(cls, body: bytes) -> Self:
        """From its row. Raises EmergencyError for what is no step."""
        try:
            plain: dict[str, Any] = json.loads(body)
            area = plain.pop("area")
            track = tuple(TrackPoint(**point) for point in area["track"])
            step = cls(area=Area(tuple(map(str, area["units"])), track), **plain)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise EmergencyError(f"hàng không đọc được / a row that cannot be read: {type(error).__name__}") from error
        if lacks := step.lacks():
            raise EmergencyError(lacks)
        return step

    def lacks(self) -> str:
        """What the step does not say though it must; empty where it is whole."""
        needed = {
            "open": (self.scenario and self.area and self.why and self.document and self.phase in PHASES,
                     "mở cần kịch bản, địa bàn, giai đoạn, lý do và số văn bản / scenario, area, phase, reason, document"),
            "widen": (self.area and self.why, "mở rộng cần địa bàn và lý do / area and reason"),
            "phase": (self.phase in PHASES, "cần giai đoạn / a phase is needed"),
            "readiness": (self.pillar in PILLARS and self.state in get_args(State),
                          "cần một trong bốn tại chỗ và tình trạng / pillar and state"),
            "note": (self.why, "cần nội dung / words are needed"),
            "handover": (self.to and self.why, "bàn giao cần người nhận và nội dung / who takes over, and notes"),
            "accept": (self.about, "cần mã lần bàn giao / which handover"),
            "close": (self.why, "kết thúc cần lý do / a reason is needed"),
        }  # fmt: skip
        if not (self.actor and self.emergency and self.id):
            return "cần người thực hiện / who did it"
        if self.did not in needed:
            return f"không có việc «{self.did}» / no such deed"
        ok, said = needed[self.did]
        return "" if ok else said


@dataclass(frozen=True, slots=True)
class Taken:
    """A step in its place. `effective`: epoch ms; `counts`: did its emergency allow it?"""

    step: Step
    effective: int
    counts: bool


@dataclass(frozen=True, slots=True)
class Span:
    """From when until before when an emergency holds for a place, epoch ms; `end` FOREVER while it is open."""

    emergency: str
    begin: int
    end: int
    exercise: bool

    def holds(self, at: int) -> bool:
        """Does it at this instant?"""
        return self.begin <= at < self.end


@dataclass(slots=True)
class Emergency:
    """One emergency as its steps made it."""

    id: str
    steps: list[Taken] = field(default_factory=list)
    opening: Taken | None = None
    closing: Taken | None = None
    phase: Phase | Literal[""] = ""

    @property
    def scenario(self) -> str:
        """Id of the scenario; empty where nothing opened it."""
        return self.opening.step.scenario if self.opening else ""

    @property
    def exercise(self) -> bool:
        """Is it a drill?"""
        return bool(self.opening and self.opening.step.exercise)

    @property
    def open(self) -> bool:
        """Opened and not closed."""
        return self.opening is not None and self.closing is None

    @property
    def units(self) -> tuple[str, ...]:
        """All units of its area, sorted."""
        return tuple(sorted({unit for area, _ in self.areas() for unit in area.units}))

    @property
    def tracks(self) -> list[tuple[TrackPoint, ...]]:
        """Storm tracks of its area."""
        return [area.track for area, _ in self.areas() if area.track]

    @property
    def readiness(self) -> dict[str, Taken]:
        """The newest report of each pillar."""
        return {t.step.pillar: t for t in self.counted() if t.step.did == "readiness"}

    def counted(self) -> Iterator[Taken]:
        """Steps that count, in order."""
        return (taken for taken in self.steps if taken.counts)

    def areas(self) -> Iterator[tuple[Area, int]]:
        """Each area with the instant from which it belongs to the emergency."""
        return ((t.step.area, t.effective) for t in self.counted() if t.step.did in ("open", "widen"))

    def waiting_handover(self) -> Taken | None:
        """The newest handover that nobody has accepted."""
        done = {t.step.about for t in self.counted() if t.step.did == "accept"}
        given = [t for t in self.counted() if t.step.did == "handover" and t.step.id not in done]
        return given[-1] if given else None

    def span(self, place: Place, vocabulary: Vocabulary) -> Span | None:
        """When it holds for a place; None: never."""
        begins = [since for area, since in self.areas() if area.covers(place, vocabulary)]
        end = self.closing.effective if self.closing else FOREVER
        return Span(self.id, min(begins), end, self.exercise) if begins and min(begins) < end else None

    def refuses(self, step: Step) -> str:
        """Why a step would change nothing now; empty where it counts."""
        if step.did == "open":
            return "đã mở / it is open already" if self.opening else ""
        if self.opening is None:
            return "chưa mở / it is not open"
        if self.closing is not None and step.did not in AFTER_CLOSE:
            return "đã kết thúc / it is closed"
        if step.did == "phase" and step.phase == self.phase:
            return "đang ở giai đoạn này / it is in this phase already"
        if step.did == "accept":
            waiting = self.waiting_handover()
            if waiting is None or waiting.step.id != step.about:
                return "không có ca chờ nhận / no shift waits to be taken"
            if waiting.step.actor == step.actor:
                return "người giao không thể tự nhận / who hands over cannot accept"
        return ""

    def take(self, step: Step, effective: int) -> None:
        """One step, in order."""
        counts = not self.refuses(step)
        taken = Taken(step, effective, counts)
        self.steps.append(taken)
        if not counts:
            return
        if step.did == "open":
            self.opening = taken
        if step.did == "close":
            self.closing = taken
        if step.did in ("open", "phase"):
            self.phase = step.phase


def spans(emergencies: Iterable[Emergency], scenarios: Iterable[str], place: Place, vocabulary: Vocabulary) -> tuple[Span, ...]:
    """When emergencies of these scenarios hold for a place, real ones before drills, the oldest first."""
    wanted = frozenset(scenarios)
    found = (one.span(place, vocabulary) for one in emergencies if one.scenario in wanted)
    return tuple(sorted((s for s in found if s is not None), key=lambda s: (s.exercise, s.begin, s.emergency)))
