"""A context without servers: the real vocabulary, rules and formulas; schema ids from a table instead of a registry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from indicators.derived.formula_book import FormulaBook
from indicators.dimension_sets import set_formulas
from indicators.rule import RuleBook
from indicators.vocabulary import Vocabulary
from stream_processors.assigned import with_tasks
from stream_processors.composites import with_composites
from stream_processors.context import Context, StageMetrics
from stream_processors.dues import Dues
from stream_processors.expected import ExpectedSeries
from transport.columnar_writer import AvroEncoder
from transport.dead_letters import DeadLetters
from transport.emergency_follower import EmergencyFollower
from transport.records import AvroDecoder
from transport.schema_ids import SchemaUnknown
from transport.schemas import load
from transport.settings import HOME, Settings
from transport.transactions import Rows

NAMES = ("observation", "pane", "aggregate", "operand", "derived", "condition", "dead_letter")


class OfflineRegistry:
    """Ids 1… in the order of NAMES."""

    def id_of(self, name: str) -> int:
        """Id of a schema."""
        return NAMES.index(name) + 1

    def schema(self, number: int) -> dict[str, Any]:
        """Schema of an id; SchemaUnknown beyond the table."""
        if not 1 <= number <= len(NAMES):
            raise SchemaUnknown(str(number))
        return load(NAMES[number - 1]).raw


class OfflineContext(Context):
    """The same attributes as the real one."""

    def __init__(self, rules: RuleBook | None = None) -> None:
        self.settings = Settings.load()
        self.prefix = ""
        self.vocabulary = Vocabulary.load(HOME)
        self.rules = rules or RuleBook.load(HOME)
        self.expected = ExpectedSeries(self.vocabulary)
        self.emergencies = EmergencyFollower(self.settings)  # not started: the book is filled by hand
        formulas = FormulaBook.load(HOME).extended(set_formulas(self.vocabulary.series_specs()))
        self.dues = Dues(self.rules, HOME)
        self.formulas = with_tasks(self.dues.with_results(with_composites(formulas, self.rules, self.vocabulary)), self)
        self.registry = OfflineRegistry()  # type: ignore[assignment]
        self.metrics = StageMetrics(None)
        self.conditions = AvroEncoder("condition", self.registry.id_of("condition"))
        encoder = AvroEncoder("dead_letter", self.registry.id_of("dead_letter"))
        self.letters = DeadLetters("stage1", encoder)
        self.letters_of_stage2 = DeadLetters("stage2", encoder)


class Written:
    """What stages have written, as topics keep it: the newest row of each key by (topic, partition); `said`: every condition, in order."""

    def __init__(self, context: OfflineContext) -> None:
        self.said: list[dict[str, Any]] = []
        self._rows: dict[tuple[str, int], dict[bytes, bytes]] = {}
        self._decoder = AvroDecoder("condition", context.registry.schema)

    def take(self, one: Rows) -> None:
        """Rows of one partition; a row without a value ends its key."""
        kept = self._rows.setdefault((one.topic, one.partition), {})
        for key, value in zip(one.keys, one.values, strict=True):
            if one.topic.startswith("alerts.conditions"):
                self.said.append(self._decoder.decode(value or b""))
            elif value is None:
                kept.pop(key or b"", None)
            else:
                kept[key or b""] = value

    def newest(self, topic: str, partition: int) -> dict[bytes, bytes]:
        """The rows of a compacted partition."""
        return dict(self._rows.get((topic, partition), {}))


class Record(NamedTuple):
    """What a fold reads of a consumer record."""

    offset: int
    key: bytes
    value: bytes
    timestamp: int


class Stored(NamedTuple):
    """A message of a compacted topic, as a restore reads it."""

    row: tuple[bytes, bytes]
    at: int

    def key(self) -> bytes:
        """As written."""
        return self.row[0]

    def value(self) -> bytes:
        """As written."""
        return self.row[1]

    def offset(self) -> int:
        """Its place in the order of writing."""
        return self.at

    def headers(self) -> None:
        """None: no replay wrote it."""
        return


def stored(rows: Mapping[bytes, bytes]) -> list[Stored]:
    """What a compacted topic holds, in the order it was first written."""
    return [Stored(row, at) for at, row in enumerate(rows.items())]
