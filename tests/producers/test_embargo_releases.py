"""Later releases of one period: what amends a published figure waits for the day of its status, and nothing else does."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from indicators.obligation import period_named
from indicators.receipt import RECEIPT
from producers.clock import FixedClock
from producers.confirmations import NAME as CONFIRMATIONS
from producers.fields import instant_of
from producers.held import FILE, HeldFigures, Move, Publication, waiting
from producers.publisher import NotDelivered
from tests.producers.test_embargo import BEFORE, BOOK, MARCH, Installation, figure
from tests.producers.test_runner import Taking

GROWTH = "vn-1012/B.1"
"""Growth of GDP: an estimate on 3 April, preliminary on 3 July, official on 3 October two years later."""
QUARTER = period_named("2026-Q1")
PRELIMINARY = Publication("thong-ke", "quarter", QUARTER.start_ms, QUARTER.end_ms, "so-bo-quy")
FIRST = instant_of("2026-04-03T09:00:00+07:00", "first")
SECOND = instant_of("2026-07-03T09:00:00+07:00", "second")
THIRD = instant_of("2028-10-03T09:00:00+07:00", "third")
DAY = 86_400_000


def at(text: str) -> int:
    return instant_of(f"{text}T09:00:00+07:00", "at")


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path, Taking(), FixedClock(BEFORE))
    yield made
    made.close()


def send(here: Installation, revision: int, status: str, value: str, **more: str) -> None:
    """A template with one revision of the growth of the first quarter."""
    here.send(
        f"r{revision}.csv", ma_chi_so=GROWTH, loai_ky="quý", thoi_diem="15/02/2026", gia_tri=value, trang_thai=status,
        lan_dinh_chinh=str(revision), **more,
    )  # fmt: skip


def told(here: Installation) -> list[tuple[int, str | None]]:
    return [one[:2] for one in here.figures(GROWTH)]


@pytest.fixture
def published(here: Installation) -> Installation:
    """The estimate was published on its day."""
    send(here, 0, "ước thực hiện", "6,5")
    here.clock.now = FIRST
    here.turns()
    assert told(here) == [(0, "6.5")]
    return here


@pytest.mark.parametrize(("period", "release", "day"), [
    ("2026-Q1", "so-bo-quy", "2026-07-03"), ("2026-Q2", "so-bo-quy", "2026-10-05"), ("2026-H1", "so-bo-quy", "2026-10-05"),
    ("2026-Q3", "so-bo-quy", "2027-01-04"), ("2025-Q4", "so-bo-quy", "2026-04-03"), ("2025", "so-bo-nam", "2026-10-05"),
    ("2025", "chinh-thuc", "2027-10-04"), ("2025-Q1", "chinh-thuc", "2027-10-04"), ("2025-Q4", "chinh-thuc", "2027-10-04"),
])  # fmt: skip
def test_the_days_are_those_of_the_decree(period: str, release: str, day: str) -> None:
    """Decrees 62/2024/NĐ-CP (months) and 13/2026/NĐ-CP (the 3rd); 3 October 2026, 3 January and 3 October 2027 are at weekends."""
    calendar = BOOK.calendars["thong-ke"]
    later = calendar.later(release)
    assert later is not None
    assert BOOK.release(calendar, period_named(period), later) == at(day)
    assert calendar.later("x") is None


def test_a_preliminary_figure_waits_for_its_own_day_and_then_the_official_one(published: Installation) -> None:
    here = published
    receipts = [o for o in here.taking.observations if o.indicator == RECEIPT]
    here.clock.now = FIRST + 30 * DAY
    send(here, 1, "sơ bộ", "6,7")
    assert told(here) == [(0, "6.5")]
    [one] = waiting(here.folder / "positions")
    assert one == ("NSO", PRELIMINARY, 1, SECOND)
    here.restart()
    here.clock.now = SECOND - 1
    here.turns()
    assert told(here) == [(0, "6.5")]
    here.clock.now = SECOND
    here.turns()
    assert here.figures(GROWTH)[-1] == (1, "6.7", SECOND, SECOND)
    send(here, 2, "chính thức", "6,8")
    assert [w.release_at for w in waiting(here.folder / "positions")] == [THIRD]
    here.clock.now = THIRD
    here.turns()
    assert told(here) == [(0, "6.5"), (1, "6.7"), (2, "6.8")]
    assert [o for o in here.taking.observations if o.indicator == RECEIPT] == receipts, "a period is told of once"


def test_a_first_figure_is_never_held_beyond_the_first_publication(here: Installation) -> None:
    send(here, 0, "sơ bộ", "6,5")
    send(here, 1, "sơ bộ", "6,6")
    assert [w.release_at for w in waiting(here.folder / "positions")] == [FIRST], "an amendment before it belongs to it"
    here.clock.now = FIRST
    here.turns()
    assert told(here) == [(1, "6.6")]
    send(here, 0, "chính thức", "6,4", dia_ban="31")
    assert told(here)[-1] == (0, "6.4"), "a figure that comes for the first time"


def test_what_amends_a_figure_that_waits_waits_with_it_and_other_corrections_pass(published: Installation) -> None:
    here = published
    send(here, 1, "đính chính", "6,55")
    assert told(here)[-1] == (1, "6.55"), "of the estimate, at once"
    send(here, 2, "sơ bộ", "6,7")
    send(here, 3, "đính chính", "6,75")
    assert told(here)[-1] == (1, "6.55"), "it would tell the preliminary figure before its day"
    here.clock.now = SECOND
    here.turns()
    assert told(here)[-1] == (3, "6.75")


def test_what_is_taken_back_and_what_is_confirmed_by_document_pass(published: Installation) -> None:
    here = published
    send(here, 1, "sơ bộ", "6,7")
    send(here, 2, "hủy", "", noi_dung="thu hồi")
    assert told(here)[-1] == (2, None)
    quarter = {"indicator": GROWTH, "period_type": "quarter", "period_start": QUARTER.start_ms, "period_end": QUARTER.end_ms}
    official = "official"
    here.gate.deliver(CONFIRMATIONS, [figure(**quarter, status=official, revision=1)], [])
    assert here.taking.observations[-1].status == "official"
    here.gate.deliver("intake", [figure(**quarter, status=official, revision=1, source_record_id="y")], [])
    assert here.taking.observations[-1].source_record_id == "x", "another way it waits"


def test_an_amendment_that_would_take_the_place_of_a_figure_going_out_comes_again(here: Installation) -> None:
    send(here, 0, "ước thực hiện", "6,5")
    here.clock.now = FIRST  # due, not out yet
    with pytest.raises(NotDelivered, match="again in a moment"):
        send(here, 1, "sơ bộ", "6,7")
    here.turns()
    here.runner.turn(here.intake)
    assert told(here) == [(0, "6.5")]
    assert [w.publication for w in waiting(here.folder / "positions")] == [PRELIMINARY]


def test_a_later_release_is_moved_apart_from_the_first(published: Installation) -> None:
    here = published
    sooner = FIRST + 5 * DAY
    send(here, 1, "sơ bộ", "6,7")
    assert here.held.move(Move(PRELIMINARY, sooner, "an", "NSO", "15/TB-CTK", "họp báo", FIRST)) == 1
    assert here.held.moved(PRELIMINARY._replace(release="")) is None
    send(here, 2, "sơ bộ", "6,8", dia_ban="31")
    here.restart()
    first = PRELIMINARY._replace(release="")
    here.held.move(Move(first, FIRST - DAY, "an", "NSO", "16/TB-CTK", "họp báo", FIRST))
    send(here, 3, "sơ bộ", "6,9", dia_ban="01")
    assert {w.release_at for w in waiting(here.folder / "positions")} == {sooner}, "each by its own moves"
    here.clock.now = sooner
    here.turns()
    assert [value for _, value in told(here)] == ["6.5", "6.7", "6.8", "6.9"]


def test_a_file_of_before_goes_on(tmp_path: Path) -> None:
    """Made before there were later releases: what it holds waits for first publications."""
    held = HeldFigures(tmp_path)
    held.hold([(figure(), MARCH, FIRST)], BEFORE)
    held.close()
    with sqlite3.connect(tmp_path / FILE) as db:
        for table in ("held", "moved"):
            db.execute(f"ALTER TABLE {table} DROP COLUMN release")
    db.close()
    assert waiting(tmp_path) == [("NSO", MARCH, 1, FIRST)]
    again = HeldFigures(tmp_path)
    assert again.publications() == [MARCH]
    assert again.move(Move(MARCH, FIRST + 1, "an", "NSO", "1", "x", BEFORE)) == 1
    assert waiting(tmp_path) == [("NSO", MARCH, 1, FIRST + 1)]
    again.close()
