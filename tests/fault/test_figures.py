"""The document of `make faults`: sums over its runs, spread of recoveries, the bound, and when it is well."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fault import figures


def leg(**changes: Any) -> dict[str, Any]:
    """A leg of a run without a fault, as `tests.fault.pipeline` tells it."""
    told: dict[str, Any] = {
        "plan": {"seed": 1}, "killed": {"worker": 2, "kafka": 1}, "two_at_once": 1, "exits": [["worker", 70, "…"]],
        "zombies": [["sink", "zombie 1"]], "recovery_seconds": {"worker": [1.0, 3.0], "kafka": [5.0]}, "slow": [],
        "resent": {"sink": 30, "producer": 4}, "sent": 1000,
        "caught_up": True, "lost": 0, "doubled": 0, "alerts_missed": 0, "alerts_repeated": 0, "compared": {"panes": 7},
        "wrong": {}, "examples": [], "seconds": 9.0,
    }  # fmt: skip
    return told | changes


KERNEL = {
    "plan": {"seed": 3}, "killed": 3, "died_inside": 2, "stopped": 1, "wrong": {}, "compared": {"inputs": 50, "panes": 5}, "examples": [],
    "seconds": 1.0,
}  # fmt: skip
CAUGHT = {"token off": {"kept": 0, "without": 12}}


def test_runs_add_up() -> None:
    found = figures.document([leg(), leg(plan={"seed": 2})], [KERNEL], CAUGHT, {"cores": 2})
    assert found["kills"] == {"worker": 9, "kafka": 2}
    assert (found["observations"], found["compared"], found["seeds"]) == (2000, {"panes": 19, "inputs": 50}, [1, 2, 3])
    assert found["recovery"]["all"] == {"n": 6, "p50": 3.0, "p99": 5.0, "max": 5.0}
    assert found["recovery"]["kafka"] == {"n": 2, "p50": 5.0, "p99": 5.0, "max": 5.0}
    assert found["bound"] == "≤ 27.27% a kill at 95 % confidence (3/11)"
    assert found["ended_by_themselves"] == {"worker 70": 2}
    assert figures.well(found)


@pytest.mark.parametrize(
    "wrong",
    [{"lost": 1}, {"doubled": 1}, {"alerts_missed": 1}, {"alerts_repeated": 1}, {"wrong": {"panes": 1}}, {"caught_up": False},
     {"zombies": [["sink", "both"]]}],
)  # fmt: skip
def test_one_fault_is_not_well(wrong: dict[str, Any]) -> None:
    assert not figures.well(figures.document([leg(), leg(**wrong)], [], CAUGHT, {}))


@pytest.mark.parametrize("seen", [{"kept": 0, "without": 0}, {"kept": 1, "without": 5}])
def test_a_control_that_ends_right_or_a_rule_that_ends_wrong_is_not_caught(seen: dict[str, int]) -> None:
    found = figures.document([leg()], [], CAUGHT | {"ledger off": seen}, {})
    assert found["negative_controls"] == {"token off": True, "ledger off": False}
    assert not figures.well(found)
