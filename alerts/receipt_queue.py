"""Between the door's threads and the delivery loop: a receipt waits here to be written, its sender for the answer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue

from alerts.receipts import Folded, Receipt

WAIT_SECONDS = 1.5
"""How long a provider's callback waits to be written: Zalo takes two seconds of silence for a failure."""


class ReceiptQueue:
    """`fold` is for any thread, `drain` for the one that owns the lanes."""

    def __init__(self) -> None:
        self._waiting: SimpleQueue[tuple[Receipt, Future[Folded]]] = SimpleQueue()

    def fold(self, receipt: Receipt) -> Folded:
        """Hand over and wait until it is written. `later`: not in time; the provider must say it again."""
        result: Future[Folded] = Future()
        self._waiting.put((receipt, result))
        try:
            return result.result(WAIT_SECONDS)
        except TimeoutError:
            result.cancel()
            return "later"

    def drain(self, write: Callable[[Receipt], Folded]) -> None:
        """Write those whose sender still waits."""
        while True:
            try:
                receipt, result = self._waiting.get_nowait()
            except Empty:
                return
            if result.set_running_or_notify_cancel():
                result.set_result(write(receipt))
