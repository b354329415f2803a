"""`nhip catalogue`: the vocabulary for people, proof that its files agree, templates to fill it, and how much of it comes in.

`show` without a code lists the catalogues and the series of the main path; with `catalogue/code` it shows one indicator in full; with a
code of territory or agency, that unit. `check` reads every data file and cross-checks them; it prints file, line and field of each problem
and exits 1 where there is one. `template` writes the intake template of an indicator; `coverage` tries every way in and writes
`benchmarks/results/catalogue.json`; `diff` tells what changed since an older installation; `document` writes the two pages of docs that
come from the catalogue. `owed` tells who owes which report by when.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from indicators.agency import Agency
from indicators.calendar import WorkingCalendar
from indicators.catalogue import Indicator
from indicators.catalogue_change import CHANGE_VI, changes
from indicators.coverage import INTAKE
from indicators.datafile import DataFileError
from indicators.derived.formula_book import FormulaError
from indicators.due_list import owed_in
from indicators.numbers_vi import day_vi, number_vi
from indicators.obligation import ObligationBook, period_named
from indicators.period import PeriodError, label_vi
from indicators.rule import RuleError
from indicators.spec import DAY_MS, SeriesSpec
from indicators.territory import COMMUNE_KINDS, KIND_VI, Territory
from indicators.verification import verify
from indicators.vocabulary import Vocabulary
from ops.catalogue_coverage import coverage_page, formulas_page, measured
from ops.commands import adhoc, embargo
from ops.commands.confirm import confirm
from producers.template import FORMS, columns, rows, write
from transport.settings import Settings
from transport.topics import GROUPS

app = typer.Typer(no_args_is_help=True, help="Danh mục chỉ số, địa bàn, cơ quan / catalogues, territory, agencies.")
app.add_typer(adhoc.app, name="adhoc")
app.add_typer(embargo.app, name="embargo")
app.command()(confirm)
NOT_FOUND = 2
TO_CONFIRM = "(*)"
ATTRIBUTES_VI = {
    "catalogue": "danh mục", "code": "mã", "key": "khóa", "concept": "khái niệm", "group": "nhóm", "subgroup": "tiểu nhóm",
    "number": "số thứ tự", "name_vi": "tên", "name_en": "tên tiếng Anh", "components": "chỉ số thành phần",
    "components_open": "danh sách còn mở", "scope": "phạm vi", "frequency": "kỳ dữ liệu", "disaggregation": "phân tổ",
    "dimensions": "chiều phân tổ", "agency": "cơ quan theo văn bản", "agency_codes": "mã cơ quan theo văn bản",
    "providers": "đầu mối cung cấp số liệu", "responsible_agencies": "cơ quan chịu trách nhiệm", "measure": "tính cộng được",
    "measure_unit": "đơn vị tính", "definition": "khái niệm, định nghĩa", "method": "phương pháp tính", "formula": "công thức",
    "policy_kind": "loại theo chu trình chính sách", "relative_kind": "tuyệt đối, tương đối, dẫn xuất",
    "statistical_code": "mã chỉ tiêu thống kê", "legal_basis": "căn cứ pháp lý", "source_text": "nguyên văn",
    "source_period": "kỳ theo văn bản", "national_ref": "mã trong danh mục quốc gia", "corrections": "hiệu chỉnh", "notes": "ghi chú",
    "valid_from": "hiệu lực từ", "valid_to": "hiệu lực đến",
}  # fmt: skip
"""Vietnamese name of each attribute of an indicator (guide 7146 §4.3 and the glossary)."""

Rows = list[tuple[str, str]]


@app.command()
def show(code: Annotated[str, typer.Argument(help="vn-1012/A.II.3 · 31 · DOF-31; bỏ trống: toàn bộ / empty: all")] = "") -> None:
    """Xem danh mục, hoặc một chỉ số, địa bàn, cơ quan / show the catalogues, or one indicator, territory or agency."""
    console = Console()
    try:
        vocabulary = Vocabulary.load(Settings.load().home)
        if not code:
            _catalogues(console, vocabulary)
            return
        rows = _found(vocabulary, code)
    except DataFileError as e:
        _fail(f"Tệp danh mục sai / a file of the catalogue is wrong: {e}. Chạy / run: nhip catalogue check", 1)
    if not rows:
        _fail(f"Không có mã này / no such code: {code}. Ví dụ / for example: vn-1012/A.II.3, 31, DOF-31", NOT_FOUND)
    caption = f"{TO_CONFIRM} đề xuất, chờ xác nhận / proposed, to be confirmed" if any(v.endswith(TO_CONFIRM) for _, v in rows) else None
    table = Table(show_header=False, title=code, title_justify="left", caption=caption, caption_justify="left")
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(Text(name), Text(value))
    console.print(table)


@app.command()
def check() -> None:
    """Kiểm tra mọi tệp danh mục / check every data file; exit 1 and one line a problem where any is wrong."""
    home = Settings.load().home
    problems = verify(home, GROUPS.keys())
    for problem in problems:
        typer.echo(f"{problem.place}: {problem.text}", err=True)
    if problems:
        _fail(f"{len(problems)} lỗi trong danh mục / problems in the catalogue", 1)
    typer.echo(_summary(home))


@app.command()
def owed(
    period: Annotated[str, typer.Argument(help="2026-10 · 2026-Q3 · 2026-H1 · 2026")],
    provider: Annotated[str, typer.Option(help="mã cơ quan / agency code: NSO")] = "",
) -> None:
    """Ai phải báo cáo gì, trước ngày nào / who owes what by when; with --provider every figure by name."""
    home = Settings.load().home
    try:
        asked = period_named(period)
        found = list(owed_in(ObligationBook.load(home), asked, WorkingCalendar.load(home), provider))
    except (PeriodError, ValueError) as e:
        _fail(f"{period}: {e}", NOT_FOUND)
    if not found:
        _fail(f"Không ai phải báo cáo / nobody owes {period} {provider}; xem / see catalogue/obligations.yaml", NOT_FOUND)
    vocabulary = Vocabulary.load(home)
    table = Table(title=f"Nghĩa vụ báo cáo {label_vi(asked)} / reports owed", title_justify="left")
    for name in ("Cơ quan / agency", "Tên / name", "Địa bàn / area", "Hạn / due", "Chỉ tiêu / figures"):
        table.add_column(name, overflow="fold")
    for one in found:
        agency = vocabulary.agency(one.debt.provider)
        figures = "\n".join(item.code for item in one.items) if provider else number_vi(Decimal(len(one.items)))
        table.add_row(one.debt.provider, agency.name_vi if agency else "", one.debt.area, day_vi(one.due), figures)
    Console().print(table)
    typer.echo(f"{len(found)} báo cáo / reports, {number_vi(Decimal(sum(len(one.items) for one in found)))} chỉ tiêu / figures")


@app.command()
def template(
    code: Annotated[str, typer.Argument(help="vn-1012/A.IV.1")],
    form: Annotated[str, typer.Option(help=" | ".join(FORMS))] = "xlsx",
    out: Annotated[Path | None, typer.Option(help="tệp ghi ra / the file to write; mặc định / default: <mã>.<dạng>")] = None,
) -> None:
    """Viết mẫu nhập số liệu của một chỉ số / write the intake template of an indicator."""
    vocabulary = Vocabulary.load(Settings.load().home)
    specs = [s for s in vocabulary.series_specs() if s.indicator == code]
    chosen = next((f for f in FORMS if f == form), None)
    if not specs or chosen is None:
        wanted = f"dạng / form: {', '.join(FORMS)}" if specs else "chỉ số chưa có chuỗi số liệu / no series of this indicator"
        _fail(f"{code}: {wanted}. Xem / see: nhip catalogue show {code}", NOT_FOUND)
    path = out or Path(f"{code.replace('/', '-')}.{chosen}")
    path.write_bytes(write(chosen, columns(specs), rows(vocabulary, specs)))
    typer.echo(f"{path.name}: {len(specs)} chuỗi / series. Điền xong, bỏ vào hộp thư `intake` / filled, put it into the inbox `intake`.")


@app.command()
def coverage() -> None:
    """Thử đường vào của mọi dòng, ghi benchmarks/results/catalogue.json / try every way in; exit 1 where a row has none."""
    home = Settings.load().home
    found = measured(home)
    path = home / "benchmarks" / "results" / "catalogue.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    for name, counts in found["rows"].items():
        typer.echo(f"{name}: {counts['with_way_in']}/{counts['rows']} dòng có đường vào / rows with a way in")
    typer.echo(f"{found['series']} chuỗi / series; {found['formulas']}/40 công thức / formulas")
    typer.echo(f"{found['comparisons']}/18 phép so sánh / comparisons")
    lost = [*found["missing"]["rows"], *found["missing"]["formulas"], *found["missing"]["comparisons"]]
    if lost:
        _fail(f"Còn thiếu / missing: {', '.join(lost)}", 1)


@app.command()
def diff(older: Annotated[Path, typer.Argument(help="thư mục cài đặt cũ / the older installation, with its catalogue/")]) -> None:
    """So với bản cài đặt cũ: thay đổi và những gì bị ảnh hưởng / what changed since an older one, and what it touches."""
    try:
        found = changes(older, Settings.load().home)
    except (DataFileError, FormulaError, RuleError) as e:
        _fail(f"Tệp danh mục sai / a file of the catalogue is wrong: {e}. Chạy / run: nhip catalogue check", 1)
    for change in found:
        fields = f": {', '.join(change.fields)}" if change.fields else ""
        touches = f" → {', '.join(change.touches)}" if change.touches else ""
        typer.echo(f"{CHANGE_VI[change.kind]} / {change.kind} {change.what} {change.code}{fields}{touches}")
    typer.echo(f"{len(found)} thay đổi / changes")


@app.command()
def document() -> None:
    """Viết lại docs/catalogue-coverage.md và docs/formulas.md / write the pages that come from the catalogue."""
    home = Settings.load().home
    for name, page in (("catalogue-coverage.md", coverage_page(home)), ("formulas.md", formulas_page(home))):
        (home / "docs" / name).write_text(page, encoding="utf-8")
        typer.echo(f"docs/{name}")


def _summary(home: Path) -> str:
    v = Vocabulary(home)
    parts = [f"{name} {len(c.indicators)}" for name, c in v.catalogues.items()]
    parts += [f"{_count(v.series_specs())} chuỗi / series", f"{_count(v.territories('province'))} tỉnh, thành phố / provinces"]
    parts += [f"{_count(t for t in v.territories() if t.kind in COMMUNE_KINDS)} xã, phường, đặc khu / communes"]
    book = ObligationBook.load(home)
    parts += [f"{_count(book.items)} báo cáo phải nộp / reports owed"]
    parts += [f"{_count(v.agencies())} cơ quan / agencies", f"{_count(v.subjects())} đối tượng / subjects"]
    return f"Danh mục hợp lệ / the catalogue is sound: {'; '.join(parts)}"


def _catalogues(console: Console, vocabulary: Vocabulary) -> None:
    table = Table(title="Danh mục / catalogues", title_justify="left")
    for name in ("Mã / code", "Tên / title", "Số chỉ số / rows", "Hiệu lực từ / valid from"):
        table.add_column(name, overflow="fold")
    for code, catalogue in vocabulary.catalogues.items():
        table.add_row(code, catalogue.title_vi, str(len(catalogue.indicators)), day_vi(catalogue.valid_from))
    console.print(table)
    series = Table(title="Chuỗi số liệu đã quyết định / decided series", title_justify="left")
    series.add_column("Chỉ số / indicator", no_wrap=True)
    for name in ("Thành phần / component", "Tên / name", "Đơn vị / unit", "Nhóm / group", "Gộp / fold"):
        series.add_column(name, overflow="fold")
    for spec in vocabulary.series_specs():
        row = vocabulary.indicator(spec.indicator)
        if spec.status == "decided":
            series.add_row(spec.indicator, spec.component, row.name_vi if row else "", spec.measure_unit, spec.group, spec.fold)
    console.print(series)


def _found(vocabulary: Vocabulary, code: str) -> Rows:
    indicator = vocabulary.indicator(code)
    if indicator is not None:
        return _indicator(indicator, [s for s in vocabulary.series_specs() if s.indicator == code])
    territory = vocabulary.territory(code)
    if territory is not None:
        return _territory(territory, vocabulary)
    agency = vocabulary.agency(code)
    if agency is not None:
        return _agency(agency)
    return [("trước 07/2025, nay là / until 07/2025, now", _joined(vocabulary.successors(code)))] if vocabulary.successors(code) else []


def _indicator(row: Indicator, specs: list[SeriesSpec]) -> Rows:
    """Every attribute that has a value, marked where it waits for its owner."""
    rows: Rows = []
    for name in type(row).model_fields:
        value = getattr(row, name)
        if value in (None, "", (), False) or name == "to_confirm":
            continue
        text = _joined(value) if isinstance(value, tuple) else str(value)
        label = f"{ATTRIBUTES_VI[name]} / {name}"
        rows.append((label, f"{text} {TO_CONFIRM}" if name in row.to_confirm else text))
    return rows + [(f"chuỗi / series {s.component}".strip(), _spec(s)) for s in specs]


def _spec(s: SeriesSpec) -> str:
    bounds = " … ".join("" if b is None else number_vi(b) for b in (s.minimum, s.maximum))
    dimensions = _joined(s.dimensions) or "–"
    name = f"{s.name_vi}; " if s.name_vi else ""
    return (
        f"{name}{s.fold}, {s.additivity}, {s.measure_unit}; {bounds}; {_joined(s.figures)}; panes {_joined(s.panes)}; "
        f"dimensions {dimensions}; {s.horizon_ms // DAY_MS} ngày / days; {s.group}; {s.status}; {s.adapter or INTAKE}"
    )


def _territory(unit: Territory, vocabulary: Vocabulary) -> Rows:
    parent = vocabulary.territory(unit.parent)
    below = sum(1 for t in vocabulary.territories() if t.parent == unit.code)
    rows = [("tên / name", unit.name_vi), ("loại / kind", KIND_VI[unit.kind]), ("thuộc / in", parent.name_vi if parent else "–")]
    if unit.area_km2 is not None:
        rows.append(("diện tích / area", f"{unit.area_km2:.2f} km²".replace(".", ",")))
    if below:
        rows.append(("đơn vị trực thuộc / units below", str(below)))
    if unit.valid_from:
        rows.append(("hiệu lực từ / valid from", day_vi(unit.valid_from)))
    return rows


def _agency(agency: Agency) -> Rows:
    values = [(name, getattr(agency, name)) for name in type(agency).model_fields]
    return [(name, _joined(v) if isinstance(v, tuple) else str(v)) for name, v in values if v]


def _joined(values: Iterable[str]) -> str:
    return " · ".join(values)


def _count(items: Iterable[object]) -> str:
    return number_vi(Decimal(sum(1 for _ in items)))


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code)
