"""Named questions: each answers over a filled database, in milliseconds, with values bound by the server."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from clickhouse_connect.driver.client import Client
from typer.testing import CliRunner

from ops.commands import query
from sinks import clickhouse as ch
from sinks.decode import Decoder
from sinks.questions import QuestionError, ask, bind, questions
from sinks.stretch import Stretch
from sinks.tables import Route, routes
from tests.sinks.loads import START, observation
from tests.sinks.messages import encode, message, sample
from transport.schemas import load
from transport.settings import Settings
from transport.topics import table

ROUTES = routes(table())
NOON = START + 43_200_000
RESULT = "F02.province|{0}|||2026"


def fill(database: Client, topic: str, records: list[dict[str, Any]], keys: list[bytes] | None = None) -> None:
    """Put records into the table of a topic, as the sink would."""
    route: Route = ROUTES[topic]
    messages = [message(n, encode(route.schema, r), key=keys[n] if keys else b"k", topic=topic) for n, r in enumerate(records)]
    block = Decoder(lambda _: load(route.schema).raw).block(route, Stretch.of(messages, letters=route.reading == "dead_letter"))
    assert not block.refused
    appended = pl.lit(NOON, pl.Int64).cast(pl.Datetime("ms", "UTC")).alias("appended")
    ch.insert(database, route.table, block.frame.with_columns(appended), topic)


def filled(database: Client) -> None:
    """A morning: a station's readings, entries of disbursement with a correction, results of two provinces, one open alert of two."""
    readings = [observation(n * 20, subject_id="TV-HANOI", territory="01") for n in range(6)]
    entry: dict[str, Any] = {"indicator": "vn-1012/A.II.3", "component": "", "measure_unit": "VND", "subject_type": "project",
                             "subject_id": "P1", "period_type": "day", "territory": "31"}  # fmt: skip
    entries = [
        observation(0, **entry, source_record_id="e1", value=Decimal(100), ingested_at=START),
        observation(0, **entry, source_record_id="e1", value=Decimal(80), revision=1, ingested_at=START + 3_600_000),
        observation(0, **entry, source_record_id="e2", value=Decimal(50), ingested_at=START + 7_200_000),
    ]
    every = readings + entries
    fill(database, "obs.emergency", [o.record() for o in every], [o.series().key().encode() for o in every])
    result = sample("derived") | {"formula": "F02.province", "period_start": START, "budget_year": 2026, "generation": 0, "deleted": False}
    by_tax = {"formula": "SET.vn-1012.A.II.4", "indicator": "vn-1012/A.II.4", "component": "", "kind": "sum", "measure_unit": "VND"}
    fill(database, "derived.finance_budget", [
        result | {"result": RESULT.format(code), "territory": code, "value": value, "through": through}
        for code, value, through in (("31", Decimal("40.5"), 1), ("01", Decimal("62.25"), 2), ("31", Decimal("71.5"), 3))
    ] + [
        result | by_tax | {"result": f"SET.vn-1012.A.II.4|{code}||{part}|2026", "territory": code, "value": Decimal(value)}
        for code, part, value in (("01", "tax_type=GTGT", 70), ("31", "tax_type=GTGT", 5), ("31", "tax_type=TNDN", 9), ("31", "", 14))
    ])  # fmt: skip
    alert = sample("alert_event") | {"severity": 3, "condition": "active", "territory": "31", "title_vi": "Mực nước vượt báo động 2"}
    states = ({"alert_id": "a1"}, {"alert_id": "a2"}, {"alert_id": "a2", "condition": "inactive"})
    fill(database, "alerts.current", [alert | state for state in states])
    reported = {"indicator": "vn-1012/A.XI.7", "component": "", "concept": "crime", "measure_unit": "case", "subject_type": "",
                "subject_id": "", "period_type": "month", "provider": "MPS", "source_system": "intake"}  # fmt: skip
    day = 86_400_000
    figures = [
        observation(0, **reported, territory=territory, source_record_id=f"r{n}", value=Decimal(value), revision=revision,
                    period_start=start, period_end=start + 31 * day, ingested_at=start + (31 + late) * day)
        for n, (territory, start, late, value, revision) in enumerate((
            ("01", START, 2, 100, 0), ("01", START, 9, 110, 1), ("31", START, 4, 50, 0), ("01", START + 31 * day, 1, 90, 0)))
    ]  # fmt: skip
    fill(database, "obs.order_security", [o.record() for o in figures], [o.series().key().encode() for o in figures])
    grown = result | {"formula": "K1.vn-1012.A.II.5.export.country", "indicator": "vn-1012/A.II.5", "component": "export.K1",
                      "kind": "ratio", "result": "K1.vn-1012.A.II.5.export.country|VN|||", "territory": "VN", "value": Decimal("12.5"),
                      "of": 30, "expected": 34}  # fmt: skip
    fill(database, "derived.trade", [grown])
    owed = {"formula": "BC-QUA-HAN", "indicator": "nhip/N.2", "component": "", "kind": "sum", "subject_type": "agency", "subject_id": "NSO",
            "period_type": "month", "of": 2, "expected": 3, "reason": "vn-1012/A.I.1", "territory": "VN"}  # fmt: skip
    fill(database, "derived.home_affairs", [result | owed | {"result": "BC-QUA-HAN|VN|agency:NSO|period=month|", "value": Decimal(1)}])
    aggregate = sample("aggregate") | {"series": "vn-1012/D.1|river_level|01|station:TV-HANOI||actual", "latest": Decimal("3.25")}
    fill(database, "agg.emergency", [aggregate])


@pytest.mark.loopback
@pytest.mark.timeout(400)
def test_each_question_answers(settings: Settings, database: Client) -> None:
    filled(database)
    answers = {
        "station": ask(settings, "station", {"until": "01/01/2026 23:59"}).rows,
        "ranking": ask(settings, "ranking", {}, lambda: NOON / 1000 + 1).rows,
        "alerts": ask(settings, "alerts", {"severity": "2"}).rows,
        "known": ask(settings, "known", {"moment": "01/01/2026 00:30", "budget_year": "2026"}).rows,
        "latest": ask(settings, "latest", {"component": "river_level"}).rows,
        "freshness": ask(settings, "freshness", {"until": "01/01/2026 23:59"}).rows,
        "refused": ask(settings, "refused").rows,
        "breakdown": ask(settings, "breakdown").rows,
        "comparisons": ask(settings, "comparisons").rows,
        "quality": ask(settings, "quality", {"indicator": "vn-1012/A.XI.7", "as_of": "31/03/2026"}).rows,
        "conflicts": ask(settings, "conflicts").rows,
        "reports": ask(settings, "reports").rows,
    }
    of_emergencies = {"emergency": {"emergency": "bao-1"}, "emergency_alerts": {"emergency": "bao-1"}}
    assert {name: ask(settings, name, given).rows for name, given in of_emergencies.items()} == {"emergency": [], "emergency_alerts": []}
    assert {*answers, *of_emergencies} == set(questions()), "every question is asked here"
    assert [row[1] for row in answers["station"]] == [Decimal(n * 20) / 8 for n in range(6)]
    ranked = [(1, "Thành phố Hải Phòng", Decimal("71.5")), (2, "Thành phố Hà Nội", Decimal("62.25"))]
    assert [row[:3] for row in answers["ranking"]] == ranked
    assert ask(settings, "ranking", {"as_of": "01/01/2026"}).rows == [], "nothing was known then"
    assert [row[:3] for row in answers["alerts"]] == [(3, "Mực nước vượt báo động 2", "Thành phố Hải Phòng")]
    assert [row[2:] for row in answers["known"]] == [(Decimal(100), Decimal(130), Decimal(30), 1, 2)]
    assert [(row[0], row[3], row[5]) for row in answers["latest"]] == [("Thành phố Hà Nội", "", Decimal("3.25"))]
    assert [row[1:5] for row in answers["breakdown"]] == [("GTGT", Decimal(75), "VND", 2), ("TNDN", Decimal(9), "VND", 1)]
    assert [(row[2], row[5]) for row in answers["comparisons"]] == [(Decimal("12.5"), "30/34")]
    # MPS owes crime by 23/01, 25/02 and 25/03/2026. The first reports came in February: January is no debt yet; two units owe from then on.
    march, february, january = answers["quality"]
    assert march[5:12] == (0, 2, 0, 0, 0, 2, 0)
    assert february[5:15] == (1, 2, 50, 0, 1, 1, 0, Decimal("24.0"), 0, None)
    assert january[5:15] == (2, 2, 100, 0, 0, 0, None, Decimal("72.0"), 1, Decimal("10.00")), "the delays of first reports; 100 became 110"
    assert [(row[1], row[3], row[4], row[5], row[7]) for row in answers["reports"]] == [("month", 2, 3, Decimal("66.67"), "vn-1012/A.I.1")]
    assert ask(settings, "reports", {"provider": "NSO", "incomplete": "1"}).rows == answers["reports"]
    assert ask(settings, "reports", {"provider": "MOF"}).rows == []
    total = ask(settings, "breakdown", {"dimension": "", "territory": "31", "budget_year": "2026"}).rows
    assert [row[1:3] for row in total] == [("", Decimal(14))]
    assert [row[:2] for row in answers["freshness"]] == [("intake", 4), ("sensors", 9)]
    shown = query.table(ask(settings, "ranking", {}, lambda: NOON / 1000 + 1))
    assert list(shown.columns[2].cells) == ["71,5", "62,25"], "decimal comma"


def test_values_are_typed_before_they_travel() -> None:
    ranking = questions()["ranking"]
    assert bind(ranking, {"as_of": "20/11/2026 08:30"})["as_of"] == datetime(2026, 11, 20, 1, 30, tzinfo=UTC)
    assert bind(ranking, {"as_of": "2026-11-20T08:30:00Z"})["as_of"] == datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
    assert bind(ranking, {}, lambda: 0.0)["as_of"] == datetime(1970, 1, 1, tzinfo=UTC)
    for wrong in ({"as_of": "hôm qua"}, {"budget_year": "2026; DROP"}, {"nothing": "1"}):
        with pytest.raises(QuestionError):
            bind(ranking, wrong)


def test_the_command_lists_questions_and_says_what_is_wrong() -> None:
    listed = CliRunner().invoke(query.app, [], terminal_width=200)
    assert listed.exit_code == 0
    assert all(name in listed.output for name in questions())
    assert CliRunner().invoke(query.app, ["nope"]).exit_code == 1
    assert query.parameters(["--budget-year=2026", "--territory", "31"]) == {"budget_year": "2026", "territory": "31"}
    with pytest.raises(QuestionError):
        query.parameters(["31"])
