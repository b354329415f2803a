"""What the tests of alerts on real brokers share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.alerts.broker import Bench
from transport.settings import Settings


@pytest.fixture
def bench(settings: Settings) -> Iterator[Bench]:
    """The topics of one test, to write to and to read."""
    made = Bench(settings)
    yield made
    made.close()
