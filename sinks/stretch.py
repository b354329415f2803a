"""Messages of one partition taken apart when they come: keys, values, offsets and time stamps as columns.

At once, since what a consumer has just made lies in the processor's cache: a second later, behind a hundred thousand others, the same
accesses cost 0.6 to 1.0 processor seconds a million more, and the message objects would be held so long for nothing. The methods are called
unbound: bound anew for every message (`operator.methodcaller`) each costs two to four times as much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Final

import numpy as np
import numpy.typing as npt
from confluent_kafka import Message

from transport.dead_letters import HEADER

_SECOND: Final = itemgetter(1)

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive messages of one partition, at least one, in the order of their offsets. `stamps`: time stamps of the records, epoch ms;
    `sizes`: bytes of the values; `letters`: of a topic of dead letters what their header says, else empty.
    """

    topic: str
    partition: int
    values: list[bytes | None]
    keys: list[bytes | None]
    offsets: Numbers
    stamps: Numbers
    sizes: Numbers
    letters: list[bytes | None]

    @classmethod
    def of(cls, messages: Sequence[Message], *, letters: bool = False) -> Stretch:
        """Take messages of one topic and partition apart; none of them is an error."""
        count = len(messages)
        return cls(
            str(messages[0].topic()), int(messages[0].partition() or 0),
            list(map(Message.value, messages)), list(map(Message.key, messages)),
            np.fromiter(map(Message.offset, messages), np.int64, count),
            np.fromiter(map(_SECOND, map(Message.timestamp, messages)), np.int64, count),
            np.fromiter(map(len, messages), np.int64, count), list(map(_header, messages)) if letters else [],
        )  # fmt: skip

    @classmethod
    def joined(cls, parts: Sequence[Stretch]) -> Stretch:
        """Stretches of one partition that follow each other, as one."""
        first = parts[0]
        if len(parts) == 1:
            return first
        return cls(
            first.topic, first.partition, list(chain.from_iterable(part.values for part in parts)),
            list(chain.from_iterable(part.keys for part in parts)),
            np.concatenate([part.offsets for part in parts]), np.concatenate([part.stamps for part in parts]),
            np.concatenate([part.sizes for part in parts]), list(chain.from_iterable(part.letters for part in parts)),
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.values)

    @property
    def first(self) -> int:
        """Offset of the first message."""
        return int(self.offsets[0])

    @property
    def last(self) -> int:
        """Offset of the last message."""
        return int(self.offsets[-1])

    def parted(self, count: int) -> tuple[Stretch, Stretch]:
        """The first `count` messages and the others; `count` leaves at least one on each side."""
        return self._part(slice(count)), self._part(slice(count, None))

    def _part(self, some: slice) -> Stretch:
        return Stretch(
            self.topic, self.partition, self.values[some], self.keys[some], self.offsets[some], self.stamps[some], self.sizes[some],
            self.letters[some],
        )  # fmt: skip


def _header(message: Message) -> bytes | None:
    headers: list[tuple[str, bytes | str | None]] = list(message.headers() or ())  # type: ignore[arg-type]  # typed as a mapping too
    return next((value for name, value in headers if name == HEADER and isinstance(value, bytes)), None)
