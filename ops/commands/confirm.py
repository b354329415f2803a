"""`nhip catalogue confirm`: the second step of a figure's status. Without `--seen` it shows what stands and gives a token; with the token
the figures are confirmed as they were seen, by a document, and the audit says by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ops.commands.options import acting
from ops.stack.control import StackError
from transport.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from indicators.observation import Observation
    from indicators.period import Period
    from indicators.vocabulary import Vocabulary
    from transport.audit import Deed


def confirm(
    code: Annotated[str, typer.Argument(help="danh mục/mã hoặc danh mục/mã:thành-phần / vn-1012/A.I.1")],
    period: Annotated[str, typer.Argument(help="2026-10 · 2026-Q3 · 2026-H1 · 2026")],
    territory: Annotated[str, typer.Option(help="địa bàn; để trống: mọi nơi / empty: everywhere")] = "",
    seen: Annotated[str, typer.Option(help="mã đã xem, để xác nhận / the token of what was seen, to confirm it")] = "",
    authority: Annotated[str, typer.Option(help="cơ quan xác nhận: đầu mối cung cấp hoặc cơ quan chịu trách nhiệm / agency")] = "",
    document: Annotated[str, typer.Option(help="số văn bản / document number")] = "",
    by: Annotated[str, typer.Option(help="ai; để trống: tài khoản máy / who")] = "",
) -> None:
    """Xác nhận số liệu đã báo cáo của một kỳ / confirm the reported figures of a period."""
    from indicators.obligation import period_named
    from indicators.vocabulary import Vocabulary
    from ops.confirming import ConfirmError, confirmable, token_of

    settings = Settings.load()
    try:
        of, vocabulary = period_named(period), Vocabulary.load(settings.home)
        found = _standing(settings, _reported(vocabulary, code), of, territory)
        if not seen:
            _show(found, of, token_of(found))
            return
        if not authority or not document.strip():
            raise ConfirmError("Cần --authority và --document / an agency and a document number are required")
        waiting = confirmable(found, authority, seen, vocabulary)
        _confirm(settings, waiting, (code, period, seen), (acting(by), authority, document.strip()))
    except ValueError as error:  # PeriodError and ConfirmError among them
        raise StackError(f"{code} {period}: {error}") from error
    print(f"{len(waiting)} số liệu được xác nhận theo {document.strip()} / figures confirmed; "
          "lần đính chính tiếp theo cộng thêm 1 / the next correction counts one more")  # fmt: skip


def _standing(settings: Settings, spec: tuple[str, str], period: Period, territory: str) -> list[Observation]:
    from ops.confirming import in_force
    from ops.upkeep.boundary import told
    from sinks.clickhouse import connected, rows

    with told(), connected(settings, reader=True) as client:
        return in_force(lambda sql, values: rows(client, sql, values), spec, period, territory)


def _reported(vocabulary: Vocabulary, code: str) -> tuple[str, str]:
    """Indicator and component. Raises ConfirmError where there is no such series, or where it counts single records."""
    from ops.confirming import ConfirmError

    indicator, _, component = code.partition(":")
    spec = vocabulary.series_spec(indicator, component)
    if spec is None:
        raise ConfirmError("không có chuỗi này / no such series; xem / see: nhip catalogue show")
    if spec.fold_of("actual") != "reported":
        raise ConfirmError("chuỗi này gồm từng bản ghi, nguồn tự xác nhận / it counts single records, which their source confirms")
    return indicator, component


def deed_of(figures: Sequence[Observation], about: tuple[str, str, str], who: tuple[str, str, str], at: int) -> Deed:
    """The audit's line. `about`: code, period, token; `who`: actor, agency, document. No values: series and revisions."""
    from transport.audit import Deed

    code, period, token = about
    actor, authority, document = who
    facts = {"document": document, "authority": authority, "seen": token, "figures": len(figures),
             "series": [f"{o.series().key()} r{o.revision}" for o in figures[:100]]}  # fmt: skip
    return Deed(at=at, actor=actor, did="catalogue.confirm", on=f"{code} {period}", why=document, run=token, facts=facts, via="command")


def _confirm(settings: Settings, waiting: Sequence[Observation], about: tuple[str, str, str], who: tuple[str, str, str]) -> None:
    from ops.replay.running import now_ms
    from ops.upkeep.boundary import kafka_answers, told
    from producers.confirmations import Confirmation
    from transport import audit

    now = now_ms()
    with told():
        kafka_answers(settings)
        audit.write(settings, [deed_of(waiting, about, who, now)])
        Confirmation.of(who[1], who[2], waiting).put(settings.inbox_dir, f"{now}-{about[2]}.json")


def _show(found: Sequence[Observation], period: Period, token: str) -> None:
    from rich.console import Console
    from rich.table import Table

    from indicators.numbers_vi import number_vi
    from indicators.period import label_vi

    made = Table("Chuỗi / series", "Giá trị / value", "Tình trạng / status", "Lần / revision", "Đầu mối / provider", title=label_vi(period))
    for o in found:
        made.add_row(o.series().key(), "–" if o.value is None else number_vi(o.value), o.status, str(o.revision), o.provider)
    Console().print(made)
    print(f"Xác nhận / to confirm: --seen {token} --authority … --document …")
