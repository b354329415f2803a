"""Controls that no other test shows: send futures that nobody awaits, and a ledger that does not outlive its process."""

from __future__ import annotations

import pytest

from tests.fault.controls import futures_not_awaited, ledger_off
from transport.settings import Settings


@pytest.mark.stack
@pytest.mark.timeout(120)
def test_a_commit_that_awaits_nothing_passes_over_refused_rows(settings: Settings) -> None:
    seen = futures_not_awaited(settings)
    assert seen.kept == 0, "an awaited commit must not make the position visible"
    assert seen.without == 1
    assert seen.caught


@pytest.mark.stack
@pytest.mark.timeout(300)
def test_without_the_ledger_requests_read_again_are_told_again(settings: Settings) -> None:
    seen = ledger_off(settings)
    assert seen.kept == 0
    assert seen.caught
