"""Logs: tail, rotation while a part writes, following across a rotation."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.stack.logs import BLOCK, Follower, rotate, tail


def test_tail_of_no_file_is_nothing(tmp_path: Path) -> None:
    assert tail(tmp_path / "none.log", 5) == []


@pytest.mark.parametrize("width", [1, BLOCK // 3, BLOCK + 7], ids=["short", "some a block", "longer than a block"])
def test_tail_gives_the_last_whole_lines(tmp_path: Path, width: int) -> None:
    path = tmp_path / "part.log"
    lines = [f"{n}" * width for n in range(6)]
    path.write_text("\n".join(lines) + "\n")
    assert tail(path, 3) == lines[-3:]
    assert tail(path, 99) == lines


def test_tail_survives_bytes_that_are_not_text(tmp_path: Path) -> None:
    path = tmp_path / "part.log"
    path.write_bytes(b"\xff\xfe bad\n")
    assert tail(path, 1) == ["\ufffd\ufffd bad"]


def test_a_large_log_is_moved_while_its_writer_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "part.log"
    with path.open("ab", buffering=0) as writer:
        for generation in range(4):
            writer.write(f"{generation}".encode() * 100)
            assert rotate(path, limit=50, kept=2)
        writer.write(b"now")
    assert path.read_text() == "now"
    assert [path.with_name(f"part.log.{n}").read_text()[0] for n in (1, 2)] == ["3", "2"]
    assert not path.with_name("part.log.3").exists()


def test_a_small_log_stays(tmp_path: Path) -> None:
    path = tmp_path / "part.log"
    path.write_text("few")
    assert not rotate(path, limit=50)
    assert not rotate(tmp_path / "none.log")


def test_a_follower_gives_new_whole_lines_and_survives_a_cut(tmp_path: Path) -> None:
    path = tmp_path / "part.log"
    path.write_text("old\n")
    follower = Follower(path)
    with path.open("a") as writer:
        writer.write("one\ntw")
        writer.flush()
        assert list(follower.lines()) == ["one"]
        writer.write("o\n")
    assert list(follower.lines()) == ["two"]
    path.write_text("new\n")
    assert list(follower.lines()) == ["new"]
    path.unlink()
    assert list(follower.lines()) == []
