"""Amendments and cancellations of declarations replace: what the workers are left with is the newest version, whatever came how often."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from indicators.observation import Observation
from tests.producers.support import Remembering, identities, parse, reasons

NUMBER = "305512345699"


def declaration(version: int, lines: dict[int, tuple[str, str]], channel: str = "green", **fields: Any) -> dict[str, Any]:
    """A declaration of lines number → (market, value)."""
    return {
        "declaration": NUMBER, "version": version, "kind": "import", "registered_at": "2026-03-20T09:15:20+07:00", "channel": channel,
        "office": "03TG", "trader": "0200170392",
        "lines": [{"no": n, "hs": "85423190", "origin": m, "value": v, "currency": "USD"} for n, (m, v) in lines.items()],
    } | fields  # fmt: skip


def send(memory: Remembering, *versions: dict[str, Any]) -> list[Observation]:
    parsed = parse("customs", "d.json", json.dumps(list(versions)).encode(), memory)
    assert parsed.rejects == []
    return parsed.observations


def left(observations: list[Observation]) -> list[tuple[str, Decimal]]:
    """What the rules of the workers leave: per record id the highest revision, deletions gone; (series, value) sorted."""
    newest: dict[str, Observation] = {}
    for o in observations:
        known = newest.get(o.source_record_id)
        if known is None or o.revision > known.revision:
            newest[o.source_record_id] = o
    return sorted((o.series().key(), o.value) for o in newest.values() if o.value is not None)


def test_a_corrected_value_is_the_same_record_with_a_higher_revision() -> None:
    memory = Remembering()
    send(memory, declaration(1, {1: ("KR", "100.00")}))
    assert identities(send(memory, declaration(2, {1: ("KR", "90.00")}))) == [(f"{NUMBER}/1", 1, "90.00")]


def test_a_changed_market_withdraws_the_record_and_enters_a_new_one() -> None:
    memory = Remembering()
    send(memory, declaration(1, {1: ("KR", "100.00")}))
    assert identities(send(memory, declaration(2, {1: ("JP", "100.00")}))) == [(f"{NUMBER}/1", 1, ""), (f"{NUMBER}/1#1", 1, "100.00")]
    assert identities(send(memory, declaration(3, {1: ("JP", "80.00")}))) == [(f"{NUMBER}/1#1", 2, "80.00")]


def test_the_channel_moves_every_line() -> None:
    memory = Remembering()
    first = send(memory, declaration(1, {1: ("KR", "1.00"), 2: ("CN", "2.00")}, channel="unassigned"))
    second = send(memory, declaration(2, {1: ("KR", "1.00"), 2: ("CN", "2.00")}, channel="red"))
    assert [o.value for o in second].count(None) == 2
    assert [key.split("channel=")[1].split(";")[0] for key, _ in left(first + second)] == ["red", "red"]


def test_a_cancellation_withdraws_every_line_under_its_own_series() -> None:
    memory = Remembering()
    first = send(memory, declaration(1, {1: ("KR", "1.00"), 2: ("CN", "2.00")}))
    gone = send(memory, declaration(2, {}, cancelled=True))
    assert [o.status for o in gone] == ["deleted", "deleted"]
    assert {o.series() for o in gone} == {o.series() for o in first}
    assert left(first + gone) == []


def test_an_older_version_after_a_newer_one_is_superseded() -> None:
    memory = Remembering()
    send(memory, declaration(2, {1: ("KR", "90.00")}))
    parsed = parse("customs", "d.json", json.dumps(declaration(1, {1: ("KR", "100.00")})).encode(), memory)
    assert (parsed.observations, parsed.rejects, parsed.superseded) == ([], [], 1)


def test_a_line_that_comes_back_gets_a_new_record() -> None:
    memory = Remembering()
    every = send(memory, declaration(1, {1: ("KR", "1.00"), 2: ("CN", "2.00")}))
    every += send(memory, declaration(2, {1: ("KR", "1.00")}))
    back = send(memory, declaration(3, {1: ("KR", "1.00"), 2: ("US", "3.00")}))
    assert (f"{NUMBER}/2#1", 2, "3.00") in identities(back)
    assert [value for _, value in left(every + back)] == [Decimal("1.00"), Decimal("3.00")]


def test_the_cancellation_of_an_unknown_declaration_is_refused() -> None:
    parsed = parse("customs", "d.json", json.dumps(declaration(2, {}, cancelled=True)).encode())
    assert reasons(parsed.rejects) == [("validation", "declaration")]


def test_a_change_without_its_version_is_refused() -> None:
    edi = "UNB+UNOC:3+A:ZZ+B:ZZ+260320:0915+R'UNH+1+CUSDEC:D:96B:UN'BGM+929+305512345670+4'UNT+3+1'UNZ+1+R'"
    assert reasons(parse("customs", "d.edi", edi.encode()).rejects) == [("validation", "BGM")]


def test_escaped_separators_do_not_split_a_message() -> None:
    edi = ("UNB+UNOC:3+A:ZZ+B:ZZ+260320:0915+R'UNH+1+CUSDEC:D:96B:UN'BGM+929+305512345670+9'LOC+41+03TG'DTM+137:20260320:102'"
           "FTX+AAA+++IT?'S ?+ MORE'CST+1+854231'MOA+123:5:USD'LOC+27+KR'UNT+9+1'UNZ+1+R'")  # fmt: skip
    assert identities(parse("customs", "d.edi", edi.encode()).observations) == [("305512345670/1", 0, "5")]


LINES = st.dictionaries(st.integers(1, 4), st.tuples(st.sampled_from(["KR", "JP", "CN"]), st.sampled_from(["1.00", "2.00"])), min_size=1)


@settings(max_examples=60, deadline=None)
@given(versions=st.lists(st.tuples(LINES, st.sampled_from(["green", "red"])), min_size=1, max_size=5), repeats=st.integers(1, 2))
def test_after_any_amendments_the_newest_version_is_left(versions: list[tuple[dict[int, tuple[str, str]], str]], repeats: int) -> None:
    memory, sent = Remembering(), list[Observation]()
    for number, (lines, channel) in enumerate(versions, 1):
        for _ in range(repeats):
            sent += send(memory, declaration(number, lines, channel))
    lines, channel = versions[-1]
    assert sorted((key.split("market=")[1].split("|")[0], str(value)) for key, value in left(sent)) == sorted(lines.values())
    assert all(f"channel={channel};" in key for key, _ in left(sent))
