"""Golden samples: every format in its true shape becomes exactly the observations beside it; a second reading gives the same records."""

from __future__ import annotations

import json
from typing import Any

import pytest

from indicators.observation import Observation
from producers.documents import Parsed
from producers.sensors import Sensors
from tests.producers.support import ADAPTERS, DOOR, NOW, SAMPLES, Remembering, parse, sample

DOCUMENTS = {
    "tax-receipts.csv": "tax", "tax-receipts.json": "tax", "revenue-estimate.csv": "tax", "declarations.edi": "customs",
    "declarations.json": "customs", "disbursement.jsonl": "treasury", "plans.csv": "treasury", "station-table.csv": "sensors",
    "measure-report.json": "icu", "icu-return.csv": "icu", "market-snapshots.csv": "securities", "market-snapshots.json": "securities",
    "gold-quotes.csv": "securities", "gold-quotes.json": "securities",
    "obstacles.csv": "obstacles", "obstacles.json": "obstacles",
}  # fmt: skip


def golden(observations: list[Observation]) -> list[dict[str, Any]]:
    """Observations as JSON, without what depends on when they were read."""
    return [{"series": o.series().key()} | {k: v for k, v in o.record().items() if k != "ingested_at"} for o in observations]


def expected(name: str) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = json.loads((SAMPLES / f"{name}.golden.json").read_text(encoding="utf-8"))
    return content


def plain(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return json.loads(json.dumps(records, default=str))  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_document_becomes_its_golden_observations(name: str) -> None:
    parsed = parse(DOCUMENTS[name], name, sample(name))
    assert parsed.rejects == []
    assert plain(golden(parsed.observations)) == expected(name)


def test_messages_become_their_golden_observations() -> None:
    parsed = messages()
    assert parsed.rejects == []
    assert plain(golden(parsed.observations)) == expected("logger-messages.jsonl")


def test_the_same_reading_by_message_and_by_table_is_one_record() -> None:
    table = {o.source_record_id for o in parse("sensors", "station-table.csv", sample("station-table.csv")).observations}
    sent = {o.source_record_id for o in messages().observations}
    assert {"TV-HANOI/river_level/20260320T002000Z", "MUA-HAIPHONG/rain/20260320T002000Z"} <= table & sent


@pytest.mark.parametrize("name", DOCUMENTS)
def test_read_twice_gives_the_same_records_or_none(name: str) -> None:
    memory = Remembering()
    first, second = (parse(DOCUMENTS[name], name, sample(name), memory) for _ in range(2))
    assert second.rejects == []
    known = {(o.source_record_id, o.revision): o for o in first.observations}
    assert all(known.get((o.source_record_id, o.revision)) == o for o in second.observations)


def messages() -> Parsed:
    adapter = ADAPTERS["sensors"]
    assert isinstance(adapter, Sensors)
    into = Parsed("sensors", adapter.provider, DOOR, NOW)
    for line in sample("logger-messages.jsonl").splitlines():
        message = json.loads(line)
        adapter.parse_message(message["topic"], json.dumps(message["payload"]).encode(), message["topic"], into)
    return into
