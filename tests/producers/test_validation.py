"""What the door checks of any observation, whichever adapter brings it: codes of every list, also after the series is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from indicators.observation import Observation
from producers.reject import Refused
from producers.validation import Door
from tests.producers.support import NOW, parse, sample, vocabulary


@pytest.fixture(scope="module")
def entry() -> Observation:
    """Plain receipts of one province."""
    return parse("tax", "tax-receipts.csv", sample("tax-receipts.csv")).observations[0]


@pytest.mark.parametrize(
    ("changed", "reason", "field"),
    [
        ({"indicator": "vn-1012/Z.99"}, "unknown_indicator", "indicator"),
        ({"component": "nothing"}, "unknown_indicator", "indicator"),
        ({"territory": "00"}, "unknown_territory", "territory"),
        ({"agency": "NOBODY"}, "unknown_agency", "agency"),
        ({"provider": "NOBODY"}, "unknown_agency", "provider"),
        ({"subject_type": "project", "subject_id": "DA-00-00"}, "contract", "subject_type"),
        ({"subject_id": "DA-31-02"}, "contract", "subject_id"),
        ({"measure_unit": "USD"}, "validation", "measure_unit"),
        ({"dimensions": (("colour", "red"),)}, "contract", "dimensions"),
    ],
)
def test_a_wrong_code_is_refused_alone_whether_the_series_is_known_or_not(
    entry: Observation, changed: dict[str, object], reason: str, field: str
) -> None:
    for known_before in (False, True):
        door = Door(vocabulary())
        if known_before:
            door.check(entry, NOW)
        with pytest.raises(Refused) as refused:
            door.check(replace(entry, **changed), NOW)  # type: ignore[arg-type]
        assert (refused.value.reason, refused.value.field) == (reason, field)
        door.check(entry, NOW)
