"""The quality of reports in ClickHouse: the same numbers as indicators/quality.py of one generated history, at several moments of
knowledge, and for readers of one province; conflicts by name."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from clickhouse_connect.driver.client import Client

from indicators.calendar import WorkingCalendar
from indicators.instant import day_start
from indicators.obligation import ObligationBook
from indicators.observation import Observation
from indicators.period import Period, period_of
from indicators.quality import Due, Report, conflicts, duplicates, known_at, revisions, timeliness
from indicators.receipt import receipt_of
from indicators.vocabulary import Vocabulary
from sinks.questions import Answer, ask, bind, questions
from tests.sinks.loads import observation
from tests.sinks.test_questions import fill
from transport.settings import Settings

DAY = 86_400_000
MOMENTS = ("20/05/2026", "25/06/2026 23:59", "31/12/2026")
TERRITORIES = ("VN", "01", "31")
OWED = (("vn-1012/A.XI.7", "", "MPS"), ("vn-1012/A.IX.1", "", "NSO"), ("vn-1012/A.III.5", "", "SBV"))
"""Monthly figures of the country, and who owes them."""
MONTHS = [period_of("month", int(datetime(2026, n, 10, tzinfo=UTC).timestamp() * 1000)) for n in range(1, 7)]
MONTHS_DUE = [period_of("month", int(datetime(2026, n, 10, tzinfo=UTC).timestamp() * 1000)) for n in range(1, 13)]
"""Those that are owed until the last of MOMENTS."""


class Numbers(NamedTuple):
    """What is counted of one provider and indicator over all periods."""

    on_time: int
    late: int
    missing: int
    duplicates: int
    second_sources: int
    revised: int


def history(owed: tuple[str, str, str], dice: random.Random) -> list[Observation]:
    """Half a year of reports of three units: most on time, some late, revised, confirmed, taken back, sent twice, sent by another."""
    found: list[Observation] = []
    for territory in TERRITORIES:
        begins = dice.randrange(3)
        for number, month in enumerate(MONTHS):
            if number < begins or dice.random() < 0.2:
                continue
            at = month.start_ms + dice.randrange(18 * DAY, 40 * DAY)
            for revision in range(dice.choice((1, 1, 2, 3))):
                for again in range(dice.choice((1, 1, 1, 2))):
                    gone = revision > 0 and dice.random() < 0.2
                    found.append(told(owed, month, territory, revision, at, f"{territory}/{number}/{again}",
                                      None if gone else dice.randrange(5), dice.choice((owed[2], owed[2], owed[2], "OOG"))))  # fmt: skip
                    at += dice.randrange(1, 6 * DAY)
    dice.shuffle(found)
    return found


def told(
    owed: tuple[str, str, str], month: Period, territory: str, revision: int, at: int, record: str, value: int | None, provider: str
) -> Observation:
    """One report as it was sent."""
    status = "deleted" if value is None else "preliminary" if revision == 0 else "official"
    return observation(
        0, indicator=owed[0], component=owed[1], concept="c", measure_unit="u", subject_type="", subject_id="", dimensions=(),
        period_type="month", period_start=month.start_ms, period_end=month.end_ms, event_time=month.end_ms - 1, ingested_at=at,
        territory=territory, provider=provider, source_system="intake", source_record_id=record, revision=revision, status=status,
        value=None if value is None else Decimal(value),
    )  # fmt: skip


def by_hand(observations: list[Observation], provider: str, moment: int, due_at: dict[int, int]) -> Numbers:
    """The same numbers by the functions of indicators/quality.py."""
    reports = [Report(o.series().key(), Period("month", o.period_start, o.period_end), o.provider, o.source_record_id, o.revision, o.value,
                      o.ingested_at, o.status) for o in observations]  # fmt: skip
    known = known_at(reports, moment)
    first: dict[str, int] = {}
    for one in known:
        if one.value is not None:
            first[one.series] = min(first.get(one.series, one.received_at), one.received_at)
    # A series is owed from its first report on: of the periods whose due instant is not before it.
    dues = [Due(series, month, provider, due_at[month.start_ms] - 1) for series, at in first.items() for month in MONTHS_DUE
            if at < due_at[month.start_ms]]  # fmt: skip
    found = timeliness(dues, known, moment)
    sources = sum(len(conflict.values) - 1 for conflict in conflicts(known))
    return Numbers(found.in_time, found.late, found.absent, duplicates(known), sources, revisions(known).revised)


def answered(lines: Answer, named: Answer, name: str) -> tuple[Numbers, Counter[str]]:
    """What the questions say of an indicator: numbers summed over the periods, conflicts counted by kind."""
    at = {heading: n for n, (heading, _) in enumerate(lines.question.headings)}
    sums = [sum(int(row[at[field]]) for row in lines.rows if row[at["indicator_name"]] == name) for field in Numbers._fields]
    kinds: Counter[str] = Counter()
    for row in named.rows:
        if row[1] == name:
            kinds[row[0]] += row[-1] - (row[0] == "two_sources")
    return Numbers(*sums), kinds


@pytest.mark.loopback
@pytest.mark.timeout(200)
def test_every_number_is_that_of_the_definitions_at_any_moment(settings: Settings, database: Client) -> None:
    dice, calendar, book = random.Random(6), WorkingCalendar.load(settings.home), ObligationBook.load(settings.home)
    due_at = {m.start_ms: day_start(book.calendars["nd09-2019"].due(m, calendar)) + DAY for m in MONTHS_DUE}
    histories = {owed: history(owed, dice) for owed in OWED}
    every = [o for told in histories.values() for o in told]
    fill(database, "obs.order_security", [o.record() for o in every], [o.series().key().encode() for o in every])
    database.command("INSERT INTO observations SELECT * FROM observations LIMIT 20")
    seen, names = Counter[str](), {row.id: row.name_vi for row in Vocabulary.load(settings.home).indicators()}
    for moment in MOMENTS:
        at = int(bind(questions()["quality"], {"as_of": moment})["as_of"].timestamp() * 1000)
        lines, named = (ask(settings, question, {"as_of": moment}) for question in ("quality", "conflicts"))
        for (indicator, _, provider), told in histories.items():
            numbers, kinds = answered(lines, named, names[indicator])
            assert numbers == by_hand(told, provider, at, due_at), (indicator, moment)
            assert (kinds["duplicate"], kinds["two_sources"]) == (numbers.duplicates, numbers.second_sources)
            seen.update(name for name, number in numbers._asdict().items() if number)
    assert seen.keys() == set(Numbers._fields), "the history has some of each"


@pytest.mark.loopback
def test_a_reader_sees_its_units_alone_and_a_whole_is_held_against_its_provinces(settings: Settings, database: Client) -> None:
    owed, month = OWED[0], MONTHS[0]
    reports = [told(owed, month, t, 0, month.start_ms + 20 * DAY, t, 5, owed[2]) for t in TERRITORIES]
    hidden = replace(told(owed, month, "31", 0, month.start_ms + 20 * DAY, "x", 7, owed[2]), figure="plan", access_level=5)
    march = MONTHS[2].start_ms
    confirmed = [told(owed, MONTHS[1], "VN", n, march + n * DAY, "VN/2", 6, owed[2]) for n in range(2)]
    every = [*reports, hidden, *confirmed]
    fill(database, "obs.order_security", [o.record() for o in every], [o.series().key().encode() for o in every])

    def seen(territory: str, clearance: int) -> list[tuple[Any, ...]]:
        view = (f"board_quality(territories = ['{territory}'], clearance = {clearance}, moment = toDateTime64('2026-02-10', 3, 'UTC'), "
                "since = toDateTime64('2025-12-31', 3, 'UTC'))")  # fmt: skip
        asked = f"SELECT figure, reported, expected, on_time FROM {view} WHERE reported > 0 ORDER BY 1"
        return [tuple(row) for row in database.query(asked).result_rows]

    assert seen("VN", 0) == [("actual", 3, 3, 3)]
    assert seen("31", 0) == [("actual", 1, 1, 1)]
    assert [row[:2] for row in seen("31", 5)] == [("actual", 1), ("plan", 1)]

    access = "territories = ['VN'], clearance = 0"
    first = f"board_known_territory_values({access}, moment = fromUnixTimestamp64Milli(toInt64({march})), territory = 'VN')"
    status = [database.query(f"SELECT status FROM {view} WHERE territory = 'VN' AND value = 6").result_rows
              for view in (first, f"board_territory_values({access})")]  # fmt: skip
    assert [[tuple(row) for row in rows] for rows in status] == [[("preliminary",)], [("official",)]], "reported, then confirmed"
    _whole_and_parts(settings, database)


def _whole_and_parts(settings: Settings, database: Client) -> None:
    """Of three months one whole differs by what rounding explains (half a unit each), one by more, of one a part is missing."""
    provinces = [t.code for t in Vocabulary.load(settings.home).territories("province")]
    retail, month = OWED[1], MONTHS[0]

    def reports(month: Period, whole: int, of: list[str]) -> list[Observation]:
        values = {"VN": whole} | dict.fromkeys(of, 10)
        return [told(retail, month, t, 0, month.end_ms, f"{t}/{month.start_ms}", n, "NSO") for t, n in values.items()]

    every = [*reports(month, 350, provinces), *reports(MONTHS[1], 400, provinces), *reports(MONTHS[2], 400, provinces[1:])]
    fill(database, "obs.services", [o.record() for o in every], [o.series().key().encode() for o in every])
    rows = ask(settings, "conflicts", {"kind": "parts_differ", "as_of": "31/12/2026"}).rows
    assert [(row[0], row[3], row[5], row[7], row[9]) for row in rows] == [
        ("parts_differ", "Cả nước", datetime(2026, 1, 31, 17), "400 · 340", 34)
    ]


@pytest.mark.loopback
def test_what_was_held_until_its_publication_came_when_its_receipt_says(settings: Settings, database: Client) -> None:
    owed = OWED[1]
    spread = [told(owed, m, "VN", 0, m.end_ms + 6 * DAY, f"VN/{n}", 5, owed[2]) for n, m in enumerate(MONTHS[:4])]
    delivered = [receipt_of(o, o.period_start + 20 * DAY) for o in spread]
    gone = receipt_of(replace(spread[2], status="deleted", revision=1), spread[2].period_start + 22 * DAY)
    revised = replace(spread[1], revision=1, value=Decimal(6), ingested_at=spread[1].ingested_at + DAY)
    figures, receipts = [spread[0], spread[1], revised], [*delivered[:3], delivered[1], gone]
    fill(database, "obs.home_affairs", [o.record() for o in receipts], [o.series().key().encode() for o in receipts])
    fill(database, "obs.services", [o.record() for o in figures], [o.series().key().encode() for o in figures])
    name = next(row.name_vi for row in Vocabulary.load(settings.home).indicators() if row.id == owed[0])

    def seen(moment: str) -> list[tuple[Any, ...]]:
        """Number in MONTHS, reported, on time, late, missing, revised, duplicates, second sources."""
        lines = ask(settings, "quality", {"as_of": moment})
        at = {heading: n for n, (heading, _) in enumerate(lines.question.headings)}
        fields = ("reported", "on_time", "late", "missing", "revised", "duplicates", "second_sources")
        months = {datetime.fromtimestamp(m.start_ms / 1000, UTC).replace(tzinfo=None): n for n, m in enumerate(MONTHS[:4])}
        rows = [row for row in lines.rows if row[at["indicator_name"]] == name and row[at["period_start"]].replace(tzinfo=None) in months]
        return sorted((months[row[at["period_start"]].replace(tzinfo=None)], *(int(row[at[f]]) for f in fields)) for row in rows)

    early, late = seen("01/03/2026 12:00"), seen("30/04/2026 12:00")
    assert early[1] == (1, 1, 1, 0, 0, 0, 0, 0), "delivered on 21 February, published on 7 March: neither late nor missing"
    assert late[1] == (1, 1, 1, 0, 0, 1, 0, 0), "its revision counts; its receipt neither repeats nor revises, though it came twice"
    assert late[2:] == [(2, 0, 0, 0, 1, 0, 0, 0), (3, 0, 0, 0, 1, 0, 0, 0)], "taken back; never delivered"
    assert ask(settings, "conflicts", {"kind": "duplicate", "as_of": "31/12/2026"}).rows == []
