"""Names and places out of the vocabulary: the one module of this process that asks it."""

from __future__ import annotations

from decimal import Decimal

from indicators.agency import chain
from indicators.vocabulary import Vocabulary


class VocabularyNames:
    """Answers `messages.Names`, `audience.Places` and `escalation.Agencies`. An unknown code is its own name: a message with a code is
    better than none."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._agencies = {agency.code: agency for agency in vocabulary.agencies()}

    def territory_name(self, code: str) -> str:
        """«Thành phố Hải Phòng» of 31."""
        unit = self._vocabulary.territory(code)
        return unit.name_vi if unit else code

    def subject_name(self, kind: str, code: str) -> str:
        """Name of a project, station, hospital …"""
        if kind == "agency":
            return self.agency_name(code)
        subject = self._vocabulary.subject(kind, code)
        return subject.name_vi if subject else code

    def agency_name(self, code: str) -> str:
        """Name of an agency."""
        agency = self._vocabulary.agency(code)
        return agency.name_vi if agency else code

    def figure_name(self, code: str) -> str:
        """Name of a series by `catalogue/code` or `catalogue/code:component`: that of its row, with the series' own where it has one."""
        indicator, _, component = code.partition(":")
        row, spec = self._vocabulary.indicator(indicator), self._vocabulary.series_spec(indicator, component)
        own = spec.name_vi if spec is not None else ""
        if row is None:
            return own or code
        return f"{row.name_vi} ({own})" if own else row.name_vi

    def subject_limit(self, kind: str, code: str, name: str) -> Decimal | None:
        """A named limit of a subject, as its registry carries it."""
        subject = self._vocabulary.subject(kind, code)
        return subject.limits.get(name) if subject else None

    def province_of(self, territory: str) -> str | None:
        """Code of the province a present unit lies in."""
        return self._vocabulary.ancestor(territory, "province")

    def chain(self, code: str) -> tuple[str, ...]:
        """The agency and those that command it, the Government last; empty where the code is unknown."""
        return chain(self._agencies, code)

    def kind(self, code: str) -> str:
        """Kind of the agency; empty where the code is unknown."""
        agency = self._agencies.get(code)
        return agency.kind if agency else ""

    def territory_served(self, code: str) -> tuple[str, ...]:
        """Codes of the territory it works in."""
        agency = self._agencies.get(code)
        return agency.territory_served if agency else ()
