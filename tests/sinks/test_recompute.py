"""The short form of `python -m tests.fault.recompute`: incremental results are those of one SQL statement over all records."""

from __future__ import annotations

import pytest
from clickhouse_connect.driver.client import Client

from tests.fault.recompute import run
from transport.settings import Settings


@pytest.mark.loopback
@pytest.mark.timeout(400)
def test_incremental_results_are_those_of_a_full_recomputation(settings: Settings, database: Client) -> None:
    found = run(settings, database, 4_000, seed=3)
    assert found.wrong == []
    assert found.results > 500
    assert found.revisions > 100
    assert found.late > 50
