"""The country as a schematic of dots: each commune-level unit at its point, coloured by its province; no boundary is drawn or claimed.

Every special zone is shown, Hoàng Sa (Đà Nẵng) and Trường Sa (Khánh Hòa) among them, always and by name, with data or without. Points:
catalogue/territory. Projection: plate carrée with the standard parallel of 16°N, near enough for a schematic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import cos, radians
from typing import Final

from markupsafe import Markup, escape

from indicators.vocabulary import Vocabulary

WEST, EAST, SOUTH, NORTH = 101.6, 118.2, 5.9, 23.7
SCALE: Final = 46.0
"""Pixels a degree of latitude."""
ARCHIPELAGOS: Final = {"20333": "QĐ. Hoàng Sa (Đà Nẵng)", "22736": "QĐ. Trường Sa (Khánh Hòa)"}
SPREAD: Final[dict[str, tuple[tuple[float, float], ...]]] = {
    "20333": ((0, 0), (0.35, 0.35), (-0.45, 0.1), (-0.35, -0.35), (0.45, 0.2), (0.15, -0.3)),
    "22736": (
        (0, 0),
        (-0.35, 1.6),
        (0.6, 1.2),
        (-0.2, 0.7),
        (1.1, 0.4),
        (-1.2, -0.9),
        (-2.4, -1.1),
        (0.3, -1.0),
        (1.4, -0.6),
        (-0.6, -1.7),
    ),
}
"""An archipelago is many islands: some dots around its point stand for them, schematic as all others."""


@dataclass(frozen=True, slots=True)
class Shade:
    """How a province is drawn: class of style, words for its tooltip, where a click leads."""

    name: str
    tip: str
    href: str


@dataclass(frozen=True, slots=True)
class Pin:
    """A station: place in degrees, class of style, sign, words, where a click leads."""

    lon: float
    lat: float
    name: str
    sign: str
    tip: str
    href: str = ""


def place(lon: float, lat: float) -> tuple[float, float]:
    """Pixels from the upper left corner."""
    return (lon - WEST) * SCALE * cos(radians(16)), (NORTH - lat) * SCALE


def size() -> tuple[float, float]:
    """Width and height of the picture."""
    return place(EAST, SOUTH)


@lru_cache(maxsize=4)
def dots(vocabulary: Vocabulary) -> dict[str, str]:
    """Province → the path of its dots (a line of no length with round ends is a dot)."""
    found: dict[str, list[str]] = {unit.code: [] for unit in vocabulary.territories("province")}
    for unit in vocabulary.territories():
        province = vocabulary.ancestor(unit.code, "province")
        if province is None or unit.kind == "province" or unit.lon is None or unit.lat is None:
            continue
        for east, north in SPREAD.get(unit.code, ((0.0, 0.0),)):
            x, y = place(unit.lon + east, unit.lat + north)
            found[province].append(f"M{x:.1f} {y:.1f}h0")
    return {code: "".join(parts) for code, parts in found.items()}


def country_map(
    vocabulary: Vocabulary, shades: Mapping[str, Shade], pins: Sequence[Pin], title: str, areas: Mapping[str, Shade] | None = None
) -> Markup:
    """The picture. Provinces without a shade are drawn without judgement; `areas`: provinces with a halo around their dots."""
    width, height = size()
    paths = dots(vocabulary)
    parts = [_area(paths[code], area) for code, area in (areas or {}).items() if code in paths]
    parts += [_province(code, path, shades.get(code), vocabulary) for code, path in paths.items()]
    parts += [_archipelago(code, name, vocabulary) for code, name in ARCHIPELAGOS.items()]
    parts += [_pin(pin) for pin in sorted(pins, key=lambda p: p.lat, reverse=True)]
    return Markup(
        f'<svg class="country" viewBox="0 0 {width:.0f} {height:.0f}" role="group" aria-label="{escape(title)}">{"".join(parts)}</svg>'
    )


def _province(code: str, path: str, shade: Shade | None, vocabulary: Vocabulary) -> str:
    unit = vocabulary.territory(code)
    name = unit.name_vi if unit else code
    if shade is None:
        return f'<path class="dots none" d="{path}"><title>{escape(name)}</title></path>'
    drawn = f'<path class="dots {escape(shade.name)}" d="{path}"><title>{escape(shade.tip)}</title></path>'
    return f'<a href="{escape(shade.href)}" aria-label="{escape(shade.tip)}">{drawn}</a>'


def _area(path: str, area: Shade) -> str:
    drawn = f'<path class="halo {escape(area.name)}" d="{path}"><title>{escape(area.tip)}</title></path>'
    return f'<a href="{escape(area.href)}" aria-label="{escape(area.tip)}">{drawn}</a>'


def _archipelago(code: str, name: str, vocabulary: Vocabulary) -> str:
    unit = vocabulary.territory(code)
    if unit is None or unit.lon is None or unit.lat is None:
        raise LookupError(f"catalogue/territory: {name} ({code}) không có tọa độ / has no point; restore the file from the release")
    x, y = place(unit.lon, unit.lat)
    below = 2.6 if code == "22736" else 0.85
    return f'<text class="isles" x="{x:.0f}" y="{y + below * SCALE:.0f}">{escape(name)}</text>'


def _pin(pin: Pin) -> str:
    x, y = place(pin.lon, pin.lat)
    mark = (
        f'<g class="pin {escape(pin.name)}" transform="translate({x:.1f} {y:.1f})"><circle r="9"/>'
        f'<text y="4">{escape(pin.sign)}</text><title>{escape(pin.tip)}</title></g>'
    )
    return f'<a href="{escape(pin.href)}" aria-label="{escape(pin.tip)}">{mark}</a>' if pin.href else mark
