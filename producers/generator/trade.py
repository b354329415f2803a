"""Customs declarations, generated: EDIFACT interchanges of the northern offices and JSON of the southern, with amendments and
cancellations.

Each declaration has a fate fixed by the seed: it stays, is sorted into its channel the next day (a change of the series), has its value
or market corrected, or is cancelled. Weekends bring a third of a working day.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from indicators.calendar import WorkingCalendar
from producers.fields import LOCAL
from producers.generator.dice import dice

NORTH = (("03", 5), ("01", 3), ("18", 4), ("20", 2), ("15", 2), ("13", 1))
SOUTH = (("02", 6), ("43", 4), ("47", 4), ("51", 2), ("34", 1), ("54", 1))
GOODS = {
    "import": (("85423190", 9.0), ("84733090", 3.0), ("39021040", 1.2), ("72083700", 2.0), ("27101971", 6.0), ("87032352", 2.5),
               ("52010000", 1.5), ("60063290", 0.8)),
    "export": (("85171300", 10.0), ("64039990", 1.6), ("61102000", 1.2), ("62034290", 1.0), ("94036090", 0.9), ("09011120", 1.1),
               ("10063099", 0.8), ("03061722", 1.3), ("40012220", 0.7)),
}  # fmt: skip
"""HS code → typical value in 10,000 USD."""
MARKETS = {
    "import": ("CN", "CN", "CN", "KR", "KR", "JP", "TW", "US", "TH", "DE"),
    "export": ("US", "US", "US", "CN", "CN", "JP", "KR", "NL", "DE", "IN"),
}
WORKING_DAY, DAY_OFF = 22, 7
FATES = (("stays", 88), ("sorted", 5), ("value", 3), ("market", 2), ("cancelled", 2))
GIS = {"green": "1", "yellow": "2", "red": "3"}


@dataclass(frozen=True, slots=True)
class Goods:
    """One line."""

    hs: str
    market: str
    kg: str
    cents: int


@dataclass(frozen=True, slots=True)
class Made:
    """A declaration in one version."""

    number: str
    version: int
    kind: str
    at: datetime
    channel: str
    office: str
    trader: str
    goods: tuple[Goods, ...]
    fate: str
    cancelled: bool = False


class Trade:
    """The generator for one seed; `scale` multiplies the number of declarations; nothing amends what came before `start`."""

    def __init__(self, calendar: WorkingCalendar, seed: int, scale: float = 1.0, start: date = date.min) -> None:
        self._calendar, self._seed, self._scale, self._start = calendar, seed, scale, start

    def edifact(self, day: date) -> bytes:
        """The interchange of the northern offices of one day."""
        declarations = self._of(day, "north")
        reference = f"{day:%y%m%d}0001"
        parts = [f"UNB+UNOC:3+0200170392:ZZ+VNCUSTOMS:ZZ+{day:%y%m%d}:2330+{reference}'"]
        parts += [_message(d, n) for n, d in enumerate(declarations, 1)]
        parts.append(f"UNZ+{len(declarations)}+{reference}'")
        return "\n".join(parts).encode() + b"\n"

    def declarations_json(self, day: date) -> bytes:
        """The declarations of the southern offices of one day."""
        return json.dumps([_json(d) for d in self._of(day, "south")], ensure_ascii=False).encode()

    def _of(self, day: date, side: str) -> list[Made]:
        """New declarations of the day, then what becomes of yesterday's."""
        before = self._new(day - timedelta(1), side) if day > self._start else []
        later = [changed for d in before if (changed := self._changed(d))]
        return [*self._new(day, side), *later]

    def _new(self, day: date, side: str) -> list[Made]:
        random = dice(self._seed, "customs", side, day)
        base = (WORKING_DAY if self._calendar.is_working_day(day) else DAY_OFF) * self._scale
        made = []
        for n in range(max(1, round(base * random.uniform(0.85, 1.15)))):
            kind = random.choice(("import", "export"))
            offices = NORTH if side == "north" else SOUTH
            department = random.choices([o for o, _ in offices], [w for _, w in offices])[0]
            fate = random.choices([f for f, _ in FATES], [w for _, w in FATES])[0]
            channel = "unassigned" if fate == "sorted" else random.choices(("green", "yellow", "red"), (70, 24, 6))[0]
            goods = tuple(self._goods(random.random(), kind, day, side, f"{n}/{line}") for line in range(random.choice((1, 1, 2, 3))))
            at = datetime(day.year, day.month, day.day, random.randint(7, 17), random.randint(0, 59), random.randint(0, 59), tzinfo=LOCAL)
            number = f"{'30' if kind == 'import' else '10'}{day:%y%m%d}{'1' if side == 'north' else '2'}{n:03d}"
            made.append(Made(number, 1, kind, at, channel, f"{department}TG", f"02{random.randint(10**7, 10**8 - 1):08d}", goods, fate))
        return made

    def _goods(self, luck: float, kind: str, day: date, side: str, where: str) -> Goods:
        random = dice(self._seed, "goods", side, day, where, luck)
        hs, typical = random.choice(GOODS[kind])
        season = 1.0 + (0.25 if day.month in (9, 10, 11) else -0.3 if day.month == 2 else 0.0)
        cents = int(typical * 1_000_000 * season * random.lognormvariate(0, 0.7))
        return Goods(hs, random.choice(MARKETS[kind]), f"{cents / 9000:.1f}", cents)

    def _changed(self, d: Made) -> Made | None:
        random = dice(self._seed, "change", d.number)
        first = d.goods[0]
        match d.fate:
            case "sorted":
                return replace(d, version=2, channel=random.choice(("green", "yellow", "red")))
            case "value":
                return replace(d, version=2, goods=(replace(first, cents=first.cents * 9 // 10), *d.goods[1:]))
            case "market":
                return replace(d, version=2, goods=(replace(first, market="SG"), *d.goods[1:]))
            case "cancelled":
                return replace(d, version=2, cancelled=True)
            case _:
                return None


def _usd(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _message(d: Made, number: int) -> str:
    function = "1" if d.cancelled else "9" if d.version == 1 else "4"
    name = d.number if d.version == 1 else f"{d.number}:{d.version}"
    document, party = ("929", "IM") if d.kind == "import" else ("830", "EX")
    segments = [
        f"UNH+{number}+CUSDEC:D:96B:UN", f"BGM+{document}+{name}+{function}", f"LOC+41+{d.office}:128",
        f"DTM+137:{d.at:%Y%m%d%H%M%S}:204", f"NAD+{party}+{d.trader}::86", "FTX+ACB+++GENERATED",
    ]  # fmt: skip
    if d.channel in GIS:
        segments.append(f"GIS+{GIS[d.channel]}:109:ZZZ")
    for line, goods in enumerate(() if d.cancelled else d.goods, 1):
        segments += [f"CST+{line}+{goods.hs}:122", f"MEA+WT+AAD+KGM:{goods.kg}", f"MOA+123:{_usd(goods.cents)}:USD",
                     f"LOC+{'27' if d.kind == 'import' else '36'}+{goods.market}:162"]  # fmt: skip
    segments.append(f"UNT+{len(segments) + 1}+{number}")
    return "".join(f"{s}'" for s in segments)


def _json(d: Made) -> dict[str, object]:
    market = "origin" if d.kind == "import" else "destination"
    goods = () if d.cancelled else d.goods
    return {
        "declaration": d.number, "version": d.version, "kind": d.kind, "registered_at": d.at.isoformat(), "channel": d.channel,
        "cleared_at": None, "office": d.office, "trader": d.trader, "cancelled": d.cancelled, "generated": True,
        "lines": [
            {"no": n, "hs": g.hs, market: g.market, "kg": float(g.kg), "value": _usd(g.cents), "currency": "USD"}
            for n, g in enumerate(goods, 1)
        ],
    }  # fmt: skip
