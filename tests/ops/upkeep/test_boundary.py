"""The edge of a command: servers' errors become sentences without values, faults of our own stay faults."""

from __future__ import annotations

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from confluent_kafka import KafkaError, KafkaException

from ops.stack.control import StackError
from ops.upkeep.boundary import told, why


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (KafkaException(KafkaError(KafkaError._TIMED_OUT)), "Kafka: _TIMED_OUT"),
        (DatabaseError("Code: 60. SELECT secret"), "ClickHouse: DatabaseError"),
        (LookupError("thiếu 1 topic"), "thiếu 1 topic"),
        (TimeoutError(), "TimeoutError"),
        (KeyError("x"), None),
        (ValueError("x"), None),
    ],
)
def test_only_errors_of_servers_and_of_the_system_are_sentences(error: Exception, sentence: str | None) -> None:
    assert why(error) == sentence
    with pytest.raises(StackError if sentence else type(error)), told():
        raise error
