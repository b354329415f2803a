"""`nhip lag`: each consumer group and partition: position, end, how much and how old is what is unread, when it will be closed."""

from __future__ import annotations

import json as json_text
import math
import sys
import time
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from indicators.numbers_vi import number_vi
from transport.settings import Settings

if TYPE_CHECKING:
    from ops.upkeep.lag import Lag

PIPED_WIDTH = 160


def lag(
    group: Annotated[str, typer.Option(help="chỉ một nhóm / one group: worker, sink, alerts-story, alerts-delivery")] = "",
    limit: Annotated[float, typer.Option(help="quá ngần này giây: mã thoát 1 / exit code 1 above so many seconds")] = 60.0,
    between: Annotated[float, typer.Option(min=0.2, max=60.0, help="giây giữa hai lần đo / seconds between two looks")] = 2.0,
    every: Annotated[bool, typer.Option("--all", help="cả phân vùng không trễ / also partitions that are not behind")] = False,
    json: Annotated[bool, typer.Option("--json", help="số liệu thô / raw figures")] = False,
) -> None:
    """Độ trễ của từng nhóm đọc và phân vùng, theo số bản ghi và theo giây / lag of each group in offsets and seconds."""
    from ops.stack.control import StackError
    from ops.upkeep.boundary import kafka_answers, told
    from ops.upkeep.lag import groups, look_at_all, paced

    if group not in ("", *groups()):
        raise StackError(f"Không có nhóm «{group}»: chọn một trong {', '.join(groups())} / no such group: choose one of these")
    settings = Settings.load()
    with told():
        kafka_answers(settings)
        first, began = look_at_all(settings, group), time.monotonic()
        time.sleep(between)
        found = paced(first, look_at_all(settings, group), time.monotonic() - began)
    now = time.time_ns() // 1_000_000
    if json:
        print(json_text.dumps([plain(one, now) for one in found], ensure_ascii=False))
    else:
        console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)
        shown = [one for one in found if every or one.behind]
        if shown:
            console.print(lines(shown, now))
        print(total(found, now))
    raise typer.Exit(int(any(one.seconds(now) > limit for one in found)))


def plain(one: Lag, now: int) -> dict[str, Any]:
    """One partition as JSON; `close_seconds` null: not known or not getting smaller."""
    close = one.close_seconds()
    return {
        "group": one.group, "topic": one.topic, "partition": one.partition, "offset": one.offset, "end": one.end, "behind": one.behind,
        "seconds": round(one.seconds(now), 3), "close_seconds": None if close is None or math.isinf(close) else round(close, 1),
    }  # fmt: skip


def lines(found: Sequence[Lag], now: int) -> Table:
    """One line a partition."""
    table = Table(
        "nhóm\ngroup", "chủ đề [phân vùng]\ntopic [partition]", "vị trí\noffset", "cuối\nend", "còn lại\nbehind", "giây\nseconds",
        "hết sau\nclosed in"
    )  # fmt: skip
    for column in table.columns[2:]:
        column.justify = "right"
    for one in found:
        figures = (number_vi(Decimal(n), 0) for n in (one.offset, one.end, one.behind))
        seconds = number_vi(Decimal(str(one.seconds(now))), 1)
        table.add_row(one.group, f"{one.topic} [{one.partition}]", *figures, seconds, closed_in(one.close_seconds()))
    return table


def total(found: Sequence[Lag], now: int) -> str:
    """The last line: everything that is behind, the oldest, the longest time to close."""
    behind, late = sum(one.behind for one in found), [one for one in found if one.behind]
    if not late:
        return f"Tổng: không nhóm nào trễ, {len(found)} phân vùng / total: nobody is behind, {len(found)} partitions."
    oldest = number_vi(Decimal(str(max(one.seconds(now) for one in late))), 1)
    times = [one.close_seconds() for one in late]
    close = None if None in times else max(t for t in times if t is not None)
    return (f"Tổng: còn {number_vi(Decimal(behind), 0)} bản ghi ở {len(late)}/{len(found)} phân vùng, cũ nhất {oldest} giây, hết sau "
            f"{closed_in(close)} / total behind, age of the oldest, time to close")  # fmt: skip


def closed_in(seconds: float | None) -> str:
    """Time to close as people read it; rounded up, so that it is not promised too early."""
    if seconds is None:
        return "–"
    if math.isinf(seconds):
        return "không giảm / not shrinking"
    whole = math.ceil(seconds)
    if whole < 120:
        return f"{whole} giây / s"
    return f"{number_vi(Decimal(math.ceil(whole / 60)), 0)} phút / min"
