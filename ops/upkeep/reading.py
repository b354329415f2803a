"""One dead letter for people: why, where from, what can be read of its bytes, what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Final

from indicators.numbers_vi import time_vi
from ops.upkeep.door import Doors, sendable
from ops.upkeep.letter import Letter
from ops.upkeep.trail import Fate
from transport.framing import schema_id
from transport.records import AvroDecoder, DecodeError
from transport.registry import Registry
from transport.settings import Settings
from transport.topics import table

MOST: Final = 2000
"""Bytes shown of an original that no schema reads."""


def described(settings: Settings, one: Letter, fate: Fate) -> Iterator[tuple[str, str]]:
    """(name, text) in the order of reading. Raises RegistryError where the registry is away."""
    yield "mã / id", one.id
    yield "khâu / stage", one.stage
    yield "lý do / reason", f"{one.reason}{', ' + one.field if one.field else ''}: {one.detail}"
    yield "nguồn / source", one.source or "–"
    yield "vị trí gốc / origin", one.place
    yield "lúc / at", time_vi(one.appended)
    yield "khóa / key", shown(one.key)
    with Registry(settings) as registry:
        yield "nội dung / content", content(one, settings.topic_prefix, registry)
    yield "đã xử lý / handled", handled(fate)
    with closing(Doors(settings)) as doors:
        (verdict,) = doors.judge([one])
    yield "việc cần làm / what to do", f"`nhip dlq redrive {one.id} --why …`" if verdict.topic else verdict.why


def content(one: Letter, prefix: str, registry: Registry) -> str:
    """The record where its topic's schema reads it, else the bytes as text or hexadecimal."""
    name = one.origin.topic.removeprefix(prefix)
    if one.body is not None and schema_id(one.body) is not None and (sendable(name) or name in table()):
        try:
            record = AvroDecoder(table()[name].schema, registry.schema).decode(one.body)
            return "\n" + "\n".join(f"  {field} = {value}" for field, value in record.items() if value not in (None, "", []))
        except (DecodeError, FileNotFoundError) as error:
            return f"{shown(one.body)}\n  không giải mã được / not decoded: {error}"
    return shown(one.body)


def shown(data: bytes | None) -> str:
    """Bytes as text where they are text, else as hexadecimal; the beginning where they are many."""
    if data is None:
        return "–"
    more = f" … ({len(data)} byte / bytes)" if len(data) > MOST else ""
    text = data[:MOST].decode(errors="replace")
    printable = "\ufffd" not in text.rstrip("\ufffd") and all(c.isprintable() or c in "\r\n\t" for c in text.rstrip("\ufffd"))
    return (text if printable else data[:MOST].hex(" ")) + more


def handled(fate: Fate) -> str:
    """What was done with the letter before."""
    if fate.dropped:
        return "đã bỏ / dropped"
    return f"đã gửi lại {fate.sent} lần / sent again so often" if fate.sent else "chưa / not yet"
