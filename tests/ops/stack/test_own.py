"""A child of the stack sees exactly the settings of its parent, of every type."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from ops.processes import PROCESSES
from ops.stack.apicurio import apicurio
from ops.stack.clickhouse import clickhouse
from ops.stack.kafka import kafka
from ops.stack.own import environment, own
from ops.stack.part import BEHIND
from ops.stack.process import spawn, yield_to_others
from transport.settings import Settings


def test_every_setting_comes_back_from_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    given = Settings.load(receipts_of=frozenset({"sms", "zalo"}), topic_prefix="thử.")
    for name, value in environment(given, {}).items():
        if name.startswith("NHIP_"):
            monkeypatch.setenv(name, value)
    assert Settings.load() == given


def test_all_yield_to_the_broker_and_the_registry_and_to_nothing_else(tmp_path: Path) -> None:
    servers = (kafka((), tmp_path, (1, 2)), apicurio(tmp_path, tmp_path, 3), clickhouse(Settings(), tmp_path, 4))
    nice = {part.name: part.nice for part in (*servers, *(own(process, Settings(), 1) for process in PROCESSES.values()))}
    assert (nice.pop("kafka"), nice.pop("registry")) == (0, 0)
    assert set(nice.values()) == {BEHIND}


def test_a_program_is_started_as_far_behind_as_it_is_said(tmp_path: Path) -> None:
    here = os.getpriority(os.PRIO_PROCESS, 0)
    for said in (0, here + BEHIND):
        child = spawn((sys.executable, "-S", "-c", "import time; time.sleep(60)"), tmp_path / "log", tmp_path, {}, nice=said)
        try:
            assert psutil.Process(child.pid).nice() == max(here, said)
            shared = Path(f"/proc/{child.pid}/autogroup")
            if shared.exists():  # where sessions share processors, the program's own value says nothing to the others
                assert shared.read_text().split()[1:] == ["nice", str(said)]
        finally:
            child.kill()


def test_who_is_no_leader_of_a_session_slows_nobody_but_itself() -> None:
    session = Path("/proc/self/autogroup")
    before = session.read_text() if session.exists() else ""
    with subprocess.Popen((sys.executable, "-S", "-c", "import time; time.sleep(60)")) as child:
        try:
            yield_to_others(child.pid, BEHIND)
            assert psutil.Process(child.pid).nice() >= BEHIND
            assert not before or session.read_text() == before
        finally:
            child.kill()
