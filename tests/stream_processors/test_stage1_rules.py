"""Rules of stage 1 beyond single readings: silence by the clock of the feed, and periods of reported series; whatever the chunks, and found
again by who takes over."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from indicators.instant import HOUR_MS
from indicators.observation import Observation
from indicators.period import period_of
from indicators.rule import Rule, RuleBook
from indicators.rules.cases import instant
from stream_processors import expected, stage1_restore
from stream_processors.expected import ExpectedSeries, expected_series
from stream_processors.silences import GRACE_SECONDS
from stream_processors.stage1 import Stage1
from tests.stream_processors.offline import OfflineContext, Record, Written
from tests.stream_processors.test_stage1_against_oracle import base
from tests.stream_processors.test_stage2_rules import Clock
from transport.columnar_writer import AvroEncoder
from transport.partitioner import partition_of
from transport.settings import HOME
from transport.topics import GROUPS
from transport.transactions import Rows

BOOK = RuleBook.load(HOME)
SILENT, PERMITS = "TB-TRAM-IM-LANG", "guide-7146/T5.3.3"
START = instant("2026-11-01T00:00")
MINUTE = 60_000
WEEKS = 21 * 24 * HOUR_MS
"""A story told three weeks after its events."""


class Works:
    """One partition of stage 1 over topics in memory: what is committed outlives `restart`."""

    def __init__(self, context: OfflineContext, group: str, partition: int, patch: pytest.MonkeyPatch) -> None:
        self.context, self.group, self.partition, self.clock = context, group, partition, Clock()
        self._written = Written(context)
        self.said = self._written.said
        self.operands: list[bytes] = []
        self.at = 0
        self._encoder = AvroEncoder("observation", context.registry.id_of("observation"))
        patch.setattr(stage1_restore, "newest_rows", lambda _, topic, p: self._written.newest(topic, p))
        patch.setattr(stage1_restore, "load_snapshot", lambda stage, position: position)
        patch.setattr(stage1_restore, "read_partition", lambda *_: iter(()))
        self.restart()

    def restart(self) -> None:
        """The process dies and another takes over."""
        self.stage = Stage1(self.context, self.group, self.partition, self.clock)
        self.stage.rules.at_end = lambda position: True  # type: ignore[method-assign]
        assert self.stage.restore() == self.at

    def bring(self, sent: Sequence[tuple[int, Observation]], chunk: int = 1) -> None:
        """Observations with their append times, in chunks."""
        for first in range(0, len(sent), chunk):
            part = [
                Record(n, o.series().key().encode(), self._encoder.encode(o.record()), appended)
                for n, (appended, o) in enumerate(sent[first : first + chunk], self.at)
            ]
            self.at += len(part)
            self._commit(self.stage.fold(part, part[0].offset, self.at))

    def wait(self, seconds: float) -> None:
        """Nothing comes in."""
        self.clock.now += seconds
        self._commit(self.stage.settle(self.at))

    def _commit(self, rows: Iterable[Rows]) -> None:
        for one in rows:
            self._written.take(one)
            self.operands += [key or b"" for key in one.keys] if one.topic.startswith("operands.") else []

    def steps(self) -> list[tuple[str, int, str, Decimal]]:
        """What was said: transition, severity, subject, value."""
        return [(row["transition"], row["severity"], row["subject_id"], row["value"].normalize()) for row in self.said]


@pytest.fixture(scope="module")
def silent() -> OfflineContext:
    return OfflineContext(RuleBook([BOOK.rules[SILENT]]))


def stations(context: OfflineContext) -> tuple[int, list[str]]:
    """A partition with two expected gauges at least, and their ids."""
    found: dict[int, list[str]] = {}
    for series, _ in expected_series(BOOK.rules[SILENT], context.vocabulary):
        found.setdefault(partition_of(series.key().encode(), GROUPS["emergency"]), []).append(series.subject_id)
    return max(found.items(), key=lambda item: len(item[1]))


def level(context: OfflineContext, station: str, minute: int, lag: int = 0, ahead: int = 0) -> tuple[int, Observation]:
    """A level read at a minute of the story, appended `lag` minutes later; `ahead`: how far its clock is wrong."""
    subject = context.vocabulary.subject("station", station)
    assert subject is not None
    at = START + (minute + ahead) * MINUTE
    o = base(event_time=at, subject_id=station, territory=subject.territory, source_record_id=f"{station}{minute}", value=Decimal(1),
             ingested_at=START + WEEKS)  # fmt: skip
    return START + (minute + lag) * MINUTE, o


def night(context: OfflineContext, one: str, other: str) -> list[tuple[int, Observation]]:
    """Both speak every half hour; the other falls silent after 00:30 and is back at 08:00."""
    return [
        level(context, name, minute)
        for minute in range(0, 510, 30)
        for name in (one, other)
        if name == one or minute <= 30 or minute >= 480
    ]


STEPS = [("opened", 2, "1"), ("worse", 3, "6"), ("cleared", 0, "0")]


@pytest.mark.parametrize("chunk", [1, 5, 1000])
def test_silence_opens_when_its_clock_says_so_whatever_the_chunks(
    silent: OfflineContext, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    partition, (one, other, *_) = stations(silent)
    works = Works(silent, "emergency", partition, monkeypatch)
    works.bring(night(silent, one, other), chunk)
    assert [(name, severity, str(value)) for name, severity, who, value in works.steps() if who == other] == STEPS
    assert {who for _, _, who, _ in works.steps()} == {other}
    assert len({row["alert_id"] for row in works.said}) == 1
    opened = works.said[0]
    assert (opened["since"], opened["event_time"]) == (START + 30 * MINUTE, START + 90 * MINUTE)
    assert opened["through"] == next(n for n, (at, _) in enumerate(night(silent, one, other)) if at >= START + 90 * MINUTE)


def test_who_takes_over_says_nothing_twice_and_forgets_no_clock(silent: OfflineContext, monkeypatch: pytest.MonkeyPatch) -> None:
    partition, (one, other, *_) = stations(silent)
    told = night(silent, one, other)
    for cut in range(1, len(told), 5):
        works = Works(silent, "emergency", partition, monkeypatch)
        works.bring(told[:cut], 4)
        works.restart()
        works.bring(told[cut:], 5)
        assert [(name, severity, str(value)) for name, severity, _, value in works.steps()] == STEPS, cut


def test_a_story_told_weeks_later_keeps_its_own_time(silent: OfflineContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """What counts is the clock of the feed, not when we read; a clock that runs a day ahead makes nobody silent."""
    partition, (one, other, *_) = stations(silent)
    works = Works(silent, "emergency", partition, monkeypatch)
    works.bring([(START + WEEKS + n, o) for n, (_, o) in enumerate(night(silent, one, other))], 9)
    assert [(name, severity) for name, severity, *_ in works.steps()] == [("opened", 2), ("worse", 3), ("cleared", 0)]
    works = Works(silent, "emergency", partition, monkeypatch)
    works.bring([level(silent, one, 0), level(silent, other, 0), level(silent, one, 10, ahead=23 * 60), level(silent, other, 20)])
    assert works.said == []


def test_records_of_other_feeds_carry_the_clock_on_by_their_append_time(silent: OfflineContext, monkeypatch: pytest.MonkeyPatch) -> None:
    partition, (one, *_) = stations(silent)
    works = Works(silent, "emergency", partition, monkeypatch)
    works.bring([level(silent, one, 0)])
    hospital = silent.vocabulary.subject("hospital", "BV-01-01")
    assert hospital is not None
    beds = base(
        event_time=START + 23 * HOUR_MS, indicator="guide-7146/T14.ICU", component="occupied", concept="icu_beds_occupied",
        measure_unit="bed", subject_type="hospital", subject_id="BV-01-01", territory=hospital.territory, source_record_id="B",
        value=Decimal(9), period_type="day", period_start=START, period_end=START + 24 * HOUR_MS, ingested_at=START + WEEKS,
    )  # fmt: skip
    works.bring([(START + 59 * MINUTE, beds)])
    assert works.said == [], "event times of other feeds say nothing about this one"
    works.restart()
    works.bring([(START + 60 * MINUTE, beds)])
    assert [(name, severity, str(value)) for name, severity, _, value in works.steps()] == [("opened", 2, "1")]


def test_where_nothing_comes_in_at_all_the_wall_clock_goes_on(silent: OfflineContext, monkeypatch: pytest.MonkeyPatch) -> None:
    partition, (one, *_) = stations(silent)
    works = Works(silent, "emergency", partition, monkeypatch)
    works.bring([level(silent, one, 0)])
    works.wait(3500)
    assert works.said == []
    due = works.stage.due_at()
    assert due is not None
    assert due <= works.clock.now + 100 + GRACE_SECONDS
    works.stage.rules.at_end = lambda position: False  # type: ignore[method-assign]
    works.wait(200)
    assert works.said == [], "inputs lie unread: an outage of the worker is no silence"
    works.stage.rules.at_end = lambda position: True  # type: ignore[method-assign]
    works.wait(GRACE_SECONDS)
    assert [(name, severity) for name, severity, *_ in works.steps()] == [("opened", 2)]
    works.restart()
    works.bring([level(silent, one, 63)])
    assert [(name, severity) for name, severity, *_ in works.steps()][1:] == [("cleared", 0)]
    assert len({row["alert_id"] for row in works.said}) == 1


def test_a_station_that_never_spoke_is_missed_from_the_day_its_registry_says(
    silent: OfflineContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    partition, (one, other, *_) = stations(silent)
    registered = [
        (series, subject and subject.model_copy(update={"valid_from": date(2026, 11, 1)} if series.subject_id == other else {}))
        for series, subject in expected_series(BOOK.rules[SILENT], silent.vocabulary)
    ]
    monkeypatch.setattr(expected, "expected_series", lambda *_: registered)
    monkeypatch.setattr(silent, "expected", ExpectedSeries(silent.vocabulary))
    works = Works(silent, "emergency", partition, monkeypatch)
    works.bring([level(silent, one, minute) for minute in (0, 30, 59)])
    assert works.said == []
    works.bring([level(silent, one, 60)])
    works.restart()
    works.bring([level(silent, one, minute) for minute in range(90, 361, 30)])
    assert [(name, severity, who) for name, severity, who, _ in works.steps()] == [("opened", 2, other), ("worse", 3, other)]
    works.restart()
    works.bring([level(silent, other, 370)])
    assert [(name, severity) for name, severity, *_ in works.steps()][2:] == [("cleared", 0)]
    assert {row["since"] for row in works.said} == {START}


def permits_rule(**changes: Any) -> Rule:
    """Two months in a row above 100 are a warning, above 500 an alarm; an estimate raises no alarm."""
    rule = BOOK.rules["TN-SUC-MUA"].model_dump(by_alias=True) | {
        "status": "active", "scope": {"indicator": PERMITS}, "direction": "above", "valid_from": "2026-01-01",
        "levels": [
            {"severity": 2, "raise_at": "100", "clear_at": "90", "periods": 2}, {"severity": 3, "raise_at": "500", "clear_at": "400"},
        ],
        "status_limits": {"estimated": 2},
    }  # fmt: skip
    return Rule.model_validate(rule | changes)


def permits(month: int, value: int, revision: int = 0, status: str = "official") -> tuple[int, Observation]:
    period = period_of("month", instant(f"2026-{month:02}"))
    return START, base(
        event_time=period.end_ms - 1, indicator=PERMITS, component="", concept="building_permits", measure_unit="permit",
        period_type="month", period_start=period.start_ms, period_end=period.end_ms, subject_type="", subject_id="", agency="PPC-01",
        source_record_id=f"M{month}", revision=revision, status=status, value=Decimal(value),
    )  # fmt: skip


COURSE = [permits(1, 120), permits(2, 90), permits(3, 130), permits(4, 900, status="estimated"), permits(4, 880, 1), permits(5, 120),
          permits(4, 70, 2), permits(2, 200, 1), permits(6, 130), permits(6, 9, 0)]  # fmt: skip
SAID = [("opened", 2, 4), ("corrected", 3, 4), ("better", 2, 5), ("corrected", 0, 4), ("opened", 2, 6)]
"""April after March is two in a row; the estimate is no alarm, the figure is; April was wrong, so nothing stands; May and June are two."""


@pytest.mark.parametrize(("chunk", "cut"), [(1, 0), (2, 3), (100, 0), (3, 5), (4, 8)])
def test_periods_of_a_reported_series_are_judged_one_by_one(monkeypatch: pytest.MonkeyPatch, chunk: int, cut: int) -> None:
    works = Works(OfflineContext(RuleBook([permits_rule()])), "construction_transport", 0, monkeypatch)
    works.bring(COURSE[:cut], chunk)
    if cut:
        works.restart()
    works.bring(COURSE[cut:], chunk)
    months = {period_of("month", instant(f"2026-{m:02}")).start_ms: m for m in range(1, 13)}
    assert [(row["transition"], row["severity"], months[row["period_start"]]) for row in works.said] == SAID


def test_a_series_without_a_rule_costs_nothing_and_a_rule_of_another_place_is_no_rule() -> None:
    rule = permits_rule(scope={"indicator": PERMITS, "where": "territory == '31'"})
    stage = Stage1(OfflineContext(RuleBook([rule])), "construction_transport", 0)
    keys = [permits(1, 1)[1].series().key().encode(), permits(1, 1)[1].series()._replace(territory="31").key().encode()]
    sids = stage.series.numbers(keys)
    assert stage.series.judged[sids].tolist() == [False, True]
    assert not stage.rules.silences


def test_a_change_in_stage_1_reaches_the_composite_over_it(monkeypatch: pytest.MonkeyPatch) -> None:
    member = permits_rule()
    over = BOOK.rules["GN-NHIEU-TINH-CHAM"].model_dump(by_alias=True)
    over |= {"composite": {"of": [member.id], "measure": "count", "where": "territory == '01'"}}
    over |= {"levels": [{"severity": 2, "raise_at": "1", "clear_at": "1"}]}
    works = Works(OfflineContext(RuleBook([member, Rule.model_validate(over)])), "construction_transport", 0, monkeypatch)
    works.bring([permits(1, 600)])
    assert [row["transition"] for row in works.said] == ["opened"]
    assert works.operands == [b"GN-NHIEU-TINH-CHAM|VN|||"]


def test_any_order_of_reports_ends_in_the_same_standing(monkeypatch: pytest.MonkeyPatch) -> None:
    context, rnd, ends = OfflineContext(RuleBook([permits_rule()])), random.Random(7), set()
    for _ in range(4):
        works, course = Works(context, "construction_transport", 0, monkeypatch), COURSE[:-1]
        rnd.shuffle(course)
        works.bring(course, rnd.randrange(1, 5))
        ends.add(works.said[-1]["severity"] if works.said else 0)
    assert len(ends) == 1
