"""The statements of a question: how a file's SQL is read, and which of its lines are asked.

| line | means |
|---|---|
| `-- first` | up to `-- then`: asked first, for one row; its columns are parameters of the rest |
| `-- if name` … `-- else` … `-- end` | these lines only where that column is true, those after `-- else` where it is false |

Planning a long statement takes the server longer than reading what it asks for, so what is not needed is better left out than empty; and
what was asked first is known when the rest is planned. Between the two the database may change: the first must name what the rest reads (a
batch), not merely look at it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_IF: Final = re.compile(r"-- if (\w+)")


@dataclass(frozen=True, slots=True)
class Statement:
    """`first`: empty where there is none. `lines`: each with the column that decides on it, empty: none, and the value it needs."""

    first: str
    lines: tuple[tuple[str, bool, str], ...]

    def text(self, row: Mapping[str, Any]) -> str:
        """What is asked after `first` answered with this row. Raises KeyError for a column that it does not have."""
        return "\n".join(line for name, wanted, line in self.lines if not name or bool(row[name]) is wanted)


def read(text: str) -> Statement:
    """Comments left out: the driver takes a text that begins with one for a command without rows. Raises ValueError where a mark has no
    place."""
    head, then, rest = text.partition("\n-- then\n")
    before, _, first = head.partition("\n-- first\n")
    if bool(then) is not bool(first):
        raise ValueError("`-- first` and `-- then` belong together")
    found: list[tuple[str, bool, str]] = []
    name, wanted = "", True
    for line in (rest if then else before).splitlines():
        if opened := _IF.fullmatch(line):
            if name:
                raise ValueError(f"`{line}` inside `-- if {name}`")
            name, wanted = opened[1], True
        elif line in ("-- else", "-- end"):
            if not name:
                raise ValueError(f"`{line}` without `-- if`")
            name, wanted = (name, False) if line == "-- else" else ("", True)
        elif not line.startswith("--"):
            found.append((name, wanted, line))
    if name:
        raise ValueError(f"`-- if {name}` without `-- end`")
    return Statement("\n".join(line for line in first.splitlines() if not line.startswith("--")), tuple(found))
