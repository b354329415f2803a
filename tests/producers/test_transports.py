"""Files and HTTP folders: resumed by position, taken up where they grew, read again where they changed, bounded in size."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from producers import files
from producers.clock import FixedClock
from producers.contract import Json, Remembered, SourceUnavailable
from producers.documents import Documents, DocumentSource
from producers.files import Folder
from producers.http import HttpFolder
from producers.positions import BACKLOG_MS, PositionError, PositionStore
from tests.producers.support import ADAPTERS, DOOR, NOW, Remembering, drop, identities, reasons, sample

HEADER, *LINES = sample("tax-receipts.csv").splitlines(keepends=True)


def source(transport: Documents, name: str = "tax") -> DocumentSource:
    return DocumentSource(ADAPTERS[name], transport, DOOR, Remembering(), FixedClock(NOW))


def test_a_file_is_fetched_once_and_again_from_an_older_position(tmp_path: Path) -> None:
    drop(tmp_path, "a.csv", sample("tax-receipts.csv"))
    tax = source(Folder(tmp_path))
    first = tax.fetch({})
    assert len(first.observations) == 3
    assert tax.fetch(first.position).observations == []
    assert tax.fetch({}).observations == first.observations


def test_a_grown_file_is_taken_up_after_its_last_line(tmp_path: Path) -> None:
    drop(tmp_path, "a.csv", HEADER + LINES[0])
    tax = source(Folder(tmp_path))
    first = tax.fetch({})
    drop(tmp_path, "a.csv", HEADER + LINES[0] + LINES[1])
    second = tax.fetch(first.position)
    assert [i[0] for i in identities(first.observations + second.observations)] == ["31/2026-03-20/GTGT/NQD", "31/2026-03-20/TNDN/DTNN"]


def test_a_cut_last_line_is_refused_and_taken_up_when_whole(tmp_path: Path) -> None:
    drop(tmp_path, "a.csv", HEADER + LINES[0] + LINES[1][:30])
    tax = source(Folder(tmp_path))
    first = tax.fetch({})
    assert (len(first.observations), reasons(first.rejects)) == (1, [("truncated", "")])
    drop(tmp_path, "a.csv", HEADER + LINES[0] + LINES[1])
    assert len(tax.fetch(first.position).observations) == 1


def test_a_changed_file_is_read_again_whole(tmp_path: Path) -> None:
    drop(tmp_path, "a.csv", HEADER + LINES[0] + LINES[1])
    tax = source(Folder(tmp_path))
    first = tax.fetch({})
    drop(tmp_path, "a.csv", HEADER + LINES[0].replace(b",1\n", b",2\n") + LINES[1])
    assert [o.revision for o in tax.fetch(first.position).observations] == [1, 0]


def test_unfinished_and_hidden_files_and_links_are_left_alone(tmp_path: Path) -> None:
    for name in (".a.csv", "a.csv.part", "a.csv.tmp"):
        (tmp_path / name).write_bytes(sample("tax-receipts.csv"))
    outside = drop(tmp_path / "other", "secret.csv", sample("tax-receipts.csv"))
    (tmp_path / "link.csv").symlink_to(outside)
    assert source(Folder(tmp_path)).fetch({}).observations == []


def test_marks_of_removed_files_are_forgotten(tmp_path: Path) -> None:
    path = drop(tmp_path, "a.csv", sample("tax-receipts.csv"))
    tax = source(Folder(tmp_path))
    position = tax.fetch({}).position
    path.unlink()
    assert tax.fetch(position).position == {"files": {}}


def test_many_files_come_in_bounded_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_BATCH_DOCUMENTS", 4)
    for n in range(10):
        drop(tmp_path, f"{n}.csv", sample("tax-receipts.csv"))
    tax, position, counts = source(Folder(tmp_path)), dict[str, Json](), list[int]()
    while True:
        fetched = tax.fetch(position)
        counts.append(len(fetched.observations))
        position = dict(fetched.position)
        if not fetched.more:
            break
    assert counts == [12, 12, 6]


def test_empty_and_oversized_files_are_refused_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_DOCUMENT_BYTES", 1000)
    drop(tmp_path, "empty.csv", b"")
    drop(tmp_path, "big.csv", b"9" * 5000)
    drop(tmp_path, "good.csv", sample("tax-receipts.csv"))
    tax = source(Folder(tmp_path))
    first = tax.fetch({})
    assert reasons(first.rejects) == [("too_large", ""), ("truncated", "")]
    assert len(first.observations) == 3
    assert tax.fetch(first.position).rejects == []


def test_a_folder_that_is_a_file_makes_the_source_wait(tmp_path: Path) -> None:
    (tmp_path / "tax").write_text("no folder")
    with pytest.raises(SourceUnavailable):
        source(Folder(tmp_path / "tax")).fetch({})


class _Server(ThreadingHTTPServer):
    """Serves `files`; `broken` answers 503."""

    files: Mapping[str, bytes] = {}
    broken = False


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, _Server)
        name = self.path.rsplit("/", 1)[1]
        index = {"files": [{"name": n, "sha256": hashlib.sha256(d).hexdigest()} for n, d in server.files.items()]}
        data = json.dumps(index).encode() if name == "index.json" else server.files.get(name, b"")
        self.send_response(503 if server.broken else 200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[_Server]:
    made = _Server(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    made.shutdown()
    thread.join(5)
    made.server_close()


@pytest.mark.loopback
def test_files_over_http_are_resumed_like_files_of_a_folder(server: _Server) -> None:
    server.files = {"a.csv": sample("tax-receipts.csv"), "../b.csv": b"x"}
    folder = HttpFolder(f"http://127.0.0.1:{server.server_port}/feed/")
    tax = source(folder)
    first = tax.fetch({})
    assert len(first.observations) == 3
    assert tax.fetch(first.position).observations == []
    server.files = {"a.csv": sample("tax-receipts.csv") + LINES[0].replace(b"GTGT", b"TNCN")}
    assert len(tax.fetch(first.position).observations) == 1
    tax.close()


@pytest.mark.loopback
def test_a_broken_server_and_a_wrong_digest_make_the_source_wait(server: _Server) -> None:
    tax = source(HttpFolder(f"http://127.0.0.1:{server.server_port}"))
    server.broken = True
    with pytest.raises(SourceUnavailable, match="503"):
        tax.fetch({})
    server.broken = False
    server.files = {"index.json": b"{}"}
    tax.close()


def test_positions_survive_and_memory_expires(tmp_path: Path) -> None:
    store = PositionStore(tmp_path)
    state = store.of("customs")
    assert state.load() == {}
    state.save({"files": {"a": 1}}, {"D1": Remembered([1, "x"], expires_at=100)}, now=50)
    store.close()
    state = PositionStore(tmp_path).of("customs")
    assert (state.load(), state.recall("D1")) == ({"files": {"a": 1}}, [1, "x"])
    state.save({"files": {}}, {}, now=100 + BACKLOG_MS)
    assert state.recall("D1") == [1, "x"], "what amends it may lie in a backlog"
    state.save({"files": {}}, {}, now=101 + BACKLOG_MS)
    assert state.recall("D1") is None
    state.close()


def test_a_broken_position_file_names_itself_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "tax.sqlite").write_bytes(b"not a database, not at all" * 100)
    with pytest.raises(PositionError, match=r"tax\.sqlite.*(delete|xoá)"):
        PositionStore(tmp_path).of("tax").load()


def test_a_position_is_never_ahead_of_its_memory(tmp_path: Path) -> None:
    state = PositionStore(tmp_path).of("customs")
    with pytest.raises(TypeError):
        state.save({"files": {"a": 1}}, {"D1": Remembered(object(), 100)}, now=1)  # type: ignore[arg-type]
    assert state.load() == {}
    state.close()


