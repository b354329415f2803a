"""`nhip catalogue adhoc open | list`: indicators that a document orders for a time, opened into the processes that run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ops.commands.options import acting
from ops.stack.control import StackError
from transport.settings import Settings

app = typer.Typer(help="Bộ chỉ số đột xuất theo văn bản / ad-hoc sets.", no_args_is_help=True, add_completion=False)


@app.command("open")
def open_(
    file: Annotated[Path, typer.Argument(help="tệp YAML của bộ chỉ số / the set's YAML file")],
    why: Annotated[str, typer.Option(help="lý do, ghi vào nhật ký / the reason, for the audit")],
    by: Annotated[str, typer.Option(help="ai; để trống: tài khoản máy / who")] = "",
    out: Annotated[Path, typer.Option(help="thư mục ghi mẫu nhập số liệu / folder of the intake template")] = Path(),
) -> None:
    """Mở bộ chỉ số, viết mẫu nhập số liệu; không tiến trình nào khởi động lại / open a set and write its template, nothing restarts."""
    from indicators.adhoc import read_set
    from indicators.datafile import DataFileError
    from indicators.numbers_vi import day_vi
    from indicators.vocabulary import Vocabulary
    from ops.emergency import ledger
    from ops.replay.running import now_ms
    from ops.upkeep.boundary import kafka_answers, told
    from producers.template import columns, rows, write
    from transport.emergencies import LEAD_MS, OrderedSet, words_of

    settings = Settings.load()
    try:
        content = read_set(file)
    except DataFileError as error:
        raise StackError(str(error)) from error
    with told():
        kafka_answers(settings)
        book, vocabulary = ledger.read(settings), Vocabulary(settings.home)
        vocabulary.adopt(*words_of(book.sets.values()))
        if found := content.collisions(vocabulary):
            raise StackError("; ".join(found))
        if content.ends <= now_ms():
            raise StackError(f"ends_on: {day_vi(content.ends_on)} đã qua / is over")
        ordered = OrderedSet(content=content, actor=acting(by), why=why.strip(), at=now_ms())
        ledger.order(settings, ordered)
    vocabulary.adopt(content.specs(), content.rows())
    path = out / f"{content.catalogue}.xlsx"
    path.write_bytes(write("xlsx", columns(content.specs()), rows(vocabulary, content.specs())))
    print(f"{content.catalogue}: {len(content.indicators)} chỉ số, đến hết {day_vi(content.ends_on)}, theo {content.document}")
    print(f"Có hiệu lực sau {LEAD_MS // 1000} giây / in effect in {LEAD_MS // 1000} s. Mẫu nhập / template: {path.name}, "
          "điền xong bỏ vào hộp thư `intake` / filled, into the inbox")  # fmt: skip


@app.command("list")
def list_() -> None:
    """Các bộ chỉ số đột xuất / ad-hoc sets."""
    from indicators.numbers_vi import day_vi, time_vi
    from ops.emergency import ledger
    from ops.replay.running import now_ms
    from ops.upkeep.boundary import kafka_answers, told

    settings = Settings.load()
    with told():
        kafka_answers(settings)
        book = ledger.read(settings)
    for one in sorted(book.sets.values(), key=lambda one: -one.effective):
        content = one.row.content
        over = "đã hết hạn / over" if content.ends <= now_ms() else "đang mở / open"
        print(f"{content.catalogue}  {content.title_vi}: {over}; từ {time_vi(one.effective)} đến hết {day_vi(content.ends_on)}; "
              f"{content.document}; {one.row.actor}: {one.row.why}")  # fmt: skip
    print(f"{len(book.sets)} bộ / sets.")
