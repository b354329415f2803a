"""What the watchdog must find again after a restart, in one file that is replaced whole: `<data_dir>/watchdog/state.json`.

No database and no broker: what it needs must not die with what it watches.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import structlog

from alerts.alert import Alert, restored
from alerts.condition import ConditionError
from alerts.ledger import is_settled
from alerts.notification import Notification, notification_of

log = structlog.get_logger(__name__)

FIGURES = ("value", "limit", "gap", "numerator", "denominator")
SETTLED_KEPT = 200
"""Settled messages that are kept: their keys refuse a repetition."""
ALERTS_KEPT = 20


@dataclass(slots=True)
class Kept:
    """`heard`: the newest beat; `began`: since when one is expected (epoch ms); `number`: how many findings were told."""

    began: int
    heard: int = 0
    number: int = 0
    alerts: dict[str, Alert] = field(default_factory=dict)
    ledger: dict[str, Notification] = field(default_factory=dict)


class StateFile:
    """Reads and writes `Kept`."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "state.json"

    def read(self, now: int) -> Kept:
        """What was kept; a first start, or a file that cannot be read, begins anew at `now` (and says so)."""
        try:
            content = json.loads(self._path.read_bytes())
            found = Kept(content["began"], content["heard"], content["number"])
            for entry in content["alerts"]:
                alert = restored(_decimals(entry["record"]), entry["memory"].encode())
                found.alerts[alert.alert_id] = alert
            for row in content["ledger"]:
                found.ledger[row["notification_key"]] = notification_of(row)
            return found
        except FileNotFoundError:
            return Kept(now)
        except (OSError, ValueError, KeyError, TypeError, ConditionError) as error:
            log.error("state of the watchdog cannot be read; it begins anew", file=self._path.name, error=type(error).__name__)
            return Kept(now)

    def write(self, kept: Kept) -> None:
        """Replace the file; on disk when it returns. Raises OSError."""
        content = {
            "began": kept.began, "heard": kept.heard, "number": kept.number,
            "alerts": [{"record": _texts(a.record()), "memory": a.memory.bytes().decode()} for a in _newest(kept.alerts.values())],
            "ledger": [row.record() for row in _rows(kept.ledger.values())],
        }  # fmt: skip
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as out:
            json.dump(content, out, ensure_ascii=False)
            out.flush()
            os.fsync(out.fileno())
        os.replace(fresh, self._path)


def _newest(alerts: Iterable[Alert]) -> list[Alert]:
    return sorted(alerts, key=lambda alert: alert.recorded_at)[-ALERTS_KEPT:]


def _rows(rows: Iterable[Notification]) -> list[Notification]:
    """Every message that is not settled, and the newest settled ones."""
    listed = sorted(rows, key=lambda row: row.changed_at)
    settled = [row for row in listed if is_settled(row)][-SETTLED_KEPT:]
    return [row for row in listed if not is_settled(row)] + settled


def _texts(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in record.items()}


def _decimals(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: Decimal(value) if name in FIGURES and value is not None else value for name, value in record.items()}
