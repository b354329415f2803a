"""The load on its way to the producer: numbered files of observations, and the source that reads them as `producers` reads any source.

The harness writes the files and so knows every observation that was ever given to a producer; the producer's position is the number of the
last file that was acknowledged. One that is killed between acknowledgement and position sends a file again.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from indicators.observation import Observation
from producers.contract import Fetched, Position

NAME: Final = "spool"
Identity = tuple[str, str, int]
"""Series key, record id and revision: what a provider sends once, however often it arrives."""


def identity_of(o: Observation) -> Identity:
    """The identity of one observation."""
    return o.series().key(), o.source_record_id, o.revision


class Spool:
    """Writes files of observations, each whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.files = self.written = 0
        self.identities: set[int] = set()

    def add(self, observations: Iterable[Observation]) -> None:
        """One file more; nothing for no observations."""
        batch = list(observations)
        if not batch:
            return
        self.files += 1
        self.written += len(batch)
        self.identities.update(hash(identity_of(o)) for o in batch)
        path = self._folder / f"{self.files:08d}"
        fresh = path.with_suffix(".new")
        fresh.write_bytes(pickle.dumps(batch, protocol=pickle.HIGHEST_PROTOCOL))
        os.replace(fresh, path)


class SpoolSource:
    """The files as a source of `producers`; a position is the number of the last file."""

    name = NAME

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def fetch(self, since: Position) -> Fetched:
        """The next file, if it is there."""
        number = since.get("file", 0)
        assert isinstance(number, int)
        path = self._folder / f"{number + 1:08d}"
        if not path.exists():
            return Fetched([], [], since)
        return Fetched(pickle.loads(path.read_bytes()), [], {"file": number + 1}, more=True)

    def close(self) -> None:
        """Nothing is held open."""
