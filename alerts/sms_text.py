"""How a text fits into SMS: its alphabet, its parts, its accented and unaccented forms. Pure.

Source: 3GPP TS 23.038 (GSM 7-bit default alphabet and its extension table, UCS-2) and TS 23.040 (a concatenated message carries 153 septets
or 67 UCS-2 units a part, a single one 160 or 70). Of the 67 accented Vietnamese letters 61 lie outside the 7-bit alphabet: one of them
turns the whole message into UCS-2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from indicators.numbers_vi import unaccent_vi

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ÄÖÑÜ§¿äöñüà"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)
EXTENDED = frozenset("^{}\\[~]|€\f")
SINGLE_SEPTETS, PART_SEPTETS = 160, 153
SINGLE_UNITS, PART_UNITS = 70, 67
PLAIN = str.maketrans({
    "«": '"', "»": '"', "–": "-", "—": "-", "…": "...", "·": "-", "≥": ">=", "≤": "<=", "×": "x", "°": " do ", "▲": "", "▼": "",
    "\u00a0": " ",
    "“": '"', "”": '"', "’": "'", "‘": "'", "²": "2", "³": "3", "\u202f": " ", "−": "-", "&": " va ", "[": "(", "]": ")",
})  # fmt: skip
"""Signs that Vietnamese texts use and the 7-bit alphabet lacks, or that gateways refuse («&»)."""


@dataclass(frozen=True, slots=True)
class Form:
    """One form of a text. `parts`: how many messages it costs; `length`: septets, or UTF-16 units in UCS-2."""

    text: str
    alphabet: Literal["GSM-7", "UCS-2"]
    length: int
    parts: int


def form_of(text: str) -> Form:
    """The text as a phone network counts it."""
    if all(c in BASIC or c in EXTENDED for c in text):
        septets = [2 if c in EXTENDED else 1 for c in text]
        return Form(text, "GSM-7", sum(septets), _parts(septets, SINGLE_SEPTETS, PART_SEPTETS))
    units = [2 if ord(c) > 0xFFFF else 1 for c in text]
    return Form(text, "UCS-2", sum(units), _parts(units, SINGLE_UNITS, PART_UNITS))


def plain(text: str) -> str:
    """The unaccented form, in the 7-bit alphabet only: what has no letter there becomes «?»."""
    bare = unaccent_vi(text.translate(PLAIN))
    return "".join(c if c in BASIC or c in EXTENDED else "?" for c in bare)


def fitted(text: str, most: int) -> str:
    """The plain text cut at a word to at most `most` septets, «...» in the place of what is left out."""
    bare = plain(text)
    if form_of(bare).length <= most:
        return bare
    while bare and form_of(bare + "...").length > most:
        bare = bare.rpartition(" ")[0] or bare[:-1]
    return bare + "..."


def _parts(sizes: list[int], single: int, part: int) -> int:
    """A sign of two septets or units is never cut in two between parts."""
    if sum(sizes) <= single:
        return 1
    parts, filled = 1, 0
    for size in sizes:
        if filled + size > part:
            parts, filled = parts + 1, 0
        filled += size
    return parts
