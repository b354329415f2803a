"""Compares what ClickHouse answers with the oracle: rows, values in force, panes, windows, results, rankings, conditions, alerts, messages.

Everything is asked through SQL over the HTTP interface, as the board asks it; the oracle folds the inputs, read back from the topics, one
by one. Tables whose key is the row's origin are counted without collapsing, so a row that went in twice cannot hide.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from clickhouse_connect.driver.client import Client

from indicators.observation import Observation
from sinks import clickhouse
from tests.fault.long_oracle import LongOracle
from tests.fault.verdict import Verdict, expected_ranks, expected_rates, expected_river_conditions
from tests.fault.worker import GROUPS as WORKED
from transport.registry import Registry
from transport.settings import Settings
from transport.state_reader import read_partition
from transport.topics import GROUPS

UNMERGED = ("observations", "conditions", "alert_events")
"""Tables kept from merging by `hold_merges`, and counted row by row."""
RIVER = "TV-MUC-NUOC-BAO-DONG"
WINDOWS = ("h1", "h24", "d7", "d30", "month", "quarter", "ytd")
NUMBERS = ("sum", "min", "max", "last")

Step = tuple[str, int, str, int]
"""One step of an alert: series, offset of the input that caused it, transition, severity after it."""


def hold_merges(client: Client) -> None:
    """Keep the tables of `UNMERGED` as they were inserted: a doubled row stays to be seen."""
    for name in UNMERGED:
        client.command(f"ALTER TABLE {name} MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1")


class Stored(Verdict):
    """The verdict on ClickHouse's answers; `compared`, `wrong` and `examples` as in `Verdict`."""

    def __init__(self, settings: Settings, registry: Registry, client: Client) -> None:
        super().__init__(settings, registry)
        self._client = client
        self.oracles: dict[tuple[str, int], LongOracle] = {}
        self._raw: dict[tuple[str, int], list[Decimal]] = {}
        self._forced: dict[tuple[str, str, int], tuple[int, int, Observation]] = {}
        self.alerts_missed = self.alerts_repeated = 0

    def check(self) -> Counter[str]:
        """Everything; returns the counts of wrong rows by kind (empty: exact)."""
        for group in WORKED:
            for p in range(GROUPS[group]):
                self._read(group, p)
        self._observations()
        self._values_in_force()
        self._stored_panes()
        self._stored_aggregates()
        self._stored_results()
        steps = self._stored_conditions()
        self._alerts(steps)
        self._messages(steps)
        return self.wrong

    def lost(self, sent: set[int]) -> int:
        """How many of these observations (hash of tests.fault.spool.Identity) are in no row."""
        with self._client.query_rows_stream("SELECT series, source_record_id, revision FROM observations") as rows:
            return len(sent - {hash(tuple(row)) for row in rows})

    def doubled(self) -> int:
        """Rows of the tables of `UNMERGED` beyond one a message."""
        return sum(int(self._rows(f"SELECT count() - uniqExact(topic, partition, offset) FROM {name}")[0][0]) for name in UNMERGED)

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._client.query(sql).result_rows]

    def _read(self, group: str, p: int) -> None:
        """Fold one partition's inputs, and note what the raw rows must add up to."""
        oracle = self.oracles[group, p] = LongOracle(self.vocabulary, self.rules)
        values = self._raw[group, p] = []
        for offset, o in self._inputs(f"{self.settings.topic_prefix}obs.{group}", p):
            oracle.add(o, offset)
            self.compared["inputs"] += 1
            values.append(o.value if o.value is not None else Decimal(0))
            if o.period_type != "instant":
                key = (o.series().key(), o.period_type, o.period_start)
                self._forced[key] = max(self._forced.get(key, (-1, 0, o)), (o.revision, -offset, o), key=lambda found: found[:2])

    def _inputs(self, topic: str, p: int) -> Iterator[tuple[int, Observation]]:
        for batch in read_partition(self.settings, topic, p):
            for message in batch:
                value = message.value()
                assert isinstance(value, bytes)
                record = self._decoders["observation"].decode(value)
                record["dimensions"] = tuple((d["name"], d["value"]) for d in record["dimensions"])
                record["quality_flags"] = tuple(record["quality_flags"])
                yield message.offset() or 0, Observation(**record)

    def _observations(self) -> None:
        """Every input is one row: counted as inserted, by origin, and summed."""
        found = {
            (topic.removeprefix(f"{self.settings.topic_prefix}obs."), p): row
            for topic, p, *row in self._rows(
                "SELECT topic, partition, count(), uniqExact(offset), max(offset) + 1, sum(ifNull(value, 0)), max(ifNull(value, 0)) "
                "FROM observations GROUP BY topic, partition"
            )
        }
        for place, values in self._raw.items():
            n = len(values)
            want = [n, n, n, sum(values), max(values, default=Decimal(0))]
            self._note("observations", found.get(place, [0, 0, 0, 0, 0]) == want, (place, found.get(place), want))
            self.compared["observation_rows"] += n
        for name in UNMERGED[1:]:
            ((rows, distinct),) = self._rows(f"SELECT count(), uniqExact(topic, partition, offset) FROM {name}")
            self._note(f"{name}_once", rows == distinct, (name, rows, distinct))

    def _values_in_force(self) -> None:
        """Latest value per series and period: the highest revision, of equal ones the first; a deletion leaves none."""
        rows = self._rows("SELECT series, period_type, toUnixTimestamp64Milli(period_start), value, revision FROM latest_values")
        found = {row[:3]: row[3:] for row in rows}
        want = {key: (o.value, revision) for key, (revision, _, o) in self._forced.items() if o.status != "deleted"}
        self._compare("values", found, want)

    def _stored_panes(self) -> None:
        found = {}
        for series, kind, pane, year, count, *numbers in self._rows(
            f"SELECT series, kind, pane, budget_year, count, {', '.join(NUMBERS)} FROM latest_panes"
        ):
            code = pane
            if kind == "month":
                code = pane * 4 + (3 if not year else min(max(year - 1970 - pane // 12 + 1, 0), 2))
            found[series, kind, code] = (count, *(int(n.scaleb(6)) for n in numbers))
        want = {key: numbers for oracle in self.oracles.values() for key, numbers in oracle.panes().items()}
        self._compare("panes", found, want)

    def _stored_aggregates(self) -> None:
        columns = ", ".join(f"{w}_count, {w}_sum" for w in WINDOWS)
        found = {}
        for series, at, latest, *numbers in self._rows(
            f"SELECT series, toUnixTimestamp64Milli(latest_time), latest, {columns} FROM latest_aggregates"
        ):
            pairs = zip(numbers[::2], numbers[1::2], strict=True)
            found[series] = (at, int(latest.scaleb(6)), [(count, int(total.scaleb(6))) for count, total in pairs])
        want = {}
        for oracle in self.oracles.values():
            for series in {key[0] for key in oracle.touched}:
                newest = oracle.newest(series)
                if newest is not None:
                    windows = oracle.windows(series)
                    want[series] = (newest.time, newest.value, [windows[w][:2] for w in WINDOWS])
        self._compare("aggregates", {s: row for s, row in found.items() if s in want}, want)

    def _stored_results(self) -> None:
        """Disbursement rates of each month, and the provinces' places."""
        rates = expected_rates([oracle for (group, _), oracle in self.oracles.items() if group == "finance_budget"])
        start = "toUnixTimestamp64Milli(period_start)"
        ratios = self._rows(f"SELECT result, {start}, value, numerator FROM latest_derived WHERE kind != 'rank'")
        found = {f"{result}|{at}": (value, numerator) for result, at, value, numerator in ratios}
        self._compare("ratios", {k: v for k, v in found.items() if k in rates}, rates)
        ranks = self._rows(f"SELECT result, territory, {start}, rank FROM latest_derived WHERE formula = 'F02.rank'")
        places = {f"{result}|{territory}|{at}": rank for result, territory, at, rank in ranks}
        self._compare("ranks", places, expected_ranks(rates))

    def _stored_conditions(self) -> list[Step]:
        """Conditions of the river rule, in order; returns the steps their alerts must take."""
        want: dict[str, list[tuple[int, str, int]]] = {}
        for (group, _), oracle in self.oracles.items():
            if group == "emergency":
                want |= expected_river_conditions(oracle, self.vocabulary)
        found: dict[str, list[tuple[int, str, int]]] = defaultdict(list)
        for series, *row in self._rows(
            f"SELECT series, through, transition, severity FROM conditions WHERE rule = '{RIVER}' ORDER BY topic, partition, offset"
        ):
            found[series].append((row[0], row[1], row[2]))
        self._compare("conditions", found, want)
        self.compared["condition_rows"] = sum(map(len, want.values()))
        return [(series, at, told_as(what, severity), severity) for series, story in want.items() for at, what, severity in story]

    def _alerts(self, steps: list[Step]) -> None:
        """One event for each condition, none twice; an alert is open where its last condition says so; every result's row has its story."""
        rows = self._rows("SELECT series, through, transition, severity, event_id, rule, alert_id FROM alert_events")
        self._compare_told("alert_events", Counter(row[:4] for row in rows if row[5] == RIVER), Counter(steps))
        self._note("event_ids", len({row[4] for row in rows}) == len(rows), len(rows))
        last = {series: severity for series, _, _, severity in steps}
        open_now = dict(self._rows(f"SELECT series, max(severity) FROM open_alerts WHERE rule = '{RIVER}' GROUP BY series"))
        self._compare("open_alerts", open_now, {s: severity for s, severity in last.items() if severity})
        told = {(row[6], row[1], row[3]) for row in rows if row[5] != RIVER}
        said = set(self._rows(f"SELECT alert_id, through, severity FROM conditions WHERE rule != '{RIVER}'"))
        self._compare("result_events", dict.fromkeys(told, 1), dict.fromkeys(said, 1))

    def _messages(self, steps: list[Step]) -> None:
        """Each message asked for once, as many as the rule's offices and channels; on the console handed over exactly once."""
        sql = (
            "SELECT e.series, e.through, count(), uniqExact(n.notification_key) FROM notifications AS n "
            f"JOIN alert_events AS e ON e.event_id = n.event_id WHERE n.part = 'requests' AND e.rule = '{RIVER}' GROUP BY ALL"
        )
        found = {(series, through): (count, distinct) for series, through, count, distinct in self._rows(sql)}
        rule, peaks, want = self.rules.rules[RIVER], dict[str, int](), {}
        for series, through, what, severity in steps:
            peak = peaks[series] = severity if what == "opened" else max(peaks[series], severity)
            offices = {name for step, names in rule.audience.items() if step <= peak for name in names}
            number = len(offices) * len(rule.channels[max(s for s in rule.channels if s <= peak)])
            want[series, through] = (number, number)
        self._compare("requests", found, want)
        self.compared["notifications"] = sum(n for n, _ in want.values())
        asked = self._rows("SELECT DISTINCT notification_key FROM notifications WHERE part = 'requests' AND channel = 'console'")
        lines = (self.settings.data_dir / "alerts.log").read_text("utf-8").splitlines()
        shown = Counter(json.loads(line)["key"] for line in lines)
        self._compare_told("console", shown, Counter(str(key) for (key,) in asked))
        states = dict(self._rows("SELECT state, count() FROM latest_notifications GROUP BY state"))
        self._note("states", states.keys() <= {"handed_over", "receipted", "recorded"}, states)

    def _compare_told(self, kind: str, found: Counter[Any], want: Counter[Any]) -> None:
        """As `_compare`, counting what nobody was told and what was told again."""
        self.alerts_missed += (want - found).total()
        self.alerts_repeated += (found - want).total()
        self._compare(kind, found, want)

    def _compare(self, kind: str, found: Any, want: Any) -> None:
        for key in want.keys() | found.keys():
            self._note(kind, found.get(key) == want.get(key), (key, found.get(key), want.get(key)))


def told_as(transition: str, severity: int) -> str:
    """What the story calls a condition: a correction after which nothing is left of the reason is a cancellation."""
    return "cancelled" if transition == "corrected" and not severity else transition


def judge(settings: Settings) -> Stored:
    """The whole verdict on the installation's database."""
    with clickhouse.connected(settings) as client, Registry(settings) as registry:
        stored = Stored(settings, registry, client)
        stored.check()
        return stored
