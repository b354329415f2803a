"""`nhip emergency` over a real broker: steps written with their audit, seen by who follows, what may not be done refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from indicators.emergency import Emergency, place_of
from indicators.vocabulary import Vocabulary
from ops.cli import cli
from ops.emergency import ledger
from ops.stack.control import StackError
from tests.fixtures.stack import prepare
from transport.emergencies import LEAD_MS
from transport.emergency_follower import EmergencyFollower
from transport.settings import HOME, Settings
from transport.state_reader import read_partition

BY = ("--by", "lanhdao")


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`nhip emergency …` on this test's topics."""
    monkeypatch.setattr(Settings, "load", classmethod(lambda cls: settings))
    return lambda *arguments: CliRunner().invoke(cli, ["emergency", *arguments], catch_exceptions=False)


@pytest.mark.stack
@pytest.mark.timeout(120)
def test_an_emergency_from_its_opening_to_its_record(settings: Settings, run: Callable[..., Any], tmp_path: Path) -> None:
    prepare(settings, "ops.emergency", "ops.audit")
    track = tmp_path / "bao.csv"
    track.write_text("time,lon,lat,radius_km\n01/11/2026 06:00,107.5,20.0,60\n01/11/2026 12:00,106.6,20.8,80\n", "utf-8")
    with pytest.raises(StackError, match="số văn bản"):
        run("open", "storm-flood", "--unit", "31", "--why", "bão số 3", *BY)
    with pytest.raises(StackError, match="03361"):
        run("open", "storm-flood", "--unit", "03361x", "--why", "bão số 3", "--document", "01/CĐ", *BY)
    with pytest.raises(StackError, match="đường đi của bão"):
        run("open", "epidemic", "--track", str(track), "--why", "dịch", "--document", "02/QĐ", *BY)
    assert "mở – lanhdao" in run("open", "storm-flood", "--track", str(track), "--phase", "prevention", "--why", "bão số 3", "--document",
                                 "01/CĐ", *BY).stdout  # fmt: skip
    assert "DIỄN TẬP" not in run("list").stdout
    one = _only(settings)
    run("phase", "storm-flood", "response", *BY)
    run("widen", one.id[:20], "--unit", "79", "--why", "bão mạnh lên", "--by", "trucban")
    run("readiness", one.id, "forces", "ready", "--why", "300 chiến sĩ", "--by", "trucban")
    run("handover", one.id, "--to", "trucban2", "--why", "theo dõi đê", "--by", "trucban")
    with pytest.raises(StackError, match="không thể tự nhận"):
        run("accept", one.id, "--by", "trucban")
    run("accept", one.id, "--by", "trucban2")
    run("close", one.id, "--why", "bão tan", *BY)
    with pytest.raises(StackError, match="đã kết thúc"):
        run("phase", one.id, "recovery", *BY)
    shown = run("show", one.id, "--no-figures").stdout
    for said in ("phòng ngừa", "chuyển giai đoạn – lanhdao; giai đoạn ứng phó", "bão mạnh lên", "lực lượng tại chỗ: sẵn sàng (trucban",
                 "nhận ca trực – trucban2", "kết thúc – lanhdao", "33/2013/QH13", "chỉ huy tại chỗ: chưa báo cáo"):  # fmt: skip
        assert said in shown, said
    run("exercise", "epidemic", "--unit", "31", "--why", "diễn tập", "--document", "03/KH", *BY)
    assert "[DIỄN TẬP] Dịch bệnh" in run("list").stdout
    lines = [json.loads(m.value() or b"") for b in read_partition(settings, f"{settings.topic_prefix}ops.audit", 0) for m in b]
    assert [line["did"] for line in lines] == ["emergency.open", "emergency.phase", "emergency.widen", "emergency.readiness",
                                               "emergency.handover", "emergency.accept", "emergency.close", "emergency.open"]  # fmt: skip
    assert [line["result"] for line in lines] == ["live"] * 7 + ["exercise"]
    _follows(settings)


def _only(settings: Settings) -> Emergency:
    (one,) = ledger.read(settings).emergencies.values()
    return one


def _follows(settings: Settings) -> None:
    """What a running process knows of it, and up to when."""
    now = [0.0]
    follower = EmergencyFollower(settings, lambda: now[0])
    now[0] = 1_000_000.0
    follower.start()
    try:
        asyncio.run(asyncio.wait_for(follower.known(1_000_000_000), 30))
        assert follower.known_until == 1_000_000_000 + LEAD_MS
        storm, drill = follower.book.newest_first()[::-1]
        assert (storm.scenario, storm.open, drill.scenario, drill.exercise, drill.open) == ("storm-flood", False, "epidemic", True, True)
        place = place_of(Vocabulary.load(HOME), "79")
        span = storm.span(place, Vocabulary.load(HOME))
        assert span is not None
        assert storm.closing is not None
        assert storm.opening is not None
        assert storm.opening.effective < span.begin < span.end == storm.closing.effective
    finally:
        follower.stop()


@pytest.mark.stack
@pytest.mark.timeout(60)
def test_an_installation_without_the_topic_has_no_emergencies_and_does_not_wait(settings: Settings) -> None:
    follower = EmergencyFollower(settings)
    follower.start()
    try:
        asyncio.run(asyncio.wait_for(follower.known(1 << 50), 30))
        assert follower.book.emergencies == {}
    finally:
        follower.stop()
