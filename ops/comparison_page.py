"""The table of K1–K18 in docs/formulas.md: what, by which operator, computed where, asked by which rows, formulas and rules, and the test
of its worked example. What asks is read from the catalogue; where nothing does, the operator stands ready and the table says so. A rule
that is a draft waits for data or for its owner."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from indicators.comparisons.kinds import KINDS
from indicators.derived.book import DerivedBook
from indicators.derived.definition import Definition
from indicators.rule import RuleBook

_BASES: Final = {"previous": "K1", "december": "K2", "same_period": "K3"}
_RULES: Final = {"year_on_year": "K3", "pacing": "K7", "outlier": "K8", "rank": "K11", "change": "K15"}
"""Kind of rule → the comparison it judges by."""
_MEANT: Final = {"F08": "K12", "F29.accidents": "K12", "F29.density_area": "K12", "F29.density_people": "K12", "F40": "K12",
                 "F40.per_10000": "K12", "F40.per_1000_enterprises": "K12", "F40.per_area": "K12", "F39": "K13", "F19": "K16",
                 "F19.balance": "K16", "F27": "K16", "F38.damage": "K16"}  # fmt: skip
"""Definitions that are a comparison by what they mean (guide 7146 §4.7.2 (ii), (iii); tables 10 and 14; §5.1.4, §5.3.1 (2)): their shape
does not tell."""
_STREAM: Final = "luồng, khâu 2; lưu ở `derived` / stage 2"
_RULE: Final = "luồng, khi xét quy tắc; độ lệch lưu ở `conditions` / in the stream, by rules"
WHERE: Final = {
    **dict.fromkeys(("K1", "K2", "K5", "K6", "K10", "K11", "K12", "K13"), _STREAM),
    **dict.fromkeys(("K7", "K8", "K15"), _RULE),
    "K3": f"{_STREAM}; theo Tết: {_RULE}",
    "K4": "không: A.I.2–A.I.5 nhận như cơ quan thống kê công bố / received as published",
    "K9": "không: chưa dòng nào yêu cầu khoảng cách giữa các nhóm; luồng giữ tổng từng nhóm (`dimension_sets`, `each`) / no row asks",
    "K14": "không: chưa nguồn nào gửi thời điểm chuyển khâu (quy tắc TT-HO-SO-NGHEN chờ) / no source sends the steps",
    "K16": f"{_STREAM}; dự báo cuối năm trên bảng / forecast on the board",
    "K17": "không: nhận theo giá mà nguồn công bố (`price_basis`) / received in the prices published",
    "K18": "không: chưa nguồn nào gửi tiến độ từng dự án (quy tắc DA-CHAM-TIEN-DO chờ) / no source sends the schedules",
}
"""Kind → where it is computed, or why it is not."""


def comparison_lines(derived: DerivedBook, rules: RuleBook) -> Iterator[str]:
    """The table, head first."""
    yield "| Mã | Phép so sánh | Comparison | Nguồn | Hàm | Tính ở đâu | Nơi yêu cầu | Ví dụ (kiểm thử) |"
    yield "|---|---|---|---|---|---|---|---|"
    asked = _asked(derived, rules)
    for code, kind in KINDS.items():
        names = ", ".join(f"`{f.__module__.rpartition('.')[2]}.{f.__name__}`" for f in kind.operators)
        who = ", ".join(asked[code]) or "–"
        yield f"| {code} | {kind.name_vi} | {kind.name_en} | {kind.source} | {names} | {WHERE[code]} | {who} | `{kind.worked}` |"


def _asked(derived: DerivedBook, rules: RuleBook) -> dict[str, list[str]]:
    """Kind → rows (with component), definitions and rules that ask for it, in that order."""
    found: dict[str, list[str]] = {code: [] for code in KINDS}
    for spec in derived.specs.values():
        for asked in spec.comparisons:
            found[asked].append(f"{spec.indicator} {spec.component}".strip())
    for one in sorted((d.definition for d in derived), key=lambda d: d.id):
        for kind in sorted(_meant(one)):
            found[kind].append(one.id)
    for rule in sorted(rules, key=lambda r: r.id):
        if rule.kind in _RULES:
            found[_RULES[rule.kind]].append(rule.id if rule.at_work else f"{rule.id} (dự thảo)")
    return found


def _meant(definition: Definition) -> set[str]:
    """The comparisons that a definition is made of."""
    found = {_BASES[term.at] for term in definition.terms.values() if term.at in _BASES}
    found |= {"K10" for term in definition.terms.values() if term.across}
    found |= {"K6" for term in definition.terms.values() if term.figure.startswith(("plan", "budget_estimate"))}
    found |= {"K11" for carried in definition.carried if carried.ranking}
    return found | ({_MEANT[definition.id]} if definition.id in _MEANT else set())
