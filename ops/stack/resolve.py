"""Resolution: `python -m ops.stack.resolve` writes `artifacts.lock.json` anew from the coordinates below.

Run by a developer who raises a version, never by `nhip up`. Kafka's class path is its POM's compile and runtime scopes plus the SLF4J 1.x
binding of Log4j 2 in the version that the POM brings (Kafka 4 logs through log4j2; the binding is not among its dependencies, KAFKA-18466).
Apicurio is one archive that holds its own libraries, so its dependencies are not resolved.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from jgo.maven import Dependency, MavenContext

from ops.stack.artifacts import LOCK_FILE, context, digest

KAFKA = "4.3.1"
APICURIO = "3.3.3"
CLASS_PATH_SCOPES = frozenset({None, "compile", "runtime"})


def main() -> int:
    """Resolve, download, measure, write the lock. Needs the network; takes about a minute."""
    with tempfile.TemporaryDirectory() as staging:
        maven = context(Path(staging))
        parts = {"kafka": _kafka(maven), "apicurio": [_entry(maven, "io.apicurio", "apicurio-registry-app", APICURIO, "all", "tar.gz")]}
        LOCK_FILE.write_text(json.dumps({"parts": parts}, indent=1) + "\n")
    print(f"{LOCK_FILE.name}: " + ", ".join(f"{name} {len(files)}" for name, files in parts.items()))
    return 0


def _kafka(maven: MavenContext) -> list[dict[str, str | int]]:
    entries = []
    for dependency in _class_path(maven, f"org.apache.kafka:kafka_2.13:{KAFKA}"):
        a = dependency.artifact
        entries.append(_entry(maven, a.groupId, a.artifactId, a.version, a.classifier, a.packaging))
    log4j = next(str(e["version"]) for e in entries if e["name"] == "log4j-core")
    entries.append(_entry(maven, "org.apache.logging.log4j", "log4j-slf4j-impl", log4j, "", "jar"))
    return entries


def _class_path(maven: MavenContext, coordinate: str) -> list[Dependency]:
    inputs, transitive = maven.resolver.resolve([maven.create_dependency(coordinate)])
    return list(inputs) + [d for d in transitive if d.scope in CLASS_PATH_SCOPES]


def _entry(maven: MavenContext, group: str, name: str, version: str, classifier: str, packaging: str) -> dict[str, str | int]:
    path = Path(maven.project(group, name).at_version(version).artifact(classifier, packaging).resolve())
    print(f"{path.name} {path.stat().st_size}", file=sys.stderr)
    return {
        "group": group, "name": name, "version": version, "classifier": classifier, "packaging": packaging,
        "sha256": digest(path), "size": path.stat().st_size,
    }  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
