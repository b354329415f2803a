"""The broker's properties: alone everything has one replica; of three, three replicas and two that must have a record."""

from __future__ import annotations

from pathlib import Path

from ops.stack.kafka import Member, alone, properties_of


def settings_of(member: Member) -> dict[str, str]:
    """The properties as a mapping; a name given twice would be the last one's victory."""
    lines = [line for line in properties_of(member, 9092, Path("data")).splitlines() if line and not line.startswith("#")]
    pairs = [line.partition("=")[::2] for line in lines]
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def test_a_broker_alone_needs_nobody() -> None:
    found = settings_of(alone(9093))
    assert found["controller.quorum.voters"] == "1@127.0.0.1:9093"
    assert (found["offsets.topic.replication.factor"], found["min.insync.replicas"]) == ("1", "1")
    assert found["listeners"] == "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093"
    assert found["broker.session.timeout.ms"] == "3000", "nobody else leads: its next life waits for the end of this session"


def test_one_of_three_knows_the_others_and_waits_for_one_of_them() -> None:
    found = settings_of(Member(2, "c", {1: 9001, 2: 9002, 3: 9003}))
    assert found["node.id"] == "2"
    assert found["controller.quorum.voters"] == "1@127.0.0.1:9001,2@127.0.0.1:9002,3@127.0.0.1:9003"
    assert found["transaction.state.log.replication.factor"] == "3"
    assert (found["transaction.state.log.min.isr"], found["min.insync.replicas"]) == ("2", "2")
    assert found["listeners"].endswith("CONTROLLER://127.0.0.1:9002")
    assert found["broker.session.timeout.ms"] == "6000", "others lead on: not for a pause of its collector"
