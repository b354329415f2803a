"""The shape of the tree, read from the sources: who may import whom, which libraries are used where, what no file may hold.

docs/architecture.md says the rules; here they are kept. Everything is read from the syntax tree, so imports inside functions and under
`TYPE_CHECKING` count too.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import NamedTuple

import pytest

HOME = Path(__file__).resolve().parent.parent
PACKAGES = ("indicators", "transport", "producers", "stream_processors", "alerts", "sinks", "dashboards", "ops")
OTHERS = ("tests", "benchmarks")
MAX_LINES = 500

VOCABULARY = frozenset({"indicators", "transport"})
MAY_IMPORT: dict[str, frozenset[str]] = {
    "indicators": frozenset(),
    "transport": frozenset({"indicators"}),
    **dict.fromkeys(("producers", "stream_processors", "alerts", "sinks", "dashboards"), VOCABULARY),
    "ops": frozenset(PACKAGES),
}
"""Package → the siblings it may import. They meet in topics and tables, never in each other's code; `ops` runs them all."""

CONFINED: dict[str, dict[str, str]] = {
    "faust": {
        "transport.chunks": "the application that reads whole lists",
        "transport.watchdog": "looks whether that application still runs",
        "stream_processors.worker": "the agents",
    },
    "mode": {"transport.chunks": "the supervisor that crashes the application"},
    "aiokafka": {
        "transport.transactions": "the transactional producer of a lane, in Faust's event loop",
        "transport.chunks": "records are handed on as parsed",
    },
    "confluent_kafka": {
        "transport.kafka_clients": "makes every client, with its settings",
        "transport.topic_admin": "creates and compares topics",
        "transport.state_reader": "reads compacted topics to their end",
        "transport.group_offsets": "where a group's members begin",
        "transport.topic_archive": "topics as files and back, with their offsets",
        "transport.tail": "what is appended and not yet folded",
        "transport.job_follower": "what is ordered of replay, what is done in emergencies",
        "transport.emergency_follower": "errors that pass: it looks again",
        "transport.backtest_follower": "errors that pass: it looks again",
        "stream_processors.horizon": "errors that pass: it looks again",
        "stream_processors.stage1_restore": "type of a message",
        "stream_processors.rebuild": "type of a message",
        "stream_processors.replays": "errors that pass: it tries again",
        "alerts.alertmanager_loop": "follows alerts.current; type of a message",
        "alerts.main": "errors that end the process",
        "alerts.leadership": "assignment is leadership",
        "alerts.story_loop": "consumes conditions and actions",
        "alerts.restore": "reads its own topics to their end",
        "alerts.writer": "one transaction for story, state, requests and offsets",
        "alerts.delivery": "consumes requests",
        "dashboards.journal": "acts of people go to alerts.actions and ops.audit",
        "dashboards.live": "what changed, as it is appended",
        "sinks.main": "errors that end the process",
        "sinks.clients": "the sink's consumer",
        "sinks.consumer": "plans of inserts live in the group's offsets",
        "sinks.generation": "recognises a topic made anew",
        "sinks.lane": "type of a message",
        "sinks.stretch": "takes messages apart",
        "ops.stack.health": "asks whether the broker answers",
        "ops.commands.alert_requests": "errors shown to the operator",
        "ops.replay.records": "type of a message",
        "ops.replay.copying": "type of a message",
        "ops.demo.pulse": "how far the topics have grown, and the worker with them",
    },
    "polars": {
        "indicators.wide": "128-bit integers from and to columns",
        "transport.avro_container": "reads Avro blocks as columns",
        "transport.columnar_reader": "columns of a chunk",
        "transport.message_chunk": "what has been read of a chunk",
        "transport.body_source": "columns of one schema's messages",
        "transport.heads": "columns of the heads",
        "transport.split_source": "columns of the tails",
        "transport.resolution": "aligns columns to the reader's schema",
        "stream_processors.admission": "which records of a chunk count",
        "stream_processors.head_facts": "which heads of records count",
        "stream_processors.snapshot": "the record memory on disk",
        "sinks.clickhouse": "columns of an answer",
        "sinks.tables": "columns of a table",
        "sinks.decode": "columns of a batch",
        "sinks.refusals": "finds rows that ClickHouse would refuse",
        "sinks.vocabulary": "columns of the vocabulary's tables",
        "sinks.writer": "inserts columns",
    },
    "clickhouse_connect": {
        "sinks.clickhouse": "makes every client, with the settings asserted at start",
        "sinks.main": "errors that end the process",
        "sinks.generation": "type of a client",
        "sinks.migrations": "applies the tables' versions",
        "sinks.vocabulary": "type of a client",
        "sinks.table_archive": "type of a client",
        "sinks.batches": "type of a client",
        "sinks.preparation": "type of a client",
        "sinks.flow_preparation": "type of a client",
        "sinks.report_preparation": "type of a client",
        "sinks.retention": "type of a client",
        "sinks.writer": "type of a client, errors of an insert",
        "sinks.refusals": "type of a client, errors of a trial insert",
        "sinks.questions": "errors shown to the operator",
        "dashboards.database": "the board's asynchronous client, reading alone",
    },
    "chdb": {"ops.clickhouse.engine": "ClickHouse's engine in a process of its own"},
}
"""Library → product modules that import it, each with what for. A new module is a decision: add it with its reason."""

PINNED = ("faust-streaming", "mode-streaming", "aiokafka", "polars", "chdb")
"""Named with one exact version: their private names or exact results are relied on."""

NOT_IMPORTED = {
    "mypy": "`make types`",
    "ruff": "`make lint`",
    "pytest-timeout": "a plugin of pytest",
    "types-pyyaml": "types for mypy",
    "types-jsonschema": "types for mypy",
    "uv": "`make lock`",
    "pytest-xdist": "a plugin of pytest",
}

# Spelt as patterns, so that this file holds no such address itself.
REGISTRY_HOST = re.compile(
    r"\b(?:pypi|pythonhosted|npmjs|npmmirror|(?:repo\d*\.)?maven(?:\.apache)?|rubygems|crates|jitpack|docker|ghcr|quay)\.(?:org|com|io|dev)\b"
)
MACHINE_PATH = re.compile(r"(?<![\w.~}>/])/(?:home|root|Users|work|mnt|media)/[\w.-]")


@cache
def tracked() -> tuple[str, ...]:
    """Paths of all files under version control that exist, relative to the root. Skips the test where this is no clone."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=HOME, capture_output=True, timeout=30, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git clone: nothing says which files belong to the project")
    return tuple(name for name in listed.stdout.decode().split("\0") if name and (HOME / name).is_file())


def sources(*tops: str) -> Iterator[tuple[str, Path]]:
    """(dotted module name, path) of the Python files below some top-level folders."""
    for top in tops:
        for path in sorted((HOME / top).rglob("*.py")):
            parts = path.relative_to(HOME).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


class Module(NamedTuple):
    """What the rules ask of one file. `imports`: first names of what it imports; relative imports stay inside their package and are left
    out."""

    says: str
    imports: frozenset[str]


@cache
def read(path: Path) -> Module:
    """A file, parsed once for all rules."""
    tree = ast.parse(path.read_text("utf-8"), str(path))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return Module(ast.get_docstring(tree) or "", frozenset(found))


def requirements() -> tuple[dict[str, str], dict[str, str]]:
    """(run-time, test) requirements of pyproject.toml: normalized name → version range."""
    project = tomllib.loads((HOME / "pyproject.toml").read_text("utf-8"))["project"]
    return _named(project["dependencies"]), _named(project["optional-dependencies"]["test"])


def _named(lines: list[str]) -> dict[str, str]:
    split = (re.fullmatch(r"([\w.-]+)(?:\[[^]]*\])?(.*)", line) for line in lines)
    return {_normal(match[1]): match[2] for match in split if match}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_what_the_design_allows(package: str) -> None:
    allowed = MAY_IMPORT[package] | {package}
    for module, path in sources(package):
        forbidden = read(path).imports & {*PACKAGES, *OTHERS} - allowed
        assert not forbidden, f"{module} imports {', '.join(sorted(forbidden))}; packages meet in topics and tables"


@pytest.mark.parametrize("library", CONFINED)
def test_a_library_is_imported_only_in_the_modules_named_for_it(library: str) -> None:
    users = {module for module, path in sources(*PACKAGES) if library in read(path).imports}
    assert users == set(CONFINED[library])


@pytest.mark.parametrize(("tops", "with_tests"), [(PACKAGES, False), (OTHERS, True)], ids=["product", "tests"])
def test_what_is_imported_is_a_dependency_of_our_own(tops: tuple[str, ...], with_tests: bool) -> None:
    run_time, test = requirements()
    named = {*run_time, *(test if with_tests else ())}
    own, providers = {*PACKAGES, *OTHERS, *sys.stdlib_module_names}, packages_distributions()
    for module, path in sources(*tops):
        for name in read(path).imports - own:
            assert named & {_normal(p) for p in providers.get(name, ())}, f"{module}: {name} comes only with another dependency"


def test_every_dependency_is_used() -> None:
    run_time, test = requirements()
    providers = packages_distributions()
    product = {_normal(p) for _, path in sources(*PACKAGES) for name in read(path).imports for p in providers.get(name, ())}
    proofs = {_normal(p) for _, path in sources(*OTHERS) for name in read(path).imports for p in providers.get(name, ())}
    assert set(run_time) - product <= set(NOT_IMPORTED)
    assert set(test) - product - proofs <= set(NOT_IMPORTED)


@pytest.mark.parametrize("name", PINNED)
def test_an_exact_pin_is_also_what_the_locks_hold(name: str) -> None:
    version = requirements()[0][name]
    assert re.fullmatch(r"==\d+(\.\d+)+", version)
    for lock in ("runtime", "test"):
        text = (HOME / "requirements" / f"{lock}.lock").read_text("utf-8")
        assert re.search(rf"^{name}(\[\w+\])?{re.escape(version)} ", text, re.MULTILINE), f"{lock}.lock: {name}; run `make lock`"


def test_every_module_says_what_it_is() -> None:
    silent = [module for module, path in sources(*PACKAGES, *OTHERS) if not read(path).says]
    assert silent == []


def test_no_source_is_longer_than_a_reader_can_hold() -> None:
    for _, path in sources(*PACKAGES, *OTHERS):
        lines = len(path.read_text("utf-8").splitlines())
        assert lines <= MAX_LINES, f"{path.relative_to(HOME)}: {lines} lines; split it by what its parts are about"


def test_folders_of_tests_are_packages() -> None:
    """A folder `tests/alerts` without its marker would be taken for the product's `alerts`."""
    folders = {path.parent for _, path in sources("tests")}
    assert [str(folder.relative_to(HOME)) for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


def test_no_file_names_a_machine_or_a_package_registry() -> None:
    found = []
    for name in tracked():
        try:
            text = (HOME / name).read_text("utf-8")
        except UnicodeDecodeError:
            continue
        for pattern in (REGISTRY_HOST, MACHINE_PATH, re.compile(re.escape(f"{HOME}/"))):
            found += [f"{name}: {match[0]}" for match in pattern.finditer(text)]
    assert found == []


@pytest.mark.parametrize(
    ("text", "caught"),
    [
        ("see files." + "pythonhosted" + ".org", True), ("repo1." + "maven" + ".org/maven2", True), ("/" + "home/someone/x", True),
        ("org.apache.maven.plugins", False), ("apache/kafka:4.3.1", False), ("/opt/nhip", False), ("https://x/y/home/z", False),
    ],
)  # fmt: skip
def test_the_patterns_catch_what_they_are_for(text: str, caught: bool) -> None:
    assert bool(REGISTRY_HOST.search(text) or MACHINE_PATH.search(text)) is caught
