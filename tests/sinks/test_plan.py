"""Plans: what is committed comes back as it was, and foreign metadata stops the sink."""

from __future__ import annotations

import pytest

from sinks import plan
from sinks.plan import METADATA_LIMIT, Plan, PlanError


def test_a_plan_comes_back_as_it_was_committed() -> None:
    one = Plan(17, 2**62)
    assert plan.read(one.first, one.metadata) == one
    assert len(one.metadata) <= METADATA_LIMIT


@pytest.mark.parametrize("metadata", ["", None])
def test_no_metadata_is_no_plan(metadata: str | None) -> None:
    assert plan.read(5, metadata) is None


@pytest.mark.parametrize("metadata", ["x", "[]", "{}", '{"end": 4}', '{"end": "9"}', '{"end": true}', '{"end":' + "9" * 300 + "}"])
def test_metadata_of_another_program_is_refused(metadata: str) -> None:
    with pytest.raises(PlanError):
        plan.read(5, metadata)


def test_the_token_names_generation_and_range() -> None:
    assert Plan(3, 9).token("1.abc", "obs.trade", 4) == "1.abc-obs.trade-4-3-9"
