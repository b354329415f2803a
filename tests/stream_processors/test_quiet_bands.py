"""Inside a quiet band no reading changes a state, outside one does; the band of many rules is what is quiet for each of them."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from indicators.rule import RuleBook
from stream_processors.quiet_bands import NOTHING_QUIET, Band, QuietBands
from stream_processors.rule_state import Ladder, Phase, RuleState, advance
from transport.settings import HOME

RULE = RuleBook.load(HOME).rules["TV-MUC-NUOC-BAO-DONG"]
LADDER = Ladder(RULE, {"bd1": Decimal("9.5"), "bd2": Decimal("10.5"), "bd3": Decimal("11.5")})
LEVELS = st.integers(8_000_000, 13_000_000)


def after(readings: list[int]) -> RuleState:
    """The state after readings ten minutes apart."""
    state = RuleState()
    for n, number in enumerate(readings):
        state, _ = advance(LADDER, state, n * 600_000, Decimal(number).scaleb(-6))
    return state


@given(st.lists(LEVELS, max_size=12), LEVELS)
def test_a_reading_in_the_band_changes_nothing_but_what_a_standing_alert_remembers(readings: list[int], number: int) -> None:
    state = after(readings)
    band = Band().within(*LADDER.quiet_band(state), LADDER.sign, standing=state.phase == Phase.ACTIVE)
    then, change = advance(LADDER, state, 10**9, Decimal(number).scaleb(-6))
    if band.low <= number <= band.high:
        assert change is None
        kept = (then.phase, then.severity, then.since, then.candidate, then.alert_id) == (
            state.phase, state.severity, state.since, state.candidate, state.alert_id)  # fmt: skip
        assert kept
        assert then == state or band.standing
    elif state.phase in (Phase.INACTIVE, Phase.ACTIVE):
        assert change is not None or then.phase != state.phase or then.candidate != state.candidate


@given(st.lists(st.tuples(st.none() | LEVELS, st.none() | LEVELS, st.sampled_from([1, -1])), max_size=4), LEVELS, st.sampled_from([1, -1]))
def test_a_band_within_bands_is_quiet_where_every_one_is(
    limits: list[tuple[int | None, int | None, int]], number: int, side: int
) -> None:
    band, quiet, number = Band(), True, number * side
    for low, high, sign in limits:
        floor, ceiling = (None if one is None else Decimal(one * sign).scaleb(-6) for one in (low, high))
        band = band.within(floor, ceiling, sign, standing=False)
        turned = Decimal(number * sign).scaleb(-6)
        quiet = quiet and (floor is None or turned >= floor) and (ceiling is None or turned < ceiling)
    assert (band.low <= number <= band.high) == quiet


def test_bands_are_made_once_until_a_state_or_an_emergency_changes() -> None:
    version, made = [1], list[int]()

    def band(sid: int) -> Band:
        made.append(sid)
        return Band(0, 10) if sid != 2000 else NOTHING_QUIET

    bands = QuietBands(lambda: version[0])
    some = np.array([3, 2000])
    bands.renew(some, band)
    assert bands.outside(np.array([3, 3, 2000]), np.array([10, 11, 5])).tolist() == [False, True, True]
    bands.renew(some, band)
    assert made == [3, 2000]
    bands.forget(3)
    bands.renew(some, band)
    assert made == [3, 2000, 3]
    version[0] = 2
    bands.renew(some, band)
    assert made == [3, 2000, 3, 3, 2000]
