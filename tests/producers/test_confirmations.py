"""Confirmations: the next revision of what was seen, official, by the way of every figure; no correction is lost behind one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from indicators.publication import PublicationBook
from producers.clock import FixedClock
from producers.confirmations import NAME, Confirmation
from producers.confirmed import Confirmed
from producers.documents import DocumentSource
from producers.embargo import Embargo
from producers.files import Folder
from producers.held import HeldFigures
from producers.positions import PositionStore
from producers.publisher import NotDelivered
from producers.runner import Runner
from tests.producers.support import ADAPTERS, DOOR, identities, parse, reasons, vocabulary
from tests.producers.test_embargo import RELEASE, figure
from tests.producers.test_runner import Counting, Taking
from transport.settings import HOME

SEEN = figure(revision=2, dimensions=(), quality_flags=("generated",), text="số sơ bộ", lon=None, published_at=RELEASE)
NOW = RELEASE + 60_000


@pytest.fixture
def taking() -> Taking:
    return Taking()


@pytest.fixture
def delivery(tmp_path: Path, taking: Taking) -> Iterator[Confirmed]:
    held = HeldFigures(tmp_path)
    made = Confirmed(Embargo(taking, PublicationBook.load(HOME, vocabulary()), held, FixedClock(NOW)), tmp_path)
    yield made
    made.close()
    held.close()


def test_a_confirmation_is_the_next_revision_of_the_same_record(tmp_path: Path, taking: Taking, delivery: Confirmed) -> None:
    Confirmation.of("NSO", "20/TB-CTK", [SEEN]).put(tmp_path / "inbox", "a.json")
    positions, clock = PositionStore(tmp_path / "positions"), FixedClock(NOW)
    source = DocumentSource(ADAPTERS[NAME], Folder(tmp_path / "inbox" / NAME), DOOR, positions.of(NAME), clock)
    run = Runner([source], delivery, clock, positions, Counting())
    for _ in range(2):
        run.turn(source)
    assert taking.observations == [replace(SEEN, status="official", revision=3, ingested_at=NOW)]
    positions.close()


def test_a_correction_under_the_same_number_is_refused_with_the_number_to_send(tmp_path: Path, taking: Taking, delivery: Confirmed) -> None:
    confirmed = replace(SEEN, status="official", revision=3)
    delivery.deliver(NAME, [confirmed], [])
    again = Confirmed(taking, tmp_path)  # another process
    for door in (delivery, again):
        door.deliver("intake", [replace(SEEN, revision=3, value=Decimal("99")), replace(SEEN, revision=2)], [])
        [reject] = taking.rejects
        assert (reject.reason, reject.field, reject.provider) == ("contract", "revision", "NSO")
        assert "send a correction as 4" in reject.detail
        assert b"99" not in reject.original
        taking.rejects.clear()
    again.deliver("intake", [replace(SEEN, revision=4, value=Decimal("99"))], [])
    assert identities(taking.observations)[1:] == [("x", 2, "103.37"), ("x", 2, "103.37"), ("x", 4, "99")]
    again.close()


def test_nothing_is_kept_of_a_confirmation_that_was_not_delivered(taking: Taking, delivery: Confirmed) -> None:
    taking.away = True
    with pytest.raises(NotDelivered):
        delivery.deliver(NAME, [replace(SEEN, status="official", revision=3)], [])
    taking.away = False
    delivery.deliver("intake", [replace(SEEN, revision=3)], [])
    assert taking.rejects == []


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"figures": []}, ("contract", "figures")), ({"document": ""}, ("contract", "document")), ({"more": 1}, ("contract", "more")),
    ],
)  # fmt: skip
def test_what_no_command_wrote_is_refused(change: dict[str, object], refused: tuple[str, str]) -> None:
    content = json.loads(Confirmation.of("NSO", "20/TB-CTK", [SEEN]).model_dump_json())
    assert reasons(parse(NAME, "a.json", json.dumps(content | change).encode(), now=NOW).rejects) == [refused]


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"status": "preliminary"}, ("contract", "status")), ({"revision": 0}, ("contract", "status")),
        ({"territory": "999"}, ("unknown_territory", "territory")),
    ],
)  # fmt: skip
def test_a_wrong_figure_is_refused_and_the_others_go_on(change: dict[str, object], refused: tuple[str, str]) -> None:
    made = Confirmation.of("NSO", "20/TB-CTK", [SEEN, replace(SEEN, source_record_id="y")])
    wrong = made.model_copy(update={"figures": (replace(made.figures[0], **change), made.figures[1])})  # type: ignore[arg-type]
    parsed = parse(NAME, "a.json", wrong.model_dump_json().encode(), now=NOW)
    assert reasons(parsed.rejects) == [refused]
    assert identities(parsed.observations) == [("y", 3, "103.37")]
    assert all(b"103" not in reject.original for reject in parsed.rejects)
