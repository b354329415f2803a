"""Shipped rules are whole and each says what its golden cases ask for; a rule without a case, or a wrong file, is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from indicators.rule import Rule, RuleBook, RuleError, load_rule
from indicators.rules.cases import case_path, failures, load_cases
from ops.commands import rules as command
from ops.stack.control import StackError
from transport.settings import HOME

BOOK = RuleBook.load(HOME)
NEEDS = {
    "W1": "GN-DTC-CHAM-KE-HOACH", "W14": "TV-MUC-NUOC-BAO-DONG", "W16": "YT-ICU-CONG-SUAT", "W2": "DN-SUC-KHOE", "W3": "DT-FDI-PHU-THUOC",
    "W4": "TN-SUC-MUA", "W5": "DA-CHAM-TIEN-DO", "W6": "DA-VUOT-TONG-MUC", "W7": "KH-CHI-TIEU-NGUY-CO", "W8": "SL-DIEM-BAT-THUONG",
    "W9": "XH-GIAM-LIEN-TIEP", "W10": "GIA-LAM-PHAT-CO-BAN", "W11": "BH-BIEN-DONG", "W12": "NL-THIEU-DIEN", "W13": "TT-MUA-LON-24-GIO",
    "W15": "MT-AQI", "W17": "AN-DIEM-NONG", "W18": "NV-QUA-HAN", "W19": "TT-HO-SO-NGHEN", "W20": "BC-QUA-HAN",
}  # fmt: skip
"""Alert needs of the domain → the rule that answers them first."""


@pytest.mark.parametrize("rule", list(BOOK), ids=lambda rule: rule.id)
def test_a_rule_says_what_its_golden_cases_ask_for(rule: Rule) -> None:
    path = case_path(HOME, rule.id)
    assert path.exists(), f"{rule.id}: write {path.name}: a rule without a golden case is not shipped"
    assert [str(f) for f in failures(rule, load_cases(path), command._setting(HOME))] == []


def test_every_need_of_the_domain_has_its_rule_and_every_kind_a_rule() -> None:
    assert set(NEEDS) == {f"W{n}" for n in range(1, 21)}
    assert set(NEEDS.values()) <= set(BOOK.rules)
    kinds = {rule.kind for rule in BOOK}
    assert kinds == {"threshold", "pacing", "year_on_year", "change", "outlier", "rank", "absence", "due", "composite", "watchdog"}


def test_a_limit_no_document_gives_is_marked_and_waits_for_its_owner() -> None:
    for rule in BOOK:
        assert rule.to_be_set_by_owner or rule.legal_basis, rule.id
        assert rule.status != "draft" or rule.scope.awaits, f"{rule.id}: a draft says what it waits for"


def test_shipped_rules_are_whole() -> None:
    assert list(command.problems(HOME, BOOK)) == []
    runner = CliRunner()
    checked = runner.invoke(command.app, ["check"])
    assert (checked.exit_code, checked.stdout.split()[0]) == (0, str(len(BOOK.rules)))
    one = runner.invoke(command.app, ["test", "BC-QUA-HAN"])
    assert one.stdout == "1 quy tắc, 3 trường hợp: đạt / cases pass.\n"
    assert isinstance(runner.invoke(command.app, ["test", "KHONG-CO"]).exception, StackError)


def test_rules_that_wait_cost_the_workers_nothing() -> None:
    """Every rule at work is found by what it judges, once, and no other is."""
    found = [r for s in {(r.scope.indicator, r.scope.component, r.scope.figure) for r in BOOK} for r in BOOK.of_series(*s)]
    found += [r for formula in {r.scope.formula for r in BOOK} | set(BOOK.rules) for r in BOOK.of_formula(formula)]
    assert sorted(r.id for r in [*found, *BOOK.silences, *BOOK.watchdogs]) == sorted(r.id for r in BOOK if r.at_work)
    assert [r.id for r in BOOK.composites_of("GN-DTC-CHAM-KE-HOACH")] == ["GN-NHIEU-TINH-CHAM"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    shutil.copytree(HOME / "catalogue", tmp_path / "catalogue", ignore=shutil.ignore_patterns("demo"))
    return tmp_path


def changed(path: Path, **values: object) -> Path:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump(content | values, allow_unicode=True), encoding="utf-8")
    return path


def test_what_is_wrong_is_named(home: Path) -> None:
    rules = home / "catalogue" / "rules"
    changed(rules / "tn-suc-mua.yaml", owner_agency="BO-CU", audience={2: ["khong_co"]})
    changed(rules / "bc-qua-han.yaml", due={"calendar": "khong-co"})
    changed(rules / "gn-nhieu-tinh-cham.yaml", composite={"of": ["KHONG-CO"], "measure": "count"})
    (rules / "cases" / "mt-aqi.yaml").unlink()
    found = "\n".join(command.problems(home, command.book_of(home)))
    for part in ("TN-SUC-MUA: khong_co", "TN-SUC-MUA: BO-CU", "BC-QUA-HAN: due.calendar: khong-co", "composite.of: KHONG-CO",
                 "MT-AQI: thiếu trường hợp mẫu mt-aqi.yaml"):  # fmt: skip
        assert part in found
    assert len(found.splitlines()) == 5


def test_a_case_that_fails_says_where_and_what(home: Path) -> None:
    path = changed(home / "catalogue" / "rules" / "tn-suc-mua.yaml", levels=[{"severity": 3, "raise_at": "1", "clear_at": "1.01"}])
    count, failed = command.outcome(home, [load_rule(path)])
    assert count == 1
    assert [str(f) for f in failed] == [
        "TN-SUC-MUA: «hai kỳ dưới 1», bước 1: cần nothing, được opened 3 / wanted, got",
        "TN-SUC-MUA: «hai kỳ dưới 1», bước 2: cần opened 2, được nothing / wanted, got",
    ]


@pytest.mark.parametrize(("values", "says"), [
    ({"kind": "rank"}, "rank: needed for kind rank"), ({"change": {"periods": 2, "measure": "rises"}}, "change: needed for kind change"),
    ({"scope": {"formula": "F21", "where": "nowhere == 1"}}, "nowhere"), ({"scope": {"formula": "F21", "where": "1 +"}}, "parse"),
    ({"status": "active"}, "a rule that awaits its figures is a draft"), ({"scope": {}}, "exactly one of indicator, formula and awaits"),
    ({"escalation": {"steps": [{"after": "P1D", "to": "government"}, {"after": "P2D", "to": "up"}]}}, "never goes down"),
    ({"escalation": {"steps": [{"after": "PT36H", "clock": "business", "to": "up"}]}}, "whole days"),
    ({"flap": {"window": "PT1H", "high": 2, "low": 2}}, "low must be smaller"),
])  # fmt: skip
def test_a_wrong_rule_is_refused_with_file_and_field(home: Path, values: dict[str, object], says: str) -> None:
    with pytest.raises(RuleError, match=r"^tn-suc-mua\.yaml: ") as refused:
        load_rule(changed(home / "catalogue" / "rules" / "tn-suc-mua.yaml", **values))
    assert says in str(refused.value)


def test_a_key_given_twice_is_refused_with_its_line(home: Path) -> None:
    path = home / "catalogue" / "rules" / "tn-suc-mua.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "status: draft\n", encoding="utf-8")
    with pytest.raises(RuleError, match=r"^catalogue/rules/tn-suc-mua\.yaml:2: not valid YAML: key given twice: status"):
        load_rule(path)


def test_a_path_of_a_cumulative_plan_never_falls(home: Path) -> None:
    path = [{"date": "06-30", "share": "50"}, {"date": "12-31", "share": "40"}]
    with pytest.raises(RuleError, match="never falls"):
        load_rule(changed(home / "catalogue" / "rules" / "kh-chi-tieu-nguy-co.yaml", pacing={"figure": "plan", "path": path}))
