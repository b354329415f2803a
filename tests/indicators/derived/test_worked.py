"""Every definition gives the number that its working in worked.yaml gives by hand."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from indicators.derived.book import DerivedBook
from indicators.derived.evaluation import Absence, Value
from transport.settings import HOME

BOOK = DerivedBook.load(HOME)
EXAMPLES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "worked.yaml").read_text(encoding="utf-8"))["examples"]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: str(e["id"]))
def test_the_number_worked_by_hand(example: dict[str, Any]) -> None:
    outcome = BOOK[example["id"]].evaluate({role: Decimal(value) for role, value in example["given"].items()})
    assert isinstance(outcome, Value)
    assert str(outcome.value) == example["expected"]
    assert outcome.assumed_zero == ()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: str(e["id"]))
def test_every_operand_is_needed_and_named_when_it_is_lost(example: dict[str, Any]) -> None:
    derived = BOOK[example["id"]]
    for role, term in derived.definition.terms.items():
        given = {r: Decimal(v) for r, v in example["given"].items() if r != role}
        outcome = derived.evaluate(given)
        if term.missing == "zero":
            assert isinstance(outcome, Value)
            assert outcome.assumed_zero == (role,)
        else:
            assert outcome == Absence("not_published" if derived.definition.published else "missing_operand", (role,))


def test_every_definition_is_worked_and_all_forty_numbers_have_one_that_leads() -> None:
    assert [e["id"] for e in EXAMPLES if [x["id"] for x in EXAMPLES].count(e["id"]) > 1] == []
    assert {e["id"] for e in EXAMPLES} == {d.definition.id for d in BOOK}
    assert {d.definition.number for d in BOOK if d.definition.shown} == {"DISBURSED", *(f"F{n:02d}" for n in range(1, 41))}


def test_what_the_document_prints_stands_beside_what_it_means() -> None:
    for number in ("F09", "F21"):
        assert BOOK[number].definition.shown
        assert not BOOK[f"{number}.as_printed"].definition.shown
        assert BOOK[f"{number}.as_printed"].definition.formula_vi


def test_proposals_name_who_confirms_them() -> None:
    unprinted = {d.definition.number for d in BOOK if d.definition.standing == "proposal"}
    assert {"F06", "F08", "F28", "F35", "F36", "F37", "F38"} <= unprinted
    assert all(d.definition.owner for d in BOOK if d.definition.standing != "printed")
