"""What the catalogue and the formulas say of a figure, in the reader's words."""

from __future__ import annotations

from collections.abc import Iterable

from dashboards.headlines import Lookup
from dashboards.terms import FREQUENCIES
from dashboards.words import word
from indicators.catalogue import Indicator
from indicators.derived.formula import Formula


def about(row: Indicator | None, formulas: list[Formula], at: Lookup) -> list[tuple[str, str]]:
    """What the catalogue and the formula say of the figure: definition, frequency, who answers, how it is computed, its document."""
    said: list[tuple[str, str]] = []
    if formulas:
        said.append((at.text("source_doc"), formulas[0].source))
    if row is not None:
        said += [
            (at.text("definition"), row.definition or ""),
            (at.text("frequency"), ", ".join(word(FREQUENCIES, f, at.language) for f in row.frequency)),
            (at.text("owner"), agencies(row.responsible_agencies, at)),
            (at.text("provider"), agencies(row.providers, at)),
            (at.text("source_doc"), f"{row.id} – {row.source_text}" if row.source_text else row.id),
        ]
    return [(name, text) for name, text in said if text]


def agencies(codes: Iterable[str], at: Lookup) -> str:
    """Names in force of some agencies: the document's own cell may hold names of before the mergers."""
    found = (agency for code in codes if (agency := at.vocabulary.agency(code)))
    return "; ".join(agency.name_vi if at.language == "vi" else agency.name_en for agency in found)
