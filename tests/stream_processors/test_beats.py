"""The heartbeat through stage 1: every beat goes on to the alert process once, whatever the chunks, and a replay sends none."""

from __future__ import annotations

import pytest

from indicators.heartbeat import beat
from indicators.rule import RuleBook
from indicators.rules.cases import instant
from stream_processors.shadow import Shadow
from tests.stream_processors.offline import OfflineContext, Record
from tests.stream_processors.test_stage1_rules import Works
from transport.columnar_writer import AvroEncoder
from transport.partitioner import partition_of
from transport.settings import HOME
from transport.topics import GROUPS

RULE = RuleBook.load(HOME).rules["HT-TU-GIAM-SAT"]
GROUP = "emergency"
BEATS = [beat(instant("2026-11-01T00:00") + n * 60_000) for n in range(7)]
PARTITION = partition_of(BEATS[0].series().key().encode(), GROUPS[GROUP])


@pytest.fixture(scope="module")
def context() -> OfflineContext:
    return OfflineContext(RuleBook([RULE]))


@pytest.mark.parametrize("chunk", [1, 3])
def test_every_beat_goes_on_once(context: OfflineContext, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    works = Works(context, GROUP, PARTITION, monkeypatch)
    sent = [(o.event_time + 5, o) for o in BEATS]
    works.bring(sent[:4], chunk)
    works.restart()
    works.bring(sent[4:], chunk)
    assert [(row["rule"], row["transition"], row["severity"], row["event_time"]) for row in works.said] == [
        (RULE.id, "cleared", 0, o.event_time) for o in BEATS
    ]
    assert len({row["alert_id"] for row in works.said}) == 1


def test_a_replay_sends_no_beat(context: OfflineContext) -> None:
    encoder = AvroEncoder("observation", context.registry.id_of("observation"))
    records = [Record(n, o.series().key().encode(), encoder.encode(o.record()), o.event_time) for n, o in enumerate(BEATS)]
    shadow = Shadow(context, GROUP, PARTITION, (0, len(records)))
    shadow.take(records)
    assert shadow.taken == len(BEATS)
    assert shadow.conditions == {}
