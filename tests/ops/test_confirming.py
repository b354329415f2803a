"""Confirming: by whom, only what is still what was seen, audited without values; from ClickHouse as it stands there."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest
from clickhouse_connect.driver.client import Client

from indicators.obligation import period_named
from indicators.vocabulary import Vocabulary
from ops.commands.confirm import deed_of
from ops.confirming import ConfirmError, confirmable, in_force, token_of
from producers.confirmations import Confirmation
from sinks.clickhouse import rows
from tests.producers.test_embargo import CPI, RELEASE, figure
from tests.sinks.test_questions import fill
from transport.settings import HOME, Settings

WORDS = Vocabulary.load(HOME)
SEEN = [figure(), figure(source_record_id="y", territory="31", status="revised", revision=1)]


@pytest.mark.parametrize(
    "change", [{"value": Decimal("103.4")}, {"revision": 1}, {"status": "revised"}, {"source_record_id": "z"}, {"text": "khác"}]
)
def test_figures_that_changed_since_they_were_seen_are_not_confirmed(change: dict[str, object]) -> None:
    now = [replace(SEEN[0], **change), SEEN[1]]  # type: ignore[arg-type]
    with pytest.raises(ConfirmError, match="đã thay đổi"):
        confirmable(now, "NSO", token_of(SEEN), WORDS)
    with pytest.raises(ConfirmError, match="đã thay đổi"):
        confirmable([*SEEN, figure(source_record_id="new")], "NSO", token_of(SEEN), WORDS)


def test_who_supplies_or_answers_for_a_figure_may_confirm_it_and_nobody_else() -> None:
    token = token_of(SEEN)
    assert token == token_of(SEEN[::-1])
    assert confirmable(SEEN, "NSO", token, WORDS) == SEEN
    with pytest.raises(ConfirmError, match="MOH không cung cấp"):
        confirmable(SEEN, "MOH", token, WORDS)
    other = [replace(o, agency="MOH") for o in SEEN]
    assert confirmable(other, "MOH", token, WORDS) == other


def test_what_is_confirmed_is_not_confirmed_again() -> None:
    mixed = [replace(SEEN[0], status="official"), SEEN[1]]
    assert confirmable(mixed, "NSO", token_of(mixed), WORDS) == [SEEN[1]]
    done = [replace(o, status="official") for o in SEEN]
    with pytest.raises(ConfirmError, match="chờ xác nhận"):
        confirmable(done, "NSO", token_of(done), WORDS)


def test_the_line_of_the_audit_names_series_and_revisions_and_no_value() -> None:
    line = json.loads(deed_of(SEEN, (CPI, "2026-03", "abc"), ("an", "NSO", "20/TB-CTK"), RELEASE).body())
    assert (line["did"], line["actor"], line["on"], line["with"]) == ("catalogue.confirm", "an", f"{CPI} 2026-03", "abc")
    assert line["facts"]["series"] == [f"{CPI}||VN|||actual r0", f"{CPI}||31|||actual r1"]
    assert (line["facts"]["document"], line["facts"]["authority"]) == ("20/TB-CTK", "NSO")
    assert "103" not in json.dumps(line)


@pytest.mark.loopback
def test_what_stands_is_read_whole_and_its_confirmation_stands_after_it(settings: Settings, database: Client) -> None:
    period = period_named("2026-03")
    first = figure(text="số sơ bộ", quality_flags=("generated",), lon=105.8, lat=21.0, published_at=RELEASE, trace_id="ab")
    second = replace(first, revision=1, value=Decimal("103.400000"))
    gone = figure(source_record_id="g", territory="31")
    sent = [first, second, gone, replace(gone, revision=1, status="deleted", value=None), figure(source_record_id="p", figure="forecast")]
    fill(database, "obs.prices", [o.record() for o in sent], [o.series().key().encode() for o in sent])

    def standing() -> list[object]:
        return list(in_force(lambda sql, values: rows(database, sql, values), (CPI, ""), period, ""))

    assert standing() == [second]
    [confirmed] = Confirmation.of("NSO", "20/TB-CTK", [second]).figures
    fill(database, "obs.localities", [confirmed.record()], [confirmed.series().key().encode()])
    assert standing() == [replace(second, status="official", revision=2)]
    assert list(in_force(lambda sql, values: rows(database, sql, values), (CPI, ""), period, "01")) == []
