"""A child of the stack sees exactly the settings of its parent, of every type."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import psutil
import pytest

from ops.processes import PROCESSES
from ops.stack.own import BEHIND_SERVERS, environment, own
from ops.stack.process import spawn
from transport.settings import Settings


def test_every_setting_comes_back_from_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    given = Settings.load(receipts_of=frozenset({"sms", "zalo"}), topic_prefix="thử.")
    for name, value in environment(given, {}).items():
        if name.startswith("NHIP_"):
            monkeypatch.setenv(name, value)
    assert Settings.load() == given


def test_what_works_in_the_background_yields_and_what_people_wait_for_does_not() -> None:
    nice = {name: own(process, Settings(), 1).nice for name, process in PROCESSES.items()}
    assert nice.pop("board") == 0
    assert set(nice.values()) == {BEHIND_SERVERS}


def test_a_program_is_started_as_far_behind_as_it_is_said(tmp_path: Path) -> None:
    here = os.getpriority(os.PRIO_PROCESS, 0)
    for said in (0, here + BEHIND_SERVERS):
        child = spawn((sys.executable, "-S", "-c", "import time; time.sleep(60)"), tmp_path / "log", tmp_path, {}, nice=said)
        try:
            assert psutil.Process(child.pid).nice() == max(here, said)
        finally:
            child.kill()
