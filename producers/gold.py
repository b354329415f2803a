"""Gold: quotes of gold bars, buying and selling price in đồng a lượng (tael, 37.5 g), by brand.

CSV `thuong_hieu,thoi_diem,mua_vao_dong,ban_ra_dong,phien_ban`, JSON {"quotes": [{"brand", "time", "buy_vnd", "sell_vnd", "version"}]}.
A quote is a level in force until the next one. Refused: outside the hours of the shops, «no value», thousands of đồng or the price of a
chỉ (a tenth of a lượng), and a selling price below the buying price. The monthly index of the row (vn-1012/A.I.3) stays the statistics
office's own; guide 7146/VPCP-KSTT, section 5.3.1, wants the price «daily, even hourly».
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from indicators.observation import Observation
from indicators.territory import COUNTRY
from indicators.trading_calendar import TradingCalendar
from indicators.vocabulary import Vocabulary
from producers.cells import Cells
from producers.documents import Parsed
from producers.fields import code_of
from producers.reject import Refused

INDICATOR = "vn-1012/A.I.3"
SOURCE_SYSTEM = "gold"
PROVIDER = "SBV"
"""The State Bank manages the market of gold bars (Decree 24/2012/NĐ-CP); who hands the quotes on waits for its word."""
CALENDAR = "SJC"
FIELDS = ("brand", "time", "buy", "sell", "version")
QUOTE = dict(zip(FIELDS, ("thuong_hieu", "thoi_diem", "mua_vao_dong", "ban_ra_dong", "phien_ban"), strict=True))
JSON_QUOTE = {"brand": "brand", "time": "time", "buy": "buy_vnd", "sell": "sell_vnd", "version": "version"}
LEAST, MOST = Decimal(30_000_000), Decimal(1_000_000_000)
"""Đồng a lượng, a proposal of ours: a tenth (the price of a chỉ) and a thousandth of a present price lie below."""


class Gold:
    """Takes the quotes of the adapter producers/securities.py."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        specs = {s.component: s for s in vocabulary.series_specs() if s.indicator == INDICATOR}
        self._prices = {"buy": specs["buy_price"], "sell": specs["sell_price"]}
        self._calendar = vocabulary.trading_calendar(CALENDAR)

    def take(self, cells: Cells, place: str, original: bytes, into: Parsed) -> None:
        """One quote: two prices. Raises Refused."""
        brand, at = self._brand(cells), self._at(cells)
        version = cells.whole("version", minimum=1, maximum=999)
        prices = {field: self._price(cells, field) for field in self._prices}
        if prices["sell"] < prices["buy"]:
            raise Refused("validation", cells.name("sell"), "a shop sells at no less than it buys for; are the columns exchanged?")
        moment = datetime.fromtimestamp(at / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
        for field, value in prices.items():
            spec = self._prices[field]
            into.take(Observation(
                indicator=INDICATOR, component=spec.component, concept=spec.concept, measure_unit=spec.measure_unit, period_type="instant",
                period_start=at, period_end=at + 1, event_time=at, ingested_at=into.now, territory=COUNTRY, agency=PROVIDER,
                provider=PROVIDER, source_system=SOURCE_SYSTEM, source_record_id=f"{brand}/{spec.component}/{moment}",
                dimensions=(("gold_brand", brand),), revision=version - 1, value=value,
                quality_flags=("generated",) if cells.generated else (),
            ), place, original)  # fmt: skip

    def _at(self, cells: Cells) -> int:
        calendar: TradingCalendar | None = self._calendar
        return cells.instant("time") if calendar is None else cells.session_instant("time", calendar)

    def _brand(self, cells: Cells) -> str:
        return code_of(cells.text("brand"), cells.name("brand"))

    def _price(self, cells: Cells, field: str) -> Decimal:
        if cells.number(field) in self._prices[field].sentinels:
            raise Refused("sentinel", cells.name(field), "the vendor's code for «no value», not a price")
        price = cells.dong(field)
        if not LEAST <= price <= MOST:
            detail = f"đồng a lượng (37,5 g) are required, {LEAST} to {MOST}; is it the price of a chỉ, or thousands?"
            raise Refused("wrong_scale", cells.name(field), detail)
        return price
