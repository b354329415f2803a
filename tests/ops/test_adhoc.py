"""Into processes that run: a set is ordered, filled by its template, folded, stored and shown; an emergency puts its rules in force."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import pytest
from clickhouse_connect.driver.client import Client as ClickHouseClient
from typer.testing import CliRunner

from dashboards.settings import BoardSettings
from indicators.instant import local
from indicators.numbers_vi import day_vi
from indicators.vocabulary import Vocabulary
from ops.cli import cli
from ops.emergency import ledger
from ops.stack.control import StackError
from sinks.tables import routes
from tests.alerts.broker import Reading
from tests.dashboards.conftest import LEADER, Client, made
from tests.fixtures.stack import prepare
from tests.indicators.test_adhoc import FILE, written
from tests.sinks.conftest import sink, until
from tests.stream_processors.test_stage1_against_oracle import base
from transport.emergency_follower import EmergencyFollower
from transport.kafka_clients import CountingProducer, producer
from transport.records import AvroDecoder, AvroEncoder
from transport.registry import Registry
from transport.settings import HOME, Settings
from transport.topics import table

START = "import sys; from {}.main import main; from transport.settings import Settings; sys.exit(main(Settings.load(){}))"
WORKER, PRODUCERS = START.format("stream_processors", ", ('emergency',)"), START.format("producers", "")
TOPICS = ("obs.emergency", "agg.emergency", "panes.emergency", "operands.emergency", "operands.latest.emergency", "derived.emergency",
          "alerts.conditions", "alerts.conditions.emergency", "dead.stage1", "dead.stage2", "dead.producers", "ops.emergency", "ops.audit",
          "ops.replay.jobs", "obs.prices", "agg.prices", "panes.prices", "operands.prices", "derived.prices")  # fmt: skip
NAMES = ("data_dir", "inbox_dir", "kafka_bootstrap", "registry_url", "topic_prefix", "producers_metrics_port", "worker_metrics_port")
SET = "adhoc-lua-ngap-2026"


@contextmanager
def process(settings: Settings, code: str, log: Path) -> Iterator[None]:
    """A process of the product with this test's settings; ended as an operator ends it."""
    environment = os.environ | {f"NHIP_{name.upper()}": str(getattr(settings, name)) for name in NAMES}
    with log.open("wb") as out:
        running = subprocess.Popen([sys.executable, "-c", code], cwd=HOME, env=environment, stderr=out)
        try:
            yield
            running.send_signal(signal.SIGTERM)
            assert running.wait(20) == 0, log.read_text("utf-8")[-2000:]
        finally:
            running.kill()
            running.wait(5)


def said(log: Path, words: str) -> bool:
    """Is it in the log by now?"""
    return words in log.read_text("utf-8")


@pytest.mark.stack
@pytest.mark.timeout(300)
def test_a_set_opened_into_running_processes_is_filled_and_answered(
    settings: Settings, database: ClickHouseClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(settings, *TOPICS)
    wanted = {settings.topic_prefix + name for name in ("agg.emergency", "obs.emergency", "ops.emergency")}
    taken = {name: one for name, one in routes(table(settings.topic_prefix), settings.topic_prefix).items() if name in wanted}
    works, feeds = tmp_path / "worker.log", tmp_path / "producers.log"
    with process(settings, WORKER, works), process(settings, PRODUCERS, feeds), sink(settings, taken):
        until(lambda: said(works, "worker started") and said(feeds, "producers.started"))
        template = _opened(settings, tmp_path, monkeypatch)
        begins = _emergency(settings, monkeypatch)
        until(lambda: said(feeds, "ad-hoc sets taken in"))
        until(lambda: time.time() * 1000 > begins)
        _rain(settings)
        _filled(template, settings.inbox_dir / "intake")
        asked = f"SELECT indicator, territory, latest FROM latest_aggregates WHERE startsWith(indicator, '{SET}')"
        until(lambda: bool(database.query(asked).result_rows), 60)
        assert [tuple(map(str, row)) for row in database.query(asked).result_rows] == [(f"{SET}/C1", "31", "1234.500000")]
        asyncio.run(_shown(settings))
        told = Reading(settings, f"{settings.topic_prefix}alerts.conditions.emergency")
        until(lambda: _conditions(settings, told) == [("KC-MUA-DON-DAP", "opened", "exercise", "MUA-HAIPHONG")], 30)
        told.close()


def _opened(settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ordered by the command; a second time it is refused."""
    today = local(int(time.time() * 1000)).date()
    text = FILE.replace("2026-11-02", today.isoformat()).replace("2026-12-31", today.replace(year=today.year + 1, day=1).isoformat())
    monkeypatch.setattr(Settings, "load", classmethod(lambda cls: settings))
    arguments = ["catalogue", "adhoc", "open", str(written(folder, text)), "--why", "lệnh", "--by", "vpcp", "--out", str(folder)]
    opened = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert f"{SET}: 2 chỉ số" in opened.stdout
    with pytest.raises(StackError, match="đã mở bộ"):
        CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert "1 bộ / sets" in CliRunner().invoke(cli, ["catalogue", "adhoc", "list"], catch_exceptions=False).stdout
    monkeypatch.undo()
    return folder / f"{SET}.xlsx"


def _emergency(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> int:
    """A drill for Hải Phòng, opened while the worker runs; from when it is in effect."""
    monkeypatch.setattr(Settings, "load", classmethod(lambda cls: settings))
    arguments = ["emergency", "exercise", "storm-flood", "--unit", "31", "--why", "diễn tập", "--document", "01/KH", "--by", "trucban"]
    assert CliRunner().invoke(cli, arguments, catch_exceptions=False).exit_code == 0
    monkeypatch.undo()
    (one,) = ledger.read(settings).emergencies.values()
    assert one.opening is not None
    return one.opening.effective


def _rain(settings: Settings) -> None:
    """Violent rain at a station in the area and at one outside it."""
    now = int(time.time() * 1000)
    out = CountingProducer(producer(settings))
    with Registry(settings) as registry:
        encoder = AvroEncoder("observation", registry.id_of("obs.emergency"))
        for station, territory in (("MUA-HAIPHONG", "31"), ("MUA-SAPA", "15")):
            o = base(event_time=now, component="rain", concept="rain", measure_unit="mm", subject_id=station, territory=territory,
                     source_record_id=station, value=Decimal(25), ingested_at=now)  # fmt: skip
            out.publish(f"{settings.topic_prefix}obs.emergency", o.series().key().encode(), encoder.encode(o.record()))
        out.flush()


def _conditions(settings: Settings, told: Reading) -> list[tuple[str, ...]]:
    """What the worker said so far."""
    with Registry(settings) as registry:
        decoder = AvroDecoder("condition", registry.schema)
        rows = [decoder.decode(m.value()) for m in told.whole()]
    return [tuple(row[name] for name in ("rule", "transition", "mode", "subject_id")) for row in rows]


def _filled(template: Path, inbox: Path) -> None:
    """One figure of Hải Phòng for today, as a person fills it; the other row is left as it is."""
    book = openpyxl.load_workbook(template)
    sheet = book.worksheets[0]
    names = [cell.value for cell in sheet[1]]
    for name, value in (("dia_ban", "31"), ("thoi_diem", day_vi(local(int(time.time() * 1000)).date())), ("gia_tri", "1.234,5")):
        sheet.cell(2, names.index(name) + 1, value)
    inbox.mkdir(parents=True, exist_ok=True)
    book.save(inbox / "beside.tmp")
    (inbox / "beside.tmp").rename(inbox / "lua-ngap.xlsx")


async def _shown(settings: Settings) -> None:
    """The board's page of sets and the indicator's own."""
    own = BoardSettings.load(**settings.model_dump())
    board = made(own)
    board.vocabulary = Vocabulary(HOME)
    board.clock = lambda: int(time.time() * 1000)
    board.ordered = EmergencyFollower(settings, vocabulary=board.vocabulary)
    board.ordered.start()
    client = Client(board, LEADER)
    try:
        await board.ordered.known(board.clock())
        page = (await client.get("/emergency")).text
        for words in ("Bộ chỉ số đột xuất", "Diện tích lúa bị ngập sau bão số 12", "123/VPCP-KSTT", "1 chuỗi đã có số liệu"):
            assert words in page, words
        figures = (await client.get(f"/indicator/{SET}/C1?territory=31")).text
        assert "Diện tích lúa bị ngập" in figures
        assert "1.234,5" in figures
    finally:
        board.ordered.stop()
        await client.http.aclose()
        await board.database.close()
