"""Dead letters keep the original bytes, say why and where from, and never repeat a value."""

from __future__ import annotations

import pytest

from transport.dead_letters import HEADER, DeadLetterError, DeadLetters, Origin, dead_letter_id, decoder, fingerprint, read_record
from transport.records import AvroEncoder, DecodeError
from transport.schemas import load

ORIGIN = Origin(topic="obs.trade", partition=3, offset=41, timestamp=1_790_000_000_000, source="vnaccs")
LETTERS = DeadLetters("stage1", AvroEncoder("dead_letter", 5))
DECODER = decoder(lambda _: load("dead_letter").raw)


def test_the_original_travels_unchanged_with_its_story() -> None:
    letter = LETTERS.letter(b"key", b"\x00raw\xff", ORIGIN, ("truncated", "trace_id", "2 bytes"), first_seen=1_790_000_000_777, attempts=2)
    assert (letter.key, letter.value) == (b"key", b"\x00raw\xff")
    record = read_record([("other", b"x"), *letter.headers], DECODER)
    assert record == {
        "dead_letter_id": dead_letter_id(ORIGIN, "stage1"), "stage": "stage1", "reason": "truncated", "field": "trace_id",
        "detail": "2 bytes", "source": "vnaccs", "place": "obs.trade [3] 41", "original_topic": "obs.trade", "original_partition": 3,
        "original_offset": 41, "original_timestamp": 1_790_000_000_000, "attempts": 2,
        "fingerprint": fingerprint("stage1", "truncated", "trace_id", "2 bytes", "vnaccs"), "first_seen": 1_790_000_000_777,
    }  # fmt: skip
    headers = dict(letter.headers)
    assert headers["__connect.errors.topic"] == b"obs.trade"
    assert headers["__connect.errors.partition"] == b"3"
    assert headers["__connect.errors.offset"] == b"41"
    assert headers["__connect.errors.stage"] == b"stage1"
    assert headers["__connect.errors.exception.message"] == b"truncated: trace_id: 2 bytes"


def test_the_same_message_has_the_same_id_and_alike_refusals_the_same_fingerprint() -> None:
    assert dead_letter_id(ORIGIN, "stage1") == dead_letter_id(ORIGIN, "stage1") != dead_letter_id(ORIGIN, "sinks")
    assert fingerprint("s", "decode", "flags[1]", "3 bytes after", "x") == fingerprint("s", "decode", "flags[20]", "17 bytes after", "x")
    assert fingerprint("s", "decode", "a", "d", "x") != fingerprint("s", "decode", "b", "d", "x")


def test_a_row_of_a_file_is_named_by_its_place() -> None:
    origin = Origin(topic="files", partition=-1, offset=12, timestamp=0, place="bao_cao_thang_9.xlsx, dòng 12")
    letter = LETTERS.letter(None, None, origin, ("not_a_number", "value", "x" * 2000), first_seen=0)
    record = read_record(letter.headers, DECODER)
    assert record["place"] == "bao_cao_thang_9.xlsx, dòng 12"
    assert len(record["detail"]) == 500


def test_a_reason_outside_the_list_is_a_defect_of_ours() -> None:
    with pytest.raises(DeadLetterError, match="«bad_luck» is not a reason"):
        LETTERS.letter(None, b"", ORIGIN, ("bad_luck", "", ""), first_seen=0)


def test_a_message_without_a_record_is_named() -> None:
    with pytest.raises(DecodeError, match=HEADER):
        read_record(None, DECODER)
