"""Codes of other systems in ours: customs offices to provinces, kinds of tax and sectors of the tax feed.

File `catalogue/exchange/codes.yaml`. A customs office code is the two digits of its department, as numbered before July 2025, and
letters.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from producers.reject import Refused


class CodesError(ValueError):
    """The file of codes lacks a table; the message names it."""


class OfficeCodes:
    """Customs office → territory."""

    def __init__(self, departments: dict[str, str]) -> None:
        self._departments = departments

    def territory(self, office: str) -> str:
        """The province an office works in. Raises Refused(unknown_territory)."""
        territory = self._departments.get(office[:2])
        if territory is None or len(office) < 3:
            raise Refused("unknown_territory", "office", "a customs office with a known department (its first two digits) is required")
        return territory


class Codes:
    """All tables of the file."""

    def __init__(self, content: dict[str, Any]) -> None:
        try:
            self.offices = OfficeCodes(_table(content, "customs_departments"))
            self.tax_types = _table(content, "tax_types")
            self.sectors = _table(content, "sectors")
        except KeyError as e:
            raise CodesError(f"catalogue/exchange/codes.yaml: table {e.args[0]} is missing; add it as code: value") from None

    @classmethod
    def load(cls, home: Path) -> Codes:
        """The codes of the installation at `home`. Raises CodesError."""
        content = yaml.safe_load((home / "catalogue" / "exchange" / "codes.yaml").read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise CodesError("catalogue/exchange/codes.yaml: a mapping of tables is required")
        return cls(content)


def _table(content: dict[str, Any], name: str) -> dict[str, str]:
    return {str(k): str(v) for k, v in content[name].items()}
