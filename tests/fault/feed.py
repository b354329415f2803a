"""The load as it is given to the producer: to `allowed` at full speed, then a trickle, so that a recovery always has something to show."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final

from indicators.vocabulary import Vocabulary
from producers.positions import saved_position
from tests.fault.load import Load, step_for
from tests.fault.spool import NAME, Spool
from transport.settings import Settings

FILE: Final = 100
TRICKLE: Final = 10
TRICKLE_SECONDS: Final = 0.1
MOST_WAITING: Final = 40
"""Files not yet acknowledged: more would only be read again at each start."""


class Feed(threading.Thread):
    """Writes the spool. `given`: observations of the load so far; `failure`: what ended it early."""

    def __init__(self, settings: Settings, folder: Path, observations: int, seed: int) -> None:
        super().__init__(name="feed", daemon=True)
        self._positions = settings.data_dir / "positions"
        self._observations = observations
        self._load = Load(Vocabulary.load(settings.home), seed, step_for(observations + observations // 4))
        self.spool = Spool(folder)
        self.allowed = 0
        self.given = 0
        self.stop = threading.Event()
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Plans, then the load until told to stop."""
        try:
            self.spool.add(self._load.plans())
            while not self.stop.is_set():
                if self.given < self.allowed:
                    self._give(min(FILE, self.allowed - self.given))
                    self._patiently()
                elif self.given < self._observations:
                    self._give(min(self._trickle(), self._observations - self.given))
                    self.stop.wait(TRICKLE_SECONDS)
                else:
                    self.stop.wait(TRICKLE_SECONDS)
        except BaseException as error:  # a thread's end: the run raises it, it is not lost
            self.failure = error

    def acknowledged(self) -> bool:
        """Has the producer sent everything of the load?"""
        return self.given >= self._observations and self._waiting() == 0

    def _trickle(self) -> int:
        """The last tenth goes drop by drop: a load that is at its end has nothing to show a recovery by."""
        return TRICKLE if self.given < self._observations * 9 // 10 else 1

    def _give(self, count: int) -> None:
        self.spool.add(self._load.take(self.given, count))
        self.given += count

    def _patiently(self) -> None:
        """Wait while the producer is far behind."""
        while self.spool.files % (MOST_WAITING // 2) == 0 and self._waiting() > MOST_WAITING and not self.stop.wait(0.05):
            pass

    def _waiting(self) -> int:
        sent = saved_position(self._positions, NAME).get("file", 0)
        assert isinstance(sent, int)
        return self.spool.files - sent
