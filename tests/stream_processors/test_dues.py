"""Reports due in the running stages: receipts and days in stage 1, one alert per provider and period in stage 2; the same whatever the
chunks, after a restart and in a fresh run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from indicators.heartbeat import BEATING_KEY, beat
from indicators.instant import DAY_MS, HOUR_MS
from indicators.observation import Observation
from indicators.period import period_of
from indicators.receipt import receipt_of
from indicators.rule import RuleBook
from indicators.rules.cases import instant
from stream_processors import stage1_restore, stage2_restore
from stream_processors.dues import GROUP
from stream_processors.stage1 import Stage1
from stream_processors.stage2 import Stage2
from tests.stream_processors.offline import OfflineContext, Record, stored
from tests.stream_processors.test_stage2_rules import Clock
from transport.columnar_writer import AvroEncoder
from transport.partitioner import partition_of
from transport.records import AvroDecoder
from transport.settings import HOME
from transport.topics import GROUPS
from transport.transactions import Rows

RULE = RuleBook.load(HOME).rules["BC-QUA-HAN"]
PROVIDER, CODES = "VSS", ["vn-1012/A.X.1", "vn-1012/A.X.3"]
"""Social Security owes these two figures, among others, every month."""


@pytest.fixture(scope="module")
def context() -> OfflineContext:
    """The shipped rule, held to one provider: a day is then a few operands and not hundreds."""
    scope = RULE.scope.model_copy(update={"where": f'subject_id == "{PROVIDER}"'})
    return OfflineContext(RuleBook([RULE.model_copy(update={"scope": scope})]))


class Platform:
    """Both stages over topics in memory. `send` publishes, `run` folds what lies there in chunks of a size."""

    def __init__(self, context: OfflineContext, patch: pytest.MonkeyPatch) -> None:
        self.context, self.clock = context, Clock()
        self.kept: dict[tuple[str, int], dict[bytes, bytes]] = {}
        self.inputs: dict[tuple[str, int], list[Record]] = {}
        self.said: list[dict[str, Any]] = []
        self._encoder = AvroEncoder("observation", context.registry.id_of("observation"))
        self._decoder = AvroDecoder("condition", context.registry.schema)
        for module in (stage1_restore, stage2_restore):
            patch.setattr(module, "newest_rows", lambda _, topic, p: dict(self.kept.get((topic, p), {})))
        patch.setattr(stage1_restore, "load_snapshot", lambda stage, position: position)
        patch.setattr(stage1_restore, "read_partition", lambda *_: iter(()))
        patch.setattr(stage2_restore, "read_partition", lambda _, topic, p: iter([stored(self.kept.get((topic, p), {}))]))
        self.restart()

    def restart(self) -> None:
        """Every process dies and others take over."""
        self.stages: dict[tuple[str, int], Stage1 | Stage2] = {}

    def send(self, o: Observation, appended: int) -> None:
        """Publish an observation."""
        spec = self.context.vocabulary.series_spec(o.indicator, o.component)
        assert spec is not None
        self._append(f"obs.{spec.group}", o.series().key().encode(), self._encoder.encode(o.record()), appended)

    def run(self, chunk: int = 1000) -> None:
        """Fold everything that lies in the topics, stage 1 first, and judge."""
        for stage in ("obs.", "operands."):
            for place in [place for place in self.inputs if place[0].startswith(stage)]:
                fold = self._stage(place)
                at = fold.folded if isinstance(fold, Stage1) else fold.folded_to
                records = self.inputs[place][at:]
                for first in range(0, len(records), chunk):
                    part = records[first : first + chunk]
                    self._commit(fold.fold(part, part[0].offset, part[-1].offset + 1))
        self.clock.now += 10
        for place, fold in list(self.stages.items()):
            if isinstance(fold, Stage2):
                self._commit(fold.settle(len(self.inputs.get(place, []))))

    def _stage(self, place: tuple[str, int]) -> Stage1 | Stage2:
        if place not in self.stages:
            kind, _, group = place[0].partition(".")
            fold = (Stage1 if kind == "obs" else Stage2)(self.context, group, place[1], self.clock)
            fold.restore()
            self.stages[place] = fold
        return self.stages[place]

    def _append(self, topic: str, key: bytes, value: bytes, appended: int, partition: int | None = None) -> None:
        p = partition_of(key, GROUPS[topic.partition(".")[2]]) if partition is None else partition
        records = self.inputs.setdefault((topic, p), [])
        records.append(Record(len(records), key, value, appended))

    def _commit(self, rows: Iterable[Rows]) -> None:
        for one in rows:
            for key, value in zip(one.keys, one.values, strict=True):
                if one.topic.startswith("alerts.conditions"):
                    self.said.append(self._decoder.decode(value or b""))
                elif one.topic.startswith("operands.") and "latest" not in one.topic:
                    self._append(one.topic, key or b"", value or b"", 0, one.partition)
                elif value is None:
                    self.kept.get((one.topic, one.partition), {}).pop(key or b"", None)
                else:
                    self.kept.setdefault((one.topic, one.partition), {})[key or b""] = value

    def steps(self) -> list[tuple[str, int, str, Decimal | None]]:
        """What was said: transition, severity, what was missing then, how many."""
        return [(row["transition"], row["severity"], row["missing"], row["numerator"]) for row in self.said]


def report(context: OfflineContext, code: str, month: str, revision: int = 0, status: str = "official") -> Observation:
    """A monthly figure of the whole country."""
    spec, period = context.vocabulary.series_spec(code), period_of("month", instant(month))
    assert spec is not None
    value = None if status == "deleted" else (spec.minimum or Decimal(0)) + 1
    return Observation(
        indicator=code, concept=spec.concept, measure_unit=spec.measure_unit, period_type="month", period_start=period.start_ms,
        period_end=period.end_ms, event_time=period.start_ms, ingested_at=period.end_ms, territory="VN", agency=PROVIDER, provider=PROVIDER,
        source_system="intake", source_record_id=f"{code}-{month}", status=status, value=value, revision=revision,
    )  # fmt: skip


Sent = list[tuple[int, Observation]]


def days(first: str, last: str) -> Sent:
    """A beat at midnight and one at noon, Vietnam's time, of each day."""
    at, found = instant(first), []
    while at <= instant(last):
        found += [(moment, beat(moment)) for moment in (at + 1000, at + 12 * HOUR_MS)]
        at += DAY_MS
    return found


def autumn(context: OfflineContext) -> Sent:
    """Both figures of August in time; of September the first in time, corrected after the due day, the second on 1 October."""
    one, two = CODES
    sent = [(instant(f"2026-08-20T0{n}:00"), report(context, code, "2026-08")) for n, code in enumerate(CODES)]
    sent.append((instant("2026-09-18T08:00"), report(context, one, "2026-09")))
    sent.append((instant("2026-09-29T08:00"), report(context, one, "2026-09", revision=1)))
    sent.append((instant("2026-10-01T08:00"), report(context, two, "2026-09")))
    return sorted([*sent, *days("2026-08-19", "2026-08-21"), *days("2026-09-17", "2026-10-02")], key=lambda pair: pair[0])


def told() -> list[tuple[str, int, str, Decimal | None]]:
    """What orderly arrival says of it. 25 September 2026 is a Friday."""
    missing = CODES[1]
    return [("opened", 1, missing, Decimal(1)), ("worse", 2, missing, Decimal(1)), ("worse", 3, missing, Decimal(1)),
            ("cleared", 0, "", Decimal(0))]  # fmt: skip


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_one_alert_per_provider_and_period_whatever_the_chunks(
    context: OfflineContext, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    platform = Platform(context, monkeypatch)
    for n, (appended, o) in enumerate(autumn(context)):
        platform.send(o, appended)
        if n % chunk == 0:
            platform.run(chunk)
    platform.run(chunk)
    assert platform.steps() == told()
    assert {(row["agency"], row["provider"], row["subject_id"], row["period_type"]) for row in platform.said} == {
        (PROVIDER, PROVIDER, PROVIDER, "month")
    }
    assert len({row["alert_id"] for row in platform.said}) == 1
    first, last = platform.said[0], platform.said[-1]
    assert (first["since"], first["event_time"], first["value"], first["denominator"]) == (
        instant("2026-09-01"), instant("2026-09-22"), Decimal(-3), Decimal(2)
    )  # fmt: skip
    assert last["event_time"] == instant("2026-10-01T08:00")


def test_a_worker_that_dies_at_any_moment_says_nothing_twice_and_forgets_nothing(
    context: OfflineContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = autumn(context)
    platform = Platform(context, monkeypatch)
    for n, (appended, o) in enumerate(story):
        platform.send(o, appended)
        platform.run()
        if n % 6 == 3:
            platform.restart()
    assert platform.steps() == told()


def test_a_fresh_run_over_the_same_topics_says_the_same(
    context: OfflineContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = []
    for chunk in (1, 1000):
        platform = Platform(context, monkeypatch)
        for appended, o in autumn(context):
            platform.send(o, appended)
        platform.run(chunk)
        runs.append([(row["alert_id"], row["transition"], row["severity"], row["event_time"], row["missing"]) for row in platform.said])
    assert runs[0] == runs[1]
    assert len(runs[0]) == 4


def test_what_was_never_connected_is_not_owed_and_without_a_beat_nobody_is_late(
    context: OfflineContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = Platform(context, monkeypatch)
    platform.send(report(context, CODES[0], "2026-08"), instant("2026-08-20"))
    platform.run()
    assert platform.said == []
    for appended, o in days("2026-08-21", "2026-09-23"):
        platform.send(o, appended)
    platform.run()
    assert platform.steps() == [("opened", 1, CODES[0], Decimal(1))]  # CODES[1] never came


def test_a_report_that_had_been_there_cancels_and_one_taken_back_opens_again(
    context: OfflineContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = CODES
    platform = Platform(context, monkeypatch)
    for appended, o in [(instant("2026-08-20"), report(context, one, "2026-08")), *days("2026-08-21", "2026-09-23")]:
        platform.send(o, appended)
    platform.run()
    platform.send(report(context, one, "2026-09"), instant("2026-09-21T09:00"))
    platform.run()
    assert [step[:2] for step in platform.steps()] == [("opened", 1), ("corrected", 0)]
    platform.send(report(context, one, "2026-09", 1, "deleted"), instant("2026-09-24T09:00"))
    platform.run()
    assert platform.said[-1]["event_time"] == instant("2026-09-24T09:00")
    assert [step[:2] for step in platform.steps()] == [("opened", 1), ("corrected", 0), ("opened", 1)]
    assert len({row["alert_id"] for row in platform.said}) == 1


def test_a_day_is_forwarded_once_to_every_report(context: OfflineContext, monkeypatch: pytest.MonkeyPatch) -> None:
    platform = Platform(context, monkeypatch)
    for appended, o in days("2026-08-19", "2026-08-20"):
        platform.send(o, appended)
        platform.run()
        platform.restart()
    forwarded = sum(len(records) for (topic, _), records in platform.inputs.items() if topic == f"operands.{GROUP}")
    assert forwarded == 2 * len(context.dues.everyone())


def test_a_beat_sent_twice_is_the_same_record() -> None:
    assert beat(5) == beat(5)
    assert beat(5).series().key().encode() == BEATING_KEY
    assert replace(beat(5), source_record_id="") != beat(5)


def test_a_figure_held_until_its_publication_came_when_it_was_delivered(context: OfflineContext, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = CODES
    platform = Platform(context, monkeypatch)
    story = [(instant("2026-08-20"), report(context, code, "2026-08")) for code in CODES] + days("2026-08-21", "2026-08-22")
    story += [(instant("2026-09-18T08:00"), report(context, one, "2026-09"))]
    held = report(context, two, "2026-09")
    receipt = receipt_of(held, instant("2026-09-18T08:00"))
    story += [(instant("2026-09-18T08:01"), receipt), *days("2026-09-19", "2026-09-30"), (instant("2026-09-30T15:00"), receipt)]
    for appended, o in story:
        platform.send(o, appended)
    platform.run(3)
    assert platform.said == [], "delivered before the due day: nobody is late, though nothing is published"
    platform.restart()
    platform.send(held, instant("2026-10-06T09:00"))
    for appended, o in days("2026-10-06", "2026-10-08"):
        platform.send(o, appended)
    platform.run()
    assert platform.said == [], "and not when it is published either"
    platform.send(receipt_of(replace(held, revision=1, status="deleted"), instant("2026-10-08T10:00")), instant("2026-10-08T10:00"))
    platform.send(replace(held, revision=1, status="deleted", value=None), instant("2026-10-08T10:00"))
    for appended, o in days("2026-10-09", "2026-10-09"):
        platform.send(o, appended)
    platform.run()
    assert [(step[0], step[2]) for step in platform.steps()] == [("opened", two)], "taken back after it was due"
