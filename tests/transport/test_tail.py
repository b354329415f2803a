"""Ends of partitions whose leader is only just being found are asked for again; what is wrong otherwise is told at once."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from transport.settings import Settings
from transport.tail import Tail


class Cluster:
    """Answers requests for offsets; a partition named in `faults` fails so often first."""

    def __init__(self, faults: dict[int, list[int]]) -> None:
        self.faults, self.asked = faults, list[list[int]]()

    def list_offsets(self, asked: dict[Any, Any], request_timeout: float) -> dict[Any, Future[Any]]:
        self.asked.append(sorted(place.partition for place in asked))
        answers = {}
        for place in asked:
            answers[place] = future = Future[Any]()
            if codes := self.faults.get(place.partition):
                future.set_exception(KafkaException(KafkaError(codes.pop())))
            else:
                future.set_result(SimpleNamespace(offset=10 + place.partition))
        return answers


def tail_of(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Tail:
    monkeypatch.setattr("transport.kafka_clients.admin", lambda settings: cluster)
    return Tail(Settings.load(), "worker")


def test_a_partition_without_a_leader_yet_is_asked_again_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster({1: [KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE]})
    tail = tail_of(cluster, monkeypatch)
    ends = tail.ends(["notify.requests"])
    assert ends == {("notify.requests", p): 10 + p for p in range(len(ends))}
    assert cluster.asked[1:] == [[1], [1]]
    assert tail.ends([]) == {}


def test_another_fault_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster({0: [KafkaError.TOPIC_AUTHORIZATION_FAILED]})
    with pytest.raises(KafkaException):
        tail_of(cluster, monkeypatch).ends(["notify.requests"])
    assert len(cluster.asked) == 1
