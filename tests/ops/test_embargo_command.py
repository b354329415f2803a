"""`nhip catalogue embargo`: what waits is listed without values; a publication is moved by who may, with document and reason, audited."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from indicators.obligation import period_named
from indicators.publication import PublicationBook
from indicators.vocabulary import Vocabulary
from ops.commands import embargo
from ops.commands.embargo import Ordered, deed_of, move_of
from ops.stack.control import StackError
from producers.fields import instant_of
from producers.held import HeldFigures, Publication
from producers.main import POSITIONS
from tests.producers.test_embargo import MARCH, figure
from transport.settings import HOME, Settings

BOOK = PublicationBook.load(HOME, Vocabulary.load(HOME))
AT = instant_of("2026-04-03T09:00:00+07:00", "at")
NOW = instant_of("2026-04-01T08:00:00+07:00", "now")
ORDERED: Ordered = ("thong-ke", "2026-03", AT - 86_400_000, "an", "NSO", "15/TB-CTK", "họp báo sớm")


def unmoved(_: Publication) -> None:
    return None


def test_a_move_and_its_line_of_the_audit() -> None:
    made, before = move_of(BOOK, ORDERED, unmoved, NOW)
    of = period_named("2026-03")
    assert (made.publication, before) == (Publication("thong-ke", "month", of.start_ms, of.end_ms), AT)
    line = json.loads(deed_of(made, before).body())
    assert (line["did"], line["actor"], line["on"], line["note"]) == ("embargo.forward", "an", "thong-ke", "họp báo sớm")
    assert line["facts"] == {
        "document": "15/TB-CTK", "authority": "NSO", "before": "2026-04-03T09:00:00+07:00", "after": "2026-04-02T09:00:00+07:00",
        "period_type": "month", "period_start": "2026-03-01T00:00:00+07:00",
    }  # fmt: skip
    later, known = move_of(BOOK, (*ORDERED[:2], AT + 1, *ORDERED[3:]), lambda _: AT - 5, NOW)
    assert (known, deed_of(later, known).did) == (AT - 5, "embargo.postpone")


def test_a_later_release_is_moved_by_its_name() -> None:
    ordered: Ordered = ("thong-ke:so-bo-quy", "2026-Q1", AT, "an", "NSO", "15/TB-CTK", "họp báo sớm")
    asked: list[Publication] = []
    made, before = move_of(BOOK, ordered, lambda of: asked.append(of), NOW)
    of = period_named("2026-Q1")
    assert made.publication == Publication("thong-ke", "quarter", of.start_ms, of.end_ms, "so-bo-quy")
    assert asked == [made.publication]
    assert before == instant_of("2026-07-03T09:00:00+07:00", "at")
    assert json.loads(deed_of(made, before).body())["on"] == "thong-ke:so-bo-quy"
    for name, period, said in (("thong-ke:x", "2026-Q1", "so-bo-quy"), ("thong-ke:so-bo-nam", "2026-Q1", "không công bố theo kỳ quarter")):
        with pytest.raises(StackError, match=said):
            move_of(BOOK, (name, period, *ordered[2:]), unmoved, NOW)


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (0, "x", "Không có lịch"), (1, "2026-13", "cần kỳ"), (4, "MOH", "không có thẩm quyền"), (5, "", "số văn bản"), (6, "", "lý do"),
        (1, "2026-02", "đã công bố"),
    ],
)  # fmt: skip
def test_a_move_that_is_not_allowed_says_why(place: int, value: str, said: str) -> None:
    ordered = list(ORDERED)
    ordered[place] = value
    with pytest.raises(StackError, match=said):
        move_of(BOOK, tuple(ordered), unmoved, NOW)  # type: ignore[arg-type]


def test_the_operator_may_and_a_period_that_is_not_published_may_not() -> None:
    assert move_of(BOOK, (*ORDERED[:4], "OOG", *ORDERED[5:]), unmoved, NOW)[0].authority == "OOG"
    yearly = BOOK.calendars["thong-ke"].model_copy(update={"period_types": ("year",)})
    only_yearly = replace(BOOK, calendars={"thong-ke": yearly})
    with pytest.raises(StackError, match="không công bố theo kỳ month"):
        move_of(only_yearly, ORDERED, unmoved, NOW)


def test_the_list_names_provider_and_instant_and_no_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Settings, "load", lambda: Settings(data_dir=tmp_path))
    embargo.list_()
    assert capsys.readouterr().out == "0 số liệu chờ công bố / figures wait.\n"
    held = HeldFigures(tmp_path / POSITIONS)
    held.hold([(figure(source_record_id=str(n), value=Decimal("103.37")), MARCH, AT) for n in range(2)], NOW)
    embargo.list_()
    out = capsys.readouterr().out
    assert out.splitlines()[0] == (
        "NSO  thong-ke  tháng 3/2026: 2 số liệu / figures, công bố lúc / published at 09:00 ngày 03/04/2026"
    )
    assert "103" not in out
    held.close()
