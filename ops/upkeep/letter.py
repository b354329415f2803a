"""Dead letters as operators handle them: read from Kafka or from ClickHouse, chosen by what they are, grouped by why they were refused."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sinks.clickhouse import connected
from transport.dead_letters import HEADER, Headers, Origin, decoder, read_record
from transport.records import AvroDecoder, DecodeError
from transport.registry import Registry
from transport.settings import Settings
from transport.state_reader import read_partition
from transport.topics import table

_COLUMNS: Final = (
    "dead_letter_id, stage, reason, field, detail, source, place, original_topic, original_partition, original_offset, "
    "toUnixTimestamp64Milli(original_timestamp), toUnixTimestamp64Milli(appended), fingerprint"
)
_CHOSEN: Final = """FROM dead_letters
WHERE ({stage:String} = '' OR stage = {stage:String} OR startsWith(stage, concat({stage:String}, '.')))
    AND ({reason:String} = '' OR reason = {reason:String}) AND ({field:String} = '' OR field = {field:String})
    AND ({source:String} = '' OR source = {source:String}) AND ({fingerprint:String} = '' OR fingerprint = {fingerprint:String})
    AND (empty({ids:Array(String)}) OR has({ids:Array(String)}, dead_letter_id))
    AND toUnixTimestamp64Milli(appended) >= {since:Int64} AND toUnixTimestamp64Milli(appended) < {until:Int64}"""
_PAGE: Final = """    AND (toUnixTimestamp64Milli(appended), dead_letter_id) > ({at:Int64}, {last:String})
ORDER BY appended, dead_letter_id LIMIT 1 BY appended, dead_letter_id LIMIT {page:UInt32}"""
PAGE: Final = 200
"""Letters asked for at once: an original may have a mebibyte."""
END_OF_TIME: Final = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One dead letter. `appended`: epoch ms at which it was refused (last, if repeatedly); `key`, `body`: the original's bytes."""

    id: str
    stage: str
    reason: str
    field: str
    detail: str
    source: str
    place: str
    origin: Origin
    appended: int
    fingerprint: str = ""
    key: bytes | None = None
    body: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which letters are meant; empty: any. `stage`: also a family (`producers` takes `producers.tax`). Times: `appended`, epoch ms."""

    ids: tuple[str, ...] = ()
    stage: str = ""
    reason: str = ""
    field: str = ""
    source: str = ""
    fingerprint: str = ""
    since: int = 0
    until: int = END_OF_TIME

    def takes(self, one: Letter) -> bool:
        """Is the letter one of these?"""
        wanted = ((self.reason, one.reason), (self.field, one.field), (self.source, one.source), (self.fingerprint, one.fingerprint))
        stage = not self.stage or one.stage == self.stage or one.stage.startswith(f"{self.stage}.")
        listed = not self.ids or one.id in self.ids
        return stage and listed and all(not a or a == b for a, b in wanted) and self.since <= one.appended < self.until

    def parameters(self) -> dict[str, Any]:
        """The same for ClickHouse."""
        return {name: getattr(self, name) for name in ("stage", "reason", "field", "source", "fingerprint", "since", "until")} | {
            "ids": list(self.ids)}  # fmt: skip


@dataclass(slots=True)
class Group:
    """Letters refused alike. `newest`: epoch ms; `example`: the id of one of them."""

    stage: str
    reason: str
    source: str
    letters: int = 0
    newest: int = 0
    example: str = ""


def grouped(letters: Iterable[Letter]) -> list[Group]:
    """Groups by stage, reason and source, the largest first; a letter that was written twice counts once."""
    groups: dict[tuple[str, str, str], Group] = {}
    seen: set[str] = set()
    for one in letters:
        group = groups.setdefault((one.stage, one.reason, one.source), Group(one.stage, one.reason, one.source))
        group.letters += one.id not in seen
        seen.add(one.id)
        if one.appended >= group.newest:
            group.newest, group.example = one.appended, one.id
    return sorted(groups.values(), key=lambda g: (-g.letters, g.stage, g.reason, g.source))


def groups_in_store(settings: Settings, choice: Choice) -> list[Group]:
    """The same from ClickHouse. Raises Unavailable, NotReady, ClickHouseError."""
    sql = f"SELECT stage, reason, source, uniqExact(dead_letter_id), toUnixTimestamp64Milli(max(appended)), argMax(dead_letter_id, appended) {_CHOSEN} GROUP BY stage, reason, source ORDER BY 4 DESC, 1, 2, 3"  # noqa: E501
    with connected(settings) as client:
        rows = client.query(sql, parameters=choice.parameters()).result_rows
    return [Group(str(s), str(r), str(o), int(n), int(t), str(e)) for s, r, o, n, t, e in rows]


def in_store(settings: Settings, choice: Choice) -> Iterator[Letter]:
    """The letters in ClickHouse with their bytes, the oldest first, a page at a time. Raises as `groups_in_store`."""
    sql = f"SELECT {_COLUMNS}, base64Encode(original_key), base64Encode(body) {_CHOSEN} {_PAGE}"
    at, last = -1, ""
    with connected(settings) as client:
        while True:
            rows = client.query(sql, parameters=choice.parameters() | {"at": at, "last": last, "page": PAGE}).result_rows
            for one in map(_of_row, rows):
                at, last = one.appended, one.id
                yield one
            if len(rows) < PAGE:
                return


def in_kafka(settings: Settings, choice: Choice) -> Iterator[Letter]:
    """The letters in the `dead.*` topics, one partition after the other. Raises RestoreError, RegistryError, KafkaException."""
    with Registry(settings) as registry:
        reader = decoder(registry.schema)
        for topic in table(settings.topic_prefix).values():
            if topic.name.removeprefix(settings.topic_prefix).startswith("dead."):
                for partition in range(topic.partitions):
                    yield from _in_partition(settings, topic.name, partition, choice, reader)


def first_of(letters: Iterable[Letter], most: int) -> list[Letter]:
    """The first `most` letters of a source without order, each id once, the oldest first."""
    found: dict[str, Letter] = {}
    for one in letters:
        found.setdefault(one.id, one)
        if len(found) > 2 * most:  # bounded memory: what cannot be among the first is let go
            found = {kept.id: kept for kept in _oldest(found.values(), most)}
    return _oldest(found.values(), most)


def head_of(letters: Iterable[Letter], most: int) -> list[Letter]:
    """The first `most` letters of a source in order, each id once; no more of it is read."""
    found: dict[str, Letter] = {}
    for one in letters:
        found.setdefault(one.id, one)
        if len(found) >= most:
            break
    return list(found.values())


def _oldest(letters: Iterable[Letter], most: int) -> list[Letter]:
    return sorted(letters, key=lambda one: (one.appended, one.id))[:most]


def _in_partition(settings: Settings, topic: str, partition: int, choice: Choice, reader: AvroDecoder) -> Iterator[Letter]:
    for batch in read_partition(settings, topic, partition):
        for m in batch:
            headers: Any = m.headers()
            one = of_message(m.key(), m.value(), headers, (topic, partition, int(m.offset() or 0), m.timestamp()[1]), reader)
            if choice.takes(one):
                yield one


def of_message(
    key: bytes | None, body: bytes | None, headers: Headers | None, place: tuple[str, int, int, int], reader: AvroDecoder
) -> Letter:
    """The letter in a message of a `dead.*` topic; `place`: its topic, partition, offset, time stamp. A header that cannot be read does
    not hide the letter: it stands under an id made of its place."""
    topic, partition, offset, stamp = place
    try:
        r = read_record(headers, reader)
    except DecodeError as error:
        where = f"{topic} {partition} {offset}"
        return Letter(id=where, stage=topic.rpartition(".")[2], reason="other", field=HEADER, detail=error.detail, source="", place=where,
                      origin=Origin(topic="", partition=-1, offset=-1, timestamp=stamp), appended=stamp, key=key, body=body)  # fmt: skip
    origin = Origin(topic=r["original_topic"], partition=r["original_partition"], offset=r["original_offset"],
                    timestamp=r["original_timestamp"])  # fmt: skip
    return Letter(id=r["dead_letter_id"], stage=r["stage"], reason=r["reason"], field=r["field"], detail=r["detail"], source=r["source"],
                  place=r["place"], origin=origin, appended=stamp, fingerprint=r["fingerprint"], key=key, body=body)  # fmt: skip


def _of_row(row: Sequence[Any]) -> Letter:
    texts, (topic, partition, offset, stamp, appended, fingerprint, key, body) = [str(v) for v in row[:7]], row[7:]
    origin = Origin(topic=str(topic), partition=int(partition), offset=int(offset), timestamp=int(stamp))
    return Letter(id=texts[0], stage=texts[1], reason=texts[2], field=texts[3], detail=texts[4], source=texts[5], place=texts[6],
                  origin=origin, appended=int(appended), fingerprint=str(fingerprint), key=base64.b64decode(key) or None,
                  body=base64.b64decode(body))  # fmt: skip
