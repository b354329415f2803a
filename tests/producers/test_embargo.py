"""The embargo at the door: what comes before its publication is held, seen by nobody, and published once by itself."""

from __future__ import annotations

import logging
import stat
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from indicators.datafile import DataFileError
from indicators.observation import Observation
from indicators.period import period_of
from indicators.publication import PublicationBook
from indicators.receipt import RECEIPT, receipt_of, told_of
from producers.clock import FixedClock
from producers.documents import DocumentSource
from producers.embargo import NAME, Embargo, Release
from producers.fields import instant_of
from producers.files import Folder
from producers.held import FILE, HeldError, HeldFigures, Move, Publication, waiting
from producers.intake import COLUMNS
from producers.positions import PositionStore
from producers.publisher import NotDelivered
from producers.runner import Runner
from producers.template import write
from tests.producers.support import ADAPTERS, DOOR, drop, vocabulary
from tests.producers.test_runner import Counting, Taking
from transport.settings import HOME

BOOK = PublicationBook.load(HOME, vocabulary())
CPI, RETAIL = "vn-1012/A.I.1", "vn-1012/A.III.5"
"""The index of consumer prices, published by the statistics office; a figure of the State Bank, free at once."""
SECRET = "103.37"
RELEASE = instant_of("2026-04-03T09:00:00+07:00", "release")
"""March 2026: 3 April is a Friday."""
BEFORE = instant_of("2026-04-01T08:00:00+07:00", "now")
ROW = {
    "ma_chi_so": CPI, "dia_ban": "VN", "loai_ky": "tháng", "thoi_diem": "15/03/2026", "gia_tri": SECRET.replace(".", ","),
    "lan_dinh_chinh": "0",
}  # fmt: skip
MARCH = Publication("thong-ke", "month", *period_of("month", BEFORE - 20 * 86_400_000)[1:])


class Installation:
    """The producers of one data directory: the intake's folder, the file of held figures, a publisher that keeps what it gets."""

    def __init__(self, folder: Path, taking: Taking, clock: FixedClock) -> None:
        self.folder, self.taking, self.clock = folder, taking, clock
        self.start()

    def start(self) -> None:
        """Open everything as a new process does."""
        self.positions = PositionStore(self.folder / "positions")
        self.held = HeldFigures(self.folder / "positions")
        self.gate = Embargo(self.taking, BOOK, self.held, self.clock)
        self.gate.redate()
        self.intake = DocumentSource(ADAPTERS["intake"], Folder(self.folder / "in"), DOOR, self.positions.of("intake"), self.clock)
        self.release = Release(self.held, DOOR, self.clock)
        self.runner = Runner([self.intake, self.release], self.gate, self.clock, self.positions, Counting())

    def restart(self) -> None:
        """A process dies, another takes over."""
        self.close()
        self.start()

    def close(self) -> None:
        self.positions.close()
        self.held.close()

    def send(self, name: str, **changes: str) -> None:
        """A filled template arrives and is taken in."""
        line = dict.fromkeys(COLUMNS, "") | ROW | changes
        drop(self.folder / "in", name, write("csv", list(line), [line]))
        self.runner.turn(self.intake)

    def turns(self, count: int = 3) -> None:
        for _ in range(count):
            self.runner.turn(self.release)

    def figures(self, indicator: str = CPI) -> list[tuple[int, str | None, int, int | None]]:
        """What was published: revision, value, when it went out, when it was published."""
        return [(o.revision, None if o.value is None else str(o.value), o.ingested_at, o.published_at)
                for o in self.taking.observations if o.indicator == indicator]  # fmt: skip


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path, Taking(), FixedClock(BEFORE))
    yield made
    made.close()


@pytest.mark.parametrize(("period", "day"), [("2149-05-20", "2149-06-03"), ("2149-07-20", "2149-08-04")])
def test_beyond_the_known_holidays_a_figure_waits_for_its_weekday(period: str, day: str) -> None:
    """3 June 2149 is a Tuesday, 3 August a Sunday."""
    wanted = instant_of(f"{period}T12:00:00+07:00", "period")
    assert BOOK.release(BOOK.calendars["thong-ke"], period_of("month", wanted)) == instant_of(f"{day}T09:00:00+07:00", "release")


def test_a_figure_waits_for_its_publication_and_appears_once_by_itself(here: Installation) -> None:
    here.send("a.csv")
    here.clock.now = RELEASE - 1
    here.turns()
    assert here.figures() == []
    [one] = waiting(here.folder / "positions")
    assert one == ("NSO", MARCH, 1, RELEASE)
    here.clock.now = RELEASE
    here.turns()
    here.restart()
    here.turns()
    assert here.figures() == [(0, SECRET, RELEASE, RELEASE)]
    [o] = [o for o in here.taking.observations if o.indicator == CPI]
    assert o.event_time == MARCH.period_start
    assert waiting(here.folder / "positions") == []


def test_its_receipt_goes_out_at_once_and_bears_no_value(here: Installation) -> None:
    here.send("a.csv")
    [receipt] = here.taking.observations
    assert (receipt.indicator, receipt.event_time, receipt.value, receipt.provider) == (RECEIPT, BEFORE, Decimal(1), "NSO")
    assert receipt.reference == f"{CPI}||VN|||actual"
    assert told_of(receipt.reference)[1] == f"{CPI}||VN||held=1|actual"
    assert (receipt.period_type, receipt.period_start, receipt.period_end) == MARCH.period
    here.send("b.csv", dia_ban="31")
    assert [o.territory for o in here.taking.observations] == ["VN", "31"], "once"
    DOOR.check(receipt, BEFORE)


def test_what_is_late_or_not_of_a_calendar_goes_through_at_once(here: Installation) -> None:
    here.send("bank.csv", ma_chi_so=RETAIL, gia_tri="5")
    here.send("plan.csv", so_lieu="kế hoạch", gia_tri="104")
    assert [o.figure for o in here.taking.observations] == ["actual", "plan"]
    here.clock.now = RELEASE + 1
    here.send("late.csv")
    assert here.figures()[-1] == (0, SECRET, RELEASE + 1, None)
    assert RECEIPT not in {o.indicator for o in here.taking.observations}


def test_nothing_is_lost_where_a_process_dies_between_hold_and_position(here: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    here.taking.away = True
    with pytest.raises(NotDelivered):
        here.send("a.csv")  # held, its receipt not acknowledged, the position stays
    assert here.positions.of("intake").load() == {}
    here.taking.away = False
    here.restart()
    here.clock.now += 60_000
    here.runner.turn(here.intake)
    assert [(o.indicator, o.event_time) for o in here.taking.observations] == [(RECEIPT, BEFORE)], "it came when it came first"
    here.clock.now = RELEASE
    monkeypatch.setattr(here.positions.of(NAME), "save", lambda *_: (_ for _ in ()).throw(OSError("killed")))
    with pytest.raises(OSError, match="killed"):
        here.runner.turn(here.release)  # published, and killed before the position was saved
    here.restart()
    here.turns()
    assert [figure[:2] for figure in here.figures()] == [(0, SECRET)] * 2, "the same identity again, which the workers drop"


def test_an_amendment_takes_the_place_of_what_it_amends(here: Installation) -> None:
    here.send("a.csv")
    here.send("b.csv", lan_dinh_chinh="2", gia_tri="103,5")
    here.send("c.csv", lan_dinh_chinh="1", gia_tri="104")  # an older one comes late
    here.clock.now = RELEASE
    here.turns()
    assert here.figures() == [(2, "103.5", RELEASE, RELEASE)]
    here.send("d.csv", lan_dinh_chinh="3", gia_tri="103,6")
    assert here.figures()[-1][:2] == (3, "103.6")


def test_an_amendment_between_fetch_and_position_is_not_forgotten(here: Installation) -> None:
    here.send("a.csv")
    here.clock.now = RELEASE
    fetched = here.release.fetch({})
    [held] = here.held.due(RELEASE, 10)
    here.held.hold([(replace(held.observation, revision=1, value=Decimal("103.9")), MARCH, RELEASE)], RELEASE)
    again = here.release.fetch(fetched.position)
    assert [(o.revision, o.value) for o in again.observations] == [(1, Decimal("103.9"))]


def test_what_is_taken_back_before_publication_is_never_seen(here: Installation) -> None:
    here.send("a.csv")
    here.send("b.csv", lan_dinh_chinh="1", gia_tri="", trang_thai="hủy", noi_dung="thu hồi")
    here.clock.now = RELEASE
    here.turns()
    assert [figure[:2] for figure in here.figures()] == [(1, None)]
    assert [(o.revision, o.status) for o in here.taking.observations if o.indicator == RECEIPT] == [(0, "official"), (1, "deleted")]


def test_a_figure_taken_back_after_publication_takes_its_receipt_back(here: Installation) -> None:
    here.send("a.csv")
    here.clock.now = RELEASE
    here.turns()
    here.send("b.csv", lan_dinh_chinh="1", gia_tri="", trang_thai="hủy", noi_dung="thu hồi")
    assert here.figures()[-1][:2] == (1, None)
    first, last = (o for o in here.taking.observations if o.indicator == RECEIPT)
    assert (first.source_record_id, first.status, last.status) == (last.source_record_id, "official", "deleted")


@pytest.mark.parametrize("hours", [-48, 24 * 30])
def test_a_publication_brought_forward_or_postponed(here: Installation, hours: int) -> None:
    at = RELEASE + hours * 3_600_000
    here.send("a.csv")
    assert here.held.move(Move(MARCH, at, "an", "NSO", "15/TB-CTK", "họp báo", BEFORE)) == 1
    here.send("b.csv", loai_ky="tháng", dia_ban="31")  # comes after the move, of the same publication
    here.restart()
    here.clock.now = at - 1
    here.turns()
    assert here.figures() == []
    here.clock.now = at
    here.turns()
    assert [figure[1:3] for figure in here.figures()] == [(SECRET, at)] * 2


def test_what_waits_follows_a_calendar_that_changed(here: Installation) -> None:
    here.send("a.csv")
    sooner = BOOK.calendars["thong-ke"].model_copy(update={"due_day": 1, "roll": "none"})
    Embargo(here.taking, replace(BOOK, calendars={"thong-ke": sooner}), here.held, here.clock).redate()
    assert [w.release_at for w in waiting(here.folder / "positions")] == [RELEASE - 2 * 86_400_000]
    Embargo(here.taking, replace(BOOK, calendars={}), here.held, here.clock).redate()
    here.turns()
    assert len(here.figures()) == 1, "what no calendar means is free"


def test_a_figure_the_catalogue_no_longer_knows_is_refused_when_its_time_comes(here: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    here.send("a.csv")
    [held] = here.held.due(RELEASE, 10)
    here.held.hold([(replace(held.observation, revision=1, component="gone"), MARCH, RELEASE)], BEFORE)
    here.clock.now = RELEASE
    here.turns()
    assert here.figures() == []
    [reject] = here.taking.rejects
    assert (reject.reason, reject.source, reject.provider) == ("unknown_indicator", NAME, "NSO")
    assert waiting(here.folder / "positions") == []


def test_nothing_leaks(here: Installation, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> None:
    with caplog.at_level(logging.DEBUG):
        here.send("a.csv")
        here.send("wrong.csv", gia_tri=f"{SECRET},5")
        here.send("free.csv", ma_chi_so=RETAIL, gia_tri="chín")
    out, err = capsys.readouterr()
    assert SECRET not in caplog.text + out + err + repr(here.taking.observations)
    wrong, free = here.taking.rejects
    assert (SECRET.encode() not in wrong.original, wrong.place) == (True, "wrong.csv:2")
    assert b"ch\xc3\xadn" in free.original, "what no calendar means keeps its bytes"
    path = here.folder / "positions" / FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_cannot_be_written_moves_no_position(here: Installation) -> None:
    here.held.close()
    with pytest.raises(HeldError, match="check disk"):
        here.send("a.csv")
    assert here.taking.observations == []
    assert here.positions.of("intake").load() == {}


def test_the_running_producers_publish_when_it_is_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, stop = Installation(tmp_path, Taking(), FixedClock(BEFORE)), threading.Event()
    run = Runner([here.intake, here.release], here.gate, here.clock, here.positions, Counting(), poll_seconds=0.01)
    line = dict.fromkeys(COLUMNS, "") | ROW
    drop(tmp_path / "in", "a.csv", write("csv", list(line), [line]))
    thread = threading.Thread(target=run.run, args=(stop,))
    thread.start()
    assert here.taking.enough.wait(10)
    here.taking.enough.clear()
    here.clock.now = RELEASE
    assert here.taking.enough.wait(10)
    stop.set()
    thread.join(10)
    assert here.figures() == [(0, SECRET, RELEASE, RELEASE)]
    here.close()


def figure(**changes: object) -> Observation:
    spec = vocabulary().series_spec(CPI)
    assert spec is not None
    base = Observation(
        indicator=CPI, concept=spec.concept, measure_unit=spec.measure_unit, period_type="month", period_start=MARCH.period_start,
        period_end=MARCH.period_end, event_time=MARCH.period_start, ingested_at=BEFORE, territory="VN", agency="NSO", provider="NSO",
        source_system="intake", source_record_id="x", value=Decimal(SECRET),
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]


def test_which_figures_a_calendar_means_and_until_when() -> None:
    calendar = BOOK.of(figure())
    assert calendar is not None
    assert BOOK.of(figure(figure="plan")) is None
    assert BOOK.of(figure(period_type="day")) is None
    assert BOOK.of(figure(provider="OOG")) is calendar, "it is the figure that is under embargo, whoever sends it"
    quarter = period_of("quarter", instant_of("2026-05-10T00:00:00+07:00", "q"))
    assert BOOK.release(calendar, quarter) == instant_of("2026-07-03T09:00:00+07:00", "r")
    april = period_of("month", instant_of("2026-04-10T00:00:00+07:00", "m"))
    assert BOOK.release(calendar, april) == instant_of("2026-05-04T09:00:00+07:00", "r"), "3 May 2026 is a Sunday"
    assert {CPI, "hai-phong/A.I.1"} <= set(BOOK.indicators())


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (lambda c: c[0].update(owner_agency="X"), "owner_agency"), (lambda c: c[0].update(clock="25:00"), "clock"),
        (lambda c: c.append(c[0] | {"id": "two"}), "has a calendar already"), (lambda c: c.append(dict(c[0])), "given twice"),
        (lambda c: c[0]["releases"][0].update(indicators=["vn-1012/A.II.4"]), "no row that thong-ke publishes"),
        (lambda c: c[0]["releases"][0].update(period_types=["day"]), "day is not of thong-ke"),
        (lambda c: c[0]["releases"][0].update(months_later=1), "more than 1"),
        (lambda c: c[0]["releases"][1].update(id="so-bo-quy"), "so-bo-quy given twice"),
        (lambda c: c[0]["releases"][1].update(period_types=["quarter", "year"]), "has a release already"),
        (lambda c: c[0]["releases"][0].update(statuses=["revised"]), "statuses"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_naming_the_field(tmp_path: Path, change: Callable[[list[dict[str, Any]]], None], wrong: str) -> None:
    content = yaml.safe_load((HOME / "catalogue" / "publication-calendars.yaml").read_text(encoding="utf-8"))
    change(content["calendars"])
    (tmp_path / "catalogue").mkdir()
    (tmp_path / "catalogue" / "publication-calendars.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(DataFileError, match=wrong):
        PublicationBook.load(tmp_path, vocabulary())


def test_a_receipt_is_the_same_record_however_often_it_is_made() -> None:
    assert receipt_of(figure(), 5) == receipt_of(figure(value=Decimal(9)), 5)
    assert receipt_of(figure(), 5).source_record_id != receipt_of(figure(source_record_id="y"), 5).source_record_id
