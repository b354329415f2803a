"""`nhip rules check | test | backtest`: are the rules whole, do they say what their golden cases ask for, what would they have raised. The
last asks ClickHouse; no broker is needed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.stack.control import StackError
from transport.settings import Settings

if TYPE_CHECKING:
    from indicators.rule import Rule, RuleBook
    from indicators.rules.cases import Failure, Setting
    from indicators.vocabulary import Vocabulary
    from ops.backtest import Outcomes

app = typer.Typer(help="Quy tắc cảnh báo / rules of alerts.", no_args_is_help=True, add_completion=False)
Only = Annotated[str, typer.Argument(help="mã quy tắc; để trống: mọi quy tắc / rule id; empty: all")]


@app.command()
def check() -> None:
    """Kiểm tra quy tắc, chức danh, mẫu câu, lịch báo cáo / are the rules whole."""
    home = Settings.load().home
    book = book_of(home)
    found = list(problems(home, book))
    for line in found:
        print(line)
    if found:
        raise StackError(f"{len(found)} điều cần sửa trong catalogue/rules, catalogue/offices.yaml / things to mend")
    drafts = sum(rule.status == "draft" for rule in book)
    unset = sum(rule.to_be_set_by_owner for rule in book)
    print(f"{len(book.rules)} quy tắc hợp lệ, {drafts} dự thảo, {unset} chờ cơ quan chủ trì quyết định mức / rules are whole.")


@app.command("test")
def run_cases(only: Only = "") -> None:
    """Chạy các trường hợp mẫu của quy tắc / run the golden cases."""
    home = Settings.load().home
    book = book_of(home)
    rules = [rule for rule in book if only in ("", rule.id)]
    if not rules:
        raise StackError(f"Không có quy tắc {only} / no such rule; xem / see `nhip rules check`")
    count, failed = outcome(home, rules)
    for failure in failed:
        print(failure)
    if failed:
        raise StackError(f"{len(failed)} bước sai / steps say something else")
    print(f"{len(rules)} quy tắc, {count} trường hợp: đạt / cases pass.")


@app.command()
def backtest(
    rule_id: Annotated[str, typer.Argument(metavar="RULE", help="mã quy tắc / rule id")],
    since: Annotated[str, typer.Option("--from", help="từ ngày, dd/mm/yyyy / first day")],
    until: Annotated[str, typer.Option("--to", help="đến hết ngày, dd/mm/yyyy / last day")],
    keep: Annotated[bool, typer.Option("--keep", help="lưu để xem trên bảng chỉ đạo / keep it for the board's page of the rule")] = False,
) -> None:
    """Chạy lại quy tắc trên lịch sử, bên cạnh những gì đã báo / what a rule would have raised, beside what was raised."""
    from indicators.instant import DAY_MS

    settings = Settings.load()
    rule = book_of(settings.home).rules.get(rule_id)
    if rule is None:
        raise StackError(f"Không có quy tắc {rule_id} / no such rule; xem / see `nhip rules check`")
    first, last = _day(since, "--from"), _day(until, "--to") + DAY_MS
    found = _over_history(settings, rule, (first, last), keep=keep)
    for line in _compared(found):
        print(line)
    print(
        f"{rule.id}, {since} – {until}: {len(found.same)} như đã báo / as raised; {len(found.only_now)} chỉ khi chạy lại / only now; "
        f"{len(found.only_then)} chỉ trong lịch sử / only then."
    )


def _over_history(settings: Settings, rule: Rule, stretch: tuple[int, int], *, keep: bool) -> Outcomes:
    """What a rule would have raised over [first, last), epoch ms, from ClickHouse; kept there where asked for. Raises StackError."""
    from indicators.datafile import DataFileError
    from ops.backtest import BacktestError
    from ops.backtest_history import over_history
    from sinks.clickhouse import NotReady, Unavailable

    try:
        return over_history(settings, rule, stretch, keep=keep)
    except (BacktestError, DataFileError, Unavailable, NotReady) as error:
        raise StackError(str(error)) from error


def _day(text: str, option: str) -> int:
    """First instant of a day given as dd/mm/yyyy, epoch ms. Raises StackError."""
    from datetime import datetime

    from indicators.instant import day_start

    try:
        return day_start(datetime.strptime(text, "%d/%m/%Y").date())
    except ValueError as error:
        raise StackError(f"{option} {text}: cần ngày dạng dd/mm/yyyy / a day as dd/mm/yyyy") from error


def _compared(found: Outcomes) -> Iterator[str]:
    """One line a step in the order of time: «=» both, «+» only now, «−» only then."""
    from indicators.numbers_vi import number_vi, time_vi

    marked = [("=", s) for s in found.same] + [("+", s) for s in found.only_now] + [("−", s) for s in found.only_then]
    for mark, step in sorted(marked, key=lambda one: one[1][:2]):
        value = "" if step.value is None else number_vi(step.value)
        yield f"{mark} {time_vi(step.at)}  {step.transition:<9} mức {step.severity}  {value:>10}  {step.series}"


def book_of(home: Path) -> RuleBook:
    """The rules of an installation. Raises StackError naming file and field."""
    from indicators.rule import RuleBook, RuleError

    try:
        return RuleBook.load(home)
    except RuleError as error:
        raise StackError(str(error)) from error


def outcome(home: Path, rules: list[Rule]) -> tuple[int, list[Failure]]:
    """(cases run, steps that said something else). Raises StackError where a file of cases is missing or wrong."""
    from indicators.datafile import DataFileError
    from indicators.rules.cases import case_path, failures, load_cases

    count, failed = 0, []
    try:
        setting = _setting(home)
        for rule in rules:
            content = load_cases(case_path(home, rule.id))
            count += len(content.cases)
            failed += list(failures(rule, content, setting))
    except DataFileError as error:
        raise StackError(str(error)) from error
    return count, failed


def problems(home: Path, book: RuleBook) -> Iterator[str]:
    """«rule: what is wrong and what to do» for everything that would show only when an alert comes."""
    from alerts.messages import check_templates
    from alerts.offices import OfficeError, load_offices, unknown_offices
    from indicators.assigned_task import OWN_DAY
    from indicators.rules.cases import case_path
    from indicators.vocabulary import Vocabulary

    vocabulary, setting = Vocabulary.load(home), _setting(home)
    try:
        offices = load_offices(home)
    except OfficeError as error:
        raise StackError(str(error)) from error
    for line in unknown_offices(book, offices):
        yield f"{line}: không có trong catalogue/offices.yaml / no such office"
    for office in offices.offices:
        if office.agency and vocabulary.agency(office.agency.replace("{code}", "01")) is None:
            yield f"offices.yaml: {office.id}: agency {office.agency} không có trong catalogue/agencies.yaml / no such agency"
    for rule in book:
        yield from check_templates(rule)
        for agency in filter(None, (rule.owner_agency, rule.escalation.sector_ministry)):
            if vocabulary.agency(agency) is None:
                yield f"{rule.id}: {agency} không có trong catalogue/agencies.yaml / no such agency"
        if rule.due is not None and rule.due.calendar not in (*setting.dues, OWN_DAY):
            yield f"{rule.id}: due.calendar: {rule.due.calendar} không có trong catalogue/due-calendars.yaml / no such calendar"
        yield from _of_absence(rule, vocabulary, setting)
        for named in rule.composite.of if rule.composite else ():
            if named not in book.rules:
                yield f"{rule.id}: composite.of: {named} không phải là quy tắc / no such rule"
        if not case_path(home, rule.id).exists():
            yield f"{rule.id}: thiếu trường hợp mẫu {case_path(home, rule.id).name} / no golden case"


def _of_absence(rule: Rule, vocabulary: Vocabulary, setting: Setting) -> Iterator[str]:
    """What is wrong with the silence a rule waits for."""
    spec, absence = vocabulary.series_spec(rule.scope.indicator, rule.scope.component), rule.absence
    if absence is not None and absence.trading_calendar not in ("", *setting.trading_calendars):
        yield f"{rule.id}: {absence.trading_calendar} không có trong catalogue/trading-calendars.yaml / no such calendar"
    if absence is not None and spec is not None and not set(absence.dimensions) <= set(spec.dimensions):
        yield f"{rule.id}: absence.dimensions: chuỗi có / the series has {', '.join(spec.dimensions) or '–'}"


def _setting(home: Path) -> Setting:
    from indicators.datafile import DataFileError
    from indicators.rules.cases import Setting

    try:
        return Setting.load(home)
    except DataFileError as error:
        raise StackError(str(error)) from error
