"""Public finance, generated: assigned plans, disbursement entries with reversals and back-dating, daily tax receipts, revenue estimates.

Disbursement follows the path of a real year: slow at first, a surge at the end of each month and in December. Some provinces are
slow on purpose: they reach little more than half of the path.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from indicators.calendar import WorkingCalendar
from indicators.vocabulary import Vocabulary
from producers.generator.dice import dice
from producers.tax import COLUMNS, ESTIMATE_COLUMNS
from producers.treasury import PLAN_COLUMNS

BILLION = 1_000_000_000
PATH = dict(zip(range(1, 13), (0.04, 0.09, 0.15, 0.23, 0.31, 0.40, 0.48, 0.56, 0.66, 0.75, 0.85, 0.96), strict=True))
"""Month → share of the plan disbursed by its end, for a province that keeps pace."""
SLOW_PROVINCES = 5
BIG = {"01": 6.0, "79": 8.0, "31": 2.5, "48": 2.2, "75": 2.4, "22": 2.0, "38": 1.8, "40": 1.6, "24": 1.6, "92": 1.4}
"""Weights of the large budgets by province."""
CUTS = (("GTGT", "NQD", 0.30), ("GTGT", "DTNN", 0.14), ("TNDN", "DNNN", 0.16), ("TNDN", "NQD", 0.22), ("TNCN", "HCN", 0.18))
"""Kind of tax, sector of the payer, share of a province's receipts."""
REVERSAL_LAG_DAYS = 5


@dataclass(frozen=True, slots=True)
class Entry:
    """A generated entry before it is written: `fate` is what becomes of it: stays, full, partial."""

    number: str
    effective: date
    province: str
    project: str
    amount: int
    fate: str


class Finance:
    """The generator for one seed; nothing refers to entries before `start`."""

    def __init__(self, vocabulary: Vocabulary, calendar: WorkingCalendar, seed: int, start: date = date.min) -> None:
        self._calendar, self._seed, self._start = calendar, seed, start
        self._provinces = tuple(sorted(t.code for t in vocabulary.territories("province")))
        projects: dict[str, list[str]] = {p: [] for p in self._provinces}
        for subject in vocabulary.subjects("project"):
            province = vocabulary.ancestor(subject.territory, "province")
            if province in projects:
                projects[province].append(subject.id)
        self._projects = {p: sorted(ids) for p, ids in projects.items() if ids}
        self.slow = frozenset(dice(seed, "slow").sample([p for p in self._provinces if p not in BIG], SLOW_PROVINCES))
        self._entries_of = lru_cache(maxsize=16)(self._entries)

    def plan(self, province: str) -> int:
        """The Prime Minister's plan of the year in đồng."""
        base = 4_500 * BIG.get(province, 1.0) * dice(self._seed, "plan", province).uniform(0.8, 1.3)
        return round(base) * BILLION

    def plans_csv(self, year: int) -> bytes:
        """Plans of all provinces of a budget year; decided in December before."""
        rows: list[Sequence[object]] = []
        for province in self._provinces:
            plan = self.plan(province)
            for kind, share in (("TTG", 1.0), ("DP", 0.22), ("KD", 0.06)):
                rows.append((province, year, kind, f"{kind}-{year}", f"{year - 1}-12-{18 if kind == 'TTG' else 26}", 0,
                             int(plan * share) // BILLION * BILLION, "generated"))  # fmt: skip
        return _csv((*PLAN_COLUMNS, "ghi_chu"), rows)

    def estimates_csv(self, year: int) -> bytes:
        """Revenue estimates of all provinces."""
        rows = [(p, year, f"DT-{year}", f"{year - 1}-12-10", 0, self._estimate(p), "generated") for p in self._provinces]
        return _csv((*ESTIMATE_COLUMNS, "ghi_chu"), rows)

    def entries_jsonl(self, day: date) -> bytes | None:
        """The treasury's file of one day with its reversals; None on days off."""
        if not self._calendar.is_working_day(day):
            return None
        records = [_record(e, day, None) for e in self._entries_of(day)] + list(self._reversals(day))
        total = sum(int(str(r["amount_vnd"])) for r in records)
        records.append({"trailer": {"entries": len(records), "total_vnd": total}})
        return b"".join(json.dumps(r, ensure_ascii=False).encode() + b"\n" for r in records)

    def receipts(self, day: date) -> tuple[bytes, bytes] | None:
        """(CSV of the provinces up to code 46, JSON of the others); None on days off."""
        if not self._calendar.is_working_day(day):
            return None
        rows = [(p, day.isoformat(), tax, sector, self._receipt(p, day, tax, share), 1, "generated")
                for p in self._provinces for tax, sector, share in CUTS]  # fmt: skip
        report = {
            "date": day.isoformat(), "version": 1, "generated": True,
            "receipts": [{"area": r[0], "tax": r[2], "sector": r[3], "amount_vnd": r[4]} for r in rows if str(r[0]) > "46"],
        }  # fmt: skip
        north = [r for r in rows if str(r[0]) <= "46"]
        return _csv((*COLUMNS, "ghi_chu"), north), json.dumps({"report": report}, ensure_ascii=False).encode()

    def corrected_receipts(self, day: date) -> bytes | None:
        """Version 2 of one province's receipts of an earlier day, about once a month."""
        random = dice(self._seed, "correction", day)
        if not self._calendar.is_working_day(day) or random.random() > 0.05:
            return None
        province = random.choice(self._provinces)
        rows = [(province, day.isoformat(), tax, sector, int(self._receipt(province, day, tax, share) * 0.97), 2, "generated")
                for tax, sector, share in CUTS]  # fmt: skip
        return _csv((*COLUMNS, "ghi_chu"), rows)

    def _estimate(self, province: str) -> int:
        return round(self.plan(province) / BILLION * dice(self._seed, "estimate", province).uniform(1.6, 2.6)) * BILLION

    def _receipt(self, province: str, day: date, tax: str, share: float) -> int:
        random = dice(self._seed, "tax", province, day, tax, share)
        season = 2.6 if tax == "GTGT" and 18 <= day.day <= 21 else 1.0
        if tax == "TNDN":
            season = 6.0 if day.day >= 25 and day.month in (1, 4, 7, 10) else 0.6
        return int(self._estimate(province) / 250 * share * season * random.lognormvariate(0, 0.25)) // 1000 * 1000

    def _day_share(self, day: date) -> float:
        """Share of the year's plan that falls on a working day: the month's share, with the last five working days counting triple."""
        month_share = PATH[day.month] - PATH.get(day.month - 1, 0.0)
        first = day.replace(day=1)
        following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
        days = [d for d in (first + timedelta(n) for n in range((following - first).days)) if self._calendar.is_working_day(d)]
        weights = [3.0 if d in days[-5:] else 1.0 for d in days]
        return month_share * weights[days.index(day)] / sum(weights)

    def _entries(self, day: date) -> tuple[Entry, ...]:
        if not self._calendar.is_working_day(day):
            return ()
        share, entries = self._day_share(day), []
        for province, projects in self._projects.items():
            random = dice(self._seed, "entries", province, day)
            pace = (0.56 if province in self.slow else 1.0) * random.uniform(0.7, 1.3)
            amount = self.plan(province) * share * pace
            chosen = random.sample(projects, min(len(projects), random.choice((1, 1, 2, 3))))
            for index, project in enumerate(chosen):
                part = int(amount / len(chosen)) // 1000 * 1000
                if part <= 0:
                    continue
                back = random.choice((1, 2, 3, 8)) if random.random() < 0.03 else 0
                effective = max(day - timedelta(back), day.replace(month=1, day=1))
                fate = random.choices(("stays", "full", "partial"), (985, 10, 5))[0]
                entries.append(Entry(f"00{province}-{day:%Y%m%d}-{index + 1:07d}", effective, province, project, part, fate))
        return tuple(entries)

    def _reversals(self, day: date) -> Iterator[dict[str, object]]:
        origin = day - timedelta(REVERSAL_LAG_DAYS)
        if origin < self._start:
            return
        for entry in self._entries_of(origin):
            if entry.fate != "stays":
                amount = -entry.amount if entry.fate == "full" else -(entry.amount // 4)
                number = f"{entry.number[:4]}-{day:%Y%m%d}-9{entry.number[-6:]}"
                yield _record(Entry(number, day, entry.province, entry.project, amount, ""), day, entry.number)


def _record(entry: Entry, posted: date, reversal_of: str | None) -> dict[str, object]:
    hour = 8 + int(entry.number[-2:]) % 8
    return {
        "entry": entry.number, "posted_at": f"{posted.isoformat()}T{hour:02d}:12:44+07:00", "effective_date": entry.effective.isoformat(),
        "budget_year": posted.year,
        "segments": {
            "fund": "01", "account": "8211", "economic_content": "9301", "budget_level": "2", "unit": entry.project, "area": entry.province,
            "chapter": "599", "sector": "292", "programme": "00000", "treasury": f"00{entry.province}", "source": "42", "reserve": "000",
        },
        "amount_vnd": entry.amount, "reversal_of": reversal_of, "generated": True,
    }  # fmt: skip


def _csv(header: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    lines = [",".join(header), *(",".join(str(c) for c in row) for row in rows)]
    return ("\n".join(lines) + "\n").encode()
