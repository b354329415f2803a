"""Parsed forms of data files: the same as parsing, never stale, never code, never needed."""

from __future__ import annotations

import os
import pickle
from datetime import date
from pathlib import Path

import pytest

from indicators import parsed_file
from indicators.datafile import DataFileError, read_yaml

LONG = "# " + "x" * parsed_file.LEAST_BYTES + "\n"
TEXT = LONG + "rows: [{at: 2026-07-01, value: 1.5, name: Huế, none: null}]\n"
SAID = {"rows": [{"at": date(2026, 7, 1), "value": 1.5, "name": "Huế", "none": None}]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "some.yaml"
    found.write_text(TEXT, "utf-8")
    return found


def kept(path: Path) -> list[Path]:
    return sorted((path.parent / "__pycache__").glob("*"))


def unparsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yaml.load", lambda *_: pytest.fail("parsed though its form is kept"))


def test_a_second_reading_says_the_same_without_parsing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_yaml(path) == SAID
    unparsed(monkeypatch)
    assert read_yaml(path) == SAID
    link = path.parent / "links" / "some.yaml"
    link.parent.mkdir()
    link.symlink_to(path)
    assert read_yaml(link) == SAID, "a link shares the form of its file"


def test_another_content_is_parsed_and_takes_the_place(path: Path) -> None:
    read_yaml(path)
    before = os.stat(path)
    path.write_text(TEXT.replace("1.5", "2.5"), "utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert read_yaml(path)["rows"][0]["value"] == 2.5
    assert len(kept(path)) == 1


@pytest.mark.parametrize("harm", [b"", b"\x80\x05", b"no pickle at all", pickle.dumps(SAID)[:-9], pickle.dumps(Path("x"))])
def test_what_is_torn_or_foreign_is_parsed_anew(path: Path, harm: bytes) -> None:
    read_yaml(path)
    kept(path)[0].write_bytes(harm)
    assert read_yaml(path) == SAID
    assert kept(path)[0].read_bytes() != harm


def test_a_form_runs_no_code(path: Path) -> None:
    class Harm:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(path.parent / "harm"),)

    read_yaml(path)
    kept(path)[0].write_bytes(pickle.dumps(Harm()))
    assert read_yaml(path) == SAID
    assert not (path.parent / "harm").exists()


def test_a_wrong_file_stays_wrong_and_a_small_one_is_not_kept(path: Path) -> None:
    path.write_text(LONG + "a: 1\na: 2\n", "utf-8")
    for _ in range(2):
        with pytest.raises(DataFileError, match="given twice"):
            read_yaml(path)
    path.write_text("a: 1\n", "utf-8")
    assert read_yaml(path) == {"a": 1}
    assert kept(path) == []


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(path: Path) -> None:
    (path.parent / "__pycache__").write_text("in the way")
    assert read_yaml(path) == SAID == read_yaml(path)
