"""Artifacts: only the pinned bytes get in, and once in nothing is asked of the network. The repository is a server of the test."""

from __future__ import annotations

import gc
import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ops.stack.artifacts import LOCK_FILE, ArtifactError, cache_dir, install, intact, pinned, unpack
from ops.stack.progress import LineMeter

pytestmark = pytest.mark.loopback

GROUP, NAME, VERSION = "vn.example", "probe", "1.0"
BODY = b"a jar" * 1000


class Quiet(SimpleHTTPRequestHandler):
    """A static file server that does not write to the test's output."""

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


class Repository:
    """A Maven repository of one file, named as a mirror in jgo's configuration."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "repository"
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(self._folder)))
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def put(self, body: bytes, packaging: str = "jar") -> None:
        path = self._folder / "vn" / "example" / NAME / VERSION / f"{NAME}-{VERSION}.{packaging}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    served = Repository(tmp_path)
    configuration = tmp_path / "jgo.conf"
    configuration.write_text(f"[repositories]\nmirror = {served.url}\n")
    monkeypatch.setenv("JGO_CONFIG_FILE", str(configuration))
    monkeypatch.setattr("jgo.constants.MAVEN_CENTRAL_URL", served.url)
    yield served
    served.close()


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """A lock that pins `BODY`."""
    entry = {
        "group": GROUP, "name": NAME, "version": VERSION, "classifier": "", "packaging": "jar",
        "sha256": hashlib.sha256(BODY).hexdigest(), "size": len(BODY),
    }  # fmt: skip
    path = tmp_path / "lock.json"
    path.write_text(json.dumps({"parts": {"probe": [entry]}}))
    return path


def test_the_pinned_file_is_downloaded_with_its_progress(tmp_path: Path, repository: Repository, lock: Path) -> None:
    repository.put(BODY)
    said: list[str] = []
    (path,) = install("probe", tmp_path / "cache", LineMeter("Probe", said.append), lock)
    assert path.read_bytes() == BODY
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert said[0].startswith("Probe: tải 1 tệp")
    assert said[-1].startswith("Probe: đã tải")


def test_a_second_installation_needs_no_network(tmp_path: Path, repository: Repository, lock: Path) -> None:
    repository.put(BODY)
    first = install("probe", tmp_path / "cache", lock=lock)
    repository.close()
    assert install("probe", tmp_path / "cache", lock=lock) == first


@pytest.mark.parametrize("served", [b"b jar" * 1000, BODY[:-1], BODY + b"x", b""], ids=["other", "short", "long", "empty"])
def test_a_file_with_another_digest_is_refused_and_does_not_stay(tmp_path: Path, repository: Repository, lock: Path, served: bytes) -> None:
    repository.put(served)
    with pytest.raises(ArtifactError, match=r"probe-1\.0\.jar: sai mã băm"):
        install("probe", tmp_path / "cache", lock=lock)
    assert list((tmp_path / "cache" / "probe").iterdir()) == []


def test_a_file_altered_in_the_cache_is_downloaded_again(tmp_path: Path, repository: Repository, lock: Path) -> None:
    repository.put(BODY)
    (path,) = install("probe", tmp_path / "cache", lock=lock)
    path.write_bytes(b"x" * len(BODY))
    install("probe", tmp_path / "cache", lock=lock)
    assert path.read_bytes() == BODY


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # jgo leaves an answer of 404 unread and open
def test_a_file_nobody_has_is_named_with_what_to_do(tmp_path: Path, repository: Repository, lock: Path) -> None:
    with pytest.raises(ArtifactError, match=r"probe-1\.0\.jar: không tải được.*mirror"):
        install("probe", tmp_path / "cache", lock=lock)
    gc.collect()


def test_an_unknown_part_is_refused(lock: Path) -> None:
    with pytest.raises(ArtifactError, match="known: probe"):
        pinned("kafka", lock)


def test_an_archive_is_unpacked_once(tmp_path: Path) -> None:
    archive = tmp_path / "probe-1.0.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name in ("probe/run.jar", "probe/lib/a.jar"):
            info = tarfile.TarInfo(name)
            info.size = 1
            tar.addfile(info, io.BytesIO(b"x"))
    folder = unpack(archive, tmp_path)
    (folder / "mark").touch()
    assert unpack(archive, tmp_path) == folder
    assert sorted(path.name for path in folder.rglob("*")) == ["a.jar", "lib", "mark", "run.jar"]
    assert not list(tmp_path.glob(".unpack-*"))


def test_an_archive_that_leaves_its_folder_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "probe-1.0.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("../outside"))
    with pytest.raises(tarfile.OutsideDestinationError):
        unpack(archive, tmp_path)
    assert not list(tmp_path.glob(".unpack-*"))


def test_the_committed_lock_pins_every_file() -> None:
    parts = json.loads(LOCK_FILE.read_text())["parts"]
    assert {name: len(files) for name, files in parts.items()} == {"kafka": 46, "apicurio": 1}
    for name in parts:
        for artifact in pinned(name):
            assert len(artifact.sha256) == 64
            assert artifact.size > 0
    assert any(a.name == "log4j-slf4j-impl" for a in pinned("kafka"))


def test_intact_asks_for_size_and_digest(tmp_path: Path, lock: Path) -> None:
    (artifact,) = pinned("probe", lock)
    path = tmp_path / "file"
    assert not intact(path, artifact)
    path.write_bytes(BODY)
    assert intact(path, artifact)


def test_the_cache_is_shared_by_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_dir(tmp_path) == tmp_path / "cache"
    monkeypatch.setenv("NHIP_CACHE", str(tmp_path / "shared"))
    assert cache_dir(tmp_path) == tmp_path / "shared"
