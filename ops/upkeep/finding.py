"""What a check found."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """`well`: nothing is to be done. `said`: one line for people, Vietnamese first. `do`: what to do where it is not well, else empty."""

    well: bool
    said: str
    do: str = ""
