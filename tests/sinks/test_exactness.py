"""What the insert's exactness rests on, asked of the engine itself, each with the control that must differ."""

from __future__ import annotations

import polars as pl
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from sinks import clickhouse as ch
from sinks import refusals
from sinks.refusals import TableAtFault, refused_by_server, scratch_name

pytestmark = pytest.mark.loopback

RAW = """CREATE TABLE raw (offset Int64, value Int64) ENGINE = ReplacingMergeTree ORDER BY offset
SETTINGS non_replicated_deduplication_window = 10000, max_bytes_to_merge_at_max_space_in_pool = 1"""
SUMS = "CREATE TABLE {0} (k UInt8, value Int64) ENGINE = SummingMergeTree ORDER BY k SETTINGS non_replicated_deduplication_window = {1}"
FEED = "CREATE MATERIALIZED VIEW {0}_feed TO {0} AS SELECT 1 AS k, sum(value) AS value FROM raw"


def block(first: int, last: int) -> pl.DataFrame:
    """Rows with the offsets first to last, each of value 1."""
    return pl.DataFrame({"offset": range(first, last + 1)}, schema={"offset": pl.Int64}).with_columns(value=pl.lit(1, pl.Int64))


def number(client: Client, sql: str) -> int:
    """The one number a query gives."""
    return int(client.query(sql).result_rows[0][0])


@pytest.fixture
def raw(empty: Client) -> Client:
    """A table with two summing views behind it, one without a deduplication window; merges held back."""
    empty.command(RAW)
    for name, window in (("counted", 10000), ("windowless", 0)):
        empty.command(SUMS.format(name, window))
        empty.command(FEED.format(name))
    return empty


def test_the_token_drops_a_repeat_and_other_boundaries_do_not(raw: Client) -> None:
    client = raw
    for _ in range(2):
        ch.insert(client, "raw", block(0, 9), "1-t-0-0-9")
    assert number(client, "SELECT count() FROM raw") == 10
    assert number(client, "SELECT sum(value) FROM counted") == 10
    assert number(client, "SELECT sum(value) FROM windowless") == 20, "control: a view target without a window counts twice"
    # Control: the same rows under other boundaries are not known again; only the key of the row and repeatable states hold.
    for first, last in ((20, 29), (20, 24), (25, 29)):
        ch.insert(client, "raw", block(first, last), f"1-t-0-{first}-{last}")
    assert number(client, "SELECT count() FROM raw") == 30
    assert number(client, "SELECT sum(value) FROM counted") == 30
    assert number(client, "SELECT count() FROM raw FINAL") == 20
    assert number(client, "SELECT uniqExact(offset) FROM raw") == 20


def test_a_repeat_completes_a_view_that_failed(raw: Client) -> None:
    """A view that fails after the table's part was written: the same insert again completes it; resuming at max(offset) would not."""
    client = raw
    ch.insert(client, "raw", block(0, 9), "1-t-0-0-9")
    client.command("CREATE TABLE late (offset Int64, CONSTRAINT gate CHECK offset < 10) ENGINE = MergeTree ORDER BY offset "
                   "SETTINGS non_replicated_deduplication_window = 10000")  # fmt: skip
    client.command("CREATE MATERIALIZED VIEW late_feed TO late AS SELECT offset FROM raw")
    with pytest.raises(ClickHouseError):
        ch.insert(client, "raw", block(10, 19), "1-t-0-10-19")
    stored = number(client, "SELECT max(offset) FROM raw")
    client.command("ALTER TABLE late DROP CONSTRAINT gate")
    assert number(client, "SELECT count() FROM late") == 0
    assert stored in (9, 19), "the part may or may not be there: either way the range must come again"
    ch.insert(client, "raw", block(10, 19), "1-t-0-10-19")
    assert number(client, "SELECT count() FROM raw") == 20
    assert number(client, "SELECT count() FROM late") == 10, "completed by the repeat"
    assert number(client, "SELECT sum(value) FROM counted") == 20


def test_resuming_behind_the_newest_stored_row_leaves_views_short(raw: Client) -> None:
    """Control: a sink that asks the table how far it is never gives a view the block it missed; the same insert again does."""
    client = raw
    feed = "CREATE MATERIALIZED VIEW late_feed TO late AS SELECT offset FROM raw"
    client.command("CREATE TABLE late (offset Int64) ENGINE = MergeTree ORDER BY offset "
                   "SETTINGS non_replicated_deduplication_window = 10000")  # fmt: skip
    client.command(feed)
    ch.insert(client, "raw", block(0, 9), "1-t-0-0-9")
    client.command("DROP VIEW late_feed")  # as after a failure between the table's part and the view's
    ch.insert(client, "raw", block(10, 19), "1-t-0-10-19")
    client.command(feed)
    first = number(client, "SELECT max(offset) FROM raw") + 1
    ch.insert(client, "raw", block(first, 29), f"1-t-0-{first}-29")
    assert number(client, "SELECT count() FROM raw") == 30
    assert number(client, "SELECT count() FROM late") == 20, "ten rows short, for good"
    ch.insert(client, "raw", block(10, 19), "1-t-0-10-19")
    assert number(client, "SELECT count() FROM raw") == 30
    assert number(client, "SELECT count() FROM late") == 30


def test_rows_a_constraint_refuses_are_found_without_inserting_anything(raw: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client = raw
    client.command("ALTER TABLE raw ADD CONSTRAINT small CHECK value < 100")
    frame = block(30, 79).with_columns(value=pl.when(pl.col("offset").is_in([30, 41, 79])).then(1000).otherwise(1).cast(pl.Int64))
    with pytest.raises(ClickHouseError) as refused:
        ch.insert(client, "raw", frame, "1-t-0-30-79")
    assert ch.advice(refused.value) is ch.Advice.REFUSE
    assert refused_by_server(client, "raw", "t-0", frame, refused.value) == [0, 11, 49]
    assert number(client, f"SELECT count() FROM system.tables WHERE name = '{scratch_name('raw', 't-0')}'") == 0
    assert number(client, "SELECT count() FROM raw") == 0, "trying leaves nothing behind"
    monkeypatch.setattr(refusals, "PROBES", 5)
    with pytest.raises(TableAtFault, match="table is at fault"):
        refused_by_server(client, "raw", "t-0", frame.with_columns(value=pl.lit(1000, pl.Int64)), refused.value)
    assert number(client, f"SELECT count() FROM system.tables WHERE name = '{scratch_name('raw', 't-0')}'") == 0


def test_a_missing_table_is_not_a_matter_of_waiting(raw: Client) -> None:
    with pytest.raises(ClickHouseError) as absent:
        ch.insert(raw, "nowhere", block(0, 1), "x")
    assert ch.advice(absent.value) is ch.Advice.STOP
