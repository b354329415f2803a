"""What a start reads of compacted topics: the newest of each key, decoded once."""

from __future__ import annotations

import threading

from structlog.testing import capture_logs

from alerts.main import tell_of_templates
from alerts.restore import newest
from indicators.rule import Message
from tests.alerts.test_story import RULES
from tests.sinks.messages import message


def test_of_each_key_the_newest_message_is_left_and_none_behind_a_tombstone() -> None:
    rows = [(b"a", b"1"), (b"b", b"1"), (b"a", b"2"), (b"c", b"1"), (b"b", None), (b"d", None), (b"d", b"3")]
    found = newest(message(offset, value, key=key) for offset, (key, value) in enumerate(rows))
    assert {key: one.value() for key, one in found.items()} == {b"a": b"2", b"c": b"1", b"d": b"3"}


def test_wrong_templates_are_told_of_after_the_start_and_not_by_a_process_that_stops() -> None:
    rule = next(iter(RULES))
    wrong = rule.model_copy(update={"message_vi": {"opened": Message(title="{{ open")}})
    stop = threading.Event()
    with capture_logs() as logs:
        tell_of_templates([rule, wrong], stop, after_seconds=0.01)
    assert [one["which"].split(":")[0] for one in logs] == [rule.id]
    stop.set()
    with capture_logs() as logs:
        tell_of_templates([wrong], stop)
    assert logs == []
