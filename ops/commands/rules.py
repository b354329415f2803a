"""`nhip rules check | test`: are the rules whole, and do they say what their golden cases ask for. No broker is needed."""

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
        if rule.due is not None and rule.due.calendar not in setting.dues:
            yield f"{rule.id}: due.calendar: {rule.due.calendar} không có trong catalogue/due-calendars.yaml / no such calendar"
        for named in rule.composite.of if rule.composite else ():
            if named not in book.rules:
                yield f"{rule.id}: composite.of: {named} không phải là quy tắc / no such rule"
        if not case_path(home, rule.id).exists():
            yield f"{rule.id}: thiếu trường hợp mẫu {case_path(home, rule.id).name} / no golden case"


def _setting(home: Path) -> Setting:
    from indicators.calendar import WorkingCalendar
    from indicators.datafile import DataFileError
    from indicators.rules.cases import Setting
    from indicators.rules.due_rule import load_due_calendars

    try:
        return Setting(WorkingCalendar.load(home), load_due_calendars(home))
    except DataFileError as error:
        raise StackError(str(error)) from error
