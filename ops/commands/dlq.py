"""`nhip dlq list | show | redrive | drop`: what was refused, why, and sending it again once its cause is mended."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from indicators.numbers_vi import number_vi, time_vi
from ops.commands.options import acting, taking
from ops.stack.control import StackError
from transport.settings import Settings

if TYPE_CHECKING:
    from ops.upkeep.letter import Choice, Letter
    from ops.upkeep.redrive import Order, Plan
    from ops.upkeep.trail import Trail

app = typer.Typer(help="Bản ghi bị từ chối: xem, gửi lại, bỏ / dead letters.", no_args_is_help=True, add_completion=False)
PIPED_WIDTH, SHOWN = 160, 12

Ids = Annotated[list[str] | None, typer.Argument(help="mã bản ghi bị từ chối; để trống: chọn bằng tham số / ids; empty: by options")]
Kafka = Annotated[bool, typer.Option("--kafka", help="đọc thẳng từ Kafka, không qua ClickHouse / read from Kafka itself")]


@dataclass(kw_only=True)
class Which:
    """Options that choose letters."""

    stage: Annotated[str, typer.Option(help="khâu: producers, producers.tax, stage1, stage2, alerts, sinks / stage")] = ""
    reason: Annotated[str, typer.Option(help="lý do / reason")] = ""
    field: Annotated[str, typer.Option(help="trường / field")] = ""
    source: Annotated[str, typer.Option(help="nguồn / source")] = ""
    hours: Annotated[float, typer.Option(help="chỉ trong ngần này giờ qua; 0: mọi lúc / of the last hours; 0: of all time")] = 0.0
    kafka: Kafka = False

    def choice(self, ids: Sequence[str] = ()) -> Choice:
        """The choice that they make."""
        from ops.upkeep.letter import Choice

        since = _now() - int(timedelta(hours=self.hours).total_seconds() * 1000) if self.hours else 0
        return Choice(ids=tuple(ids), stage=self.stage, reason=self.reason, field=self.field, source=self.source, since=since)


@dataclass(kw_only=True)
class Deed(Which):
    """Options of what is done to letters, and written to the audit."""

    ids: Ids = None
    why: Annotated[str, typer.Option(help="vì sao, ghi vào nhật ký / the reason, for the audit")] = ""
    by: Annotated[str, typer.Option(help="ai làm; để trống: tài khoản máy / who; empty: the account of this machine")] = ""
    most: Annotated[int, typer.Option("--max", min=1, max=100_000, help="tối đa mỗi lần ngần này bản ghi / at most so many a run")] = 1000
    dry_run: Annotated[bool, typer.Option("--dry-run", help="chỉ nói sẽ làm gì / only say what would be done")] = False


class Policy(StrEnum):
    """What becomes of letters that would be refused again."""

    STOP = "stop"
    PARK = "park"
    DROP = "drop"


@dataclass(kw_only=True)
class Again(Deed):
    """Options of `redrive`."""

    topic: Annotated[str, typer.Option(help="chủ đề khác chủ đề gốc, không tiền tố / another topic than the original's")] = ""
    cap: Annotated[int, typer.Option(min=1, max=100, help="mỗi bản ghi gửi lại nhiều nhất ngần này lần / attempts at most")] = 3
    again: Annotated[bool, typer.Option("--again", help="cả bản ghi đã gửi lại / also letters sent again before")] = False
    healed: Annotated[bool, typer.Option("--healed", help="những bản ghi mà danh mục, lược đồ hôm nay nhận / exactly those that today's "
                                         "catalogue and schemas take")] = False  # fmt: skip
    policy: Annotated[Policy, typer.Option(help="bản ghi sẽ lại bị từ chối: stop không gửi gì, park để nguyên, drop bỏ / of those refused "
                                           "again: send nothing, leave them, drop them")] = Policy.PARK  # fmt: skip


@app.command("list")
@taking(Which)
def list_(which: Which) -> None:
    """Nhóm theo khâu, lý do, nguồn; số bản ghi và lần mới nhất / groups with counts and newest time."""
    from ops.upkeep.boundary import kafka_answers, told
    from ops.upkeep.letter import grouped, groups_in_store, in_kafka

    settings, choice = Settings.load(), which.choice()
    with told():
        if which.kafka:
            kafka_answers(settings)
        groups = grouped(in_kafka(settings, choice)) if which.kafka else groups_in_store(settings, choice)
    table = Table("khâu\nstage", "lý do\nreason", "nguồn\nsource", "số bản ghi\nletters", "mới nhất\nnewest", "ví dụ\nexample")
    for one in groups:
        table.add_row(one.stage, one.reason, one.source, number_vi(Decimal(one.letters), 0), time_vi(one.newest), one.example)
    if groups:
        _console().print(table)
    print(f"{number_vi(Decimal(sum(one.letters for one in groups)), 0)} bản ghi bị từ chối / dead letters.")


@app.command()
def show(letter_id: Annotated[str, typer.Argument(help="mã / id")], kafka: Kafka = False) -> None:
    """Một bản ghi: vì sao, từ đâu, nội dung đọc được, phải làm gì / one letter with what can be read of it."""
    from ops.upkeep import trail
    from ops.upkeep.boundary import kafka_answers, told
    from ops.upkeep.reading import described

    settings = Settings.load()
    with told():
        kafka_answers(settings)
        found = letters_of(settings, Which(kafka=kafka).choice((letter_id,)), 1, kafka)
        if not found:
            raise StackError(f"Không có bản ghi {letter_id}: `nhip dlq list`; bản ghi quá mới thì thêm --kafka / no such letter")
        fate = trail.read(settings).fate(letter_id)
        for name, text in described(settings, found[0], fate):
            print(f"{name}: {text}")


@app.command()
@taking(Again)
def redrive(asked: Again) -> None:
    """Gửi lại nguyên bản vào chủ đề gốc, mỗi bản ghi một lần / send the originals again, each once; mã thoát 1 nếu có bản ghi ở lại."""
    from ops.upkeep import redrive as driving
    from ops.upkeep import trail
    from ops.upkeep.boundary import kafka_answers, told

    order, settings = driving.Order(acting(asked.by), _reason(asked), asked.cap, asked.again), Settings.load()
    with told():
        choice = asked.choice(asked.ids or ()) if asked.healed else narrowed(asked.choice(asked.ids or ()))
        kafka_answers(settings)
        known = trail.read(settings)
        letters = candidates(settings, asked, choice, known)
        if not asked.dry_run and driving.settle(settings, letters, known, order, _now()):
            known = trail.read(settings)
        plan = planned(settings, letters, known, order, asked.topic)
        if plan.parked and asked.policy == Policy.STOP:
            tell(plan, 0, True)
            raise StackError(f"Không gửi gì: {len(plan.parked)} bản ghi sẽ lại bị từ chối (--policy stop) / nothing was sent")
        try:
            sent = [] if asked.dry_run else driving.execute(settings, plan, order, known)
        except driving.RedriveError as error:
            raise StackError(str(error)) from error
        if asked.policy == Policy.DROP and not asked.dry_run:
            driving.drop(settings, [one for one in letters if one.id in plan.parked], known, order, _now())
    tell(plan, len(sent), asked.dry_run)
    raise typer.Exit(int(bool(plan.parked) and asked.policy == Policy.PARK))


@app.command()
@taking(Deed)
def drop(asked: Deed) -> None:
    """Đánh dấu là bỏ, có lý do; bản gốc vẫn giữ / mark as dropped with the reason; the bytes stay."""
    from ops.upkeep import redrive as driving
    from ops.upkeep import trail
    from ops.upkeep.boundary import kafka_answers, told

    order, settings, ids = driving.Order(acting(asked.by), _reason(asked)), Settings.load(), asked.ids or ()
    with told():
        choice = narrowed(asked.choice(ids))
        kafka_answers(settings)
        known = trail.read(settings)
        letters = letters_of(settings, choice, asked.most, asked.kafka, lambda one: bool(ids) or not known.fate(one.id).dropped)
        if asked.dry_run:
            print(f"{len(letters)} bản ghi sẽ bị bỏ / would be dropped.")
            return
        done = driving.drop(settings, letters, known, order, _now())
    print(f"{len(done)} bản ghi đã bỏ, {len(letters) - len(done)} đã bỏ từ trước / dropped, dropped before.")


def candidates(settings: Settings, asked: Again, choice: Choice, known: Trail) -> list[Letter]:
    """The letters of a run, the oldest first. `--healed`: only those that today's doors take; the others are not even looked at again."""

    def open_(one: Letter) -> bool:
        return bool(asked.ids) or not known.fate(one.id).handled(asked.again)

    if not asked.healed:
        return letters_of(settings, choice, asked.most, asked.kafka, open_)
    from ops.upkeep.door import Doors
    from ops.upkeep.letter import in_kafka, in_store
    from ops.upkeep.redrive import healed

    source = in_kafka(settings, choice) if asked.kafka else in_store(settings, choice)
    with closing(Doors(settings)) as doors:
        return healed(filter(open_, source), asked.most, lambda some: doors.judge(some, asked.topic))


def narrowed(choice: Choice) -> Choice:
    """The same choice. Raises StackError where it would take everything there is: that is never meant."""
    if not (choice.ids or choice.stage or choice.reason or choice.field or choice.source or choice.since):
        raise StackError("Chọn bản ghi: mã, --stage, --reason, --field, --source hoặc --hours / choose letters by id or by an option")
    return choice


def letters_of(
    settings: Settings, choice: Choice, most: int, kafka: bool, open_: Callable[[Letter], bool] = lambda _: True
) -> list[Letter]:
    """At most `most` of the letters that `open_` takes, the oldest first."""
    from ops.upkeep.letter import first_of, head_of, in_kafka, in_store

    return first_of(filter(open_, in_kafka(settings, choice)), most) if kafka else head_of(filter(open_, in_store(settings, choice)), most)


def planned(settings: Settings, letters: list[Letter], known: Trail, order: Order, topic: str) -> Plan:
    """The plan of a run, judged by the product's doors."""
    from ops.upkeep.door import Doors
    from ops.upkeep.redrive import plan

    doors = Doors(settings)
    try:
        return plan(letters, known, order, _now(), lambda some: doors.judge(some, topic))
    finally:
        doors.close()


def tell(plan: Plan, sent: int, dry_run: bool) -> None:
    """What was done or would be, with the reasons of those that stay."""
    count = len(plan.send) if dry_run else sent
    print(f"{count} bản ghi {'sẽ gửi lại / would be sent again' if dry_run else 'đã gửi lại / sent again'}.")
    for words, stay in (("sẽ lại bị từ chối, để nguyên / would be refused again, parked", plan.parked), ("bỏ qua / skipped", plan.skipped)):
        if stay:
            print(f"{len(stay)} bản ghi {words}:")
            for one, why in list(stay.items())[:SHOWN]:
                print(f"  {one}: {why}")
            if len(stay) > SHOWN:
                print(f"  … +{len(stay) - SHOWN}")


def _reason(asked: Deed) -> str:
    if not asked.why.strip() and not asked.dry_run:
        raise StackError("Cần --why «lý do»: việc này được ghi vào nhật ký kiểm tra / --why is needed: this is written to the audit")
    return asked.why.strip()


def _now() -> int:
    return time.time_ns() // 1_000_000


def _console() -> Any:
    return Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)
