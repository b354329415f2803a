"""Quality of reports over a folded past is that of a full folding at any moment, for any reader, whatever came after it, again or late."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from clickhouse_connect.driver.client import Client

from indicators.observation import Observation
from indicators.receipt import receipt_of
from sinks import batches, clickhouse, report_preparation, retention
from sinks.decode import Decoder
from sinks.questions import ask, bind
from sinks.retention import Policy
from sinks.stretch import Stretch
from sinks.vocabulary import load_vocabulary
from tests.sinks.loads import START
from tests.sinks.messages import encode, message
from tests.sinks.test_questions import ROUTES
from tests.sinks.test_report_quality import DAY, MONTHS, OWED, history
from transport.schemas import load
from transport.settings import Settings

TOPIC = "obs.order_security"
MOMENTS = ("2026-03-11 02:03:04", "2026-05-01 00:00:00", "2026-12-31 00:00:00")
READERS = ((["VN"], 9), (["31"], 0))
VIEW = """SELECT * FROM board_quality(territories = {territories:Array(String)}, clearance = {clearance:Int32},
    moment = toDateTime64({moment:String}, 3, 'UTC'), since = toDateTime64('2025-12-31', 3, 'UTC')) ORDER BY ALL"""


def reports(dice: random.Random, tag: str) -> list[Observation]:
    """Owed figures, plans that nobody owes, some restricted, and receipts of figures that are held."""
    found = [replace(o, source_record_id=f"{tag}{o.source_record_id}") for owed in OWED for o in history(owed, dice)]
    found += [replace(o, figure="plan", access_level=dice.choice((0, 0, 5))) for o in dice.sample(found, 20)]
    return found + [receipt_of(o, o.ingested_at - dice.randrange(3) * DAY) for o in dice.sample(found, 20) if o.figure == "actual"]


def put(database: Client, told: list[Observation], first: int) -> None:
    """Rows at the offsets `first` and on."""
    messages = [message(first + n, encode("observation", o.record()), key=o.series().key().encode(), topic=TOPIC, partition=n % 2)
                for n, o in enumerate(told)]  # fmt: skip
    block = Decoder(lambda _: load("observation").raw).block(ROUTES[TOPIC], Stretch.of(messages))
    assert not block.refused
    appended = pl.lit(START, pl.Int64).cast(pl.Datetime("ms", "UTC")).alias("appended")
    clickhouse.insert(database, "observations", block.frame.with_columns(appended), f"{first}")


def asked(database: Client) -> list[list[tuple[Any, ...]]]:
    """Every answer, of each reader and moment."""
    bound = [{"territories": places, "clearance": level, "moment": at} for places, level in READERS for at in MOMENTS]
    return [[tuple(row) for row in database.query(VIEW, parameters=one).result_rows] for one in bound]


def same(database: Client) -> None:
    """Hold every answer over the newest batch against that of a full folding."""
    prepared = asked(database)
    kept = database.query("SELECT * FROM report_batches").result_rows
    database.command("TRUNCATE TABLE report_batches")
    assert asked(database) == prepared
    database.insert("report_batches", kept)


@pytest.mark.loopback
@pytest.mark.timeout(200)
def test_a_folded_past_and_what_came_after_it_are_a_full_folding(settings: Settings, database: Client) -> None:
    dice, now = random.Random(8), [time.time()]
    first = reports(dice, "a")
    put(database, first, 0)
    told = report_preparation.prepare(database, lambda: now[0], least_rows=1)
    assert told > 100
    same(database)
    assert report_preparation.prepare(database, lambda: now[0], least_rows=1) == 0, "not so soon again"
    # Other records of the same series, amendments, the same reports again, the same rows again under no token; a unit that begins earlier.
    late = [replace(o, ingested_at=MONTHS[0].start_ms + DAY, source_record_id=f"late{n}") for n, o in enumerate(first[:5])]
    put(database, reports(dice, "b") + first[:20] + late, len(first))
    database.command("INSERT INTO observations SELECT * FROM observations LIMIT 60")
    fresh = "SELECT count() FROM reports WHERE offset > (SELECT max(arrayMax(offsets)) FROM report_batches)"
    assert database.query(fresh).result_rows[0][0] > 50
    same(database)
    now[0] += 1
    assert report_preparation.follow(database, lambda: now[0]) > 50
    assert database.query(fresh).result_rows == [(0,)]
    counting = "SELECT uniqExact(batch), uniqExact(base) FROM report_batches WHERE base > 0"
    assert database.query(counting).result_rows == [(2, 1)], "not everything"
    same(database)
    put(database, reports(dice, "c")[:30], len(first) * 4)
    same(database)
    now[0] += 1
    assert report_preparation.follow(database, lambda: now[0]) > 50, "with what the batch before it followed"
    same(database)
    assert report_preparation.follow(database, lambda: now[0]) == 0, "nothing came since"
    now[0] += (report_preparation.REST_MS + batches.KEPT_MS) / 1000 + 1
    assert report_preparation.prepare(database, lambda: now[0], least_rows=1) > told
    same(database)
    now[0] += report_preparation.STANDS_MS / 1000 + 1
    assert report_preparation.prepare(database, lambda: now[0], least_rows=1) == 0
    assert database.query("SELECT uniqExact(batch) FROM report_states").result_rows == [(1,)], "the replaced is dropped"
    _what_is_past_its_time(settings, database, now[0] + report_preparation.REST_MS / 1000 + 1)


def _what_is_past_its_time(settings: Settings, database: Client, now: float) -> None:
    """A policy reaches the reports and, at the next turn, their states."""
    levels = [{"from": 0, "days": "forever"}, {"from": 5, "days": 1}]
    chosen = Policy.model_validate({"status": "set", "levels": levels})
    assert database.query("SELECT count() > 0 FROM reports WHERE access_level >= 5").result_rows == [(True,)]
    retention.apply(settings, database, chosen, retention.of_tables(database, chosen))
    database.command("OPTIMIZE TABLE reports FINAL")
    assert database.query("SELECT count() FROM reports WHERE access_level >= 5").result_rows == [(0,)]
    assert report_preparation.prepare(database, lambda: now, least_rows=1) > 0, "fewer reports than were folded"
    same(database)


@pytest.mark.loopback
def test_no_batch_counts_after_the_vocabulary_was_loaded(settings: Settings, database: Client) -> None:
    put(database, reports(random.Random(3), ""), 0)
    newest = "SELECT argMax(rows, batch), count() FROM report_batches WHERE batch > 0"
    assert report_preparation.prepare(database, least_rows=1) > 0
    assert database.query(newest).result_rows[0][0] > 0
    load_vocabulary(settings)
    assert database.query(newest).result_rows[0][0] == 0
    same(database)
    assert report_preparation.prepare(database, least_rows=1) > 0, "folded anew at the next turn"


@pytest.mark.loopback
@pytest.mark.timeout(200)
def test_the_question_says_what_the_view_says(settings: Settings, database: Client) -> None:
    dice, now = random.Random(9), time.time()
    first = reports(dice, "a")
    put(database, first, 0)
    assert report_preparation.prepare(database, lambda: now, least_rows=1) > 100
    _said_alike(settings, database)
    put(database, reports(dice, "b") + first[:20], len(first))  # behind the folding: folded by the question
    _said_alike(settings, database)
    assert report_preparation.follow(database, lambda: now + 1) > 20
    _said_alike(settings, database)


def _said_alike(settings: Settings, database: Client) -> None:
    for moment in ("11/03/2026 09:03:04", "01/05/2026", "31/12/2026"):
        answer = ask(settings, "quality", {"as_of": moment, "months": "12"})
        at = [[heading for heading, _ in answer.question.headings].index(name) for name in NUMBERS]
        bound = {"moment": bind(answer.question, {"as_of": moment})["as_of"]}
        said = sorted((tuple(row[n] for n in at) for row in answer.rows), key=str)
        plain = database.query(PLAIN, parameters=bound).result_rows
        assert said == sorted((tuple(row) for row in plain), key=str), moment
        assert len(said) > 5


NUMBERS = ("figure", "period_start", "reported", "expected", "on_time", "late", "missing", "revised", "duplicates", "second_sources",
           "delay", "revision", "due")  # fmt: skip
PLAIN = """SELECT figure, period_start, reported, expected, on_time, late, missing, revised, duplicates, second_sources,
    toDecimal64(round(median_delay_hours, 1), 1), toDecimal64(round(mean_revision_percent, 2), 2), due_at
FROM board_quality(territories = ['VN'], clearance = 9, moment = {moment:DateTime64(3, 'UTC')},
    since = {moment:DateTime64(3, 'UTC')} - toIntervalMonth(12))"""
