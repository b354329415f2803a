"""The vocabulary in one object: what an adapter, a stage, a rule and a page may ask of catalogues, territory, agencies and subjects.

`Vocabulary.load(home)` reads the specs and the present territory at once (about 0.2 s) and the rest when first asked, each part
once per process. Nothing is read at import. A wrong file raises DataFileError where it is read; `nhip catalogue check` reads everything.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

from indicators.agency import Agency, chain, read_agencies
from indicators.catalogue import Catalogue, Indicator, read_catalogues, rows
from indicators.instant import local_day
from indicators.measure_unit import MeasureUnit, read_measure_units
from indicators.spec import SeriesSpec, read_series_specs
from indicators.subject import Subject, read_subjects
from indicators.territory import COUNTRY, REFORM, Territory, read_current, read_former
from indicators.trading_calendar import TradingCalendar, read_trading_calendars


class Vocabulary:
    """All words of one installation. Safe to share between threads: the files do not change after they are read, and ad-hoc sets come in as
    a whole (`adopt`)."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "catalogue"
        self._home = home
        self._specs = read_series_specs(self._folder / "series.yaml")
        self._territory = read_current(self._folder / "territory")
        self._ordered: dict[tuple[str, str], SeriesSpec] = {}
        self._ordered_rows: dict[str, Indicator] = {}
        self.version = 0

    @staticmethod
    @lru_cache(maxsize=8)
    def load(home: Path) -> Vocabulary:
        """The vocabulary of the installation at `home`, read once per process. Raises DataFileError where a file is wrong."""
        return Vocabulary(home)

    def series_spec(self, indicator: str, component: str = "") -> SeriesSpec | None:
        """How the values of `catalogue/code` and component are folded and limited; None: no such series is accepted."""
        return self._specs.get((indicator, component)) or self._ordered.get((indicator, component))

    def adopt(self, specs: Iterable[SeriesSpec], rows: Iterable[Indicator]) -> None:
        """Take ad-hoc sets in beside the files, in place of those taken before; `version` tells who keeps what it once looked up."""
        self._ordered = {(spec.indicator, spec.component): spec for spec in specs}
        self._ordered_rows = {row.id: row for row in rows}
        self.version += 1

    def series_specs(self) -> Iterable[SeriesSpec]:
        """Every spec, in the order of the file: the main path first; ad-hoc sets last."""
        return [*self._specs.values(), *self._ordered.values()]

    def indicator(self, code: str) -> Indicator | None:
        """The catalogue row of `catalogue/code`."""
        return self._indicators.get(code) or self._ordered_rows.get(code)

    def indicators(self, concept: str = "") -> Iterable[Indicator]:
        """All rows of all catalogues, or those of one concept."""
        every = (*self._indicators.values(), *self._ordered_rows.values())
        return [i for i in every if not concept or i.concept == concept]

    @property
    def catalogues(self) -> dict[str, Catalogue]:
        """The catalogues by code."""
        return self._catalogues

    def territory(self, code: str, at: int | None = None) -> Territory | None:
        """The unit of this code, now or at an instant (epoch ms UTC); None where no unit had the code then.

        Without `at`, a code that is no more in force gives None: ask with an instant, or `successors`.
        """
        if at is None:
            return self._territory.get(code)
        day = local_day(at)
        found = self._territory.get(code) if day >= REFORM or code == COUNTRY else self._former[0].get(code)
        return found if found is not None and found.valid_at(day) else None

    def territories(self, kind: str = "") -> Iterable[Territory]:
        """The units in force since July 2025 with the country, or those of one kind."""
        return [t for t in self._territory.values() if not kind or t.kind == kind]

    def ancestor(self, code: str, level: Literal["province", "country"]) -> str | None:
        """The province or country a present unit lies in; the unit itself where it is of that level; None where unknown or above it."""
        unit = self._territory.get(code)
        while unit is not None and unit.kind != level:
            unit = self._territory.get(unit.parent)
        return unit.code if unit is not None else None

    def successors(self, old_code: str) -> tuple[str, ...]:
        """Codes since July 2025 of a unit before it, the main one first; empty where no unit had the code."""
        return self._former[1].get(old_code, ())

    def agency(self, code: str) -> Agency | None:
        """The agency of this code, in force or not."""
        return self._agencies.get(code)

    def agency_chain(self, code: str) -> tuple[str, ...]:
        """The agency and those that command it, up to the Government; empty where the code is unknown."""
        return chain(self._agencies, code)

    def agencies(self) -> Iterable[Agency]:
        """Every agency."""
        return self._agencies.values()

    def subject(self, type: str, id: str) -> Subject | None:
        """The registered subject; None: values of it are refused at the door."""
        return self._subjects.get((type, id))

    def subjects(self, type: str = "") -> Iterable[Subject]:
        """Every subject, or those of one type."""
        return [s for s in self._subjects.values() if not type or s.type == type]

    def measure_unit(self, code: str) -> MeasureUnit | None:
        """Name and symbol of a unit of measure."""
        return self._measure_units.get(code)

    def trading_calendar(self, code: str) -> TradingCalendar | None:
        """The sessions of the market of this code."""
        return self._trading_calendars.get(code)

    def trading_calendars(self) -> Iterable[TradingCalendar]:
        """The sessions of every market."""
        return self._trading_calendars.values()

    def former_territories(self) -> Iterable[Territory]:
        """The units in force until July 2025."""
        return self._former[0].values()

    @cached_property
    def _measure_units(self) -> dict[str, MeasureUnit]:
        return read_measure_units(self._folder / "measure-units.yaml")

    @cached_property
    def _trading_calendars(self) -> dict[str, TradingCalendar]:
        return read_trading_calendars(self._home)

    @cached_property
    def _catalogues(self) -> dict[str, Catalogue]:
        return read_catalogues(self._home)

    @cached_property
    def _indicators(self) -> dict[str, Indicator]:
        return {i.id: i for i in rows(self._catalogues)}

    @cached_property
    def _agencies(self) -> dict[str, Agency]:
        return read_agencies(self._folder / "agencies.yaml", self._territory)

    @cached_property
    def _subjects(self) -> dict[tuple[str, str], Subject]:
        return read_subjects(self._folder)

    @cached_property
    def _former(self) -> tuple[dict[str, Territory], dict[str, tuple[str, ...]]]:
        return read_former(self._folder / "territory")
