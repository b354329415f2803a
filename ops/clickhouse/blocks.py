"""ClickHouse's own compressed blocks, as `compress=1` and `decompress=1` ask for them: what clients of the Native protocol send over HTTP.

A block: 16 bytes CityHash128 (version 1.0.2) of all that follows, 1 byte method, 4 bytes length with these 9 bytes of head, 4 bytes
length of the plain data, the data. Lengths are little-endian. Methods: 0x82 LZ4, 0x90 ZSTD, 0x02 none.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Final

import lz4.block  # type: ignore[import-untyped]
import zstandard
from clickhouse_cityhash.cityhash import CityHash128  # type: ignore[import-not-found, import-untyped, unused-ignore]

from ops.clickhouse.errors import ServerError
from ops.clickhouse.limits import MIB

_HEAD: Final = struct.Struct("<BII")
_HALVES: Final = struct.Struct("<QQ")
_SUM_BYTES: Final = _HALVES.size
_LZ4: Final = 0x82
_ZSTD: Final = 0x90
_NONE: Final = 0x02
_LARGEST: Final = 128 * MIB


class Blocks:
    """An encoder into LZ4 blocks of up to 1 MiB of plain data."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def feed(self, data: bytes) -> bytes:
        self._waiting += data
        out: list[bytes] = []
        while len(self._waiting) >= MIB:
            out.append(block(bytes(self._waiting[:MIB])))
            del self._waiting[:MIB]
        return b"".join(out)

    def end(self) -> bytes:
        rest = bytes(self._waiting)
        self._waiting.clear()
        return block(rest) if rest else b""


def block(plain: bytes) -> bytes:
    """One LZ4 block of `plain`."""
    data = bytes(lz4.block.compress(plain, store_size=False))
    body = _HEAD.pack(_LZ4, _HEAD.size + len(data), len(plain)) + data
    return _sum(body) + body


def _sum(body: bytes) -> bytes:
    """The checksum as it is written: the low half first, each half little-endian."""
    value: int = CityHash128(body)
    low, high = value >> 64, value & ((1 << 64) - 1)
    return _HALVES.pack(low, high)


def unframed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The plain data of the blocks in `pieces`. Raises code 40 for a wrong checksum, 271 for data that is not such blocks or is cut."""
    waiting = bytearray()
    for piece in pieces:
        waiting += piece
        while (size := _size(waiting)) is not None and len(waiting) >= size:
            yield _plain(bytes(waiting[:size]))
            del waiting[:size]
    if waiting:
        raise _damaged("ends inside of a block: it was cut on the way; send it again")


def _size(waiting: bytearray) -> int | None:
    if len(waiting) < _SUM_BYTES + _HEAD.size:
        return None
    method, compressed, plain = _HEAD.unpack_from(waiting, _SUM_BYTES)
    if method not in (_LZ4, _ZSTD, _NONE) or not _HEAD.size <= compressed <= _LARGEST or plain > _LARGEST:
        raise _damaged(f"is not made of compressed blocks (method 0x{method:02x}); leave out decompress=1 for plain data")
    return _SUM_BYTES + int(compressed)


def _plain(whole: bytes) -> bytes:
    body = whole[_SUM_BYTES:]
    if _sum(body) != whole[:_SUM_BYTES]:
        raise ServerError(40, "CHECKSUM_DOESNT_MATCH", "Checksum doesn't match: the body's block is corrupted data; send it again.")
    method, _, size = _HEAD.unpack_from(body)
    data = body[_HEAD.size :]
    try:
        if method == _LZ4:
            return bytes(lz4.block.decompress(data, uncompressed_size=size))
        return bytes(zstandard.ZstdDecompressor().decompress(data, max_output_size=size)) if method == _ZSTD else data
    except (lz4.block.LZ4BlockError, zstandard.ZstdError) as damage:
        raise _damaged(f"holds a block that cannot be decompressed: {damage}") from None


def _damaged(what: str) -> ServerError:
    return ServerError(271, "CANNOT_DECOMPRESS", f"The body {what}.")
