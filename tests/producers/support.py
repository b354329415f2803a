"""What the tests of the producers share: the installation's vocabulary, a fixed instant, memory in a dict, one way to parse bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import SecretStr

from indicators.observation import Observation
from indicators.vocabulary import Vocabulary
from producers.codes import Codes
from producers.confirmations import Confirmations
from producers.contract import Json
from producers.customs import Customs
from producers.documents import Adapter, Document, Overlay, Parsed
from producers.fields import instant_of
from producers.icu import IntensiveCare
from producers.intake import Intake
from producers.obstacles import Obstacles
from producers.open_data import OpenData
from producers.pseudonym import Pseudonyms
from producers.reject import Reject
from producers.securities import Securities
from producers.sensors import Sensors
from producers.tasks import Tasks
from producers.tax import Tax
from producers.treasury import Treasury
from producers.validation import Door
from transport.settings import HOME

NOW = instant_of("2026-03-21T08:00:00+07:00", "now")
SAMPLES = HOME / "producers" / "samples"
DAY = "2026-03-20"


class Remembering:
    """Memory of a test: what earlier documents asked to remember."""

    def __init__(self) -> None:
        self.kept: dict[str, Json] = {}

    def recall(self, key: str) -> Json:
        return self.kept.get(key)


def vocabulary() -> Vocabulary:
    return Vocabulary.load(HOME)


def adapters() -> dict[str, Adapter]:
    codes, words = Codes.load(HOME), vocabulary()
    made: tuple[Adapter, ...] = (
        Tax(codes), Customs(codes.offices, Pseudonyms(SecretStr("of the test"))), Treasury(), Sensors(words), IntensiveCare(words),
        OpenData(words), Intake(words), Tasks(words), Obstacles(words), Securities(words), Confirmations(),
    )  # fmt: skip
    return {a.name: a for a in made}


DOOR = Door(vocabulary())
ADAPTERS = adapters()


def parse(source: str, name: str, data: bytes, memory: Remembering | None = None, now: int = NOW) -> Parsed:
    """One document through adapter and door; `memory` keeps what it remembers."""
    adapter, memory = ADAPTERS[source], memory or Remembering()
    into, overlay = Parsed(source, adapter.provider, DOOR, now), Overlay(memory)
    adapter.parse(Document(name, data, None), overlay, into)
    memory.kept.update({key: r.value for key, r in overlay.changes.items()})
    return into


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def reasons(rejects: Sequence[Reject]) -> list[tuple[str, str]]:
    return [(r.reason, r.field) for r in rejects]


def identities(observations: Sequence[Observation]) -> list[tuple[str, int, str]]:
    return [(o.source_record_id, o.revision, "" if o.value is None else str(o.value)) for o in observations]


def drop(folder: Path, name: str, data: bytes) -> Path:
    """Put a file into a folder as a writer does."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f".{name}").write_bytes(data)
    return (folder / f".{name}").rename(folder / name)
