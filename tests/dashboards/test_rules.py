"""The pages of rules: every shipped rule has its words and levels in both languages, its cases hold, its backtest stands beside."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dashboards.headlines import Lookup
from dashboards.rule_cases import golden
from dashboards.rule_words import described, levels
from dashboards.words import Language
from indicators.derived.formula_book import FormulaBook
from indicators.rule import Rule, RuleBook
from indicators.vocabulary import Vocabulary
from tests.dashboards.conftest import DUTY, PROVINCE, Client, Seeded, served
from tests.dashboards.seeds import NOW_MS
from transport.settings import HOME

BOOK, VOCABULARY, FORMULAS = RuleBook.load(HOME), Vocabulary.load(HOME), FormulaBook.load(HOME)


def lookup(language: Language) -> Lookup:
    return Lookup(VOCABULARY, FORMULAS, BOOK, language, NOW_MS)


LANGUAGES: tuple[Language, ...] = ("vi", "en")


@pytest.mark.parametrize("rule", list(BOOK), ids=lambda rule: rule.id)
def test_every_rule_has_its_words_and_its_cases_hold(rule: Rule) -> None:
    for language in LANGUAGES:
        at = lookup(language)
        lines = described(rule, at, lambda code: f"«{code}»")
        assert len(lines) == 7
        assert all(term and text and "None" not in text for term, text in lines), lines
        assert len(levels(rule, at)) == len(rule.levels)
    cases = golden(HOME, rule, "vi")
    assert cases
    assert all(case.holds for case in cases), rule.id


def test_the_words_say_the_limits_with_their_units_and_who_set_them() -> None:
    at = lookup("vi")
    pacing = BOOK.rules["GN-DTC-CHAM-KE-HOACH"]
    said = dict(described(pacing, at, lambda code: f"«{code}»"))
    assert said["So với"] == (
        "chậm hơn tiến độ bao nhiêu điểm %; kế hoạch Thủ tướng giao: 15% đến 31/03, 40% đến 30/06, 65% đến 30/09, 95% đến 31/12, "
        "100% đến 31/01 năm sau"
    )
    assert said["Ai đặt mức"] == "mặc định của hệ thống, chờ «MOF» xác nhận"
    assert said["Hiệu lực"] == "từ 01/01/2025, phiên bản 1, đang áp dụng"
    worst = levels(pacing, at)[0]
    assert (worst.judgement.severity, worst.raised, worst.left) == (4, "≥ 20 điểm %", "< 15 điểm %")
    river = BOOK.rules["TV-MUC-NUOC-BAO-DONG"]
    assert dict(described(river, at, str))["Căn cứ pháp lý"] == "05/2020/QĐ-TTg; 18/2021/QĐ-TTg"
    assert (levels(river, at)[0].raised, levels(river, at)[0].left) == ("≥ báo động III", "< báo động III − 0,2 m (1 giờ)")
    margin = pacing.levels[-1].model_copy(update={"clear_at": None, "clear_margin": Decimal("2.5"), "periods": 2})
    only = levels(pacing.model_copy(update={"levels": (margin,)}), at)[0]
    assert (only.raised, only.left) == ("≥ 20 điểm % (2 kỳ liền)", "< 17,5 điểm %")
    due = BOOK.rules["NV-DEN-HAN"]
    assert levels(due, at)[0].raised == "≥ 10 ngày làm việc"


def test_a_case_that_the_rule_breaks_is_shown_as_broken() -> None:
    rule = BOOK.rules["GN-DTC-CHAM-KE-HOACH"]
    milder = rule.model_copy(update={"levels": rule.levels[2:]})
    case = golden(HOME, milder, "vi")[0]
    assert not case.holds
    assert [line.holds for line in case.lines][:2] == [True, False]
    assert (case.lines[1].when, case.lines[1].brought, case.lines[1].says) == ("00:00 ngày 30/06/2026", "30", "Cảnh báo mới, mức 2")


@pytest.mark.loopback
def test_a_kept_backtest_stands_on_the_rules_page_within_the_readers_scope(seeded: Seeded) -> None:
    async def whole(client: Client) -> None:
        page = (await client.get("/rules/GN-DTC-CHAM-KE-HOACH")).text
        assert "chậm, nặng thêm, đính chính, đuổi kịp" in page
        assert "<b>1</b>&nbsp;như đã báo" in page
        assert "Tỉnh Phú Thọ" in page
        assert "41,5" in page
        assert "nhip rules backtest GN-DTC-CHAM-KE-HOACH" in page, "how to run it anew, beside what an earlier run found"
        rows = (await client.get("/rules/GN-DTC-CHAM-KE-HOACH?format=json")).json()["rows"]
        assert [row["backtest_mark"] for row in rows] == ["chỉ khi chạy lại", "như đã báo"]
        none = (await client.get("/rules/TV-MUC-NUOC-BAO-DONG")).text
        assert "nhip rules backtest TV-MUC-NUOC-BAO-DONG" in none
        assert "không chạy lại được" in (await client.get("/rules/HT-TU-GIAM-SAT")).text
        assert (await client.get("/rules/none")).status_code == 404
        everything = (await client.get("/rules")).text
        assert everything.count('<a href="/rules/') == len(BOOK.rules)
        alert = (await client.get("/alerts/a25")).text
        assert "chờ Bộ Tài chính xác nhận" in alert

    async def province(client: Client) -> None:
        page = (await client.get("/rules/GN-DTC-CHAM-KE-HOACH")).text
        assert "Hải Phòng" in page
        assert "Phú Thọ" not in page
        assert "<b>0</b>&nbsp;như đã báo" in page

    served(seeded.settings, DUTY, whole)
    served(seeded.settings, PROVINCE, province)
