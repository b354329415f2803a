"""Disbursement: reversals correct the past instead of adding a negative, back-dated entries count on their day."""

from __future__ import annotations

import json
from typing import Any

from producers.fields import local_date
from tests.producers.support import Remembering, identities, parse, reasons, sample

SEGMENTS = json.loads(sample("disbursement.jsonl").splitlines()[0])["segments"]


def entry(number: str, amount: int, reversal_of: str | None = None, **fields: Any) -> dict[str, Any]:
    return {
        "entry": number, "posted_at": "2026-03-20T09:12:44+07:00", "effective_date": "2026-03-20", "budget_year": 2026,
        "segments": SEGMENTS, "amount_vnd": amount, "reversal_of": reversal_of,
    } | fields  # fmt: skip


def file(*entries: dict[str, Any]) -> bytes:
    trailer = {"trailer": {"entries": len(entries), "total_vnd": sum(e["amount_vnd"] for e in entries)}}
    return b"".join(json.dumps(e).encode() + b"\n" for e in (*entries, trailer))


def test_a_full_reversal_withdraws_the_original_and_is_itself_recorded() -> None:
    memory = Remembering()
    parse("treasury", "a.jsonl", file(entry("E1", 700)), memory)
    parsed = parse("treasury", "b.jsonl", file(entry("R1", -700, "E1", posted_at="2026-03-20T15:00:00+07:00")), memory)
    assert identities(parsed.observations) == [("R1", 0, "0"), ("E1", 1, "")]
    record, original = parsed.observations
    assert (record.reference, record.quality_flags) == ("E1", ("reversal",))
    assert (original.status, original.event_time) == ("deleted", record.event_time)


def test_partial_reversals_lower_the_original_step_by_step() -> None:
    memory = Remembering()
    parsed = parse("treasury", "a.jsonl", file(entry("E1", 700), entry("R1", -200, "E1"), entry("R2", -500, "E1")), memory)
    assert identities(parsed.observations) == [("E1", 0, "700"), ("R1", 0, "0"), ("E1", 1, "500"), ("R2", 0, "0"), ("E1", 2, "")]


def test_files_sent_again_change_nothing() -> None:
    memory = Remembering()
    first = parse("treasury", "a.jsonl", file(entry("E1", 700), entry("R1", -200, "E1")), memory)
    again = parse("treasury", "c.jsonl", file(entry("E1", 700), entry("R1", -200, "E1")), memory)
    assert len(first.observations) == 3
    assert (again.observations, again.rejects, again.superseded) == ([], [], 2)


def test_a_reversal_of_what_never_came_or_of_more_than_is_left_is_refused() -> None:
    memory = Remembering()
    data = file(entry("E1", 700), entry("R1", -100, "E9"), entry("R2", -800, "E1"), entry("R3", 5, "E1"))
    parsed = parse("treasury", "a.jsonl", data, memory)
    assert identities(parsed.observations) == [("E1", 0, "700")]
    assert reasons(parsed.rejects) == [("validation", "reversal_of"), ("validation", "amount_vnd"), ("validation", "amount_vnd")]


def test_a_back_dated_entry_counts_on_its_effective_date_in_the_carried_budget_year() -> None:
    parsed = parse("treasury", "a.jsonl", file(entry("E1", 700, effective_date="2026-01-30", budget_year=2025)))
    [o] = parsed.observations
    assert (local_date(o.event_time).isoformat(), o.budget_year, o.quality_flags) == ("2026-01-30", 2025, ("back_dated",))
    assert o.published_at is not None
    assert local_date(o.published_at).isoformat() == "2026-03-20"


def test_revenue_accounts_are_no_disbursement() -> None:
    parsed = parse("treasury", "a.jsonl", file(entry("E1", 700, segments=SEGMENTS | {"account": "7111"})))
    assert reasons(parsed.rejects) == [("contract", "segments.account")]


def test_an_adjusted_plan_replaces_with_the_higher_revision() -> None:
    header = sample("plans.csv").split(b"\n")[0]
    lines = b"\n31,2026,TTG,Q1,2025-12-18,0,100\n31,2026,TTG,Q2,2026-02-01,1,120\n"
    sent = identities(parse("treasury", "p.csv", header + lines).observations)
    assert sent == [("KHV/2026/31/TTG", 0, "100"), ("KHV/2026/31/TTG", 1, "120")]
