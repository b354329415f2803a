"""`nhip reconcile`: what Kafka holds and ClickHouse lacks, per partition, as ranges of offsets; `--repair` brings it in."""

from __future__ import annotations

import json as json_text
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from indicators.numbers_vi import number_vi
from ops.commands.options import acting
from ops.stack.control import StackError
from transport.settings import Settings

if TYPE_CHECKING:
    from ops.upkeep.matching import Outcome

SHOWN = 5


def reconcile(
    topic: Annotated[str, typer.Option(help="chỉ chủ đề này, không tiền tố; để trống: mọi obs.* / one topic; empty: every obs.*")] = "",
    every: Annotated[bool, typer.Option("--all", help="mọi chủ đề, đọc từng bản tin / every topic, message by message")] = False,
    repair: Annotated[bool, typer.Option("--repair", help="ghi bù phần thiếu / bring in what is missing")] = False,
    refused: Annotated[bool, typer.Option("--refused", help="cả bản tin ClickHouse đã từ chối / also what ClickHouse refused")] = False,
    why: Annotated[str, typer.Option(help="vì sao ghi bù, ghi vào nhật ký / reason of a repair, for the audit")] = "",
    by: Annotated[str, typer.Option(help="ai làm; để trống: tài khoản máy / who; empty: the account of this machine")] = "",
    json: Annotated[bool, typer.Option("--json", help="số liệu thô / raw figures")] = False,
) -> None:
    """Đối chiếu Kafka với ClickHouse; mã thoát 1 nếu còn thiếu / compare Kafka with ClickHouse; exit code 1 where something is missing."""
    from ops.upkeep.boundary import kafka_answers, told
    from ops.upkeep.matching import Request, chosen, match

    if repair and not why.strip():
        raise StackError("Cần --why «lý do»: ghi bù được ghi vào nhật ký kiểm tra / --why is needed: a repair is written to the audit")
    request = Request(topic, every, repair, refused, acting(by), why.strip(), str(uuid.uuid4()))
    settings = Settings.load()
    chosen(request, settings.topic_prefix)  # a topic that is none is told before anybody is asked
    with told():
        kafka_answers(settings)
        outcomes = list(match(settings, request))
    if json:
        print(json_text.dumps([one.plain() for one in outcomes]))
    else:
        for one in outcomes:
            if one.missing.count or one.repaired:
                print(line(one))
        print(total(outcomes))
    raise typer.Exit(int(any(one.missing.count for one in outcomes)))


def line(one: Outcome) -> str:
    """One partition: the ranges that are missing, and how many were brought in."""
    place, ranges = one.missing.place, one.missing.ranges
    named = ", ".join(str(a) if a == b else f"{a}–{b}" for a, b in ranges[:SHOWN])
    more = f" … +{len(ranges) - SHOWN} đoạn / ranges" if len(ranges) > SHOWN else ""
    least = "" if one.missing.whole else "ít nhất / at least "
    gap = f"thiếu / missing {least}{figure(one.missing.count)}: {named}{more}" if ranges else "đủ / complete"
    mended = f"; đã ghi bù / brought in: {figure(one.repaired)}" if one.repaired else ""
    return f"{place.topic} [{place.partition}] {place.first}–{place.end - 1}: {gap}{mended}"


def total(outcomes: list[Outcome]) -> str:
    """The last line."""
    due, lost = sum(one.due for one in outcomes), sum(one.missing.count for one in outcomes)
    waiting = sum(one.missing.place.waiting for one in outcomes)
    later = f" Chưa tới lượt ghi: {figure(waiting)}, xem `nhip lag` / not yet due." if waiting else ""
    if not lost:
        return f"Khớp: {figure(due)} vị trí ở {len(outcomes)} phân vùng / nothing is missing, offsets in partitions.{later}"
    return f"Thiếu {figure(lost)} trên {figure(due)} vị trí: `nhip reconcile --repair --why …` ghi bù / this brings them in.{later}"


def figure(count: int) -> str:
    """A whole number as people read it."""
    return number_vi(Decimal(count), 0)
