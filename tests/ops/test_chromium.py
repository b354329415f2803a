"""The step of `make test` that sees to a browser, on machines that are only played: commands of its own on PATH, nothing installed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from transport.settings import HOME

SCRIPT = HOME / "ops" / "stack" / "chromium.sh"


def machine(folder: Path, commands: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the step where only these commands exist; each is the body of a shell script."""
    for name, body in commands.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    environment = {"PATH": str(folder), "SEEN": str(folder / "seen")}
    return subprocess.run(["/bin/sh", str(SCRIPT)], env=environment, capture_output=True, text=True, timeout=20, check=False)


ROOT, APT = "echo 0", 'echo "$@" >> "$SEEN"'


def test_nothing_is_done_where_a_browser_is(tmp_path: Path) -> None:
    done = machine(tmp_path, {"chromium": "exit 1", "id": ROOT, "apt-get": APT})
    assert (done.returncode, done.stdout, (tmp_path / "seen").exists()) == (0, "", False)


def test_root_with_apt_installs_debians(tmp_path: Path) -> None:
    done = machine(tmp_path, {"id": ROOT, "apt-get": APT})
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "seen").read_text().splitlines() == ["update -q", "install -q -y --no-install-recommends chromium"]


@pytest.mark.parametrize(
    "commands",
    [{"id": "echo 1000", "apt-get": APT}, {"id": ROOT}, {"id": ROOT, "apt-get": "exit 100"}],
    ids=["no root", "no apt", "no way"],
)
def test_else_it_says_how_and_the_tests_go_on(tmp_path: Path, commands: dict[str, str]) -> None:
    done = machine(tmp_path, commands)
    assert done.returncode == 0
    assert "apt-get install chromium" in done.stdout
    assert not (tmp_path / "seen").exists()
