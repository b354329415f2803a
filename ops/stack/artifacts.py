"""Artifacts: the Java programs of the local stack (Apache Kafka, Apicurio Registry), fetched once and pinned by digest.

`artifacts.lock.json` beside this module names every file with its SHA-256 and its size; it is written by `python -m ops.stack.resolve`.
A start resolves nothing: it compares the cache with the lock and downloads only what is missing, so the second start works offline.
A file is downloaded into a staging folder, compared with its digest, and only then renamed into the cache: an interrupted or altered
download never becomes part of an installation. jgo does the transfer; a site's own mirror is named in jgo's configuration
(section `[repositories]`), and the digests make it safe to use any.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ops.stack.part import PartError

if TYPE_CHECKING:
    from jgo.maven import MavenContext, PythonResolver

LOCK_FILE = Path(__file__).with_name("artifacts.lock.json")
ATTEMPTS = 3
TIMEOUT_S = 30
PARALLEL = 4


CACHE_VARIABLE = "NHIP_CACHE"


class ArtifactError(PartError):
    """A file of the stack cannot be had: not downloadable, or not the file that the lock names. The text says what to do."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """One pinned file: Maven coordinate, SHA-256 (hex) and size in bytes."""

    group: str
    name: str
    version: str
    classifier: str
    packaging: str
    sha256: str
    size: int

    @property
    def filename(self) -> str:
        """Name of the file in the cache, as the repository names it."""
        suffix = f"-{self.classifier}" if self.classifier else ""
        return f"{self.name}-{self.version}{suffix}.{self.packaging}"


class Meter(Protocol):
    """Who is told how a download goes. Called from several threads."""

    def begin(self, files: int, size: int) -> None:
        """`files` files of together `size` bytes will be downloaded."""

    def advance(self, size: int) -> None:
        """`size` more bytes have arrived."""

    def end(self) -> None:
        """All files have arrived, or the download failed."""


class SilentMeter:
    """Tells nobody."""

    def begin(self, files: int, size: int) -> None:
        """Nothing."""

    def advance(self, size: int) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""


def cache_dir(data_dir: Path) -> Path:
    """Where downloads are kept: `$NHIP_CACHE` (shared by several installations, or by a build machine's runs), else `<data_dir>/cache`.
    Without symbolic links: a class archive (ops.stack.java) is of use only under the path that it was made under."""
    return Path(os.environ.get(CACHE_VARIABLE) or data_dir / "cache").resolve()


def pinned(part: str, lock: Path = LOCK_FILE) -> tuple[Artifact, ...]:
    """The files of `part` ("kafka", "apicurio") in the order of the class path. Raises ArtifactError for an unknown part."""
    parts: dict[str, list[dict[str, Any]]] = json.loads(lock.read_text())["parts"]
    if part not in parts:
        raise ArtifactError(f"{lock.name}: không có phần «{part}» / no part {part!r}; có / known: {', '.join(sorted(parts))}")
    return tuple(Artifact(**entry) for entry in parts[part])


def install(part: str, cache: Path, meter: Meter | None = None, lock: Path = LOCK_FILE) -> tuple[Path, ...]:
    """Paths of the files of `part` in `cache`, each with the digest of the lock; downloads what is missing or altered.

    Raises ArtifactError where a file cannot be downloaded or does not have its digest.
    """
    artifacts = pinned(part, lock)
    folder = cache / part
    folder.mkdir(parents=True, exist_ok=True)
    missing = [a for a in artifacts if not intact(folder / a.filename, a)]
    if missing:
        _download(missing, folder, meter or SilentMeter())
    return tuple(folder / a.filename for a in artifacts)


def unpack(archive: Path, cache: Path) -> Path:
    """The folder of the unpacked `archive` (tar.gz), unpacked once under a name that holds its digest."""
    target = cache / f"{archive.name.removesuffix('.tar.gz')}-{digest(archive)[:12]}"
    if not target.exists():
        with tempfile.TemporaryDirectory(dir=cache, prefix=".unpack-") as staging:
            with tarfile.open(archive) as tar:
                tar.extractall(staging, filter="data")
            _move(Path(staging), target)
    return target


def _move(staging: Path, target: Path) -> None:
    """Rename the single top folder of `staging`, or `staging`'s contents, to `target`; another process may have been faster."""
    entries = list(staging.iterdir())
    source = entries[0] if len(entries) == 1 and entries[0].is_dir() else staging
    if source is staging:
        inner = staging / ".all"
        inner.mkdir()
        for entry in entries:
            entry.rename(inner / entry.name)
        source = inner
    try:
        source.rename(target)
    except OSError:
        if not target.exists():
            raise


def digest(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def intact(path: Path, artifact: Artifact) -> bool:
    """Whether `path` is the pinned file, by size and digest."""
    return path.is_file() and path.stat().st_size == artifact.size and digest(path) == artifact.sha256


def context(repo_cache: Path, resolver: PythonResolver | None = None) -> MavenContext:
    """jgo's view of the repositories: the site's mirrors first, then Maven Central; downloads go to `repo_cache`."""
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext

    mirrors = GlobalSettings.load().repositories
    return MavenContext(
        resolver=resolver, repo_cache=repo_cache, local_repos=[], remote_repos={**mirrors, "central": MAVEN_CENTRAL_URL}, timeout=TIMEOUT_S
    )


def _download(missing: list[Artifact], folder: Path, meter: Meter) -> None:
    meter.begin(len(missing), sum(a.size for a in missing))
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".download-") as staging, ThreadPoolExecutor(PARALLEL) as pool:
            list(pool.map(lambda a: _fetch(a, Path(staging), folder, meter.advance), missing))
    finally:
        meter.end()


def _fetch(artifact: Artifact, staging: Path, folder: Path, advance: Callable[[int], None]) -> None:
    """Download one file, compare it with its digest and rename it into the cache. Transfers are tried again, a wrong digest is not."""
    # Half a second to import, and only a first start needs it.
    import requests
    from jgo.maven import PythonResolver

    last: Exception | None = None
    for attempt in range(ATTEMPTS):
        repo = staging / f"{artifact.filename}.{attempt}"
        maven = context(repo, PythonResolver(progress_callback=_counting(advance)))
        remote = maven.project(artifact.group, artifact.name).at_version(artifact.version).artifact(artifact.classifier, artifact.packaging)
        try:
            path = Path(remote.resolve())
        except (requests.RequestException, OSError, RuntimeError) as error:  # RuntimeError: jgo's «not found in remote repositories»
            last = error
            continue
        _accept(path, artifact, folder)
        shutil.rmtree(repo)
        return
    raise ArtifactError(
        f"{artifact.filename}: không tải được sau {ATTEMPTS} lần / could not be downloaded ({type(last).__name__}: {last}). "
        "Kiểm tra mạng hoặc máy chủ gương rồi chạy lại / check the network or the mirror in jgo's configuration, then run again."
    ) from last


def _accept(path: Path, artifact: Artifact, folder: Path) -> None:
    if not intact(path, artifact):
        raise ArtifactError(
            f"{artifact.filename}: sai mã băm, không dùng / refused, digest {digest(path)}, {path.stat().st_size} bytes; "
            f"expected {artifact.sha256}, {artifact.size} bytes ({LOCK_FILE.name}). Tệp tải về bị thay đổi: dùng máy chủ gương khác / "
            "the download was altered on its way: use another mirror or network."
        )
    os.replace(path, folder / artifact.filename)


def _counting(advance: Callable[[int], None]) -> Callable[[str, int], Any]:
    @contextmanager
    def progress(_filename: str, _size: int) -> Iterator[Callable[[int], None]]:
        yield advance

    return progress
