"""The tail of a group's inputs: what was appended and is not yet folded, and whether a reader has seen all that is committed.

Asked beside the lanes, in a thread of its own: nothing here waits in their event loop.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Final

from confluent_kafka import OFFSET_INVALID, Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]

from transport import kafka_clients
from transport.group_offsets import GroupOffsets
from transport.settings import Settings
from transport.topics import table

Place = tuple[str, int]

REQUEST_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 0.05
LEADERLESS: Final = frozenset({KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE})


class Tail:
    """Ends of topics, a group's positions in them, and a reader that looks whether anything lies behind a position. For one thread."""

    def __init__(self, settings: Settings, group: str) -> None:
        self._settings, self._admin, self._offsets = settings, kafka_clients.admin(settings), GroupOffsets(settings, group)
        self._partitions = {name: topic.partitions for name, topic in table(settings.topic_prefix).items()}
        self._reader: Consumer | None = None

    def ends(self, topics: Iterable[str]) -> dict[Place, int]:
        """The offset after the last message of each partition (full topic names). Raises KafkaException, TimeoutError."""
        places = [(topic, p) for topic in topics for p in range(self._partitions[topic])]
        return self._list(places, OffsetSpec.latest())  # type: ignore[no-untyped-call]

    def at_time(self, topics: Iterable[str], at: int) -> dict[Place, int]:
        """The offset of the first message of each partition whose time stamp is not before `at` (epoch ms); the end where there is none.
        Raises as `ends`."""
        places = [(topic, p) for topic in topics for p in range(self._partitions[topic])]
        ends, found = self.ends(topics), self._list(places, OffsetSpec.for_timestamp(at))
        return {place: offset if offset >= 0 else ends[place] for place, offset in found.items()}

    def unfolded(self, ends: Mapping[Place, int]) -> dict[Place, int]:
        """How many inputs below `ends` the group has not committed, of the partitions that have any. Raises as `ends`, and OffsetsUnknown.

        Where the group has no position, what retention has left counts.
        """
        wanted = [place for place, end in ends.items() if end > 0]
        found = {(p.topic, p.partition): p.offset for p in self._offsets.committed([TopicPartition(*p) for p in wanted], REQUEST_SECONDS)}
        unknown = [place for place in wanted if found[place] <= OFFSET_INVALID]
        if unknown:
            found |= self._list(unknown, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
        return {place: ends[place] - found[place] for place in wanted if found[place] < ends[place]}

    def since(self, places: Iterable[Place], instant: int) -> dict[Place, int]:
        """The first offset of each partition that was appended at `instant` (epoch ms) or later; negative where there is none."""
        return self._list(places, OffsetSpec.for_timestamp(instant))

    def exhausted(self, positions: Mapping[Place, int], seconds: float = REQUEST_SECONDS) -> set[Place]:
        """Those partitions in which nothing committed lies at or behind the position; a marker of a transaction is nothing."""
        if not positions:
            return set()
        reader = self._reader = self._reader or kafka_clients.consumer(
            self._settings, "tail", enable_partition_eof=True, fetch_wait_max_ms=20
        )
        reader.assign([TopicPartition(topic, partition, at) for (topic, partition), at in positions.items()])
        open_, at_end = set(positions), set[Place]()
        deadline = time.monotonic() + seconds
        while open_ and time.monotonic() < deadline:
            for message in reader.consume(len(open_), LOOK_SECONDS):
                place, error = (message.topic() or "", message.partition() or 0), message.error()
                if error is not None and error.code() != KafkaError._PARTITION_EOF:
                    raise KafkaException(error)
                if error is not None and place in open_:
                    at_end.add(place)
                open_.discard(place)
        reader.unassign()
        return at_end

    def close(self) -> None:
        """Close the readers' connections."""
        self._offsets.close()
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _list(self, places: Iterable[Place], spec: OffsetSpec) -> dict[Place, int]:
        """Asked again, within the time of one request, where a partition's leader is only just being found: it is new, or a broker went."""
        left, found = set(places), dict[Place, int]()
        deadline = time.monotonic() + REQUEST_SECONDS
        while left:
            answers = self._admin.list_offsets({TopicPartition(*place): spec for place in left}, request_timeout=REQUEST_SECONDS)
            for place, future in answers.items():
                try:
                    found[place.topic, place.partition] = future.result(REQUEST_SECONDS).offset
                except KafkaException as error:
                    if error.args[0].code() not in LEADERLESS or time.monotonic() > deadline:
                        raise
            left -= found.keys()
            time.sleep(LOOK_SECONDS if left else 0)
        return found
