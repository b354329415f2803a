"""A schema change carried through a running system: a field is added while old and new producers write, and old data are read again.

Three versions of `observation` write into one topic at once: one from before the newest optional field, the present one, and one with a
field this release does not know yet. The running sink and the worker's door read all three; nothing is refused, what a version lacks is the
default, and a database that is built anew from the same topic holds the same rows.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest
from clickhouse_connect.driver.client import Client

from ops.upkeep.door import Doors
from ops.upkeep.letter import Letter
from sinks import clickhouse
from sinks.migrations import migrate
from sinks.tables import routes
from tests.fixtures.stack import prepare
from tests.sinks.conftest import sink, until
from tests.sinks.loads import START, counts, observation
from transport import schemas
from transport.dead_letters import Origin
from transport.kafka_clients import CountingProducer, producer
from transport.records import AvroEncoder
from transport.registry import Registry, register_all, subject_of
from transport.schemas import Schema
from transport.settings import Settings
from transport.topics import table

TOPIC = "obs.emergency"
LATER = {"name": "confidence", "type": ["null", "string"], "default": None, "doc": "a field of a later release"}
CONDITIONS = ("alerts.conditions", "alerts.conditions.emergency")
LETTERS = ("dead.producers", "dead.stage1", "dead.stage2")
EACH = 40
UNREADABLE = ("decode", "truncated", "schema_unknown")
COLUMNS = "series, source_record_id, revision, value, trace_id, event_time, partition, offset"


class Encoder(AvroEncoder):
    """Writes with a version of the schema that is not this release's."""

    def __init__(self, schema: Schema, schema_id: int) -> None:
        super().__init__(schema, schema_id)
        self.number = schema_id


def versions() -> dict[str, Schema]:
    """Before, present and after."""
    present = schemas.load("observation")
    before, after = copy.deepcopy(present.raw), copy.deepcopy(present.raw)
    before["fields"] = [f for f in before["fields"] if f["name"] != "trace_id"]
    after["fields"].append(LATER)
    return {"before": schemas.of("observation", before), "present": present, "after": schemas.of("observation", after)}


@pytest.fixture
def encoders(settings: Settings) -> Iterator[dict[str, Encoder]]:
    """Encoders of the registered versions; the two that are not this release's are taken back afterwards: tests share the registry."""
    subject, made = subject_of(TOPIC), {}
    prepare(settings, TOPIC)
    of_the_door = (f"{family}.prices" for family in ("obs", "panes", "agg", "operands", "derived"))
    register_all(settings, [table()[name] for name in (*of_the_door, *CONDITIONS, *LETTERS)])
    with Registry(settings) as registry:
        for name, schema in versions().items():
            made[name] = Encoder(schema, registry.register(subject, schema).schema_id)
    yield made
    with httpx.Client(base_url=settings.registry_url + "/", trust_env=False, timeout=20) as client:
        for number in client.get(f"subjects/{subject}/versions").json():
            told = client.get(f"subjects/{subject}/versions/{number}").json()
            if told["id"] in (made["before"].number, made["after"].number):
                client.delete(f"subjects/{subject}/versions/{number}")


def record(number: int, name: str) -> tuple[bytes, dict[str, Any]]:
    """Key and record of the `number`-th reading as that version writes it."""
    one = observation(number, value=Decimal(number), trace_id="" if name == "before" else f"t{number}")
    fields = one.record()
    if name == "before":
        del fields["trace_id"]
    if name == "after":
        fields["confidence"] = "high"
    return one.series().key().encode(), fields


def send(settings: Settings, encoders: dict[str, Encoder], first: int) -> list[tuple[bytes, bytes]]:
    """Old and new producers together, message by message."""
    out, sent = CountingProducer(producer(settings)), []
    for number in range(first, first + EACH):
        name = ("before", "present", "after")[number % 3]
        key, fields = record(number, name)
        sent.append((key, encoders[name].encode(fields)))
        out.publish(settings.topic_prefix + TOPIC, *sent[-1])
    out.flush()
    return sent


def rows(client: Client) -> list[Any]:
    return list(client.query(f"SELECT {COLUMNS} FROM observations ORDER BY partition, offset").result_rows)


@pytest.mark.stack
@pytest.mark.timeout(300)
def test_old_and_new_producers_together_and_old_data_again(settings: Settings, database: Client, encoders: dict[str, Encoder]) -> None:
    known = {name: topic for name, topic in table(settings.topic_prefix).items() if name == settings.topic_prefix + TOPIC}
    route = routes(known, settings.topic_prefix)
    with sink(settings, route) as running:
        sent = send(settings, encoders, 0)
        until(lambda: counts(database)[1] == EACH)
        sent += send(settings, encoders, EACH)  # the sink runs on: no restart, no change of a table
        until(lambda: counts(database)[1] == 2 * EACH)
        assert running.alive()
    first = rows(database)
    assert sorted(int(row[1][1:]) for row in first) == list(range(2 * EACH))
    traces = {int(row[1][1:]): row[4] for row in first}
    assert traces == {n: "" if n % 3 == 0 else f"t{n}" for n in range(2 * EACH)}, "what a version lacks is the default"

    doors = Doors(settings)
    try:
        letters = [Letter(id=str(n), stage="stage1", reason="decode", field="", detail="", source="", place="",
                          origin=Origin(topic=TOPIC, partition=0, offset=n, timestamp=START), appended=START, key=key, body=value)
                   for n, (key, value) in enumerate(sent)]  # fmt: skip
        whys = [verdict.why for verdict in doors.judge(letters)]
        assert len(whys) == len(sent)
        assert not [why for why in whys if why.startswith(UNREADABLE)], "the worker's door reads every version in one chunk"
        assert len(set(whys)) == 1, "and judges each alike"
    finally:
        doors.close()

    again = settings.model_copy(update={"clickhouse_database": f"{settings.clickhouse_database}_again"})
    migrate(again)
    with clickhouse.connected(again) as client, pytest.MonkeyPatch.context() as patch:
        patch.setattr("sinks.clients.GROUP", "sink-again")
        with sink(again, route):
            until(lambda: counts(client)[1] == 2 * EACH)
        assert rows(client) == first, "old data read again are the same rows"
        client.command(f"DROP DATABASE {again.clickhouse_database}")
