"""Which records of a topic are meant: by key, by indicator and territory (parts of a series key), by fields of the decoded record.

Pure. A selection travels with a replay job as JSON, so that the process that does the work chooses the same records as the one that
planned it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Self

OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "!=": operator.ne, ">=": operator.ge, "<=": operator.le, "=": operator.eq, ">": operator.gt, "<": operator.lt,
}  # fmt: skip
"""Longer signs first: `>=` is not `>` followed by `=`."""


class SelectionError(ValueError):
    """A filter that cannot be meant; the message says which and what it should look like."""


@dataclass(frozen=True, slots=True)
class Condition:
    """`field` of the record, an operator, and the text it is compared with: as a number where the field is one, as text else."""

    field: str
    sign: str
    text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `value>=12.5` or `status=revised`. Raises SelectionError."""
        for at in range(len(text)):
            for sign in OPERATORS:
                if text.startswith(sign, at) and text[:at].strip():
                    return cls(text[:at].strip(), sign, text[at + len(sign) :].strip())
        raise SelectionError(f"«{text}»: cần trường, phép so sánh, giá trị, ví dụ value>=12.5 / field, sign and value are needed")

    def holds(self, record: Mapping[str, Any]) -> bool:
        """Does the record meet it? A field that is empty meets no order. Raises SelectionError for a field that the record has not."""
        if self.field not in record:
            raise SelectionError(f"«{self.field}»: bản ghi không có trường này / the record has no such field")
        value = record[self.field]
        if isinstance(value, bool):
            return OPERATORS[self.sign](str(value).lower(), self.text.lower())
        if isinstance(value, int | float | Decimal):
            return OPERATORS[self.sign](Decimal(str(value)), self._number())
        if value is None:
            return self.sign == ("=" if self.text == "" else "!=")
        return OPERATORS[self.sign](str(value), self.text)

    def _number(self) -> Decimal:
        try:
            return Decimal(self.text)
        except InvalidOperation as error:
            raise SelectionError(f"«{self.text}»: {self.field} là số / is a number") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Empty parts mean any. `territories`: exact codes; `where`: all must hold."""

    keys: tuple[str, ...] = ()
    indicators: tuple[str, ...] = ()
    territories: tuple[str, ...] = ()
    where: tuple[Condition, ...] = ()

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """From JSON."""
        where = tuple(Condition(**one) for one in plain.get("where", ()))
        return cls(where=where, **{f.name: tuple(plain.get(f.name, ())) for f in fields(cls) if f.name != "where"})

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    def takes_key(self, key: bytes | None) -> bool:
        """May records under this key be meant? Indicator and territory are the first and third part of a series key."""
        if not (self.keys or self.indicators or self.territories):
            return True
        text = (key or b"").decode("utf-8", "replace")
        parts: Sequence[str] = (*text.split("|"), "", "", "")
        if self.keys and text not in self.keys:
            return False
        return (not self.indicators or parts[0] in self.indicators) and (not self.territories or parts[2] in self.territories)

    def takes(self, record: Mapping[str, Any]) -> bool:
        """Is this record, under a key that is taken, meant?"""
        return all(one.holds(record) for one in self.where)
