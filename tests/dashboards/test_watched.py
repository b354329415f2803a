"""Which alerts show the figure as it stands now: those whose rule watches a formula of the book, while they are open."""

from __future__ import annotations

from dashboards.pages.alerts import watched
from indicators.derived.formula_book import FormulaBook
from indicators.rule import RuleBook
from transport.settings import HOME


def test_only_formulas_of_the_book_are_asked_for() -> None:
    rows = [
        {"alert_id": f"{n}", "rule": rule, "condition": condition}
        for n, (rule, condition) in enumerate([
            ("GN-DTC-CHAM-KE-HOACH", "active"), ("GN-DTC-CHAM-KE-HOACH", "inactive"), ("NV-QUA-HAN", "active"), ("NV-DEN-HAN", "active"),
            ("BC-QUA-HAN", "active"), ("KHONG-CO", "active"),
        ])
    ]  # fmt: skip
    rules = RuleBook.load(HOME)
    found = watched(rows, rules, FormulaBook.load(HOME))
    assert {alert: formula for alert, (formula, _) in found.items()} == {"0": rules.rules["GN-DTC-CHAM-KE-HOACH"].scope.formula}
