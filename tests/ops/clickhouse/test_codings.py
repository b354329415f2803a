"""Bytes on the wire: content encodings, ClickHouse's own blocks, and documents stitched out of the engine's blocks."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import lz4.frame  # type: ignore[import-untyped]
import pytest
import zstandard

from ops.clickhouse.blocks import Blocks, block, unframed
from ops.clickhouse.compression import choose, decoded, encoder
from ops.clickhouse.errors import ServerError, from_engine
from ops.clickhouse.stitch import stitcher

TEXT = "Chỉ số điều hành; ".encode() * 70_000
DECODE: dict[str, Callable[[bytes], bytes]] = {
    "lz4": lz4.frame.decompress,
    "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    "": bytes,
}


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[i : i + size] for i in range(0, len(data), size)]


@pytest.mark.parametrize("name", sorted(DECODE))
def test_an_encoding_goes_out_and_comes_back_in_any_pieces(name: str) -> None:
    out = encoder(name)
    wire = b"".join([*(out.feed(piece) for piece in cut(TEXT, 100_000)), out.end()])
    assert DECODE[name](wire) == TEXT
    assert b"".join(decoded(cut(wire, 777), name)) == TEXT
    assert b"".join(decoded([wire + wire], name)) == TEXT + TEXT


@pytest.mark.parametrize("name", ["lz4", "zstd", "gzip", "deflate"])
def test_a_cut_or_foreign_body_is_an_error(name: str) -> None:
    out = encoder(name)
    wire = out.feed(TEXT) + out.end()
    for broken in ([wire[:-5]], [b"not " + name.encode()], []):
        with pytest.raises(ServerError) as refused:
            list(decoded(broken, name))
        assert refused.value.code == 271


def test_encodings_are_chosen_in_the_clients_order() -> None:
    assert choose("br, zstd;q=0.9, lz4") == "zstd"
    assert choose("lz4;q=0, gzip") == "gzip"
    assert choose("br, snappy") == ""
    with pytest.raises(ServerError) as refused:
        list(decoded([b"x"], "br"))
    assert (refused.value.code, refused.value.status) == (48, 501)


def test_blocks_of_the_native_protocol_go_both_ways() -> None:
    out = Blocks()
    wire = b"".join([*(out.feed(piece) for piece in cut(TEXT, 300_000)), out.end()])
    assert len(wire) < len(TEXT) / 10
    assert b"".join(unframed(cut(wire, 999))) == TEXT


def test_a_damaged_block_is_found() -> None:
    wire = bytearray(block(TEXT[:1000]))
    wire[-1] ^= 1
    for broken, code in ((bytes(wire), 40), (block(TEXT)[:-1], 271), (b"plain text that is no block", 271)):
        with pytest.raises(ServerError) as refused:
            list(unframed([broken]))
        assert refused.value.code == code


@pytest.mark.parametrize(
    ("fmt", "documents", "whole"),
    [
        ("TSV", [b"1\n", b"2\n"], b"1\n2\n"),
        ("TabSeparatedWithNames", [b"a\n1\n", b"a\n2\n"], b"a\n1\n2\n"),
        ("TSVWithNamesAndTypes", [b"a\nInt8\n1\n", b"a\nInt8\n2\n"], b"a\nInt8\n1\n2\n"),
        ("CSVWithNames", [b'"a\n""b"\n1\n', b'"a\n""b"\n2\n'], b'"a\n""b"\n1\n2\n'),
        ("RowBinaryWithNames", [b"\x01\x01a\x07", b"\x01\x01a\x08"], b"\x01\x01a\x07\x08"),
        ("RowBinaryWithNamesAndTypes", [b"\x01\x01a\x04Int8\x07", b"\x01\x01a\x04Int8\x08"], b"\x01\x01a\x04Int8\x07\x08"),
        ("Native", [], b""),
    ],
)
def test_documents_become_one(fmt: str, documents: list[bytes], whole: bytes) -> None:
    joined = stitcher(fmt)
    assert joined is not None
    assert b"".join([*(joined.feed(d) for d in documents), joined.end()]) == whole


@pytest.mark.parametrize("fmt", ["JSON", "JSONCompact", "Parquet", "Arrow", "Pretty", "XML", "Values"])
def test_formats_with_one_frame_around_all_rows_are_not_joined(fmt: str) -> None:
    assert stitcher(fmt) is None


@pytest.mark.parametrize(
    ("text", "code", "name", "message"),
    [
        ("Code: 60. DB::Exception: Unknown table t. (UNKNOWN_TABLE)", 60, "UNKNOWN_TABLE", "Unknown table t."),
        ("Streaming query failed: Code: 47. DB::Exception: x (a (b)). (UNKNOWN_IDENTIFIER)", 47, "UNKNOWN_IDENTIFIER", "x (a (b))."),
        (
            "Code: 115. DB::Exception: Code: 115. DB::Exception: Unknown setting 'z'. (UNKNOWN_SETTING) (version 26.9). (UNKNOWN_SETTING)",
            115,
            "UNKNOWN_SETTING",
            "Unknown setting 'z'. (UNKNOWN_SETTING).",
        ),
        ("Code: 1000. Connection refused", 1000, "UNKNOWN_EXCEPTION", "Connection refused"),
        ("disk is gone", 1001, "STD_EXCEPTION", "disk is gone"),
    ],
)
def test_the_engines_errors_keep_code_name_and_text(text: str, code: int, name: str, message: str) -> None:
    error = from_engine(RuntimeError(text))
    assert (error.code, error.name, error.message) == (code, name, message)
