"""A market's feed in the stream: silence counts in its open hours alone, and K1 compares a day with the session before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from indicators.instant import day_start
from indicators.observation import Observation
from indicators.rule import RuleBook
from indicators.rules.cases import instant
from indicators.series import Series
from stream_processors.expected import expected_series
from tests.producers.support import parse
from tests.producers.test_securities import HEADER, line
from tests.stream_processors.offline import OfflineContext
from tests.stream_processors.results import Bench, Told, operands, reported
from tests.stream_processors.test_stage1_against_oracle import base
from tests.stream_processors.test_stage1_rules import BOOK, Works
from transport.partitioner import partition_of
from transport.records import AvroDecoder
from transport.topics import GROUPS
from transport.transactions import Rows

SILENT, INDICATOR = "CK-IM-LANG", "vn-1012/A.II.6"
VNINDEX = reported(INDICATOR, "vnindex", "VN")
K1 = "K1.vn-1012.A.II.6.vnindex.country"


@pytest.fixture(scope="module")
def context() -> OfflineContext:
    return OfflineContext()


def snapshot(clock: str, day: str, level: str = "1300") -> tuple[int, Observation]:
    """The index at a time, appended at that time."""
    found = parse("securities", "a.csv", HEADER + line(clock, level, "10", day=day), now=instant("2026-12-31")).observations
    (index,) = (o for o in found if o.component == "vnindex")
    return index.event_time, index


def receipt(at: str) -> tuple[int, Observation]:
    """A record of another feed, which carries the clock on."""
    o = base(
        event_time=instant("2026-01-05"), indicator="vn-1012/A.II.4", component="", concept="taxes_fees", measure_unit="VND",
        subject_type="", subject_id="", territory="01", source_record_id=at, value=Decimal(1), period_type="day",
        dimensions=(("sector", "state"), ("tax_type", "vat")), ingested_at=instant(at),
    )  # fmt: skip
    return instant(at), o


def told(monkeypatch: pytest.MonkeyPatch, sent: list[tuple[int, Observation]], chunk: int) -> list[tuple[str, int, str]]:
    """What the rule says of what was sent: transition, severity, hours."""
    rule = BOOK.rules[SILENT]
    context = OfflineContext(RuleBook([rule]))
    ((series, _),) = expected_series(rule, context.vocabulary)
    works = Works(context, "finance_budget", partition_of(series.key().encode(), GROUPS["finance_budget"]), monkeypatch)
    works.bring(sent, chunk)
    return [(name, severity, str(value)) for name, severity, _, value in works.steps()]


@pytest.mark.parametrize("chunk", [1, 100])
def test_neither_night_nor_weekend_nor_tet_is_a_silence(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    closed = ["2026-02-13T15:30", "2026-02-14T10:00", "2026-02-17T10:00", "2026-02-20T23:00", "2026-02-23T08:59", "2026-02-23T09:14"]
    quiet = [snapshot("14:57", "2026-02-13"), snapshot("15:00", "2026-02-13"), *map(receipt, closed)]
    assert told(monkeypatch, quiet, chunk) == []
    missed = [receipt("2026-02-23T09:15"), receipt("2026-02-23T10:00"), snapshot("10:03", "2026-02-23")]
    assert told(monkeypatch, quiet + missed, chunk) == [("opened", 2, "0.25"), ("worse", 3, "1"), ("cleared", 0, "0")]


@pytest.mark.parametrize("valid_to", ["", "2026-01-10"])
def test_a_rule_says_nothing_of_a_silence_before_or_after_it_is_in_force(monkeypatch: pytest.MonkeyPatch, valid_to: str) -> None:
    """Years of the past are fed too: they come to rest, and what still lasts is told on the first day of the rule."""
    sent = [snapshot("10:00", "2025-12-18"), receipt("2025-12-18T14:00"), receipt("2025-12-31T23:59")]
    assert told(monkeypatch, sent, 1) == []
    if valid_to:
        ended = BOOK.rules[SILENT].model_copy(update={"valid_to": date.fromisoformat(valid_to)})
        monkeypatch.setitem(BOOK.rules, SILENT, ended)
        assert told(monkeypatch, [*sent, receipt("2026-01-12T14:00"), receipt("2026-01-13T14:00")], 1) == []
    else:
        assert told(monkeypatch, [*sent, receipt("2026-01-05T09:00")], 1) == [("opened", 3, "44")]


def test_nobody_waits_for_a_feed_that_never_spoke(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, [receipt("2026-03-20T10:00"), receipt("2026-03-20T14:00")], 1) == []


def levels(context: OfflineContext, closes: dict[str, str], series: Series = VNINDEX) -> Bench:
    bench = Bench(context)
    for n, (day, close) in enumerate(closes.items()):
        bench.feed(operands(context, Told(series, "day", day_start(date.fromisoformat(day)), Decimal(close)), n))
    return bench


def test_k1_compares_monday_with_friday_and_the_day_after_tet_with_the_last_before(context: OfflineContext) -> None:
    bench = levels(context, {"2026-02-13": "1250", "2026-02-23": "1300", "2026-03-20": "1320", "2026-03-23": "1287"})
    found = {day: bench.one(K1, "VN", day_start(date.fromisoformat(day))) for day in ("2026-02-23", "2026-03-20", "2026-03-23")}
    assert (found["2026-02-23"]["value"], found["2026-03-23"]["value"]) == (Decimal("4.00"), Decimal("-2.50"))
    assert found["2026-03-20"]["reason"] == "missing_operand", "the session before was not told: an older one is no base"


def test_a_corrected_close_moves_the_change_of_the_next_session(context: OfflineContext) -> None:
    days = {"2026-03-20": "1320", "2026-03-23": "1287"}
    bench = levels(context, days)
    bench.feed(operands(context, Told(VNINDEX, "day", day_start(date(2026, 3, 20)), Decimal(1300)), 9))
    assert bench.one(K1, "VN", day_start(date(2026, 3, 23)))["value"] == Decimal("-1.00")
    late = levels(context, dict(reversed(days.items())))
    assert late.one(K1, "VN", day_start(date(2026, 3, 23)))["value"] == Decimal("-2.50"), "whatever comes first"


GOLD, GOLD_K1 = "VANG-IM-LANG", "K1.vn-1012.A.I.3.sell_price.country"
SJC = Series("vn-1012/A.I.3", "sell_price", "VN", "", "", (("gold_brand", "SJC"),), "actual")


def quote(at: str, brand: str = "SJC", sell: int = 148_500_000) -> tuple[int, Observation]:
    """What a shop asks for a lượng of gold of a brand at a time, appended at that time."""
    text = f"thuong_hieu,thoi_diem,mua_vao_dong,ban_ra_dong,phien_ban\n{brand},{at}:00+07:00,{sell - 2_000_000},{sell},1\n"
    found = parse("securities", "a.csv", text.encode(), now=instant("2026-12-31")).observations
    (asked,) = (o for o in found if o.component == "sell_price")
    return asked.event_time, asked


@pytest.mark.parametrize("chunk", [1, 100])
def test_gold_is_silent_in_shop_hours_alone_and_another_brand_does_not_speak_for_it(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    rule = BOOK.rules[GOLD]
    context = OfflineContext(RuleBook([rule]))
    ((series, _),) = expected_series(rule, context.vocabulary)
    assert series == SJC
    works = Works(context, "prices", partition_of(series.key().encode(), GROUPS["prices"]), monkeypatch)
    others = ["2026-03-22T23:00", "2026-03-23T09:29", "2026-03-23T09:30", "2026-03-23T17:00"]
    clock = [(instant(at), replace(quote("2026-03-21T17:00", "PNJ")[1], source_record_id=at, event_time=instant(at))) for at in others]
    works.bring([quote("2026-03-21T17:00"), *clock], chunk)
    assert [(name, severity, str(value)) for name, severity, _, value in works.steps()] == [("opened", 2, "2"), ("worse", 3, "9.5")]


def test_k1_of_gold_compares_with_the_trading_day_before_saturday_too(context: OfflineContext) -> None:
    bench = levels(context, {"2026-03-20": "148000000", "2026-03-21": "149480000", "2026-03-23": "147985200"}, SJC)
    found = [bench.one(GOLD_K1, "VN", day_start(date(2026, 3, day)))["value"] for day in (21, 23)]
    assert found == [Decimal("1.00"), Decimal("-1.00")]


class Forwarding(Works):
    """Keeps the operands that stage 1 hands on: (formula, role, value)."""

    def _commit(self, rows: Iterable[Rows]) -> None:
        decoder = AvroDecoder("operand", self.context.registry.schema)
        listed = list(rows)
        for body in (v for one in listed if one.topic == f"operands.{self.group}" for v in one.values if v):
            row = decoder.decode(body)
            self.forwarded.append((row["result"].partition("|")[0], row["role"], row["value"]))
        super()._commit(listed)

    forwarded: list[tuple[str, str, Decimal]]


def test_stage_1_hands_on_the_last_level_of_the_day_and_never_a_sum(context: OfflineContext, monkeypatch: pytest.MonkeyPatch) -> None:
    works = Forwarding(context, "finance_budget", partition_of(VNINDEX.key().encode(), GROUPS["finance_budget"]), monkeypatch)
    works.forwarded = []
    works.bring([snapshot("09:03", "2026-03-20", "1300"), snapshot("14:57", "2026-03-20", "1310")], 1)
    assert works.forwarded == [(K1, role, value) for value in (Decimal(1300), Decimal(1310)) for role in ("value", "base")]
