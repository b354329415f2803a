"""Every cell of condition × attention × input, written out by hand: the table in alerts/lifecycle.py may not change unseen."""

from __future__ import annotations

import pytest

from alerts.lifecycle import (
    ACTS,
    ATTENTIONS,
    CHANGES,
    CONDITIONS,
    NEW,
    NOT_ACTIVE,
    NOT_OVER,
    NOT_SHELVED,
    NOT_SUPPRESSED,
    NOT_TAKEN,
    NOTHING_TO_SHELVE,
    OWN,
    State,
    change,
    step,
)

# Per condition and input: next condition, then the next attention for each of
# unacknowledged, acknowledged, returned, shelved, suppressed (U A R H S); «!» = refused, the state stays.
CELLS = """
inactive   opened       active      U U U U S
inactive   worse        !           U A R H S
inactive   better       !           U A R H S
inactive   cleared      inactive    U A R H S
inactive   corrected    inactive    U A R H S
inactive   cancelled    inactive    U A R H S
inactive   acknowledge  inactive    A A A H S
inactive   explain      inactive    A A A H S
inactive   shelve       !           U A R H S
inactive   close        inactive    A A A H S
inactive   comment      inactive    U A R H S
inactive   task         inactive    A A A H S
inactive   remind       inactive    U A R H S
inactive   escalate     !           U A R H S
inactive   suppress     !           U A R H S
inactive   answer       inactive    A A A H S
inactive   issue        inactive    U A R H S
inactive   decide       inactive    U A R H S
inactive   send_back    inactive    U A R H S
inactive   withdraw     inactive    U A R H S
inactive   urge         inactive    U A R H S
pending    opened       active      U U U U S
pending    worse        !           U A R H S
pending    better       !           U A R H S
pending    cleared      inactive    U A R H S
pending    corrected    pending     U A R H S
pending    cancelled    inactive    U A R H S
pending    acknowledge  pending     A A A H S
pending    explain      pending     A A A H S
pending    shelve       !           U A R H S
pending    close        inactive    A A A H S
pending    comment      pending     U A R H S
pending    task         pending     A A A H S
pending    remind       pending     U A R H S
pending    escalate     !           U A R H S
pending    suppress     !           U A R H S
pending    answer       pending     A A A H S
pending    issue        pending     U A R H S
pending    decide       pending     U A R H S
pending    send_back    pending     U A R H S
pending    withdraw     pending     U A R H S
pending    urge         pending     U A R H S
active     opened       active      U U U U S
active     worse        active      U U U U S
active     better       active      U A R H S
active     cleared      inactive    R A R H S
active     corrected    active      U A R H S
active     cancelled    inactive    R A R H S
active     acknowledge  active      A A A H S
active     explain      active      A A A H S
active     shelve       active      H H H H S
active     close        !           U A R H S
active     comment      active      U A R H S
active     task         active      A A A H S
active     remind       active      U A R H S
active     escalate     active      U A R H S
active     suppress     active      S S S H S
active     answer       active      A A A H S
active     issue        active      U A R H S
active     decide       active      U A R H S
active     send_back    active      U A R H S
active     withdraw     active      U A R H S
active     urge         active      U A R H S
recovering opened       active      U U U U S
recovering worse        active      U U U U S
recovering better       active      U A R H S
recovering cleared      inactive    R A R H S
recovering corrected    recovering  U A R H S
recovering cancelled    inactive    R A R H S
recovering acknowledge  recovering  A A A H S
recovering explain      recovering  A A A H S
recovering shelve       recovering  H H H H S
recovering close        !           U A R H S
recovering comment      recovering  U A R H S
recovering task         recovering  A A A H S
recovering remind       recovering  U A R H S
recovering escalate     recovering  U A R H S
recovering suppress     recovering  S S S H S
recovering answer       recovering  A A A H S
recovering issue        recovering  U A R H S
recovering decide       recovering  U A R H S
recovering send_back    recovering  U A R H S
recovering withdraw     recovering  U A R H S
recovering urge         recovering  U A R H S
"""
LETTERS = dict(zip("UARHS", ATTENTIONS, strict=True))
REFUSALS = {"worse": NOT_ACTIVE, "better": NOT_ACTIVE, "shelve": NOTHING_TO_SHELVE, "close": NOT_OVER, "escalate": NOT_ACTIVE,
            "suppress": NOT_ACTIVE}  # fmt: skip
ELSEWHERE = ("unshelve", "return", "release")
"""Inputs that mean something in one attention only: written out below."""


def _cells() -> list[tuple[State, str, State, str]]:
    cells = []
    for line in CELLS.split("\n"):
        if not line.strip():
            continue
        condition, what, following, *letters = line.split()
        for attention, letter in zip(ATTENTIONS, letters, strict=True):
            refused = following == "!"
            state = State(condition, attention)
            after = state if refused else State(following, LETTERS[letter])
            cells.append((state, what, after, REFUSALS[what] if refused else ""))
    return cells


@pytest.mark.parametrize(("state", "what", "after", "refusal"), _cells())
def test_cell(state: State, what: str, after: State, refusal: str) -> None:
    assert step(state, what) == (after, refusal)


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("attention", ATTENTIONS)
def test_unshelve_only_takes_from_the_shelf(condition: str, attention: str) -> None:
    state = State(condition, attention)
    if attention != "shelved":
        assert step(state, "unshelve") == (state, NOT_SHELVED)
    else:
        back = "unacknowledged" if condition in ("active", "recovering") else "returned"
        assert step(state, "unshelve") == (State(condition, back), "")


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("attention", ATTENTIONS)
def test_only_what_was_taken_is_handed_back(condition: str, attention: str) -> None:
    state = State(condition, attention)
    if condition in ("inactive", "pending"):
        assert step(state, "return") == (state, NOT_ACTIVE)
    elif attention != "acknowledged":
        assert step(state, "return") == (state, NOT_TAKEN)
    else:
        assert step(state, "return") == (State(condition, "unacknowledged"), "")


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("attention", ATTENTIONS)
def test_only_what_is_suppressed_is_released(condition: str, attention: str) -> None:
    state = State(condition, attention)
    if attention != "suppressed":
        assert step(state, "release") == (state, NOT_SUPPRESSED)
    else:
        back = "unacknowledged" if condition in ("active", "recovering") else "returned"
        assert step(state, "release") == (State(condition, back), "")


def test_the_table_above_has_every_cell() -> None:
    written = {(state, what) for state, what, _, _ in _cells()}
    whole = {(State(c, a), what) for c in CONDITIONS for a in ATTENTIONS for what in (*CHANGES, *ACTS, *OWN) if what not in ELSEWHERE}
    assert written == whole


@pytest.mark.parametrize(("condition", "said", "severity", "now", "means"), [
    ("inactive", "opened", 2, 0, "opened"), ("inactive", "worse", 4, 0, "opened"), ("inactive", "better", 2, 0, "opened"),
    ("inactive", "corrected", 3, 0, "opened"), ("inactive", "corrected", 0, 0, "corrected"), ("inactive", "cleared", 0, 0, "cleared"),
    ("active", "opened", 2, 2, ""), ("active", "opened", 3, 2, "worse"), ("active", "worse", 2, 3, "better"), ("active", "better", 2, 3,
    "better"),
    ("active", "cleared", 0, 3, "cleared"), ("active", "corrected", 3, 3, "corrected"), ("active", "corrected", 2, 3, "corrected"),
    ("active", "corrected", 4, 3, "worse"), ("active", "corrected", 0, 3, "cancelled"), ("recovering", "worse", 4, 3, "worse"),
    ("pending", "opened", 2, 0, "opened"),
])  # fmt: skip
def test_what_a_row_means_where_the_alert_stands(condition: str, said: str, severity: int, now: int, means: str) -> None:
    assert change(State(condition, "unacknowledged"), said, severity, now) == means


def test_an_alert_begins_with_nothing_to_acknowledge() -> None:
    assert step(NEW, "opened").state == ("active", "unacknowledged")
