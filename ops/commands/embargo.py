"""`nhip catalogue embargo list | move`: what is held until its publication, and a publication brought forward or postponed.

Both work on the file of held figures of this machine's producers (producers/held.py): who may read and write it runs the installation. No
value is ever shown. A move is a line of the audit before it takes effect; producers that run follow it within a second.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from ops.commands.options import acting
from ops.stack.control import StackError
from transport.settings import Settings

if TYPE_CHECKING:
    from datetime import datetime

    from indicators.period import Period
    from indicators.publication import LaterRelease, PublicationBook, PublicationCalendar
    from producers.held import Move
    from transport.audit import Deed

app = typer.Typer(help="Số liệu chờ công bố / figures under embargo.", no_args_is_help=True, add_completion=False)


@app.command("list")
def list_() -> None:
    """Đang giữ bao nhiêu số liệu, của ai, đến khi nào; không có giá trị / how many figures of whom are held until when; no values."""
    from indicators.numbers_vi import time_vi
    from indicators.period import label_vi
    from producers.held import HeldError, waiting
    from producers.main import POSITIONS

    try:
        found = waiting(Settings.load().data_dir / POSITIONS)
    except HeldError as error:
        raise StackError(str(error)) from error
    for one in found:
        print(f"{one.provider}  {one.publication.name}  {label_vi(one.publication.period)}: {one.figures} số liệu / figures, "
              f"công bố lúc / published at {time_vi(one.release_at)}")  # fmt: skip
    print(f"{sum(one.figures for one in found)} số liệu chờ công bố / figures wait.")


@app.command()
def move(
    calendar: Annotated[str, typer.Argument(help="lịch, lần công bố sau / calendar, a later release: thong-ke, thong-ke:chinh-thuc")],
    period: Annotated[str, typer.Argument(help="2026-10 · 2026-Q3 · 2026-H1 · 2026")],
    to: Annotated[str, typer.Option(help="thời điểm công bố mới / the new instant: 'dd/mm/yyyy hh:mm'")],
    authority: Annotated[str, typer.Option(help="cơ quan quyết định: chủ quản lịch hoặc OOG / the calendar's owner, or OOG")],
    document: Annotated[str, typer.Option(help="số văn bản / document number")],
    why: Annotated[str, typer.Option(help="lý do, ghi vào nhật ký / the reason, for the audit")],
    by: Annotated[str, typer.Option(help="ai; để trống: tài khoản máy / who")] = "",
) -> None:
    """Công bố sớm hơn hoặc hoãn công bố một kỳ / bring a publication forward, or postpone it."""
    from indicators.datafile import DataFileError
    from indicators.instant import to_ms
    from indicators.numbers_vi import time_vi
    from producers.held import HeldError

    ordered = (calendar, period, to_ms(_moment(to)), acting(by), authority, document.strip(), why.strip())
    try:
        made, before, figures = _move(Settings.load(), ordered)
    except (DataFileError, HeldError) as error:
        raise StackError(str(error)) from error
    print(f"{calendar} {period}: {time_vi(before)} → {time_vi(made.release_at)}; {figures} số liệu đang chờ / figures wait.")


Ordered = tuple[str, str, int, str, str, str, str]
"""Calendar, period, new instant (epoch ms), actor, authority, document, reason, as the command was given."""


def move_of(book: PublicationBook, ordered: Ordered, moved: Callable[..., int | None], now: int) -> tuple[Move, int]:
    """The move and the instant of publication before it. `moved`: what a publication was moved to already. Raises StackError where it is
    not allowed: by whom it is ordered, without document or reason, of a period the calendar does not publish or published already."""
    from indicators.numbers_vi import time_vi
    from producers.held import Move, Publication

    name, period, to, actor, authority, document, why = ordered
    calendar, of = _calendar(book, name.partition(":")[0], authority), _period(period)
    later = _later(calendar, name)
    kinds = later.period_types if later else calendar.period_types
    if of.type not in kinds:
        raise StackError(f"{name}: không công bố theo kỳ {of.type}; có / it publishes {', '.join(kinds)}")
    if not document or not why:
        raise StackError("Cần số văn bản và lý do: --document, --why / a document and a reason are required")
    publication = Publication(calendar.id, of.type, of.start_ms, of.end_ms, later.id if later else "")
    known = moved(publication)
    before = book.release(calendar, of, later) if known is None else known
    if before <= now:
        raise StackError(f"{name} {period}: đã công bố lúc {time_vi(before)}, không dời được nữa / it is published already")
    return Move(publication, to, actor, authority, document, why, now), before


def _move(settings: Settings, ordered: Ordered) -> tuple[Move, int, int]:
    """The move, the instant before it, how many figures wait for it; written to the audit first. Raises StackError, DataFileError,
    HeldError."""
    from contextlib import closing

    from indicators.publication import PublicationBook
    from ops.replay.running import now_ms
    from ops.upkeep.boundary import kafka_answers, told
    from producers.held import HeldFigures
    from producers.main import POSITIONS
    from transport import audit

    book = PublicationBook.load(settings.home)
    with told(), closing(HeldFigures(settings.data_dir / POSITIONS)) as held:
        kafka_answers(settings)
        made, before = move_of(book, ordered, held.moved, now_ms())
        audit.write(settings, [deed_of(made, before)])
        return made, before, held.move(made)


def deed_of(made: Move, before: int) -> Deed:
    """The audit's line of a move."""
    from indicators.instant import local
    from transport.audit import Deed

    facts = {"document": made.document, "authority": made.authority, "before": local(before).isoformat(),
             "after": local(made.release_at).isoformat(), "period_type": made.publication.period_type,
             "period_start": local(made.publication.period_start).isoformat()}  # fmt: skip
    did = "embargo.forward" if made.release_at < before else "embargo.postpone"
    return Deed(at=made.at, actor=made.actor, did=did, on=made.publication.name, why=made.why, facts=facts, via="command")


def _calendar(book: PublicationBook, name: str, authority: str) -> PublicationCalendar:
    from indicators.heartbeat import OPERATOR

    found = book.calendars.get(name)
    if found is None:
        raise StackError(f"Không có lịch công bố {name}; có / there are: {', '.join(book.calendars) or '–'}")
    if authority not in (found.owner_agency, OPERATOR):
        raise StackError(f"{authority} không có thẩm quyền với lịch {name}: {found.owner_agency} hoặc {OPERATOR} / has no authority")
    return found


def _later(calendar: PublicationCalendar, name: str) -> LaterRelease | None:
    """The later release of `calendar:release`; None of a calendar alone. Raises StackError."""
    _, colon, release = name.partition(":")
    found = calendar.later(release)
    if colon and found is None:
        known = ", ".join(f"{calendar.id}:{one.id}" for one in calendar.releases) or "–"
        raise StackError(f"Không có lần công bố {name} / no such release; có / there are: {known}")
    return found


def _period(text: str) -> Period:
    from indicators.obligation import period_named
    from indicators.period import PeriodError

    try:
        return period_named(text)
    except (PeriodError, ValueError) as error:
        raise StackError(f"{text}: cần kỳ dạng / a period as 2026-10, 2026-Q3, 2026-H1, 2026") from error


def _moment(text: str) -> datetime:
    from datetime import datetime

    from indicators.instant import VIETNAM

    try:
        return datetime.strptime(text.strip(), "%d/%m/%Y %H:%M").replace(tzinfo=VIETNAM)
    except ValueError as error:
        raise StackError(f"--to {text}: cần thời điểm dạng dd/mm/yyyy hh:mm / an instant as dd/mm/yyyy hh:mm") from error
