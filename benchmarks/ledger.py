"""How long a ledger of many notifications takes to be read again at a start, and in how much memory: `python -m benchmarks.ledger [ROWS]`.

Without a broker: rows are encoded as the delivery process writes them and folded as it folds them (alerts/delivery.py, `_open`); Kafka's
own reading comes on top. A thousandth of the rows is live, a hundredth recent and so decoded whole, all others old and settled.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import time
from collections.abc import Iterator
from typing import Final
from uuid import UUID

from alerts.ledger import Ledger
from alerts.ledger_rows import LedgerRows, key_of
from alerts.notification import Notification, notification_of
from benchmarks import machine
from transport.records import AvroDecoder, AvroEncoder

ROWS: Final = 10_000_000
SCHEMA_ID: Final = 7
RECENT_EVERY, LIVE_EVERY = 100, 1000
_KEY_AT = 6
"""Where a row's own key begins: after the frame and the one byte of its length."""


def row(state: str, reason: str) -> Notification:
    """A message of the size real ones have."""
    key = "00000000-0000-5000-8000-000000000000"
    return Notification(
        notification_key=key, event_id=key, alert_id=key, rule="GN-DTC-CHAM-KE-HOACH", state=state, reason=reason, lane="grouped",
        channel="email", recipient="finance_department@31", address="so-tai-chinh-31@example.vn", severity=3, transition="opened",
        title="Thành phố Hải Phòng: giải ngân 52,34% kế hoạch Thủ tướng Chính phủ giao, chậm 12,9 điểm %", text="Kính gửi: …\n" * 20,
        attempt=1, mode="live", requested_at=1, changed_at=1, not_after=1,
    )  # fmt: skip


def rows(count: int) -> Iterator[tuple[bytes, bytes, bool]]:
    """(message key, value, recent?) of as many rows with keys of their own."""
    encoder, dice = AvroEncoder("notification", SCHEMA_ID), random.Random(7)
    settled, live = (encoder.encode(row(*each).record()) for each in (("handed_over", "opened"), ("failed", "retry")))
    for n in range(count):
        key = str(UUID(bytes=dice.randbytes(16))).encode()
        template = live if n % LIVE_EVERY == 0 else settled
        yield key, template[:_KEY_AT] + key + template[_KEY_AT + len(key) :], n % RECENT_EVERY == 0


def measure(count: int) -> dict[str, float | int]:
    """Fold as many rows; seconds without the making of the rows, memory of the whole process at its highest."""
    decoder = AvroDecoder("notification", lambda _: AvroEncoder("notification", SCHEMA_ID).schema.raw)
    ledger, told = Ledger(), LedgerRows(SCHEMA_ID)
    began = time.perf_counter()
    for _ in rows(count):
        pass
    making, began = time.perf_counter() - began, time.perf_counter()
    for key, value, recent in rows(count):
        if not recent and told.settled_over(value) is not None:
            ledger.settle(key_of(key))
        else:
            ledger.keep(notification_of(decoder.decode(value)))
    seconds = time.perf_counter() - began - making
    known = sum(key.decode() in ledger for key, _, _ in rows(min(count, 10_000)))
    if known != min(count, 10_000) or ledger.size != count:
        raise SystemExit(f"wrong: {ledger.size} of {count} keys, {known} of the first ones found")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {
        "rows": count, "seconds": round(seconds, 1), "rows_per_second": round(count / seconds), "peak_mib": peak, "live": len(ledger.live),
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps({"machine": machine.describe(), **measure(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)}, indent=1))
