"""Results as known at a moment: the newest where it stood already, the history elsewhere, is what a fold of the whole history gives."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from clickhouse_connect.driver.client import Client

from sinks import clickhouse
from sinks.decode import Decoder
from sinks.stretch import Stretch
from tests.sinks.loads import START
from tests.sinks.messages import encode, message, sample
from tests.sinks.test_questions import ROUTES
from transport.schemas import load

TOPIC = "derived.finance_budget"
FORMULA = "F02.province"
COLUMNS = "territory, toString(period_start), value, numerator, status, rank, toString(appended)"
VIEW = f"""SELECT {COLUMNS} FROM board_known_results(territories = ['VN'], depth = 3, clearance = 9,
    moment = fromUnixTimestamp64Milli({{moment:Int64}}, 'UTC')) WHERE formula = '{FORMULA}' ORDER BY ALL"""
FOLDED_HERE = f"""SELECT {COLUMNS} FROM
(
    SELECT * FROM derived WHERE formula = '{FORMULA}' AND appended <= fromUnixTimestamp64Milli({{moment:Int64}}, 'UTC')
    ORDER BY version DESC LIMIT 1 BY result, period_start
)
WHERE NOT deleted ORDER BY ALL"""


def states(dice: random.Random) -> list[dict[str, Any]]:
    """Results of two provinces and three periods: changed, taken back, without a value, computed anew in a later generation."""
    return [
        sample("derived") | {
            "formula": FORMULA, "result": f"{FORMULA}|{territory}|||2026", "territory": territory, "subject_type": "", "subject_id": "",
            "period_start": START + dice.randrange(3) * 86_400_000, "generation": dice.choice((0, 0, 0, 1)), "through": dice.randrange(50),
            "deleted": dice.random() < 0.2, "value": dice.choice((None, Decimal(dice.randrange(100)))),
            "numerator": dice.choice((None, Decimal(dice.randrange(100)))), "rank": dice.randrange(34),
        }
        for territory in dice.choices(("01", "31"), k=60)
    ]  # fmt: skip


@pytest.mark.loopback
def test_the_newest_and_the_history_of_what_changed_are_a_fold_of_everything(database: Client) -> None:
    told = states(random.Random(5))
    messages = [message(n, encode("derived", one), key=one["result"].encode(), topic=TOPIC) for n, one in enumerate(told)]
    block = Decoder(lambda _: load("derived").raw).block(ROUTES[TOPIC], Stretch.of(messages))
    for first in (0, 30):
        times = pl.Series("appended", [START + n * 3_600_000 for n in range(first, first + 30)]).cast(pl.Datetime("ms", "UTC"))
        clickhouse.insert(database, "derived", block.frame.slice(first, 30).with_columns(times), f"{first}")
    compared = 0
    for hours in (-1, 3, 20, 45, 70):
        bound = {"moment": START + hours * 3_600_000}
        plain = database.query(FOLDED_HERE, parameters=bound).result_rows
        assert database.query(VIEW, parameters=bound).result_rows == plain, hours
        compared += len(plain)
    assert compared > 10
