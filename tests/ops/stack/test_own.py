"""A child of the stack sees exactly the settings of its parent, of every type."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from ops.processes import PROCESSES
from ops.stack.apicurio import apicurio
from ops.stack.clickhouse import clickhouse
from ops.stack.kafka import kafka
from ops.stack.keeper import Keeper, Pace
from ops.stack.own import environment, own
from ops.stack.part import BEHIND, Part, nothing
from ops.stack.process import yield_to_others
from ops.stack.state import Board
from ops.stack.supervisor import me
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


def yields(pid: int) -> set[int]:
    """By how much a process yields, and its session, where sessions share processors: there its own value says nothing to the others."""
    session = Path(f"/proc/{pid}/autogroup")
    of_session = [int(session.read_text().split()[-1])] if session.exists() else []
    return {psutil.Process(pid).nice() - os.getpriority(os.PRIO_PROCESS, 0), *of_session}


def test_a_part_comes_first_while_it_starts_and_yields_once_it_has_been_well_for_a_while(tmp_path: Path) -> None:
    sleeps = (sys.executable, "-S", "-c", "import time; time.sleep(60)")
    part = Part("sleeper", "Ngủ", sleeps, "", nothing, tmp_path, nice=os.getpriority(os.PRIO_PROCESS, 0) + BEHIND)
    board = Board(tmp_path, (part,), me())
    keeper = Keeper(part, tmp_path, board, Pace(settled=0.3))
    keeper.start()
    row = board.state.row("sleeper")
    assert row is not None
    assert yields(row.pid) == {0}
    thread = threading.Thread(target=keeper.keep)
    thread.start()
    try:
        deadline = time.monotonic() + 10
        while yields(row.pid) == {0} and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.1)
        assert yields(row.pid) == {BEHIND}
    finally:
        keeper.stop.set()
        thread.join(20)


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
