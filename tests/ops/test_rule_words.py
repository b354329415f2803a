"""From the evaluators of the workers to the words people read: what every kind of rule says is taken in by the story, told to somebody, and
in the rule's own words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from alerts.condition import from_record
from alerts.main import story_of
from indicators.rule import RuleBook
from tests.stream_processors import test_result_lines as lines
from tests.stream_processors import test_stage1_rules as stage1
from tests.stream_processors.offline import OfflineContext
from transport.settings import Settings


def titles(rows: Sequence[dict[str, Any]]) -> dict[tuple[str, str], str]:
    """The first title of each rule and transition, told to somebody, by no plain text that stands in."""
    story, _ = story_of(Settings.load())
    found: dict[tuple[str, str], str] = {}
    for row in rows:
        effects = story.on_condition(from_record(row), row["event_time"] + 1000)
        assert effects.event is not None, row
        assert effects.event.note == "", row
        assert effects.requests, row
        found.setdefault((row["rule"], row["transition"]), effects.event.title_vi)
    return found


def test_results_places_and_composites_are_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    context = OfflineContext()
    codes = lines.provinces(context)
    works = lines.Works(context, "finance_budget", monkeypatch)
    works.bring(*(row for n, code in enumerate(codes) for row in lines.rate(code, 6, str(10 + n))))
    works.bring(*(row for code in codes for row in lines.rate(code, 7, "5")))
    works.bring(*lines.rate(codes[0], 6, "60"))
    trade = lines.Works(context, "trade", monkeypatch)
    for number, value in enumerate((100, 90, 80, 70, 1), 1):
        trade.bring(lines.exports(number, value))
    said = titles([*works.said, *trade.said])
    assert said[lines.MANY, "opened"] == "62% địa phương chậm giải ngân từ mức cảnh báo"
    assert said[lines.LAST, "opened"] == "Thành phố Hà Nội: thuộc nhóm 5 địa phương giải ngân thấp nhất (10,00%)"
    assert said[lines.LAST, "corrected"] == "Đính chính – Thành phố Hà Nội: ra khỏi nhóm địa phương giải ngân thấp nhất"
    assert said[lines.SLOW, "corrected"] == "Đính chính – Thành phố Hà Nội: hủy cảnh báo giải ngân chậm"
    assert said[lines.FALLS, "opened"] == "Thành phố Hà Nội: kim ngạch xuất khẩu giảm 3 kỳ liên tiếp"


def test_silence_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    context = OfflineContext(RuleBook([stage1.BOOK.rules[stage1.SILENT]]))
    partition, (one, other, *_) = stage1.stations(context)
    works = stage1.Works(context, "emergency", partition, monkeypatch)
    works.bring(stage1.night(context, one, other), 9)
    said = titles(works.said)
    assert [title.partition(": ")[2] for title in said.values()] == [
        "1,0 giờ không có số liệu", "6,0 giờ không có số liệu", "đã có số liệu trở lại"]  # fmt: skip
