"""Coverage of the catalogues, measured and written down: every series is sent through its template and the door, then counted.

`measured` is what `benchmarks/results/catalogue.json` holds; `coverage_page` and `formulas_page` are `docs/catalogue-coverage.md` and
`docs/formulas.md`. Pages hold nothing but what the catalogue says, so a test can tell when they are stale.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

from indicators.catalogue import Catalogue
from indicators.comparisons.kinds import KINDS
from indicators.coverage import RowCoverage, row_coverage
from indicators.derived.book import DerivedBook
from indicators.derived.comparison import comparison_id
from indicators.derived.definition import Term
from indicators.derived.derived_indicator import DerivedIndicator
from indicators.derived.formula_book import FormulaBook
from indicators.instant import day_start
from indicators.rule import RuleBook
from indicators.spec import SeriesSpec
from indicators.vocabulary import Vocabulary
from ops.comparison_page import comparison_lines
from producers.contract import Json
from producers.documents import Document, Overlay, Parsed
from producers.intake import Intake
from producers.template import columns, example, write
from producers.validation import Door

TRIED_ON = date(2025, 7, 15)
"""The day whose periods the example rows speak of: July, so that «July and November» has a period too."""
NUMBERS = tuple(f"F{n:02d}" for n in range(1, 41))
STANDING_VI = {"printed": "in công thức", "in_words": "nói bằng lời", "named": "nêu tên", "implied": "ngụ ý", "proposal": "đề xuất"}
Entry = tuple[str, str, str]


class _Nothing:
    def recall(self, key: str) -> Json:
        """Nothing was remembered."""
        return None


def accepted(vocabulary: Vocabulary, specs: list[SeriesSpec]) -> set[Entry]:
    """(indicator, component, figure) of every example row that intake and the door let in."""
    intake = Intake(vocabulary)
    into = Parsed(intake.name, intake.provider, Door(vocabulary), day_start(date(TRIED_ON.year + 1, 1, 1)))
    data = write("csv", columns(specs), example(vocabulary, specs, TRIED_ON))
    intake.parse(Document("example.csv", data, None), Overlay(_Nothing()), into)
    return {(o.indicator, o.component, o.figure) for o in into.observations}


def measured(home: Path) -> dict[str, Any]:
    """Rows with a way in that worked just now, by catalogue; formulas and comparisons by number; and by name whatever is missing."""
    vocabulary, book = Vocabulary(home), DerivedBook.load(home)
    entered = accepted(vocabulary, list(vocabulary.series_specs()))
    rows = list(row_coverage(vocabulary, book))
    working = {r.row.id for r in rows if r.complete and _entries(r.series) <= entered}
    by_catalogue = Counter(r.row.catalogue for r in rows if r.row.id in working)
    leading = {d.definition.number for d in book if d.definition.shown}
    return {
        "rows_national": by_catalogue["vn-1012"], "rows_haiphong": by_catalogue["hai-phong"], "rows_guide": by_catalogue["guide-7146"],
        "rows": {name: {"rows": len(c.indicators), "with_way_in": by_catalogue[name]} for name, c in vocabulary.catalogues.items()},
        "series": len({(e[0], e[1]) for e in entered}), "formulas": len(leading & set(NUMBERS)), "definitions": len(book),
        "comparisons": len(KINDS),
        "missing": {
            "rows": sorted(r.row.id for r in rows if r.row.id not in working),
            "formulas": [n for n in NUMBERS if n not in leading],
            "comparisons": [f"K{n}" for n in range(1, 19) if f"K{n}" not in KINDS],
            "attributes_to_be_given_by_the_owner": _absent(rows),
        },
        "proposals_to_confirm": _proposals(rows),
    }  # fmt: skip


def coverage_page(home: Path) -> str:
    """Every row of every catalogue with its series and ways in, as Markdown."""
    vocabulary, book = Vocabulary(home), DerivedBook.load(home)
    rows = list(row_coverage(vocabulary, book))
    lines = [
        "# Độ phủ của các danh mục / coverage of the catalogues", "",
        "Trang này do `nhip catalogue document` viết từ `catalogue/`; đừng sửa tay. / Written by it; do not edit.", "",
        "Mỗi dòng của ba danh mục → các chuỗi số liệu → đường vào: tên bộ thu nhận, `intake` (mẫu CSV, JSON, Excel:",
        "`nhip catalogue template <mã>`) hoặc `formula` (tính ra). (*): hệ thống đề xuất, chờ đầu mối cung cấp số liệu xác nhận.",
        "Every row → its series → the way in: an adapter, an intake template, or a formula. (*): proposed, the provider confirms.", "",
    ]  # fmt: skip
    for catalogue in vocabulary.catalogues.values():
        lines += _catalogue(vocabulary, catalogue, [r for r in rows if r.row.catalogue == catalogue.catalogue])
    return "\n".join(lines).rstrip() + "\n"


def formulas_page(home: Path) -> str:
    """Every derived indicator with its expression, unit, terms and source, and every comparison, as Markdown."""
    lines = [
        "# Công thức và phép so sánh / formulas and comparisons", "",
        "Trang này do `nhip catalogue document` viết từ `catalogue/formulas/derived`; đừng sửa tay. / Written by it.", "",
        "Kết quả theo phần trăm tính từ đơn vị, nên biểu thức không nhân 100. Cấp trên tính lại từ tổng các phần, không lấy bình quân.",
        "Percent comes from the units, so expressions do not multiply by 100. A parent is computed again from the sums of its parts.", "",
        "Cột «Luồng»: công thức mà luồng tính (mã kết quả), hoặc vì sao không tính.",
        "Formulas that the stream computes, or why it does not.",
        "", "| Mã | Tên | Biểu thức | Đơn vị | Toán hạng | Luồng | Nguồn | Cơ sở |", "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    book = DerivedBook.load(home)
    formulas = FormulaBook.of(book)
    lines += [_formula(derived, _carried(derived, formulas)) for derived in sorted(book, key=lambda d: d.definition.id)]
    lines += ["", "## So sánh mà luồng tính / comparisons that the stream computes", "",
              "Dòng danh mục yêu cầu bằng `comparisons` (catalogue/series.yaml). / Asked for by the rows.", "",
              "| Dòng | Phép so sánh | Kết quả |", "|---|---|---|"]  # fmt: skip
    lines += list(_compared(book, formulas))
    lines += ["", "## Phép so sánh / comparisons", "",
              "Nơi yêu cầu: dòng danh mục, công thức, quy tắc. / Asked by rows, formulas and rules.", ""]  # fmt: skip
    lines += list(comparison_lines(book, RuleBook.load(home)))
    return "\n".join(lines) + "\n"


def _entries(series: Iterable[SeriesSpec]) -> set[Entry]:
    return {(spec.indicator, spec.component, figure) for spec in series for figure in spec.figures}


def _absent(rows: Iterable[RowCoverage]) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = {}
    for row in rows:
        found.setdefault(row.row.catalogue, Counter()).update(row.absent)
    return {catalogue: dict(sorted(counts.items())) for catalogue, counts in found.items()}


def _proposals(rows: Iterable[RowCoverage]) -> dict[str, int]:
    """Attributes that are proposals, by the agency that is to confirm them: the first provider of the row."""
    found: Counter[str] = Counter()
    for row in rows:
        found[next(iter(row.row.providers), "OOG")] += len(row.row.to_confirm)
    return dict(sorted(found.items()))


def _catalogue(vocabulary: Vocabulary, catalogue: Catalogue, rows: list[RowCoverage]) -> Iterator[str]:
    whole = sum(1 for r in rows if r.complete)
    yield f"## {catalogue.catalogue}: {whole}/{len(rows)} dòng có đường vào / rows with a way in"
    yield ""
    yield f"{catalogue.title_vi} ({catalogue.document})"
    yield ""
    yield "| Mã | Chỉ số | Chuỗi số liệu (đơn vị) | Đường vào | Đầu mối |"
    yield "|---|---|---|---|---|"
    for row in rows:
        series = "; ".join(_series(vocabulary, spec) for spec in row.series)
        computed = f"công thức {', '.join(row.definitions)}" if row.definitions else ""
        missing = f"**chưa có: {', '.join(row.uncovered)}**" if row.uncovered else ""
        owner = ", ".join(row.row.providers) + (" (*)" if "providers" in row.row.to_confirm else "")
        carried = "<br>".join(text for text in (series, computed, missing) if text)
        yield f"| {row.row.code} | {_cell(row.row.name_vi)} | {_cell(carried)} | {', '.join(row.ways)} | {owner} |"
    yield ""


def _series(vocabulary: Vocabulary, spec: SeriesSpec) -> str:
    unit = vocabulary.measure_unit(spec.measure_unit)
    name = f"`{spec.component}` {spec.name_vi}".strip() if spec.component else "cả dòng"
    proposed = "" if spec.status == "decided" else " (*)"
    return f"{name} ({(unit.symbol_vi or unit.name_vi) if unit else spec.measure_unit}){proposed}"


def _compared(book: DerivedBook, formulas: FormulaBook) -> Iterator[str]:
    """One row for each comparison of each series."""
    for spec in book.specs.values():
        for kind in spec.comparisons:
            name = comparison_id(spec, kind)
            made = [f.id for f in formulas if f.definition == name]
            ids = ", ".join(f"`{one}`" for one in [*made, *(r.id for f in made for r in formulas.rankings_of(f))])
            yield f"| {f'{spec.indicator} {spec.component}'.strip()} | {kind} {KINDS[kind].name_vi} | {ids} |"


def _carried(derived: DerivedIndicator, formulas: FormulaBook) -> str:
    """The formulas of a definition with the rankings over them, or the reason why the stream does not compute it."""
    definition = derived.definition.id
    if definition in formulas.idle:
        return f"không tính: {formulas.idle[definition].reason_vi}"
    own = [f.id for f in formulas if f.definition == definition]
    return ", ".join(f"`{name}`" for name in [*own, *(r.id for f in own for r in formulas.rankings_of(f))])


def _formula(derived: DerivedIndicator, carried: str) -> str:
    d = derived.definition
    terms = "; ".join(f"`{role}` {_term(term)}" for role, term in d.terms.items())
    basis = STANDING_VI[d.standing] + (f", {d.owner} xác nhận" if d.owner else "") + ("" if d.shown else "; bản đối chiếu")
    cells = (d.id, _cell(d.name_vi), f"`{d.expression}`", d.measure_unit, _cell(terms), _cell(carried), _cell(d.source), basis)
    return f"| {' | '.join(cells)} |"


def _term(term: Term) -> str:
    if term.of:
        return term.of
    said = [term.indicator, term.component, term.figure if term.figure != "actual" else ""]
    rules = (term.at, term.take, term.across, "" if term.up == "sum" else "không cộng")
    shown = ", ".join(rule for rule in rules if rule and rule not in ("this", "period"))
    return " ".join(part for part in said if part) + (f" ({shown})" if shown else "")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
