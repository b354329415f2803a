"""The horizon: the moment up to which everything appended to the inputs is folded into the operands that stage 2 has seen.

A rule on a result may judge only what belongs together. After an outage, or when a source delivers a year at once, one partition of `obs`
is folded before another: a numerator of October then stands over parts that end in March, and a rule would open an alert that nobody would
ever have seen in orderly arrival. So a result waits until the horizon has passed its last operand:

1. note the time t and the ends of all inputs that feed the waiting results;
2. wait until stage 1 has committed every input below those ends (its operands are committed by the same transactions);
3. look whether the lane of stage 2 has folded every operand committed by then;
4. the horizon of that lane is t: its results touched last before t are judged.

Inputs that stage 1 has not moved for STALLED_SECONDS (a partition without a worker) hold nothing up: an alert that is judged without them
is better than none, and the log says so.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Set
from typing import Final, NamedTuple, Protocol

import structlog
from confluent_kafka import KafkaException

from transport.group_offsets import OffsetsUnknown

log = structlog.get_logger(__name__)

SETTLE_SECONDS: Final = 0.3
LONGEST_SECONDS: Final = 5.0
ROUND_SECONDS: Final = 0.1
RETRY_SECONDS: Final = 1.0
STALLED_SECONDS: Final = 15.0
CLOSE_SECONDS: Final = 5.0

Place = tuple[str, int]


class Touch(NamedTuple):
    """When the operands of a waiting result first and last changed, monotonic seconds."""

    first: float
    last: float

    def due_at(self) -> float:
        """When it has come to rest, or has waited long enough."""
        return min(self.last + SETTLE_SECONDS, self.first + LONGEST_SECONDS)

    def behind(self, horizon: float) -> bool:
        """Has the horizon passed what must belong together?"""
        return (self.last if self.last - self.first < LONGEST_SECONDS else self.first) <= horizon


class Inputs(Protocol):
    """What the horizon asks of Kafka: `transport.tail.Tail`."""

    def ends(self, topics: Set[str]) -> dict[Place, int]: ...
    def unfolded(self, ends: Mapping[Place, int]) -> dict[Place, int]: ...
    def exhausted(self, positions: Mapping[Place, int]) -> set[Place]: ...
    def close(self) -> None: ...


class Waiter(Protocol):
    """A lane of stage 2. `place`: its input; `feeds`: full names of the topics whose inputs become its operands; `folded_to`: its next
    operand; `horizon`: monotonic seconds, written by the horizon's thread.
    """

    @property
    def place(self) -> Place: ...
    @property
    def feeds(self) -> Set[str]: ...
    @property
    def folded_to(self) -> int: ...
    @property
    def waits(self) -> bool: ...
    horizon: float


class Horizon:
    """Moves the horizon of every lane that has joined, in a thread of its own, while something waits."""

    def __init__(self, inputs: Inputs, clock: Callable[[], float] = time.monotonic) -> None:
        self._inputs, self._clock = inputs, clock
        self._lanes: dict[Place, Waiter] = {}
        self._stop = threading.Event()
        self._left: tuple[dict[Place, int], float] = {}, 0.0
        self._thread = threading.Thread(target=self._run, name="horizon", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def join(self, lane: Waiter) -> None:
        """From now on the lane's rules wait for the horizon."""
        lane.horizon = float("-inf")
        self._lanes[lane.place] = lane

    def leave(self, place: Place) -> None:
        """The lane of this input is closed."""
        self._lanes.pop(place, None)

    def close(self) -> None:
        """End the thread, at most CLOSE_SECONDS."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        while not self._stop.wait(ROUND_SECONDS):
            waiting = [lane for lane in list(self._lanes.values()) if lane.waits]
            try:
                if waiting:
                    self.look(waiting)
            except (KafkaException, OffsetsUnknown, TimeoutError) as error:
                log.warning("horizon not seen", why=repr(error)[:200])
                self._stop.wait(RETRY_SECONDS)
        self._inputs.close()

    def look(self, waiting: list[Waiter]) -> None:
        """One round: steps 1 to 4. Raises KafkaException, OffsetsUnknown, TimeoutError."""
        at = self._clock()
        ends = self._inputs.ends(set().union(*(lane.feeds for lane in waiting)))
        while not self._stop.is_set():
            left = self._inputs.unfolded(ends)
            if not left or self._stalled(left):
                break
            self._stop.wait(ROUND_SECONDS)
        at_end = self._inputs.exhausted({lane.place: lane.folded_to for lane in waiting})
        for lane in waiting:
            if lane.place in at_end:
                lane.horizon = at

    def _stalled(self, left: dict[Place, int]) -> bool:
        """Has stage 1 folded nothing of what is left for STALLED_SECONDS?"""
        former, since = self._left
        if any(left.get(place, 0) < count for place, count in former.items()) or not former:
            self._left = left, self._clock()
            return False
        if self._clock() - since < STALLED_SECONDS:
            return False
        log.warning("rules judge without inputs that nobody folds", inputs={f"{t}-{p}": count for (t, p), count in left.items()})
        return True
