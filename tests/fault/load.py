"""A seeded load for the fault tests: readings that cross alarm levels, entries, plans; amended, deleted, moved, repeated, late."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from indicators.observation import Observation
from indicators.vocabulary import Vocabulary

START = 1_767_225_600_000 + 30 * 86_400_000 - 7 * 3_600_000
HOUR = 3_600_000
STEP_MS = 240_000
SPAN_MS = 300 * 86_400_000
"""Most event time a load covers."""
AMENDED, MOVED, REPEATED = 0.05, 0.01, 0.02


def step_for(observations: float) -> int:
    """Event time between two of so many observations, ms: the load stays inside its budget year however long the run."""
    return max(1, min(STEP_MS, int(SPAN_MS // observations)))


class Load:
    """Observations in order of sending. Amendments: 5 %, of which about a fifth (1 % of all) change the series. `start`: instant of the
    first, epoch ms; one every `step_ms`."""

    def __init__(self, vocabulary: Vocabulary, seed: int, step_ms: int = STEP_MS, start: int = START) -> None:
        self._random = random.Random(seed)
        self._step, self._start = step_ms, start
        self._stations = [s for s in vocabulary.subjects("station") if "bd1" in s.limits]
        self._projects = [p for p in vocabulary.subjects("project") if p.territory in ("01", "31", "48", "79")]
        self._levels = {s.id: 2.0 for s in self._stations}
        self._sent: list[Observation] = []

    def plans(self) -> list[Observation]:
        """The Prime Minister's plan of each province of the load."""
        return [
            self._finance(f"PLAN-{t}", t, "", "plan_pm", Decimal(10) ** 13, self._start, "year")
            for t in sorted({p.territory for p in self._projects})
        ]

    def take(self, first: int, count: int) -> Iterator[Observation]:
        """The next observations, as they are sent."""
        for i in range(first, first + count):
            yield from self._next(i)

    def _next(self, i: int) -> list[Observation]:
        rnd = self._random
        at = self._start + i * self._step + rnd.randrange(-2 * HOUR, 2 * HOUR)
        if rnd.random() < 0.005:
            at -= rnd.randrange(4, 7) * 24 * HOUR
        draw = rnd.random()
        if self._sent and draw < MOVED:
            return self._move(rnd.choice(self._sent[-400:]), i)
        if self._sent and draw < AMENDED:
            out = [self._amend(rnd.choice(self._sent[-400:]))]
        elif self._sent and draw < AMENDED + REPEATED:
            out = [rnd.choice(self._sent[-400:])]
        elif draw < 0.5:
            out = [self._reading(f"R{i}", at)]
        else:
            p = rnd.choice(self._projects)
            out = [self._finance(f"E{i}", p.territory, p.id, "actual", Decimal(rnd.randrange(-(10**9), 3 * 10**10)), at, "day")]
        self._sent += out
        return out

    def _reading(self, record: str, at: int) -> Observation:
        station = self._random.choice(self._stations)
        limits = station.limits
        low, high = float(limits["bd1"]) - 2, float(limits["bd3"]) + 1
        level = self._levels[station.id] = min(max(self._levels[station.id] + self._random.uniform(-1.2, 1.25), low), high)
        return Observation(
            indicator="vn-1012/D.1", component="river_level", concept="river_level", measure_unit="m", period_type="instant",
            period_start=at, period_end=at + 1, event_time=at, ingested_at=at + 60_000, territory=station.territory, agency="HYDROMET",
            provider="HYDROMET", source_system="telemetry", source_record_id=record, subject_type="station", subject_id=station.id,
            value=Decimal(round(level * 100)) / 100,
        )  # fmt: skip

    def _finance(self, record: str, territory: str, project: str, figure: str, value: Decimal, at: int, period: str) -> Observation:
        return Observation(
            indicator="vn-1012/A.II.3", concept="public_investment_disbursement", measure_unit="VND", figure=figure, period_type=period,
            period_start=at, period_end=at + 1, event_time=at, ingested_at=at + HOUR, territory=territory, agency=f"PPC-{territory}",
            provider="MOF", source_system="tabmis", source_record_id=record, subject_type="project" if project else "", subject_id=project,
            budget_year=2026, value=value,
        )  # fmt: skip

    def _amend(self, old: Observation) -> Observation:
        newer = replace(old, revision=old.revision + self._random.choice((-1, 1, 1, 1)), ingested_at=old.ingested_at + HOUR)
        newer = replace(newer, revision=max(0, newer.revision))
        if self._random.random() < 0.25:
            return replace(newer, status="deleted", value=None)
        value = Decimal(self._random.randrange(100, 1400)) / 100 if old.component else Decimal(self._random.randrange(10**10))
        return replace(newer, status="revised", value=value)

    def _move(self, old: Observation, i: int) -> list[Observation]:
        """A correction that changes the series: a deletion under the old one and a new record."""
        gone = replace(old, revision=old.revision + 1, status="deleted", value=None, ingested_at=old.ingested_at + HOUR)
        if old.component:
            other = self._random.choice([s for s in self._stations if s.id != old.subject_id])
        else:
            other = self._random.choice([p for p in self._projects if p.id != old.subject_id])
        value = old.value if old.value is not None else Decimal(1)
        fresh = replace(
            old, territory=other.territory, subject_id=other.id, subject_type=other.type, source_record_id=f"{old.source_record_id}#{i}",
            revision=0, status="official", value=value, ingested_at=old.ingested_at + HOUR,
        )  # fmt: skip
        self._sent.append(fresh)
        return [gone, fresh]
