"""The figures of the fault runs: legs, kernel and controls as one document, with the bound that so many kills without failure give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from benchmarks.spread import percentile

BOTH: Final = "both"
"""A zombie and its successor that go on beside each other (tests.fault.pipeline)."""
SHORT: Final = ("kills", "lost", "doubled", "alerts_missed", "alerts_repeated", "wrong", "recovery", "negative_controls", "bound")
Leg = Mapping[str, Any]


def document(
    legs: Sequence[Leg], kernels: Sequence[Leg], controls: Mapping[str, Mapping[str, int]], machine: Mapping[str, Any]
) -> dict[str, Any]:
    """Everything as it is written. `recovery`: seconds from the kill of one component alone until it does its work again."""
    kills = sum((Counter(leg["killed"]) for leg in legs), Counter[str]())
    for run in kernels:
        kills["worker"] += run["killed"] + run["died_inside"]
    recoveries: dict[str, list[float]] = {}
    for leg in legs:
        for name, seconds in leg["recovery_seconds"].items():
            recoveries.setdefault(name, []).extend(seconds)
    resent = sum((Counter(leg["resent"]) for leg in legs), Counter[str]())
    return {
        "kills": dict(kills), "kills_inside_the_commit": sum(run["died_inside"] for run in kernels),
        "two_at_once": sum(leg["two_at_once"] for leg in legs),
        "zombies": [list(one) for leg in legs for one in leg["zombies"]],
        "stopped_past_the_session": sum(run["stopped"] for run in kernels),
        **{name: sum(leg[name] for leg in legs) for name in ("lost", "doubled", "alerts_missed", "alerts_repeated")},
        "wrong": dict(sum((Counter(run["wrong"]) for run in (*legs, *kernels)), Counter[str]())),
        "not_caught_up": sum(not leg["caught_up"] for leg in legs),
        "negative_controls": {name: caught(seen) for name, seen in controls.items()}, "controls_saw": dict(controls),
        "recovery": {"all": spread(s for some in recoveries.values() for s in some)} | {name: spread(s) for name, s in recoveries.items()},
        "without_recovery_in_time": [one for leg in legs for one in leg["slow"]],
        "resent_per_kill": {name: round(n / kills[name], 1) for name, n in resent.items() if kills[name]},
        "bound": bound(sum(kills.values())), "bound_by_component": {name: bound(n) for name, n in kills.items()},
        "observations": sum(leg["sent"] for leg in legs), "kernel_inputs": sum(run["compared"].get("inputs", 0) for run in kernels),
        "compared": dict(sum((Counter(run["compared"]) for run in (*legs, *kernels)), Counter[str]())),
        "ended_by_themselves": dict(Counter(f"{one[0]} {one[1]}" for leg in legs for one in leg["exits"])),
        "seeds": [run["plan"]["seed"] for run in (*legs, *kernels)], "seconds": round(sum(run["seconds"] for run in (*legs, *kernels))),
        "examples": [one for run in (*legs, *kernels) for one in run["examples"]][:10], "machine": dict(machine),
    }  # fmt: skip


def caught(seen: Mapping[str, int]) -> bool:
    """Did the control end wrong, and the same run with the rule kept right?"""
    return seen["kept"] == 0 and seen["without"] > 0


def bound(kills: int) -> str:
    """What so many kills without failure say of the chance that one fails, with 95 % confidence (the rule of three, 3/K)."""
    return f"≤ {3 / kills:.2%} a kill at 95 % confidence (3/{kills})" if kills else "no kill, no bound"


def spread(seconds: Iterable[float]) -> dict[str, float]:
    """p50, p99 and the longest, by nearest rank; `n` of them."""
    ordered = sorted(seconds)
    if not ordered:
        return {"n": 0}
    return {"n": len(ordered), "p50": percentile(ordered, 50), "p99": percentile(ordered, 99), "max": ordered[-1]}


def well(found: Mapping[str, Any]) -> bool:
    """Nothing lost, doubled, missed, repeated or different; all caught up; of two under one name one ended; every control caught."""
    zero = ("lost", "doubled", "alerts_missed", "alerts_repeated", "not_caught_up")
    return not (
        any(found[name] for name in zero) or found["wrong"] or not all(found["negative_controls"].values())
        or any(outcome == BOTH for _, outcome in found["zombies"])
    )  # fmt: skip
