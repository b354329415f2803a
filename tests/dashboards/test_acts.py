"""Acts on alerts: who may, what is written, and that nothing is written by halves."""

from __future__ import annotations

import json

import pytest

from dashboards.journal import ACTIONS, Act, KafkaJournal
from dashboards.settings import BoardSettings
from indicators.instant import HOUR_MS
from tests.dashboards.conftest import ANALYST, DUTY, PROVINCE, Client, Memory, Seeded, served
from tests.dashboards.seeds import NOW_MS
from tests.fixtures.stack import prepare
from transport.audit import AUDIT, Deed
from transport.records import AvroDecoder
from transport.registry import Registry
from transport.settings import Settings
from transport.state_reader import read_partition
from transport.topics import table


@pytest.mark.loopback
def test_a_duty_officer_acts_and_it_is_written_with_its_audit(seeded: Seeded) -> None:
    journal = Memory()

    async def work(client: Client) -> None:
        for action, more in (("acknowledge", {}), ("explain", {"note": "đang xử lý"}), ("shelve", {"note": "chờ vốn", "hours": "24"})):
            answer = await client.post("/alerts/a25/acts", {"action": action, **more})
            assert (answer.status_code, answer.headers["location"]) == (303, "/alerts/a25?done=1")
        for wrong in ({"action": "explain"}, {"action": "close", "note": " "}, {"action": "shelve", "note": "x"}, {"action": "delete"}, {}):
            assert (await client.post("/alerts/a25/acts", wrong)).status_code == 400, wrong
        assert (await client.post("/alerts/none/acts", {"action": "acknowledge"})).status_code == 404
        assert "Đã ghi" in (await client.get("/alerts/a25?done=1")).text
        journal.broken = True
        broken = await client.post("/alerts/a25/acts", {"action": "acknowledge"})
        assert broken.status_code == 503
        assert "Chưa ghi được" in broken.text

    served(seeded.settings, DUTY, work, journal)
    assert [(a.action, a.actor, a.note, a.via) for a in journal.acts] == [
        ("acknowledge", "Trực ban", "", "board"),
        ("explain", "Trực ban", "đang xử lý", "board"),
        ("shelve", "Trực ban", "chờ vốn", "board"),
    ]
    assert journal.acts[2].until == NOW_MS + 24 * HOUR_MS
    assert [(d.did, d.on, d.run) for d in journal.deeds] == [(f"alerts.{a.action}", "a25", a.action_id) for a in journal.acts]


@pytest.mark.loopback
def test_who_may_not_act_writes_nothing(seeded: Seeded) -> None:
    journal = Memory()

    async def analyst(client: Client) -> None:
        assert (await client.post("/alerts/a25/acts", {"action": "acknowledge"})).status_code == 403
        assert "/acts" not in (await client.get("/alerts/a25")).text

    async def elsewhere(client: Client) -> None:
        assert (await client.post("/alerts/a25/acts", {"action": "acknowledge"})).status_code == 404

    served(seeded.settings, ANALYST, analyst, journal)
    served(seeded.settings, PROVINCE, elsewhere, journal)
    assert not journal.acts
    assert not journal.deeds


@pytest.mark.stack
@pytest.mark.timeout(300)
def test_act_and_audit_are_in_kafka_together(settings: Settings) -> None:
    import asyncio

    prepare(settings, ACTIONS, AUDIT)
    own = BoardSettings.load(**settings.model_dump())
    act = Act(
        action_id="x1", alert_id="a25", action="explain", actor="Trực ban", office="trucban", note="đang xử lý", until=None, acted_at=NOW_MS
    )
    deed = Deed(at=NOW_MS, actor="trucban", office="Trực ban", did="alerts.explain", on="a25", run="x1", via="board")

    async def write() -> None:
        journal = KafkaJournal(own, lambda: Registry(own))
        await journal.act(act, deed)
        await journal.deed(deed)
        await journal.close()

    asyncio.run(write())
    with Registry(own) as registry:
        decoder = AvroDecoder("alert_action", registry.schema)
        prefix = own.topic_prefix
        partitions = range(table(prefix)[prefix + ACTIONS].partitions)
        acts = [m for p in partitions for batch in read_partition(own, prefix + ACTIONS, p) for m in batch]
        assert [decoder.decode(m.value()) for m in acts] == [
            {
                "action_id": "x1",
                "alert_id": "a25",
                "action": "explain",
                "actor": "Trực ban",
                "office": "trucban",
                "note": "đang xử lý",
                "until": None,
                "acted_at": NOW_MS,
                "via": "board",
                "inquiry": "",
                "authority": "",
                "document_number": "",
                "outcome": "",
                "issuing_office": "",
            }
        ]
        assert acts[0].key() == b"a25"
        audit = [json.loads(m.value() or b"") for batch in read_partition(own, prefix + AUDIT, 0) for m in batch]
        assert [(row["did"], row["on"], row["with"], row["via"]) for row in audit] == [("alerts.explain", "a25", "x1", "board")] * 2
