"""Would a dead letter be refused again? Asked of the product's own doors before anything is sent.

Observations go through the door of stage 1 with everything it checks; what it cannot know here is the newest event time that the partition
has seen, so `too_late` is taken as it was. Other inputs must be readable with their topic's schema. State is never sent again: a newer
row may stand under its key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from ops.upkeep.letter import Letter
from stream_processors.context import Context
from stream_processors.stage1 import Stage1
from transport.records import AvroDecoder, DecodeError
from transport.settings import Settings
from transport.topics import GROUPS, table

INPUTS: Final = ("alerts.actions", "notify.requests")
_OWN_STAGE: Final = {
    "producers": "bản gốc của nguồn, không phải bản tin Kafka: nguồn gửi lại, hoặc đặt lại tệp vào hộp nhận / the provider's original: "
                 "it sends it again, or feed the file again",
    "sinks": "bản gốc vẫn ở chủ đề của nó: sửa bảng rồi `nhip reconcile --repair --refused` / mend the table, then run this",
}  # fmt: skip


class Verdict(NamedTuple):
    """`topic`: full name of where it goes, empty: nowhere; `why`: the reason then, for people and for the audit."""

    topic: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Record:
    """A letter as stage 1 takes a consumed record."""

    key: bytes | None
    value: bytes | None
    offset: int


class Doors:
    """The doors of one installation. Built once a run: reads the catalogues. Raises RegistryError where schemas are not registered."""

    def __init__(self, settings: Settings) -> None:
        self._prefix, self._context = settings.topic_prefix, Context(settings)

    def close(self) -> None:
        """Close the registry's connections."""
        self._context.close()

    def judge(self, letters: Sequence[Letter], topic: str = "") -> list[Verdict]:
        """A verdict for each letter; `topic`: short name of where they shall go instead of where they lay. Raises RegistryError."""
        verdicts = [self._place(one, topic) for one in letters]
        for target in sorted({v.topic for v in verdicts if v.topic}):
            at = [i for i, v in enumerate(verdicts) if v.topic == target]
            for i, refusal in zip(at, self._refusals(target, [letters[i] for i in at]), strict=True):
                if refusal:
                    verdicts[i] = Verdict("", refusal)
        return verdicts

    def _place(self, one: Letter, topic: str) -> Verdict:
        """Where the letter goes, before its bytes are looked at."""
        own = _OWN_STAGE.get(one.stage.partition(".")[0])
        if own and not topic:
            return Verdict("", own)
        if one.reason == "too_late" and not topic:
            return Verdict("", "too_late: đã lưu, không cộng vào kỳ cũ; dựng lại mới tính / kept; only a rebuild folds it")
        name = (topic or one.origin.topic).removeprefix(self._prefix)
        if not sendable(name):
            return Verdict("", f"«{name}» không phải chủ đề đầu vào / is no input topic")
        return Verdict(self._prefix + name)

    def _refusals(self, target: str, letters: Sequence[Letter]) -> list[str]:
        """Why each would be refused again; empty: it would not."""
        name = target.removeprefix(self._prefix)
        family, _, group = name.partition(".")
        if family == "obs":
            return self._stage1(group, letters)
        decoder = AvroDecoder(table()[name].schema, self._context.registry.schema)
        return [_unreadable(decoder, one.body) for one in letters]

    def _stage1(self, group: str, letters: Sequence[Letter]) -> list[str]:
        stage = Stage1(self._context, group, 0)
        _, refused = stage.admit([_Record(one.key, one.body, offset) for offset, one in enumerate(letters)])
        whys = [""] * len(letters)
        for one in refused:
            whys[one.index] = f"{one.reason} {one.field}: {one.detail}".replace(" : ", ": ")
        vocabulary = self._context.vocabulary
        for i, letter in enumerate(letters):
            indicator, component = [*(letter.key or b"").decode(errors="replace").split("|"), ""][:2]
            spec = vocabulary.series_spec(indicator, component)
            if not whys[i] and spec is not None and spec.group != group:
                whys[i] = f"contract key: chỉ số thuộc obs.{spec.group} / the indicator belongs there"
        return whys


def sendable(name: str) -> bool:
    """Is this a topic (short name) into which an original may be written again: an input, never state."""
    family, _, rest = name.partition(".")
    return name in INPUTS or (family in ("obs", "operands") and rest in GROUPS)


def _unreadable(decoder: AvroDecoder, body: bytes | None) -> str:
    try:
        decoder.decode(body)
    except DecodeError as error:
        return f"{error.reason} {error.field}: {error.detail}"
    return ""
