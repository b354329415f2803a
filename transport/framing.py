"""Framing of messages (Confluent): byte 0, schema id as four bytes big-endian, Avro body; and Avro's variable-length integers.

An Avro `int` or `long` is zigzag-coded, seven bits a byte, least significant first (Avro specification, «Binary Encoding»).
"""

from __future__ import annotations

import struct
from typing import Final

FRAME_BYTES: Final = 5
"""Length of the frame before each body."""

_FRAME = struct.Struct(">bI")


def frame(schema_id: int) -> bytes:
    """The five bytes before every body written with `schema_id` (0 … 2^32 - 1; struct.error outside it)."""
    return _FRAME.pack(0, schema_id)


def schema_id(message: bytes) -> int | None:
    """The schema id a framed message names; None where the message is shorter than a frame or does not begin with byte 0."""
    if len(message) < FRAME_BYTES or message[0]:
        return None
    return int.from_bytes(message[1:FRAME_BYTES], "big")


def encode_long(value: int) -> bytes:
    """Avro's encoding of an int or long: 1 to 10 bytes. Raises OverflowError outside 64 bits."""
    if not -(1 << 63) <= value < 1 << 63:
        raise OverflowError(f"an Avro long has 64 bits, this value needs {value.bit_length() + 1}")
    rest = (value << 1) ^ (value >> 63)
    out = bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def encode_string(text: str) -> bytes:
    """Avro's encoding of a string: its length in UTF-8 bytes, then the bytes."""
    data = text.encode()
    return encode_long(len(data)) + data
