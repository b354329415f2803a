"""The words of the three alerts, as golden files: a changed sentence is a changed file.

New files: `python -m tests.alerts.test_messages`, then read them before committing.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from alerts.condition import Condition
from alerts.messages import Messages, Text, check_templates
from indicators.rule import Message, Rule, RuleBook
from tests.alerts.samples import HOUR, ICU, NOON, RIVER, SLOW, after
from transport.settings import HOME

GOLDEN = Path(__file__).parent / "golden"
RULES = RuleBook.load(HOME)


class Names:
    """Names of the places of the samples."""

    def territory_name(self, code: str) -> str:
        return {"01": "Thành phố Hà Nội", "31": "Thành phố Hải Phòng"}.get(code, code)

    def subject_name(self, kind: str, code: str) -> str:
        return {"hanoi": "Trạm Hà Nội (sông Hồng)", "viet-tiep": "Bệnh viện Hữu nghị Việt Tiệp"}.get(code, code)

    def agency_name(self, code: str) -> str:
        return {"HYDROMET": "Cục Khí tượng Thủy văn", "DOH-31": "Sở Y tế thành phố Hải Phòng", "MOF": "Bộ Tài chính",
                "PPC-31": "Ủy ban nhân dân thành phố Hải Phòng"}.get(code, code)  # fmt: skip

    def figure_name(self, code: str) -> str:
        return code

    def subject_limit(self, kind: str, code: str, name: str) -> Decimal | None:
        limits = {"bd1": Decimal("9.5"), "bd2": Decimal("10.5"), "bd3": Decimal("11.5")} if code == "hanoi" else {}
        return limits.get(name)

    def province_of(self, territory: str) -> str | None:
        return territory if territory in ("01", "31") else None

    def kind(self, code: str) -> str:
        otherwise = "peoples_committee" if code.startswith("PPC-") else "provincial_department"
        return {"GOV": "government", "MAE": "ministry"}.get(code, otherwise)

    def chain(self, code: str) -> tuple[str, ...]:
        return {"HYDROMET": ("HYDROMET", "MAE", "GOV")}.get(code, (code, f"PPC-{code[-2:]}", "GOV"))

    def territory_served(self, code: str) -> tuple[str, ...]:
        return ("VN",) if code == "HYDROMET" else (code[-2:],)


WRITER = Messages(Names())


def _story(first: Condition) -> dict[str, tuple[Condition, Condition | None]]:
    """Transition → (row, the row before it)."""
    if first.rule.startswith("TV"):
        worse = after(first, transition="worse", severity=4, severity_before=3, level="bd3", value=Decimal("11.740000"),
        limit=Decimal("11.500000"),
                      gap=Decimal("0.240000"))  # fmt: skip
        better = after(worse, transition="better", severity=3, severity_before=4, level="bd3", value=Decimal("11.180000"),
        limit=first.limit,
                       gap=Decimal("0.680000"))  # fmt: skip
        low, right = Decimal("9.210000"), Decimal("10.560000")
        right_gap = Decimal("0.060000")
        bottom = {"limit": Decimal("9.500000"), "gap": Decimal("-0.290000"), "level": "bd1"}
    elif first.rule.startswith("YT"):
        worse = after(first, transition="worse", severity=4, severity_before=3, value=Decimal("97.500000"), limit=Decimal("95.000000"),
                      gap=Decimal("2.500000"), numerator=Decimal("39.000000"))  # fmt: skip
        better = after(worse, transition="better", severity=3, severity_before=4, value=first.value, limit=first.limit, gap=first.gap,
                       numerator=first.numerator)  # fmt: skip
        low, right = Decimal("72.500000"), Decimal("86.200000")
        bottom, right_gap = {"numerator": Decimal("29.000000"), "gap": Decimal("-12.500000")}, Decimal("1.200000")
    else:
        worse = after(first, transition="worse", severity=4, severity_before=3, value=Decimal("45.110000"), gap=Decimal("20.160000"))
        better = after(worse, transition="better", severity=3, severity_before=4, value=first.value, gap=first.gap)
        low, right = Decimal("68.900000"), Decimal("53.100000")
        bottom, right_gap = {"gap": Decimal("-3.630000")}, Decimal("12.170000")
    cleared = after(better, transition="cleared", severity=0, severity_before=3, value=low, **({"level": ""} | bottom))
    corrected = after(first, transition="corrected", revision=1, severity_before=3, value=right, gap=right_gap, status="revised")
    cancelled = after(corrected, severity=0, value=low, **({"level": ""} | bottom))
    return {"opened": (first, None), "worse": (worse, first), "better": (better, worse), "cleared": (cleared, better),
            "corrected": (corrected, first), "cancelled": (cancelled, first)}  # fmt: skip


CASES = [(first, what) for first in (SLOW, ICU, RIVER) for what in ("opened", "worse", "better", "cleared", "corrected", "cancelled")]


def _render(first: Condition, what: str) -> Text:
    row, before = _story(first)[what]
    return WRITER.render(RULES.rules[first.rule], what, row, before, NOON)


def _file(first: Condition, what: str) -> Path:
    return GOLDEN / f"{first.rule.lower()}.{what}.txt"


def _shown(text: Text) -> str:
    return f"{text.title_vi}\n\n{text.text_vi}\n\n{text.title_en}\n"


@pytest.mark.parametrize(("first", "what"), CASES, ids=lambda x: x if isinstance(x, str) else x.rule)
def test_golden(first: Condition, what: str) -> None:
    text = _render(first, what)
    assert text.fallback == ""
    assert _shown(text) == _file(first, what).read_text(encoding="utf-8")


def test_slow_disbursement_names_the_plan_and_both_figures() -> None:
    text = _render(SLOW, "opened")
    assert "kế hoạch Thủ tướng Chính phủ giao" in text.title_vi
    for part in ("52,34%", "65,27%", "12,9 điểm %", "12.345,6 tỷ đồng", "23.587,3 tỷ đồng", "TABMIS-2026-09-31"):
        assert part in text.text_vi


@pytest.mark.parametrize("first", [SLOW, ICU, RIVER], ids=lambda c: c.rule)
def test_a_correction_says_so(first: Condition) -> None:
    for what in ("corrected", "cancelled"):
        text = _render(first, what)
        assert text.title_vi.startswith("Đính chính")
        assert "không phải" in text.text_vi


def test_a_fall_names_the_level_that_holds_not_the_one_it_left() -> None:
    """The worker's row of a fall carries the level left and the clear limit crossed."""
    row, before = _story(RIVER)["better"]
    text = WRITER.render(RULES.rules[RIVER.rule], "better", replace(row, level="bd3", limit=Decimal("11.3")), before, NOON)
    assert "đã ra khỏi báo động III, còn ở báo động II (10,50 m)" in text.text_vi


def test_a_result_without_a_record_of_its_own_names_its_formula() -> None:
    result = replace(SLOW, provider="", source_record_id="", comparison="plan_pm", series="F02.province|31|||2026")
    text = WRITER.render(RULES.rules[SLOW.rule], "opened", result, None, NOON)
    assert "Nguồn số liệu: kết quả tính theo công thức F02.province (số liệu sơ bộ)." in text.text_vi
    assert "kế hoạch Thủ tướng Chính phủ giao" in text.title_vi


def test_missing_evidence_gives_a_plain_text_that_says_so() -> None:
    text = WRITER.render(RULES.rules[RIVER.rule], "opened", replace(RIVER, gap=None), None, NOON)
    assert text.fallback.startswith("template: ")
    assert "Trạm Hà Nội" in text.title_vi
    for part in ("10,62", "HN-20261001T1200"):
        assert part in text.text_vi


def test_an_unknown_rule_is_told_all_the_same() -> None:
    text = WRITER.render(None, "opened", RIVER, None, NOON)
    assert text.fallback == "unknown_rule"
    assert "TV-MUC-NUOC-BAO-DONG" in text.title_vi


def test_an_exercise_is_marked() -> None:
    text = WRITER.render(RULES.rules[RIVER.rule], "opened", replace(RIVER, mode="exercise"), None, NOON)
    assert text.title_vi.startswith("[DIỄN TẬP] ")
    assert text.text_vi.startswith("[DIỄN TẬP] ")


def _with(title: str) -> Rule:
    return RULES.rules[RIVER.rule].model_copy(update={"message_vi": {"opened": Message(title=title)}, "message_en": {}})


@pytest.mark.parametrize("title", [
    "{{ nothing }}", "{{ ''.__class__.__mro__ }}", "{{ value | points_vi(places='x') }}", "{{ 1 / 0 }}",
    "{% for x in range(10**9) %}{% endfor %}",
])  # fmt: skip
def test_a_wrong_template_cannot_lose_the_alert(title: str) -> None:
    assert WRITER.render(_with(title), "opened", RIVER, None, NOON).fallback.startswith("template: ")


def test_shipped_templates_parse_and_a_wrong_one_is_named() -> None:
    assert [line for rule in RULES for line in check_templates(rule)] == []
    assert "message_vi.opened" in check_templates(_with("{{ open"))[0]


def test_duration_in_words() -> None:
    text = WRITER.render(RULES.rules[ICU.rule], "opened", replace(ICU, since=NOON - 26 * HOUR - 600_000), None, NOON)
    assert "đã 1 ngày 2 giờ" in text.text_vi


if __name__ == "__main__":
    for condition, transition in CASES:
        _file(condition, transition).write_text(_shown(_render(condition, transition)), encoding="utf-8")
