"""The header `origin` of a message that is sent again: where it lay first, packed, so that key and value stay as they were.

Layout, each part in Avro's encoding of a string or long: topic, partition, offset, time stamp (epoch ms).
"""

from __future__ import annotations

from typing import Final

from transport.dead_letters import Origin
from transport.framing import encode_long, encode_string

HEADER: Final = "origin"


class OriginError(ValueError):
    """The bytes of an `origin` header are none of ours."""


def pack(origin: Origin) -> bytes:
    """The header's bytes; source and place are not part of it."""
    return encode_string(origin.topic) + b"".join(map(encode_long, (origin.partition, origin.offset, origin.timestamp)))


def unpack(data: bytes) -> Origin:
    """The origin in a header's bytes. Raises OriginError."""
    length, at = _long(data, 0)
    if not 0 <= length <= len(data) - at:
        raise OriginError(f"header «{HEADER}»: tên chủ đề bị cắt / the topic's name is cut short")
    name, numbers, at = data[at : at + length], list[int](), at + length
    for _ in range(3):
        number, at = _long(data, at)
        numbers.append(number)
    if at != len(data):
        raise OriginError(f"header «{HEADER}»: thừa {len(data) - at} byte / bytes after its end")
    try:
        return Origin(topic=name.decode(), partition=numbers[0], offset=numbers[1], timestamp=numbers[2])
    except UnicodeDecodeError as error:
        raise OriginError(f"header «{HEADER}»: tên chủ đề không phải UTF-8 / the topic's name is not UTF-8") from error


def _long(data: bytes, at: int) -> tuple[int, int]:
    """A zigzag-coded number and the place after it."""
    value = shift = 0
    while at < len(data) and shift < 64:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at
    raise OriginError(f"header «{HEADER}»: một số bị cắt hoặc quá dài / a number is cut short or too long")
