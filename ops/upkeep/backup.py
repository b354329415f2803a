"""`nhip backup` and `nhip restore`: a whole installation as a folder, and the folder as an installation again.

| in the folder | what |
|---|---|
| `manifest.json` | versions, every file with its SHA-256, counts and checksums; written last: without it there is no backup |
| `tables/` | every table of ClickHouse (sinks.table_archive) |
| `topics/` | every message of every topic but `operands.*`, which only carry work between stages (transport.topic_archive) |
| `schemas.json` | the schemas by the ids that stand in the messages |
| `home.tar` | `catalogue/` and `schemas/` as they were, and the producers' positions |

The processes must be stopped and caught up (`nhip up --servers-only` leaves the servers): then topics, positions and tables are one state.
Steps of a restore, each into an empty installation and refused otherwise: 1 check every digest; 2 topics, schemas and tables by
`nhip provision`; 3 schema ids must come out as they were; 4 messages; 5 positions of the groups; 6 rows; 7 counts and checksums
against the manifest; 8 producers' positions. A restore that was cut short leaves an installation that is not empty: `nhip reset`, again.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from ops.stack.control import StackError
from ops.stack.provision import steps
from ops.upkeep import trail
from ops.upkeep.lag import groups
from sinks import clickhouse, table_archive
from sinks.clients import GROUP as SINK
from sinks.table_archive import TableArchive
from transport import topic_archive
from transport.registry import Registry, subject_of
from transport.settings import Settings
from transport.topic_archive import PartitionArchive, Place
from transport.topics import Topic, table

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
POSITIONS: Final = "positions"
SESSION_SECONDS: Final = 60.0
"""More than the longest session of ours, the sink's 45 s."""
LOOK_SECONDS: Final = 0.5
_TRANSIENT: Final = "operands."
_KEPT: Final = "operands.latest."
_OWN_TABLES: Final = frozenset({"schema_migrations"})
"""What `nhip provision` itself has written into a new database."""
Say = Callable[[str], None]


def backup(settings: Settings, folder: Path, actor: str, why: str, say: Say) -> dict[str, Any]:
    """Write the installation into an empty folder; returns the manifest. Raises StackError where processes run or are behind."""
    if folder.exists() and any(folder.iterdir()):
        raise StackError(f"{folder}: thư mục không trống / the folder is not empty")
    _refuse_members(settings)
    for name in ("topics", "tables"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    manifest: dict[str, Any] = {
        "format": FORMAT, "at": time.time_ns() // 1_000_000, "actor": actor, "why": why, "prefix": settings.topic_prefix,
        "database": settings.clickhouse_database, "groups": _group_positions(settings),
    }  # fmt: skip
    manifest["topics"] = {name: _dump_topic(settings, topic, folder) for name, topic in _topics(settings).items()}
    said = sum(p["messages"] for one in manifest["topics"].values() for p in one["partitions"])
    say(f"{len(manifest['topics'])} chủ đề, {said} bản tin / topics, messages")
    with clickhouse.connected(settings) as client:
        manifest["tables"] = [table_archive.dump(client, one, folder / "tables").plain() for one in table_archive.base_tables(client)]
    say(f"{len(manifest['tables'])} bảng, {sum(one['rows'] for one in manifest['tables'])} dòng / tables, rows")
    (folder / "schemas.json").write_text(json.dumps(_schemas(settings), ensure_ascii=False), encoding="utf-8")
    (folder / "home.tar").write_bytes(_home(settings))
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    manifest["files"] = {str(path.relative_to(folder)): sha256(path) for path in files}
    (folder / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=1), encoding="utf-8")
    _tell(settings, "backup", actor, why, manifest)
    return manifest


def restore(settings: Settings, folder: Path, actor: str, why: str, say: Say) -> dict[str, Any]:
    """Bring an empty installation to what the folder holds; returns the manifest. Raises StackError, which says what stands in the way."""
    manifest = checked(folder)
    if (settings.topic_prefix, settings.clickhouse_database) != (manifest["prefix"], manifest["database"]):
        raise StackError("tên khác bản sao lưu: cần cùng NHIP_TOPIC_PREFIX và NHIP_CLICKHOUSE_DATABASE / rows name their topics: use the "
                         f"names of the backup: prefix «{manifest['prefix']}», database «{manifest['database']}»")  # fmt: skip
    _refuse_members(settings)
    for step in steps(settings):
        say(f"{step.title}: {step.run()}")
    _check_ids(settings, json.loads((folder / "schemas.json").read_text("utf-8")))
    _refuse_rows(settings, manifest)
    for name, told in manifest["topics"].items():
        _load_topic(settings, name, told, manifest, folder)
    _restore_positions(settings, manifest, folder)
    say(f"{len(manifest['topics'])} chủ đề / topics")
    with clickhouse.connected(settings) as client:
        for one in manifest["tables"]:
            if one["name"] not in _OWN_TABLES:
                table_archive.load(client, TableArchive(**one), folder / "tables")
    wrong = compared(settings, manifest)
    if wrong:
        raise StackError(f"khôi phục xong nhưng khác bản sao lưu / restored, but not equal: {', '.join(wrong)}")
    _unpack_positions(settings, folder)
    _tell(settings, "restore", actor, why, manifest)
    return manifest


def checked(folder: Path) -> dict[str, Any]:
    """The manifest, once every file is what it says. Raises StackError."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (FileNotFoundError, ValueError) as error:
        raise StackError(f"{folder}: không có bản sao lưu hoàn chỉnh / no complete backup: {MANIFEST}") from error
    if manifest.get("format") != FORMAT:
        raise StackError(f"{MANIFEST}: định dạng / format {manifest.get('format')}, cần / needed {FORMAT}")
    for name, digest in manifest["files"].items():
        path = folder / name
        if not path.is_file() or sha256(path) != digest:
            raise StackError(f"{name}: thiếu hoặc bị hỏng; dùng bản sao lưu khác / missing or damaged: use another backup")
    return manifest


def compared(settings: Settings, manifest: Mapping[str, Any]) -> list[str]:
    """Topics and tables whose content is not what the manifest says; empty: equal."""
    wrong = []
    for name, told in manifest["topics"].items():
        for p in told["partitions"]:
            found = topic_archive.digest_of(settings, settings.topic_prefix + name, p["partition"])
            if "file" in p and found != (p["messages"], p["digest"]):
                wrong.append(f"{name} [{p['partition']}]")
    with clickhouse.connected(settings) as client:
        present = {one.name: one for one in table_archive.base_tables(client)}
        for told in manifest["tables"]:
            if told["name"] in _OWN_TABLES:
                continue
            live, checksum = table_archive.checked(client, present[told["name"]])
            if (live, checksum) != (told["live"], told["checksum"]):
                wrong.append(told["name"])
    return wrong


def sha256(path: Path) -> str:
    """The digest of a file, read piece by piece."""
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def _topics(settings: Settings) -> dict[str, Topic]:
    prefix = settings.topic_prefix
    return {name.removeprefix(prefix): topic for name, topic in table(prefix).items()}


def _dump_topic(settings: Settings, topic: Topic, folder: Path) -> dict[str, Any]:
    name = topic.name.removeprefix(settings.topic_prefix)
    transient = name.startswith(_TRANSIENT) and not name.startswith(_KEPT)
    partitions = []
    for p in range(topic.partitions):
        path = folder / "topics" / f"{name}.{p}.avro"
        found = topic_archive.dump(settings, topic.name, p, path)
        if transient or not found.messages:
            path.unlink()
            partitions.append(PartitionArchive(p, found.end, found.end, 0, "").plain())
        else:
            partitions.append(found.plain() | {"file": path.name})
    return {"partitions": partitions}


def _load_topic(settings: Settings, name: str, told: Mapping[str, Any], manifest: Mapping[str, Any], folder: Path) -> None:
    topic = _topics(settings)[name]
    sunk = manifest["groups"].get(SINK, {})
    for p in told["partitions"]:
        archive, path = _archive(p), folder / "topics" / p["file"] if "file" in p else None
        try:
            topic_archive.load(settings, topic, archive, path, sunk.get(f"{name}/{archive.partition}", 0))
        except ValueError as error:
            raise StackError(f"{error}: khôi phục chỉ vào hệ thống trống / a restore goes into an empty installation") from error


def _archive(p: Mapping[str, Any]) -> PartitionArchive:
    return PartitionArchive(p["partition"], p["first"], p["end"], p["messages"], p["digest"])


def _group_positions(settings: Settings) -> dict[str, dict[str, int]]:
    """Group → «topic/partition» → offset. Raises StackError where the sink has a batch under way."""
    found: dict[str, dict[str, int]] = {}
    known = table(settings.topic_prefix)
    for group, names in groups(settings.topic_prefix).items():
        places = [(name, p) for name in names for p in range(known[name].partitions)]
        held = topic_archive.positions(settings, group, places)
        if group == SINK and any(metadata for _, metadata in held.values()):
            raise StackError("bộ ghi còn lô dở: chạy lại cho tới khi nghỉ, dừng bằng `nhip down` / the sink has a batch under way: let it "
                             "rest, stop it in order")  # fmt: skip
        found[group] = {f"{t.removeprefix(settings.topic_prefix)}/{p}": offset for (t, p), (offset, _) in held.items()}
    return found


def _restore_positions(settings: Settings, manifest: Mapping[str, Any], folder: Path) -> None:
    archives = {(name, p["partition"]): p for name, told in manifest["topics"].items() for p in told["partitions"]}
    for group, held in manifest["groups"].items():
        wanted: dict[Place, int] = {}
        for place, offset in held.items():
            name, _, number = place.rpartition("/")
            p = archives[name, int(number)]
            path = folder / "topics" / p["file"] if "file" in p else None
            wanted[settings.topic_prefix + name, int(number)] = topic_archive.moved(_archive(p), path, offset)
        topic_archive.set_positions(settings, group, wanted)


def _schemas(settings: Settings) -> dict[str, dict[str, Any]]:
    """Subject → id and schema of its newest version."""
    found = {}
    with Registry(settings) as registry:
        present = registry.subjects()
        for topic in table().values():
            if topic.schema and subject_of(topic.name) in present:
                number = registry.id_of(topic.name)
                found[subject_of(topic.name)] = {"id": number, "schema": registry.schema(number)}
    return found


def _check_ids(settings: Settings, wanted: Mapping[str, Mapping[str, Any]]) -> None:
    """The ids stand in every message: they must mean the same schemas here."""
    with Registry(settings) as registry:
        present = {one["id"]: registry.schema(one["id"]) for one in wanted.values()}
    other = sorted(subject for subject, one in wanted.items() if present[one["id"]] != one["schema"])
    if other:
        raise StackError(f"sổ lược đồ cấp mã khác cho / the registry means something else by the ids of: {', '.join(other[:3])}…; "
                         "khôi phục sổ lược đồ trước / restore the registry's own data first")  # fmt: skip


def _refuse_members(settings: Settings) -> None:
    """Raise StackError unless every group is empty. A static member that stopped is one until its session ends: that is waited for."""
    ends = time.monotonic() + SESSION_SECONDS
    while (busy := topic_archive.members(settings, groups(settings.topic_prefix))) and time.monotonic() < ends:
        time.sleep(LOOK_SECONDS)
    if busy:
        raise StackError(f"tiến trình còn chạy / processes still run: {', '.join(sorted(busy))}: `nhip down`, `nhip up --servers-only`")


def _refuse_rows(settings: Settings, manifest: Mapping[str, Any]) -> None:
    with clickhouse.connected(settings) as client:
        rows = client.query("SELECT (SELECT count() FROM observations) + (SELECT count() FROM audit)").result_rows
    if rows[0][0]:
        raise StackError("cơ sở dữ liệu không trống / the database is not empty: khôi phục vào hệ thống mới / restore into a new one")


def _home(settings: Settings) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, place in (("catalogue", settings.home), ("schemas", settings.home), (POSITIONS, settings.data_dir)):
            if (place / name).exists():
                archive.add(place / name, name)
    return buffer.getvalue()


def _unpack_positions(settings: Settings, folder: Path) -> None:
    """The producers' positions. The catalogue stays as it is installed: it is compared and changed by `nhip catalogue`."""
    with tarfile.open(folder / "home.tar") as archive:
        chosen = [one for one in archive.getmembers() if one.name.split("/")[0] == POSITIONS]
        archive.extractall(settings.data_dir, chosen, filter="data")


def _tell(settings: Settings, what: str, actor: str, why: str, manifest: Mapping[str, Any]) -> None:
    """One line of the audit."""
    facts = {
        "taken_at": manifest["at"], "tables": {one["name"]: one["rows"] for one in manifest["tables"]},
        "messages": sum(p["messages"] for one in manifest["topics"].values() for p in one["partitions"]),
    }  # fmt: skip
    deed = trail.Deed(at=time.time_ns() // 1_000_000, actor=actor, did=f"{what}.done", on=settings.clickhouse_database, why=why,
                      run=str(uuid.uuid4()), result="complete", facts=facts)  # fmt: skip
    trail.write(settings, [deed])
