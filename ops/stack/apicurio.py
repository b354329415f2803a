"""Apicurio Registry: the schema registry, with its Confluent-compatible API under `/apis/ccompat/v7`.

Storage is `sql` on an H2 file. Not `kafkasql`: it creates its topic with a property that a current broker refuses, and the registry would
depend on the broker that it serves.
"""

from __future__ import annotations

from pathlib import Path

from ops.stack import artifacts, health
from ops.stack.java import class_archive, environment, java
from ops.stack.part import Part
from ops.stack.ports import LOOPBACK

CCOMPAT = "/apis/ccompat/v7"


def apicurio_program(cache: Path) -> tuple[Path, Path | None]:
    """Its unpacked folder, fetched where it is missing, and its class archive. Raises ArtifactError."""
    (archive,) = artifacts.install("apicurio", cache)
    unpacked = artifacts.unpack(archive, cache)
    return unpacked, class_archive(cache, "registry", unpacked.rglob("*.jar"))


def apicurio(unpacked: Path, home: Path, port: int, heap_mb: int = 384, classes: Path | None = None) -> Part:
    """The registry as a part: data under `home`, API at http://127.0.0.1:`port`/apis/ccompat/v7. `classes`: its class archive."""
    base = f"http://{LOOPBACK}:{port}"
    properties = (
        f"-Dquarkus.http.host={LOOPBACK}",
        f"-Dquarkus.http.port={port}",
        f"-Dquarkus.management.host={LOOPBACK}",
        "-Dquarkus.management.port=0",  # built in and not to be switched off; unused, so any free port
        "-Dapicurio.storage.kind=sql",
        "-Dapicurio.storage.sql.kind=h2",
        f"-Dapicurio.datasource.url=jdbc:h2:file:{home / 'registry'}",
        "-Dquarkus.log.console.format=%d{yyyy-MM-dd'T'HH:mm:ss,SSS} %-5p %c{1.}: %s%e%n",
        "-Dquarkus.http.access-log.enabled=false",
    )
    return Part(
        name="registry",
        title="Apicurio Registry",
        argv=java(heap_mb, (*properties, "-jar", str(unpacked / "quarkus-run.jar")), light=True, classes=classes),
        address=f"{base}{CCOMPAT}",
        check=health.apicurio(base),
        cwd=home,
        env=environment(),
        prepare=lambda: home.mkdir(parents=True, exist_ok=True),
        start_timeout=90.0,
        stop_timeout=20.0,
        memory_mb=2 * heap_mb + 512,
        nice=0,
        advice="`nhip reset` xóa kho lược đồ và đăng ký lại / `nhip reset` deletes the registry's data and registers again.",
    )
