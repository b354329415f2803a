"""The mark that a replay leaves on the operands it changes: what follows from them alone is recorded, not told (stage2.py)."""

from __future__ import annotations

from typing import Any, Final

from transport.transactions import Header

REPLAY_HEADER: Final = "nhip-replay"


def replay_headers(headers: Any) -> list[Header]:
    """The mark among a consumed record's headers; empty: live."""
    return [(name, data) for name, data in headers or () if name == REPLAY_HEADER]
