"""Compares every committed row with the oracle: panes, aggregates, conditions, derived rows, rankings.

The inputs are read back from the topics, so the oracle sees exactly what the worker saw; it folds them one by one, from scratch.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from indicators.observation import Observation
from indicators.rule import RuleBook
from indicators.vocabulary import Vocabulary
from tests.fault.long_oracle import LongOracle
from tests.fault.worker import GROUPS as WORKED
from tests.stream_processors.oracle import Oracle
from transport.columnar_writer import AvroDecoder
from transport.registry import Registry
from transport.settings import Settings
from transport.state_reader import newest_rows, read_partition
from transport.topics import GROUPS

POSITION = b"\x00pos"
LETTERS = {"h": "hour", "d": "day", "m": "month", "y": "budget_year"}


class Verdict:
    """Counts of what was compared and of what is wrong, with the first examples."""

    def __init__(self, settings: Settings, registry: Registry) -> None:
        self.settings = settings
        self.vocabulary, self.rules = Vocabulary.load(settings.home), RuleBook.load(settings.home)
        self._decoders = {n: AvroDecoder(n, registry.schema) for n in ("observation", "pane", "aggregate", "derived", "condition")}
        self.compared: Counter[str] = Counter()
        self.wrong: Counter[str] = Counter()
        self.examples: list[Any] = []

    def check(self) -> Counter[str]:
        """Everything; returns the counts of wrong rows by kind (empty: exact)."""
        finance: list[Oracle] = []
        for group in WORKED:
            for p in range(GROUPS[group]):
                oracle = self._fold(group, p)
                self._panes(group, p, oracle)
                self._aggregates(group, p, oracle)
                self._conditions(group, p, oracle)
                if group == "finance_budget":
                    finance.append(oracle)
        self._results(finance)
        return self.wrong

    def _note(self, kind: str, ok: bool, example: Any) -> None:
        self.compared[kind] += 1
        if not ok:
            self.wrong[kind] += 1
            if len(self.examples) < 8:
                self.examples.append((kind, example))

    def _newest(self, topic: str, p: int) -> dict[bytes, bytes]:
        return newest_rows(self.settings, self.settings.topic_prefix + topic, p)

    def _fold(self, group: str, p: int) -> Oracle:
        oracle = LongOracle(self.vocabulary, self.rules)
        for batch in read_partition(self.settings, f"{self.settings.topic_prefix}obs.{group}", p):
            for message in batch:
                value = message.value()
                assert isinstance(value, bytes)
                record = self._decoders["observation"].decode(value)
                record["dimensions"] = tuple((d["name"], d["value"]) for d in record["dimensions"])
                record["quality_flags"] = tuple(record["quality_flags"])
                oracle.add(Observation(**record), message.offset() or 0)
                self.compared["inputs"] += 1
        return oracle

    def _panes(self, group: str, p: int, oracle: Oracle) -> None:
        found = {}
        for key, value in self._newest(f"panes.{group}", p).items():
            series, _, pane = key.decode().rpartition("|")
            row = self._decoders["pane"].decode(value)
            numbers = tuple(int(row[n].scaleb(6)) for n in ("sum", "min", "max", "last"))
            found[series, LETTERS[pane[0]], int(pane[1:])] = (row["count"], *numbers)
        expected = oracle.panes()
        for pane_key in expected.keys() | found.keys():
            self._note("panes", found.get(pane_key) == expected.get(pane_key), (pane_key, found.get(pane_key), expected.get(pane_key)))

    def _aggregates(self, group: str, p: int, oracle: Oracle) -> None:
        rows = self._newest(f"agg.{group}", p)
        rows.pop(POSITION, None)
        series = {k[0] for k in oracle.touched}
        for key in series:
            newest = oracle.newest(key)
            value = rows.get(key.encode())
            if newest is None or value is None:
                self._note("aggregates", newest is None, (key, "missing"))
                continue
            row = self._decoders["aggregate"].decode(value)
            got = {n: (row[f"{n}_count"], int(row[f"{n}_sum"].scaleb(6))) for n in ("h1", "h24", "d7", "d30", "month", "quarter", "ytd")}
            want = {n: w[:2] for n, w in oracle.windows(key).items()}
            ok = got == want and (row["latest_time"], int(row["latest"].scaleb(6))) == (newest.time, newest.value)
            self._note("aggregates", ok, (key, got, want))

    def _conditions(self, group: str, p: int, oracle: Oracle) -> None:
        """Every condition ever written, in order: read from a topic whose compaction is off in the tests."""
        if group != "emergency":
            return
        got: dict[str, list[tuple[int, str, int]]] = defaultdict(list)
        for batch in read_partition(self.settings, f"{self.settings.topic_prefix}alerts.conditions.emergency", p):
            for message in batch:
                value = message.value()
                if isinstance(value, bytes):
                    row = self._decoders["condition"].decode(value)
                    if row["rule"] == "TV-MUC-NUOC-BAO-DONG":
                        got[row["series"]].append((row["through"], row["transition"], row["severity"]))
        want = expected_river_conditions(oracle, self.vocabulary)
        for series in got.keys() | want.keys():
            self._note("conditions", got.get(series, []) == want.get(series, []), (series, got.get(series), want.get(series)))
            self.compared["condition_rows"] += len(want.get(series, []))

    def _results(self, oracles: list[Oracle]) -> None:
        """Disbursement of the provinces and the country against the plan, per month, and the ranking."""
        rows: dict[str, dict[str, Any]] = {}
        for p in range(GROUPS["finance_budget"]):
            for raw, value in self._newest("derived.finance_budget", p).items():
                if raw != POSITION:
                    rows[raw.decode()] = self._decoders["derived"].decode(value)
        rates = expected_rates(oracles)
        for key, (number, numerator) in rates.items():
            row = rows.get(key)
            ok = row is not None and row["value"] == number and row["numerator"] == numerator
            self._note("ratios", ok, (key, row and (row["value"], row["numerator"]), number, numerator))
        for key, rank in expected_ranks(rates).items():
            row = rows.get(key)
            self._note("ranks", row is not None and row["rank"] == rank, (key, row and row["rank"], rank))


def expected_river_conditions(oracle: Oracle, vocabulary: Vocabulary) -> dict[str, list[tuple[int, str, int]]]:
    """The rule on river levels, told again without the machine: levels bd1–bd3, clear 0.2 m below for an hour."""
    out: dict[str, list[tuple[int, str, int]]] = defaultdict(list)
    state: dict[str, tuple[int, int | None]] = {}
    seen: dict[str, int] = {}
    for series, at, value, corrected, offset in oracle.readings:
        if "river_level" not in series:
            continue
        subject = vocabulary.subject("station", series.split("|")[3].split(":")[1])
        assert subject is not None
        limits = [int(subject.limits[n].scaleb(6)) for n in ("bd1", "bd2", "bd3") if n in subject.limits]
        at = seen[series] = max(at, seen.get(series, 0))
        severity, falling = state.get(series, (0, None))
        raised = max((s for s, limit in zip((2, 3, 4), limits, strict=False) if value >= limit), default=0)
        held = max((s for s, limit in zip((2, 3, 4), limits, strict=False) if s <= severity and value >= limit - 200_000), default=0)
        if raised > severity:
            out[series].append((offset, "opened" if not severity else "worse", raised))
            state[series] = (raised, None)
        elif severity and held < severity:
            falling = at if falling is None else falling
            if at - falling >= 3_600_000:
                name = "corrected" if corrected else "better" if held else "cleared"
                out[series].append((offset, name, held))
                state[series] = (held, None)
            else:
                state[series] = (severity, falling)
        else:
            state[series] = (severity, None)
    return out


def expected_rates(oracles: list[Oracle]) -> dict[str, tuple[Decimal, Decimal]]:
    """Key of the derived row → rate and numerator: entries of the year up to each month with any, over the newest plan."""
    months: dict[str, Counter[int]] = defaultdict(Counter)
    live: dict[str, set[int]] = defaultdict(set)
    plans: dict[str, int] = {}
    for oracle in oracles:
        for (series, kind, code), numbers in oracle.panes().items():
            territory, figure = series.split("|")[2], series.split("|")[5]
            if figure == "plan_pm" and kind == "budget_year" and numbers[0]:
                plans[territory] = numbers[1]
            if figure == "actual" and kind == "month" and numbers[0]:
                months[territory][code // 4] += numbers[1]
                live[territory].add(code // 4)
    for territory in list(months):
        months["VN"] += Counter()
        for month, total in months[territory].items():
            months["VN"][month] += total
        live["VN"] |= live[territory]
    plans["VN"] = sum(plans[t] for t in plans if t != "VN")
    out = {}
    for territory, by_month in months.items():
        for month in sorted(live[territory]):
            numerator = sum(total for m, total in by_month.items() if m <= month)
            rate = (Decimal(numerator) / Decimal(plans[territory]) * 100).quantize(Decimal("0.01"), ROUND_HALF_UP)
            formula = "F02.country" if territory == "VN" else "F02.province"
            start = _month_start(month)
            out[f"{formula}|{territory}|||2026|{start}"] = (rate, Decimal(numerator).scaleb(-6))
    return out


def expected_ranks(rates: dict[str, tuple[Decimal, Decimal]]) -> dict[str, int]:
    """Key of the ranking's row → place, highest rate first, equal rates share a place."""
    by_member: dict[str, dict[int, Decimal]] = defaultdict(dict)
    for key, (rate, _) in rates.items():
        formula, territory, *_, start = key.split("|")
        if formula == "F02.province":
            by_member[territory][int(start)] = rate
    out = {}
    for at in {s for periods in by_member.values() for s in periods}:
        newest = {t: max((s, r) for s, r in periods.items() if s <= at)[1] for t, periods in by_member.items() if min(periods) <= at}
        for territory, rate in newest.items():
            out[f"F02.rank|VN|||2026|{territory}|{at}"] = 1 + sum(other > rate for other in newest.values())
    return out


def _month_start(month: int) -> int:
    from datetime import datetime, timedelta, timezone

    at = datetime(1970 + month // 12, month % 12 + 1, 1, tzinfo=timezone(timedelta(hours=7)))
    return int(at.timestamp() * 1000)
