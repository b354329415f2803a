"""`nhip emergency open | widen | phase | readiness | note | handover | accept | close | exercise | list | show`: a scenario for an area."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ops.commands.options import acting, taking
from ops.stack.control import StackError
from transport.settings import Settings

if TYPE_CHECKING:
    from indicators.emergency import Emergency, Step
    from transport.emergencies import EmergencyBook

app = typer.Typer(help="Tình huống khẩn cấp theo kịch bản / emergencies by scenario.", no_args_is_help=True, add_completion=False)
Id = Annotated[str, typer.Argument(help="mã tình huống, phần đầu của mã, hoặc kịch bản đang mở / id, its beginning, or an open scenario")]
By = Annotated[str, typer.Option(help="ai; để trống: tài khoản máy / who; empty: the account of this machine")]
Why = Annotated[str, typer.Option(help="lý do, nội dung / reason, words")]


@dataclass(kw_only=True)
class Opened:
    """Options of `open` and `exercise`."""

    scenario: Annotated[str, typer.Argument(help="storm-flood, epidemic … / scenario")]
    unit: Annotated[list[str], typer.Option(help="mã xã, phường, tỉnh; nhắc lại được / code of a commune or province")] = field(
        default_factory=list
    )
    track: Annotated[str, typer.Option(help="tệp CSV đường đi của bão: time,lon,lat,radius_km / a storm's track")] = ""
    phase: Annotated[str, typer.Option(help="prevention, response, recovery")] = "response"
    document: Annotated[str, typer.Option(help="số văn bản / number of the document")] = ""
    why: Why = ""
    by: By = ""


@dataclass(kw_only=True)
class Widened:
    """Options of `widen`."""

    identity: Id
    unit: Annotated[list[str], typer.Option(help="mã xã, phường, tỉnh; nhắc lại được / code of a commune or province")] = field(
        default_factory=list
    )
    track: Annotated[str, typer.Option(help="tệp CSV đường đi của bão: time,lon,lat,radius_km / a storm's track")] = ""
    document: Annotated[str, typer.Option(help="số văn bản / number of the document")] = ""
    why: Why = ""
    by: By = ""


@app.command("open")
@taking(Opened)
def open_(asked: Opened) -> None:
    """Mở một kịch bản cho một địa bàn / open a scenario for an area."""
    _opened(asked, exercise=False)


@app.command()
@taking(Opened)
def exercise(asked: Opened) -> None:
    """Diễn tập một kịch bản: mọi thông báo mang dấu [DIỄN TẬP] / a drill: every message says so."""
    _opened(asked, exercise=True)


@app.command()
@taking(Widened)
def widen(asked: Widened) -> None:
    """Mở rộng địa bàn / widen the area."""
    from ops.emergency import ledger

    settings = Settings.load()
    with _told(settings):
        book = ledger.read(settings)
        one = ledger.find(book, asked.identity)
        area = ledger.area_of(settings, asked.unit, asked.track, ledger.scenario_of(settings, one.scenario))
        _kept(settings, book, one, {"did": "widen", "area": area, "why": asked.why, "document": asked.document, "by": asked.by})


@app.command()
def phase(identity: Id, to: Annotated[str, typer.Argument(help="prevention, response, recovery")], why: Why = "", by: By = "") -> None:
    """Chuyển giai đoạn: phòng ngừa, ứng phó, khắc phục / move to another phase."""
    _step(identity, {"did": "phase", "phase": to, "why": why, "by": by})


@app.command()
def readiness(
    identity: Id,
    pillar: Annotated[str, typer.Argument(help="command, forces, supplies, logistics")],
    state: Annotated[str, typer.Argument(help="ready, partly, not_ready")],
    why: Why = "",
    by: By = "",
) -> None:
    """Báo cáo một trong «bốn tại chỗ» / report one of the four pillars."""
    _step(identity, {"did": "readiness", "pillar": pillar, "state": state, "why": why, "by": by})


@app.command()
def note(identity: Id, why: Why = "", by: By = "") -> None:
    """Ghi sổ trực / write into the shift log."""
    _step(identity, {"did": "note", "why": why, "by": by})


@app.command()
def handover(identity: Id, to: Annotated[str, typer.Option(help="giao cho ai / to whom")], why: Why = "", by: By = "") -> None:
    """Bàn giao ca trực / hand the shift over."""
    _step(identity, {"did": "handover", "to": to, "why": why, "by": by})


@app.command()
def accept(identity: Id, by: By = "") -> None:
    """Nhận ca trực đang chờ / take the shift that waits."""
    from ops.emergency import ledger

    settings = Settings.load()
    with _told(settings):
        book = ledger.read(settings)
        one = ledger.find(book, identity)
        waiting = one.waiting_handover()
        _kept(settings, book, one, {"did": "accept", "about": waiting.step.id if waiting else "-", "by": by})


@app.command()
def close(identity: Id, why: Why = "", document: Annotated[str, typer.Option(help="số văn bản / document")] = "", by: By = "") -> None:
    """Kết thúc / close."""
    _step(identity, {"did": "close", "why": why, "document": document, "by": by})


@app.command("list")
def list_() -> None:
    """Các tình huống, mới nhất trước / emergencies, the newest first."""
    from indicators.scenario import ScenarioBook
    from ops.emergency import ledger, words

    settings = Settings.load()
    with _told(settings):
        book = ledger.read(settings)
    scenarios = ScenarioBook.load(settings.home)
    for one in book.newest_first():
        print(words.line(one, scenarios))
    print(f"{len(book.newest_first())} tình huống / emergencies; kịch bản / scenarios: {', '.join(s.id for s in scenarios)}")


@app.command()
def show(identity: Id, figures: Annotated[bool, typer.Option(help="cả số liệu, cảnh báo (ClickHouse) / figures, alerts")] = True) -> None:
    """Hồ sơ của một tình huống: ai, lúc nào, số liệu lúc mở và lúc kết thúc, cảnh báo / the record of an emergency."""
    from indicators.scenario import ScenarioBook
    from indicators.vocabulary import Vocabulary
    from ops.emergency import ledger, words

    settings = Settings.load()
    with _told(settings):
        one = ledger.find(ledger.read(settings), identity)
        for text in words.record(one, ScenarioBook.load(settings.home), Vocabulary.load(settings.home)):
            print(text)
    if figures:
        _figures(settings, one)


def _figures(settings: Settings, one: Emergency) -> None:
    """What ClickHouse holds of the emergency, as known then."""
    from rich.console import Console

    from ops.commands.query import table
    from ops.emergency import ledger
    from sinks.clickhouse import NotReady, Unavailable
    from sinks.questions import QuestionError, ask

    series = ",".join("|".join(watched.series) for watched in ledger.scenario_of(settings, one.scenario).indicators)
    try:
        answers = [ask(settings, "emergency", {"emergency": one.id, "series": series}),
                   ask(settings, "emergency_alerts", {"emergency": one.id})]  # fmt: skip
    except (QuestionError, Unavailable, NotReady) as error:
        raise StackError(f"{error}; --no-figures: chỉ hồ sơ / the record alone") from error
    for answer in answers:
        Console().print(table(answer))


def _opened(asked: Opened, *, exercise: bool) -> None:
    from datetime import datetime

    from indicators.emergency import Emergency
    from indicators.instant import VIETNAM
    from ops.emergency import ledger

    settings = Settings.load()
    with _told(settings):
        scenario = ledger.scenario_of(settings, asked.scenario)
        area = ledger.area_of(settings, asked.unit, asked.track, scenario)
        one = Emergency(f"{scenario.id}-{datetime.now(VIETNAM):%Y%m%d}-{uuid.uuid4().hex[:6]}")
        fields = {"did": "open", "scenario": scenario.id, "exercise": exercise, "phase": asked.phase, "area": area, "why": asked.why,
                  "document": asked.document, "by": asked.by}  # fmt: skip
        _kept(settings, ledger.read(settings), one, fields)


def _step(identity: str, fields: dict[str, Any]) -> None:
    from ops.emergency import ledger

    settings = Settings.load()
    with _told(settings):
        book = ledger.read(settings)
        _kept(settings, book, ledger.find(book, identity), fields)


def _kept(settings: Settings, book: EmergencyBook, one: Emergency, fields: dict[str, Any]) -> None:
    from ops.emergency import ledger, words
    from transport.emergencies import LEAD_MS

    step = _made(one.id, fields)
    ledger.keep(settings, book, step)
    print(f"{one.id}: {words.told(step)}; có hiệu lực sau {LEAD_MS // 1000} giây / in effect in {LEAD_MS // 1000} s")


def _made(emergency: str, fields: dict[str, Any]) -> Step:
    from indicators.emergency import Step
    from ops.replay.running import now_ms

    texts: dict[str, Any] = {name: value.strip() if isinstance(value, str) else value for name, value in fields.items()}
    actor = acting(texts.pop("by"))
    return Step(id=str(uuid.uuid4()), emergency=emergency, at=now_ms(), actor=actor, **texts)


@contextmanager
def _told(settings: Settings) -> Iterator[None]:
    """The boundary of a command, once the broker answers."""
    from ops.upkeep.boundary import kafka_answers, told

    with told():
        kafka_answers(settings)
        yield
