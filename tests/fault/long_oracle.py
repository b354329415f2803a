"""The oracle for long loads: the same answers, without walking a series at every reading."""

from __future__ import annotations

from collections import defaultdict
from heapq import heappop, heappush
from typing import Any

from indicators.vocabulary import Vocabulary
from tests.stream_processors.oracle import Oracle, Rec


class Shelf(dict[str, Rec]):
    """Records of one series by identity, the newest live one at hand: a long load must not walk its series at every reading."""

    def __init__(self) -> None:
        super().__init__()
        self._heap: list[tuple[int, int, str, Rec]] = []

    def __setitem__(self, identity: str, rec: Rec) -> None:
        super().__setitem__(identity, rec)
        heappush(self._heap, (-rec.time, -rec.offset, identity, rec))

    def newest(self) -> Rec | None:
        """The live record of the latest (event time, offset)."""
        while self._heap and not (self._heap[0][3].alive and self[self._heap[0][2]] is self._heap[0][3]):
            heappop(self._heap)
        return self._heap[0][3] if self._heap else None


class LongOracle(Oracle):
    """The oracle for long loads: the same answers."""

    def __init__(self, vocabulary: Vocabulary, rules: Any) -> None:
        super().__init__(vocabulary, rules)
        self.of_series = defaultdict(Shelf)

    def newest(self, series: str) -> Rec | None:
        """As `Oracle.newest`."""
        shelf = self.of_series[series]
        assert isinstance(shelf, Shelf)
        return shelf.newest()
