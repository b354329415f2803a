"""What readers see, without any data store: values, judgements, charts, the map, exports, moments."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import UTC, datetime
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards import figures
from dashboards.chart import Point, axis_of, line_chart, sparkline, ticks
from dashboards.choropleth import bounds, ranges, step_of
from dashboards.country_map import ARCHIPELAGOS, Shade, country_map, dots
from dashboards.export import Table
from dashboards.headlines import Lookup, flows, ratios, rule_of
from dashboards.judgement import SIGNS, gap_to_path, late, of_limits, of_measure
from dashboards.moments import MomentError, known_at
from dashboards.pages.ranking import places
from dashboards.terms import ATTENTIONS, CONDITIONS, TRANSITIONS
from dashboards.words import TEXT
from indicators.derived.formula_book import FormulaBook
from indicators.instant import DAY_MS
from indicators.rule import RuleBook
from indicators.vocabulary import Vocabulary
from transport.settings import HOME

VOCABULARY = Vocabulary.load(HOME)
FORMULAS, RULES = FormulaBook.load(HOME), RuleBook.load(HOME)
OCTOBER = int(datetime(2026, 10, 29, 17, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("value", "unit", "vi", "en"),
    [
        ("71.984", "percent", "71,98%", "71.98%"),
        ("-5.14", "percentage_point", "-5,1 điểm %", "-5.1 points"),
        ("175461400000000", "VND", "175.461,4 tỷ đồng", "175,461.4 bn VND"),
        ("34123456", "USD", "34,1 triệu USD", "34.1 m USD"),
        ("9.5", "m", "9,50 m", "9.50 m"),
        (None, "m", "–", "–"),
    ],
)
def test_values_are_written_as_readers_write_them(value: str | None, unit: str, vi: str, en: str) -> None:
    exact = None if value is None else Decimal(value)
    assert figures.value_text(exact, unit, VOCABULARY) == vi
    assert figures.value_text(exact, unit, VOCABULARY, "en") == en


def test_differences_days_and_ages() -> None:
    assert figures.signed(Decimal("-5.14"), "percentage_point", VOCABULARY) == "−5,1 điểm %"
    assert figures.signed(Decimal("2.5"), "percent", VOCABULARY) == "+2,50%"
    assert figures.instant(OCTOBER) == "00:00 ngày 30/10/2026"
    assert figures.day(OCTOBER, "en") == "30 Oct 2026"
    assert figures.month_label((2026 - 1970) * 12 + 9) == "tháng 10/2026"
    assert [figures.age(n) for n in (0, 5 * 60_000, 3 * 3_600_000, 2 * DAY_MS)] == [
        "vừa xong",
        "5 phút trước",
        "3 giờ trước",
        "2 ngày trước",
    ]
    assert figures.axis_text(Decimal("20000000000000"), "VND", VOCABULARY) == "20.000 tỷ"
    assert figures.axis_text(Decimal("60"), "percent", VOCABULARY) == "60%"


def test_a_figure_is_judged_by_the_ladder_of_its_rule() -> None:
    rule = rule_of(RULES, FORMULAS, "F02.country")
    assert rule is not None
    assert rule.scope.formula == "F02.province", "the path of the provinces is the country's"
    against = gap_to_path(rule, Decimal("42.15"), OCTOBER, 2026)
    assert against is not None
    assert against[0] == Decimal("74.46")
    measures = {"-1": "good", "0": "good", "4.99": "good", "5": "attention", "10": "warning", "19.99": "warning", "20": "urgent"}
    assert {m: of_measure(rule, Decimal(m)).name for m in measures} == measures
    assert of_measure(rule, Decimal("2")).text("vi") == "trong giới hạn", "behind, within limits: not «on path»"
    assert of_measure(rule, Decimal("-1")).text("vi") == "đạt tiến độ"
    assert of_measure(None, Decimal(1)).name == "none"
    river = RULES.of_series("vn-1012/D.1", "river_level", "actual")[0]
    limits = [("bd1", Decimal("9.5")), ("bd2", Decimal("10.5")), ("bd3", Decimal("11.5"))]
    assert [of_limits(Decimal(v), limits, river)[1] for v in ("9.49", "9.5", "11", "12")] == [
        "",
        "báo động I",
        "báo động II",
        "báo động III",
    ]
    assert len({SIGNS[name] for name in ("good", "attention", "warning", "urgent")}) == 4, "each has a sign of its own beside its colour"


def test_late_is_told_by_the_fastest_period() -> None:
    assert late(("hour", "month"), 0, 4 * 3_600_000)
    assert not late(("month",), 0, 40 * DAY_MS)
    assert not late(("on_decision",), 0, 4000 * DAY_MS)


@given(st.lists(st.decimals(min_value=-(10**15), max_value=10**15, places=2), min_size=1, max_size=30))
def test_every_value_lies_inside_its_chart(values: list[Decimal]) -> None:
    low, high, _ = axis_of(values)
    assert low <= min(*values, Decimal(0))
    assert high >= max(*values, Decimal(0))
    lines = ticks(values)
    assert (lines[0], lines[-1]) == (low, high)
    assert 2 <= len(lines) <= 12


def test_charts_are_well_formed_and_escaped() -> None:
    points = [Point(f"<{i}>", f"{i:02d}/26", Decimal(i) if i != 3 else None, "<b>", Decimal(i) + 1, Decimal(i) - 1) for i in range(12)]
    for bars in (False, True):
        drawn = line_chart(points, 'a "b" <c>', ["0", "5", "10", "15"], bars)
        root = ElementTree.fromstring(f"<div>{drawn}</div>")
        assert len(root) == 2, "one for desks, one for phones"
        assert "<b>" not in drawn
        assert drawn.count("<title>") == 22
    assert line_chart([Point("a", "a", None)], "x") == ""
    assert sparkline([Decimal(1)], "x") == ""
    assert ElementTree.fromstring(str(sparkline([Decimal(1), None, Decimal(3)], "x"))) is not None


def test_the_map_always_shows_every_province_and_both_archipelagos() -> None:
    drawn = country_map(VOCABULARY, {}, [], "x")
    root = ElementTree.fromstring(str(drawn))
    assert sum(1 for e in root.iter() if (e.get("class") or "").startswith("dots")) == 34
    for name in ARCHIPELAGOS.values():
        assert name in drawn
    found = dots(VOCABULARY)
    assert sum(path.count("M") for path in found.values()) > 3_300
    width, height = (float(n) for n in re.findall(r'viewBox="0 0 (\d+) (\d+)"', drawn)[0])
    for x, y in re.findall(r"M([\d.]+) ([\d.]+)h0", "".join(found.values())):
        assert 0 < float(x) < width
        assert 0 < float(y) < height
    shaded = country_map(VOCABULARY, {"48": Shade("good", 'Đà Nẵng "x" <y>', "/a?b=1&c=2")}, [], "x")
    assert ElementTree.fromstring(str(shaded)) is not None


def test_a_table_leaves_exact_and_harmless() -> None:
    table = Table(
        "x",
        [("a", "Giá trị"), ("b", "=cmd")],
        [[Decimal("1234567890123456789.123456"), "=HYPERLINK(1)"], [Decimal("1.50"), None], [None, datetime(2026, 10, 31, 17, tzinfo=UTC)]],
    )
    assert table.csv().decode("utf-8-sig").split("\r\n") == [
        "Giá trị;'=cmd",
        "1234567890123456789,123456;'=HYPERLINK(1)",
        "1,5;",
        ";01/11/2026 00:00:00",
        "",
    ]
    sheet = zipfile.ZipFile(io.BytesIO(table.xlsx())).read("xl/worksheets/sheet1.xml").decode()
    assert ElementTree.fromstring(sheet.split("?>", 1)[1]) is not None
    assert "<v>1.5</v>" in sheet
    assert ">1234567890123456789.123456<" in sheet, "more digits than a spreadsheet keeps go in as text"
    assert b'"1.5"' in table.json()
    assert b"2026-10-31T17:00:00.000Z" in table.json()


def test_moments_are_read_by_the_clock_of_vietnam() -> None:
    assert known_at("20/11/2026 08:30", 0) == datetime(2026, 11, 20, 1, 30, tzinfo=UTC)
    assert known_at("2026-11-20T08:30", 0) == datetime(2026, 11, 20, 1, 30, tzinfo=UTC)
    assert known_at("", 86_400_000) == datetime(1970, 1, 2, tzinfo=UTC)
    for wrong in ("31/02/2026", "9", "99/99/9999 99:99", "00/00/0000", "01/01/0001", "01/01/1800", "01/01/2300"):
        with pytest.raises(MomentError):
            known_at(wrong, 0)


def test_equal_values_share_a_place() -> None:
    rows = {code: {"value": value} for code, value in (("a", "9"), ("b", "9.00"), ("c", "8"), ("d", "10"))}
    assert places(rows) == {"d": 1, "a": 2, "b": 2, "c": 4}


def test_headlines_recompute_rates_and_compare_only_what_is_whole() -> None:
    at = Lookup(VOCABULARY, FORMULAS, RULES, "vi", OCTOBER)
    start = datetime(2026, 9, 30, 17, tzinfo=UTC)
    row = {
        "formula": "F01.province",
        "territory": "VN",
        "period_start": start,
        "period_end": start,
        "period_type": "month",
        "budget_year": 2026,
        "measure_unit": "percent",
        "value": None,
        "numerator": Decimal(1),
        "denominator": Decimal(3),
        "status": "",
        "inexact": 0,
        "parts": 34,
        "event_time": datetime(2026, 10, 29, 17, tzinfo=UTC),
    }
    (headline,) = ratios([row], at)
    assert (headline.value, headline.quality, headline.same_period) == ("33,33%", "từ 34 địa phương", "chưa có số liệu")
    pane = (2026 - 1970) * 12
    months = [
        {
            "indicator": "vn-1012/A.II.4",
            "component": "",
            "figure": "actual",
            "pane": pane + i,
            "budget_year": 2026,
            "value": Decimal(v) * 10**9,
            "event_time": datetime(2026, i + 1, 15, tzinfo=UTC),
            "inexact": 0,
            "parts": 34,
        }
        for i, v in enumerate((10, 20, 1))
    ]
    (flow,) = flows(months, Lookup(VOCABULARY, FORMULAS, RULES, "vi", int(datetime(2026, 3, 20, tzinfo=UTC).timestamp() * 1000)))
    assert flow.value == "31,0 tỷ đồng"
    assert flow.previous == "+100,00% (tháng 2/2026)", "March still runs"


def test_every_text_has_both_languages() -> None:
    for table in (TEXT, CONDITIONS, ATTENTIONS, TRANSITIONS):
        for key, words in table.items():
            assert words.vi, key
            assert words.en, key
            assert set(re.findall(r"{(\w+)}", words.vi)) == set(re.findall(r"{(\w+)}", words.en)), key


def test_steps_of_a_map_hold_equal_numbers_and_equal_values_together() -> None:
    values = {str(n): Decimal(n) for n in range(10)}
    lower = bounds(values)
    assert lower == [Decimal(n) for n in (0, 2, 4, 6, 8)]
    assert [step_of(Decimal(n), lower) for n in (-1, 0, 1, 2, 9, 99)] == [1, 1, 1, 2, 5, 5]
    assert ranges(values, lower)[0] == (1, Decimal(0), Decimal(1))
    same = dict.fromkeys("abcdef", Decimal(7))
    assert ranges(same, bounds(same)) == [(1, Decimal(7), Decimal(7))]
    assert bounds({}) == []
