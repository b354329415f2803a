"""Snapshots of exchanges and gold quotes: what a day becomes, what is remembered of it, revisions, and the generated day."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

from indicators.rules.cases import instant
from producers.clock import FixedClock
from producers.contract import START
from producers.documents import DocumentSource
from producers.files import Folder
from producers.generator.market import Exchanges
from producers.scenario import SEED
from producers.securities import COLUMNS
from tests.producers.support import ADAPTERS, DOOR, NOW, Remembering, drop, identities, parse, reasons, sample, vocabulary

HEADER = ",".join(COLUMNS).encode() + b"\n"
FRIDAY = date(2026, 3, 20)
MADE = Exchanges(vocabulary(), SEED)


def line(clock: str, index: str, change: str, day: str = "2026-03-20", version: int = 1, exchange: str = "HOSE") -> bytes:
    return f"{exchange},{day}T{clock},{index},{change},20000000000000,900000000,5700000000000000,{version}\n".encode()


def test_the_snapshot_that_closes_the_day_gives_the_figures_of_the_day() -> None:
    found = parse("securities", "a.csv", HEADER + line("14:57", "1300", "10") + line("15:00", "1301", "11")).observations
    assert Counter(o.component for o in found) == {
        "vnindex": 2, "session_value": 2, "session_volume": 2, "trading_value": 1, "capitalisation": 1,
    }  # fmt: skip
    (day,) = (o for o in found if o.component == "trading_value")
    assert (day.period_type, day.period_start, day.period_end) == ("day", instant("2026-03-20"), instant("2026-03-21"))
    assert (day.status, day.dimensions, day.revision) == ("official", (("exchange", "HOSE"), ("security_type", "stock")), 0)
    assert [o.status for o in found if o.component == "vnindex"] == ["preliminary", "official"]


def test_a_snapshot_sent_twice_is_one_record_and_a_higher_version_corrects_it() -> None:
    twice = HEADER + line("10:00", "1300", "10") * 2 + line("10:00", "1302", "12", version=2)
    ids = [one for one in identities(parse("securities", "a.csv", twice).observations) if "vnindex" in one[0]]
    assert ids == [("HOSE/vnindex/20260320T030000Z", 0, "1300"), ("HOSE/vnindex/20260320T030000Z", 0, "1300"),
                   ("HOSE/vnindex/20260320T030000Z", 1, "1302")]  # fmt: skip


def test_an_index_cannot_move_further_than_the_band_from_the_remembered_close() -> None:
    memory = Remembering()
    parse("securities", "a.csv", HEADER + line("15:00", "1300", "10", day="2026-03-19"), memory)
    wild = parse("securities", "b.csv", HEADER + line("10:00", "13060", "60"), memory)
    assert reasons(wild.rejects) == [("out_of_range", "chi_so")]
    lonely = parse("securities", "b.csv", HEADER + line("10:00", "13060", "60"))
    assert lonely.rejects == []  # nothing remembered: the snapshot agrees with itself
    inside, outside = (parse("securities", "c.csv", HEADER + line("10:00", index, change), memory)
                       for index, change in (("1391.00", "91"), ("1391.01", "91.01")))  # fmt: skip
    assert (inside.rejects, reasons(outside.rejects)[0][0]) == ([], "out_of_range")


def test_a_reference_that_is_not_the_remembered_close_is_accepted_and_marked() -> None:
    memory = Remembering()
    parse("securities", "a.csv", HEADER + line("15:00", "1300", "10", day="2026-03-19"), memory)
    found = parse("securities", "b.csv", HEADER + line("10:00", "1310", "20"), memory).observations
    assert {o.quality_flags for o in found} == {("reference_differs",)}
    found = parse("securities", "b.csv", HEADER + line("10:00", "1310", "10"), memory).observations
    assert {o.quality_flags for o in found} == {()}


def test_a_corrected_close_is_what_is_remembered_whatever_comes_after() -> None:
    memory = Remembering()
    close = line("15:00", "1300", "10", day="2026-03-19")
    corrected = line("15:00", "1305", "15", day="2026-03-19", version=2)
    parse("securities", "a.csv", HEADER + close + corrected + close, memory)
    assert memory.kept == {"close/HOSE/2026-03-19": [1, "1305"]}


def test_the_close_before_is_that_of_the_session_before_over_weekend_and_tet() -> None:
    memory = Remembering()
    parse("securities", "a.csv", HEADER + line("15:00", "1300", "10", day="2026-02-13"), memory)  # the last session before Tết
    late = parse("securities", "b.csv", HEADER + line("10:00", "1500", "10", day="2026-02-23"), memory)  # the first one after
    assert reasons(late.rejects) == [("out_of_range", "chi_so")]
    later = parse("securities", "b.csv", HEADER + line("10:00", "1500", "10", day="2026-02-24"), memory)
    assert later.rejects == []  # of the session before nothing is known


def test_a_file_that_grows_is_taken_up_where_it_ended(tmp_path: Path) -> None:
    memory = Remembering()
    source = DocumentSource(ADAPTERS["securities"], Folder(tmp_path), DOOR, memory, FixedClock(NOW))
    drop(tmp_path, "a.csv", HEADER + line("10:00", "1300", "10"))
    first = source.fetch(START)
    drop(tmp_path, "a.csv", HEADER + line("10:00", "1300", "10") + line("10:03", "1301", "11"))
    second = source.fetch(first.position)
    assert [(len(f.observations), f.rejects) for f in (first, second)] == [(3, []), (3, [])]
    assert {o.event_time for o in second.observations} == {instant("2026-03-20T10:03")}
    assert source.fetch(second.position).observations == []


def test_the_generated_day_is_whole_calm_and_taken_without_a_refusal() -> None:
    memory = Remembering()
    made = [MADE.close_csv(date(2026, 3, 19)), MADE.snapshots_csv(FRIDAY), MADE.quotes_csv(FRIDAY)]
    parsed = [parse("securities", "x.csv", data or b"", memory) for data in made]
    assert [p.rejects for p in parsed] == [[], [], []]
    counts = Counter(o.component for p in parsed[1:] for o in p.observations)
    assert counts == {"vnindex": 90, "hnx": 90, "upcom": 90, "session_value": 270, "session_volume": 270, "trading_value": 3,
                      "capitalisation": 3, "buy_price": 38, "sell_price": 38}  # fmt: skip
    assert {o.quality_flags for p in parsed for o in p.observations} == {("generated",)}
    assert [MADE.snapshots_csv(day) for day in (date(2026, 3, 21), date(2026, 2, 17), date(2026, 1, 10))] == [None, None, None]
    assert MADE.quotes_csv(date(2026, 3, 22)) is None


def test_the_samples_are_lines_of_the_generator() -> None:
    made = ((MADE.snapshots_csv(FRIDAY) or b"") + (MADE.quotes_csv(FRIDAY) or b"")).splitlines()
    assert set(sample("market-snapshots.csv").splitlines() + sample("gold-quotes.csv").splitlines()) <= set(made)


def test_value_and_volume_of_a_generated_day_never_fall() -> None:
    found = parse("securities", "x.csv", MADE.snapshots_csv(FRIDAY) or b"").observations
    for exchange in ("HOSE", "HNX", "UPCOM"):
        values = [o.value or Decimal(0) for o in found if o.component == "session_value" and ("exchange", exchange) in o.dimensions]
        assert values == sorted(values)
