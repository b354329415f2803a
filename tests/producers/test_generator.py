"""Generated input: the same for the same seed, in the true formats (the adapters take it), shaped like the real thing and labelled."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from indicators.calendar import WorkingCalendar
from indicators.observation import Observation
from producers.clock import FixedClock, ScenarioClock
from producers.fields import DAY_MS, local_date, start_of
from producers.generator.finance import SLOW_PROVINCES, Finance
from producers.generator.hospital import Hospitals
from producers.generator.hydromet import HOUR_MS, STEP_MS, Hydromet
from producers.generator.trade import Trade
from producers.main import sources
from producers.positions import PositionStore
from producers.reject import Reject
from producers.scenario import SEED, Scenario, Span
from tests.producers.support import DOOR, vocabulary
from tests.producers.test_bad_input import message
from transport.settings import HOME, Settings

CALENDAR = WorkingCalendar.load(HOME)
STORM = start_of(date(2026, 11, 1)) + 2 * HOUR_MS


def test_the_same_seed_gives_the_same_bytes_whatever_came_before() -> None:
    day = date(2026, 3, 31)
    first, second = Finance(vocabulary(), CALENDAR, 1), Finance(vocabulary(), CALENDAR, 1)
    second.entries_jsonl(date(2026, 2, 27))
    assert first.entries_jsonl(day) == second.entries_jsonl(day)
    assert Trade(CALENDAR, 1).edifact(day) == Trade(CALENDAR, 1).edifact(day)
    assert Trade(CALENDAR, 1).edifact(day) != Trade(CALENDAR, 2).edifact(day)


def test_days_off_are_quiet() -> None:
    finance = Finance(vocabulary(), CALENDAR, SEED)
    tet, sunday = date(2026, 2, 17), date(2026, 3, 15)
    assert [finance.entries_jsonl(d) for d in (tet, sunday)] == [None, None]
    assert [finance.receipts(d) for d in (tet, sunday)] == [None, None]
    assert Trade(CALENDAR, SEED).edifact(sunday).count(b"UNH+") < Trade(CALENDAR, SEED).edifact(date(2026, 3, 16)).count(b"UNH+")


def test_slow_provinces_fall_behind_and_the_others_keep_pace() -> None:
    finance = Finance(vocabulary(), CALENDAR, SEED)
    paid: Counter[str] = Counter()
    for n in range(181):
        for entry in finance._entries(date(2026, 1, 1) + timedelta(n)):
            paid[entry.province] += entry.amount
    share = {p: paid[p] / finance.plan(p) for p in paid}
    assert len(share) == 34
    assert len(finance.slow) == SLOW_PROVINCES
    assert max(share[p] for p in finance.slow) < 0.30
    assert min(s for p, s in share.items() if p not in finance.slow) > 0.35


def test_the_flood_crosses_each_alarm_level_and_recedes() -> None:
    levels: dict[str, list[Decimal]] = defaultdict(list)
    flood = Hydromet(vocabulary(), SEED, STORM)
    for at in range(STORM - 2 * HOUR_MS, STORM + 22 * HOUR_MS, STEP_MS):
        for topic, payload in flood.messages(at):
            levels[topic] += [o.value for o in message(topic, payload, at).observations if o.component == "river_level" and o.value]
    hanoi = levels["01/hydromet/river_level/TV-HANOI"]
    assert hanoi[0] < Decimal("9.5") < max(hanoi)
    assert max(hanoi) > Decimal("11.5")
    assert hanoi[-1] < Decimal("9.5")


def test_loggers_fail_as_real_ones_do() -> None:
    flood = Hydromet(vocabulary(), SEED, STORM)
    back = STORM + int(9.5 * HOUR_MS)
    around = range(back - 3 * STEP_MS, back + STEP_MS, STEP_MS)
    silent = [len([t for t, _ in flood.messages(at) if t.endswith(flood.silent)]) for at in around]
    assert silent[:3] == [0, 0, 0]
    assert silent[3] >= 8
    every = [m for at in range(STORM, STORM + 4 * HOUR_MS, STEP_MS) for m in flood.messages(at)]
    assert len(set(every)) < len(every)
    assert any(b"-999" in payload for _, payload in every)


def test_one_hospital_fills_over_both_limits_and_empties() -> None:
    hospitals = Hospitals(vocabulary(), SEED, date(2026, 10, 19))
    rates = [hospitals.counts(hospitals.crowded, date(2026, 10, 1) + timedelta(n)) for n in range(31)]
    shares = [occupied / beds for occupied, beds in rates]
    assert max(shares) > 0.95
    assert shares[0] < 0.85
    assert shares[-1] < 0.85
    assert all(0 <= occupied <= beds for occupied, beds in rates)


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Observation], list[Reject], Finance]:
    """Everything the adapters made of ten days of the scenario and its flood."""
    folder = tmp_path_factory.mktemp("week")
    settings = Settings(data_dir=folder, inbox_dir=folder / "inbox")
    span = Span(date(2026, 3, 20), date(2026, 3, 31), SEED)
    scenario = Scenario(HOME, settings.inbox_dir, span)
    clock, positions = ScenarioClock(settings.inbox_dir, FixedClock(0)), PositionStore(folder / "positions")
    every = sources(settings, vocabulary(), DOOR, positions, clock)
    observations, rejects = list[Observation](), list[Reject]()

    def drain() -> None:
        for source in every:
            more = True
            while more:
                fetched = source.fetch(positions.of(source.name).load())
                positions.of(source.name).save(fetched.position, fetched.remembered, clock.now_ms())
                observations.extend(fetched.observations)
                rejects.extend(fetched.rejects)
                more = fetched.more

    scenario.begin()
    drain()
    for day in span.days():
        scenario.feed(day)
        drain()
    for at in list(scenario.instants())[::12]:
        scenario.feed_instant(at)
    drain()
    positions.close()
    return observations, rejects, scenario._finance


def test_the_adapters_take_everything_but_the_sentinels(week: tuple[list[Observation], list[Reject], Finance]) -> None:
    observations, rejects, _ = week
    assert {r.reason for r in rejects} <= {"sentinel"}
    assert {o.source_system for o in observations} == {
        "tabmis", "tax", "vnaccs", "hydromet", "icu", "phl-budget", "open_data", "securities", "gold",
    }  # fmt: skip


def test_every_observation_is_labelled_for_what_it_is(week: tuple[list[Observation], list[Reject], Finance]) -> None:
    assert all({"generated", "published_elsewhere"} & set(o.quality_flags) for o in week[0])


def test_no_record_contradicts_itself(week: tuple[list[Observation], list[Reject], Finance]) -> None:
    known: dict[tuple[str, str, int], Observation] = {}
    for o in week[0]:
        other = known.setdefault((o.source_system, o.source_record_id, o.revision), o)
        assert (other.series(), other.value, other.status) == (o.series(), o.value, o.status)


def test_corrections_occur_as_in_life(week: tuple[list[Observation], list[Reject], Finance]) -> None:
    observations = week[0]
    assert any(o.status == "deleted" and o.source_system == "vnaccs" for o in observations)
    assert any("reversal" in o.quality_flags for o in observations)
    assert any("back_dated" in o.quality_flags for o in observations)
    assert any(o.revision > 0 and o.source_system == "icu" for o in observations)


def test_plans_cover_all_provinces(week: tuple[list[Observation], list[Reject], Finance]) -> None:
    plans = Counter(o.figure for o in week[0] if o.figure != "actual" and o.source_system == "tabmis")
    assert plans == {"plan_pm": 34, "plan_local": 34, "plan_carried_over": 34}


def test_nothing_of_the_scenario_is_in_its_future(week: tuple[list[Observation], list[Reject], Finance]) -> None:
    actual = [o for o in week[0] if o.figure == "actual" and o.source_system != "tabmis"]
    assert all(o.event_time <= o.ingested_at + DAY_MS for o in actual)
    assert max(local_date(o.event_time) for o in actual) == date(2026, 4, 1)


def test_published_series_keep_their_own_time(week: tuple[list[Observation], list[Reject], Finance]) -> None:
    years = {o.source_record_id.split("/")[0]: local_date(o.event_time).year for o in week[0] if o.source_system == "open_data"}
    assert years == {"GIESSEN-24": 2016, "RIVER-WF": 2022}


def test_the_whole_volume_of_the_demonstration_is_bounded(tmp_path: Path) -> None:
    span = Span()
    assert (span.end - span.start).days == 303
    assert span.flood_day == date(2026, 11, 1)
