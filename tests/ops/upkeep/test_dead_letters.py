"""Dead letters: chosen, grouped, judged by the product's own door, sent again once, dropped, all of it in the audit trail."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from ops.cli import cli
from ops.stack.control import StackError
from ops.upkeep import origin, redrive, trail
from ops.upkeep.door import Doors, Verdict, sendable
from ops.upkeep.letter import PAGE, Choice, Letter, first_of, grouped, head_of, in_kafka, in_store
from ops.upkeep.reading import content, shown
from ops.upkeep.redrive import Order, Plan, digest
from ops.upkeep.trail import CLAIM_MS, Deed, Trail
from sinks.tables import routes
from tests.fixtures.stack import prepare
from tests.sinks.conftest import sink, until
from tests.sinks.loads import START, counts, observation
from transport import kafka_clients
from transport.dead_letters import DeadLetters, Origin
from transport.records import AvroEncoder
from transport.registry import Registry, register_all
from transport.settings import Settings
from transport.state_reader import read_partition
from transport.topics import table

NOW = 1_767_200_400_000
PLACE = Origin(topic="obs.emergency", partition=3, offset=17, timestamp=NOW)


def letter(number: int = 0, **changes: Any) -> Letter:
    """A letter of stage 1."""
    fields: dict[str, Any] = {
        "id": f"l{number}", "stage": "stage1", "reason": "unknown_agency", "field": "agency", "detail": "not in the registry",
        "source": "", "place": "obs.emergency [3] 17", "origin": PLACE, "appended": NOW + number, "key": b"k", "body": b"b%d" % number,
    }  # fmt: skip
    return Letter(**fields | changes)


def written(*deeds: Deed) -> Trail:
    """The trail that these lines make."""
    made = Trail()
    for deed in deeds:
        made.take(deed.body())
    return made


def deed(did: str, on: str, at: int, run: str, result: str = "", **facts: Any) -> Deed:
    return Deed(at=at, actor="an", did=did, on=on, why="w", run=run, result=result, facts=facts)


def passing(letters: Sequence[Letter]) -> list[Verdict]:
    return [Verdict(f"p.{one.origin.topic}") for one in letters]


@given(st.text(max_size=40), st.integers(-1, 2**31), st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1))
def test_an_origin_comes_back_from_its_header(topic: str, partition: int, offset: int, stamp: int) -> None:
    where = Origin(topic=topic, partition=partition, offset=offset, timestamp=stamp)
    packed = origin.pack(where)
    assert origin.unpack(packed) == where
    for broken in (packed[:-1], packed + b"\0", b""):
        with pytest.raises(origin.OriginError):
            origin.unpack(broken)


def test_letters_refused_alike_are_one_group_and_one_written_twice_counts_once() -> None:
    one, two, other = letter(1), letter(2), letter(3, stage="sinks", reason="decode")
    found = grouped([two, one, replace(one, appended=NOW + 9), other])
    assert [(g.stage, g.reason, g.letters, g.newest, g.example) for g in found] == [
        ("stage1", "unknown_agency", 2, NOW + 9, "l1"), ("sinks", "decode", 1, NOW + 3, "l3")]  # fmt: skip


def test_a_choice_takes_a_family_of_stages_and_a_stretch_of_time() -> None:
    one = letter(5, stage="producers.tax")
    assert Choice(stage="producers").takes(one)
    assert not Choice(stage="producers.t").takes(one)
    assert Choice(since=NOW + 5, until=NOW + 6, ids=("l5",)).takes(one)
    assert not Choice(until=NOW + 5).takes(one)
    assert not Choice(field="agency", reason="decode").takes(one)


def test_the_oldest_come_first_and_memory_is_bounded() -> None:
    letters = [letter(n) for n in (5, 1, 9, 1, 3, 7, 2)]
    assert [one.id for one in first_of(letters, 3)] == ["l1", "l2", "l3"]
    endless = iter([letter(1), letter(1), letter(2), letter(3)])
    assert [one.id for one in head_of(endless, 2)] == ["l1", "l2"]
    assert next(endless).id == "l3", "no more is read than asked for"


@pytest.mark.parametrize(
    ("lines", "cap", "again", "send"),
    [
        ([], 3, False, True),
        ([deed(trail.DONE, "l0", NOW, "r", "sent")], 3, False, False),
        ([deed(trail.DONE, "l0", NOW, "r", "sent")], 3, True, True),
        ([deed(trail.DONE, "l0", NOW, "r", "not sent")], 3, False, True),
        ([deed(trail.DROPPED, "l0", NOW, "r")], 3, True, False),
        ([deed(trail.BEGUN, "l0", NOW - CLAIM_MS + 1, "r")], 3, False, False),
        ([deed(trail.BEGUN, "l0", NOW - CLAIM_MS, "r")], 3, False, True),
        ([deed(trail.BEGUN, "l0", NOW, "r"), deed(trail.DONE, "l0", NOW, "r", "left")], 3, False, True),
        ([deed(trail.DONE, f"x{n}", NOW, "r", "sent", digest=digest(letter(0))) for n in range(3)], 3, False, False),
        ([deed(trail.DONE, f"x{n}", NOW, "r", "sent", digest=digest(letter(0))) for n in range(3)], 4, False, True),
        ([deed("alerts.close", "l0", NOW, "r", "sent")], 3, False, True),
    ],
)
def test_the_trail_says_whether_a_letter_may_be_sent(lines: list[Deed], cap: int, again: bool, send: bool) -> None:
    made = redrive.plan([letter(0)], written(*lines), Order("an", "w", cap, again), NOW, passing)
    assert [one.id for one, _ in made.send] == (["l0"] if send else [])
    assert bool(made.skipped) is not send


def test_of_two_runs_the_earlier_line_wins() -> None:
    known = written(deed(trail.BEGUN, "l0", NOW, "first"), deed(trail.BEGUN, "l0", NOW, "second"))
    assert not known.fate("l0").claimed_before("first", NOW)
    assert known.fate("l0").claimed_before("second", NOW)


def test_what_would_be_refused_again_is_parked_with_the_reason() -> None:
    def judge(letters: Sequence[Letter]) -> list[Verdict]:
        return [Verdict("", "unknown_agency agency: …") if one.id == "l1" else Verdict("t") for one in letters]

    made = redrive.plan([letter(0), letter(1)], Trail(), Order("an", "w"), NOW, judge)
    assert [one.id for one, _ in made.send] == ["l0"]
    assert made.parked == {"l1": "unknown_agency agency: …"}


@pytest.mark.parametrize("body", [b"", b"no json \"dlq.", b'{"did":"dlq.drop"}', b'{"did":"dlq.drop","on":1,"with":2,"ms":"x","facts":{}}', b'["dlq."]'])  # fmt: skip  # noqa: E501
def test_a_line_that_is_none_says_nothing(body: bytes) -> None:
    known = Trail()
    known.take(body)
    known.take(None)
    assert known == Trail()


def test_state_is_never_sent_again() -> None:
    names = ("obs.trade", "panes.trade", "agg.trade", "operands.trade", "operands.latest.trade", "derived.trade", "alerts.conditions",
             "alerts.actions", "notify.ledger", "ops.audit", "")  # fmt: skip
    assert [name for name in names if sendable(name)] == ["obs.trade", "operands.trade", "alerts.actions"]


def test_bytes_are_shown_as_text_or_in_hexadecimal() -> None:
    assert shown("số".encode()) == "số"
    assert shown(b"\xff\x00") == "ff 00"
    assert shown(None) == "–"


def test_drop_and_redrive_need_a_reason_and_a_choice() -> None:
    for command in ("redrive", "drop"):
        result = CliRunner().invoke(cli, ["dlq", command, "some-id"])
        assert result.exit_code == 1
        assert "--why" in str(result.exception)
        result = CliRunner().invoke(cli, ["dlq", command, "--why", "w"])
        assert result.exit_code == 1


def letters_into(settings: Settings, registry: Registry, bodies: Sequence[tuple[bytes, bytes]]) -> None:
    """Refused observations into dead.stage1, as stage 1 writes them."""
    letters = DeadLetters("stage1", AvroEncoder("dead_letter", registry.id_of("dead.stage1")))
    out = kafka_clients.CountingProducer(kafka_clients.producer(settings))
    topic = f"{settings.topic_prefix}obs.emergency"
    for offset, (key, body) in enumerate(bodies):
        where = Origin(topic=topic, partition=3, offset=offset, timestamp=NOW)
        made = letters.letter(key, body, where, ("unknown_agency", "agency", "not in the registry of agencies"), first_seen=NOW)
        out.publish(f"{settings.topic_prefix}dead.stage1", made.key, made.value, made.headers)
    out.flush()


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    monkeypatch.setattr(Settings, "load", classmethod(lambda cls: settings))
    return lambda *arguments: CliRunner().invoke(cli, ["dlq", *arguments], catch_exceptions=False)


@pytest.mark.stack
@pytest.mark.timeout(300)
def test_mended_letters_are_sent_again_once_and_the_others_stay(settings: Settings, database: Client, run: Callable[..., Any]) -> None:
    names = ("obs.emergency", "dead.producers", "dead.stage1", "dead.stage2", "dead.alerts", "dead.sinks",
             "ops.audit", "alerts.conditions")  # fmt: skip
    prepare(settings, *names)
    register_all(settings, [table()[f"{family}.prices"] for family in ("obs", "panes", "agg", "operands", "derived")])
    own = observation(0, subject_id="TV-HANOI", territory="01", dimensions=(), quality_flags=(), period_end=START + 600_000)
    mended, broken = replace(own, component="river_level"), replace(own, agency="NOBODY", source_record_id="r1")
    with Registry(settings) as registry:
        encoder = AvroEncoder("observation", registry.id_of("obs.emergency"))
        letters_into(settings, registry, [(o.series().key().encode(), encoder.encode(o.record())) for o in (mended, broken)])
        (first, second) = first_of(in_kafka(settings, Choice()), 9)
        assert "river_level" in content(first, settings.topic_prefix, registry)
    every = routes(table(settings.topic_prefix), settings.topic_prefix)
    with sink(settings, {name: route for name, route in every.items() if name.endswith("dead.stage1")}):
        until(lambda: counts(database, "dead_letters")[0] >= 2)
    assert {one.id: one for one in in_store(settings, Choice(stage="stage1"))} == {one.id: one for one in (first, second)}
    with closing(Doors(settings)) as doors:
        verdicts = {one.id: verdict for one, verdict in zip((first, second), doors.judge([first, second]), strict=True)}
    assert sorted(bool(v.topic) for v in verdicts.values()) == [False, True], verdicts
    good = next(i for i, v in verdicts.items() if v.topic)
    assert "2 bản ghi" in run("list").stdout
    assert "dlq redrive" in run("show", good, "--kafka").stdout
    assert run("redrive", "--stage", "stage1", "--dry-run").stdout.startswith("1 bản ghi sẽ gửi lại")
    again = run("redrive", "--stage", "stage1", "--why", "đã thêm cơ quan")
    assert again.stdout.startswith("1 bản ghi đã gửi lại"), again.stdout
    assert again.exit_code == 1
    assert run("redrive", good, "--why", "lần nữa").stdout.startswith("0 bản ghi đã gửi lại")
    topic = f"{settings.topic_prefix}obs.emergency"
    (sent,) = [m for batch in read_partition(settings, topic, 3) for m in batch]
    headers: dict[str, Any] = dict(sent.headers() or ())
    assert (sent.key(), sent.value()) == (mended.series().key().encode(), next(o.body for o in (first, second) if o.id == good))
    assert origin.unpack(headers["origin"]).topic == topic
    assert (headers["nhip-dead-letter-id"], headers["nhip-attempts"]) == (good.encode(), b"1")
    assert run("drop", "--stage", "stage1", "--why", "thử nghiệm").stdout.startswith("2 bản ghi đã bỏ")
    lines = [json.loads(m.value() or b"") for batch in read_partition(settings, f"{settings.topic_prefix}ops.audit", 0) for m in batch]
    assert [(line["did"], line["result"]) for line in lines] == [
        (trail.BEGUN, ""), (trail.DONE, "sent"), (trail.DROPPED, "dropped"), (trail.DROPPED, "dropped")]  # fmt: skip
    assert {line["note"] for line in lines} == {"đã thêm cơ quan", "thử nghiệm"}
    check_crash_is_settled(settings, replace(first, id=good))


def check_crash_is_settled(settings: Settings, one: Letter) -> None:
    """A claim without a result is settled by what stands in the topic: this letter does, another does not."""
    topic = f"{settings.topic_prefix}obs.emergency"
    order = Order("an", "w")
    facts: dict[str, Any] = {"to": topic, "digest": "d", "ends": [0] * 12}
    known = written(*(deed(trail.BEGUN, i, NOW, "old", **facts) for i in (one.id, "other")))
    letters = [one, replace(one, id="other")]
    assert redrive.settle(settings, letters, known, order, NOW + CLAIM_MS - 1) == 0
    assert redrive.settle(settings, letters, known, order, NOW + CLAIM_MS) == 2
    fates = trail.read(settings)
    assert (fates.fate(one.id).sent, fates.fate("other").sent) == (2, 0)
    assert redrive.execute(settings, Plan(), order, fates) == []


def test_only_what_the_fix_heals_is_taken_and_judged_a_page_at_a_time() -> None:
    asked: list[int] = []

    def judge(letters: Sequence[Letter]) -> list[Verdict]:
        asked.append(len(letters))
        return [Verdict("t") if int(one.id[1:]) % 3 == 0 else Verdict("", "refused") for one in letters]

    endless = (letter(n) for n in itertools.count())
    found = redrive.healed(endless, 100, judge)
    assert [one.id for one in found] == [f"l{n}" for n in range(0, 300, 3)]
    assert asked == [PAGE, PAGE], "no more is judged than is needed"


def test_a_broker_that_is_away_is_told_within_ten_seconds(settings: Settings, run: Callable[..., Any]) -> None:
    began = time.monotonic()
    for arguments in (("redrive", "some-id", "--why", "w"),):
        with pytest.raises(StackError, match="nhip status"):
            run(*arguments)
    assert time.monotonic() - began < 10.0
    assert settings.kafka_bootstrap.endswith(":1")
