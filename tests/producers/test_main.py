"""The process as it is run: files of its inbox arrive on the topics, a second start sends nothing again, SIGTERM ends it cleanly."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from producers.clock import SystemClock, set_scenario_now
from producers.intake import COLUMNS
from producers.main import FeedsError, feeds, sources
from producers.positions import PositionStore
from producers.template import write
from tests.fixtures.stack import prepare
from tests.producers.support import DOOR, drop, sample, vocabulary
from tests.producers.test_embargo import BEFORE, CPI, RELEASE, ROW, SECRET
from tests.producers.test_publisher import read
from transport.settings import HOME, Settings


def environment(settings: Settings) -> dict[str, str]:
    names = ("data_dir", "inbox_dir", "kafka_bootstrap", "registry_url", "topic_prefix", "producers_metrics_port")
    return os.environ | {f"NHIP_{name.upper()}": str(getattr(settings, name)) for name in names}


def _delivered(log: str) -> set[str]:
    """Sources that a log says were delivered."""
    lines = (json.loads(line) for line in log.splitlines() if "producers.delivered" in line)
    return {line["source"] for line in lines}


def run_until(settings: Settings, files: dict[str, tuple[str, bytes]], delivered: set[str]) -> str:
    """Start the process, drop a file into each of these folders, wait until these sources delivered, stop it with SIGTERM; its log."""
    log = settings.data_dir / "log"
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", "producers.main"], cwd=HOME, env=environment(settings), stderr=output)
        try:
            for folder, (name, data) in files.items():
                drop(settings.inbox_dir / folder, name, data)
            ends = time.monotonic() + 150
            while not delivered <= _delivered(log.read_text(encoding="utf-8")) and time.monotonic() < ends and process.poll() is None:
                time.sleep(0.1)
            process.send_signal(signal.SIGTERM)
            assert process.wait(15) == 0
        finally:
            process.kill()
            process.wait(5)
    return log.read_text(encoding="utf-8")


@pytest.mark.stack
@pytest.mark.timeout(400)
def test_files_arrive_once_over_two_lives_of_the_process_and_a_held_figure_in_the_second(settings: Settings) -> None:
    prepare(settings, "obs.finance_budget", "obs.prices", "obs.home_affairs", "obs.emergency", "dead.producers")
    settings.inbox_dir.mkdir(parents=True, exist_ok=True)
    line = dict.fromkeys(COLUMNS, "") | ROW
    set_scenario_now(settings.inbox_dir, BEFORE)
    files = {"tax": ("a.csv", sample("tax-receipts.csv")), "intake": ("a.csv", write("csv", list(line), [line]))}
    log = run_until(settings, files, {"tax", "intake"})
    assert "local-demo-only" not in log
    set_scenario_now(settings.inbox_dir, RELEASE)
    log += run_until(settings, {"tax": ("b.json", sample("tax-receipts.json"))}, {"tax", "embargo"})
    assert SECRET not in log
    [receipt], [published] = read(settings, "obs.home_affairs", 1), read(settings, "obs.prices", 2, seconds=3)
    assert (receipt.key(), published.key()) == (b"nhip/N.5||VN||agency=NSO|actual", f"{CPI}||VN|||actual".encode())
    assert receipt.timestamp()[1] < published.timestamp()[1]
    assert len(read(settings, "obs.finance_budget", 6, seconds=6)) == 5  # three, then two: a sixth would have come within the time


def test_feeds_of_the_installation_are_sound(settings: Settings, tmp_path: Path) -> None:
    assert feeds(HOME) == []
    folder = tmp_path / "catalogue" / "exchange"
    folder.mkdir(parents=True)
    (folder / "feeds.yaml").write_text("feeds: [{source: tax, url: 'http://127.0.0.1:9/x'}]", encoding="utf-8")
    assert feeds(tmp_path) == [("tax", "http://127.0.0.1:9/x")]
    (folder / "feeds.yaml").write_text("feeds: [{source: tax}]", encoding="utf-8")
    with pytest.raises(FeedsError, match=r"feeds\.0"):
        feeds(tmp_path)


def test_every_folder_is_a_source_and_mqtt_where_configured(settings: Settings) -> None:
    positions = PositionStore(settings.data_dir)
    live = settings.model_copy(update={"mqtt_host": "127.0.0.1"})
    names = [s.name for s in sources(live, vocabulary(), DOOR, positions, SystemClock())]
    documents = ["tax", "customs", "treasury", "sensors", "icu", "open_data", "intake", "tasks", "obstacles", "securities", "confirmations"]
    assert names == [*documents, "sensors_live"]
    positions.close()
