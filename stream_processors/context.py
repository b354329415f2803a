"""What every lane of a worker shares: vocabulary, formulas, rules, schema ids, encoders, metrics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from indicators.derived.formula_book import FormulaBook
from indicators.dimension_sets import set_formulas
from indicators.rule import RuleBook
from indicators.vocabulary import Vocabulary
from stream_processors.assigned import with_tasks
from stream_processors.composites import with_composites
from stream_processors.dues import Dues
from stream_processors.expected import ExpectedSeries
from transport.columnar_reader import Refused
from transport.columnar_writer import AvroEncoder
from transport.dead_letters import DeadLetters
from transport.emergency_follower import EmergencyFollower
from transport.metrics import Metrics
from transport.registry import Registry
from transport.settings import Settings

GROUP = "worker"


class StageMetrics:
    """Counts what lanes do; `metrics` None: nothing is counted (tests, benchmarks of the pure fold)."""

    def __init__(self, metrics: Metrics | None) -> None:
        self.metrics = metrics

    def folded(self, stage: str, group: str, count: int, refused: Iterable[Refused]) -> None:
        """A chunk was folded."""
        if self.metrics is not None:
            self.metrics.count("nhip_messages_in", count, topic=f"{'obs' if stage == 'stage1' else 'operands'}.{group}")
            for one in refused:
                self.metrics.count("nhip_refused", stage=stage, reason=one.reason)


class Context:
    """Built once per process. Raises RegistryError where schemas are not registered, RuleError or DataFileError where data is wrong."""

    def __init__(self, settings: Settings, metrics: Metrics | None = None) -> None:
        self.settings = settings
        self.prefix = settings.topic_prefix
        self.vocabulary = Vocabulary.load(settings.home)
        self.rules = RuleBook.load(settings.home)
        self.expected = ExpectedSeries(self.vocabulary)
        self.emergencies = EmergencyFollower(settings, vocabulary=self.vocabulary, early=True)
        formulas = FormulaBook.load(settings.home).extended(set_formulas(self.vocabulary.series_specs()))
        self.dues = Dues(self.rules, settings.home)
        self.formulas = with_tasks(self.dues.with_results(with_composites(formulas, self.rules, self.vocabulary)), self)
        self.registry = Registry(settings)
        self.metrics = StageMetrics(metrics)
        self.conditions = AvroEncoder("condition", self.registry.id_of("condition"))
        encoder = AvroEncoder("dead_letter", self.registry.id_of("dead_letter"))
        self.letters = DeadLetters("stage1", encoder)
        self.letters_of_stage2 = DeadLetters("stage2", encoder)

    def close(self) -> None:
        """Close the registry's connections, and stop following emergencies."""
        self.emergencies.stop()
        self.registry.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
