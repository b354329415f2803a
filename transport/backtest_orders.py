"""Backtests that readers of the board order: rows of the compacted topic `ops.backtests`, and the book that a process makes of them.

Keys: `order|<id>` and `stop|<id>`, written by the board with their lines of the audit; `run|<id>`, written by `nhip run backtests`, which
works them off: its claim, how far it is, how it ended. Values are JSON. The one partition gives all rows one order, which is how several
such processes agree: the first claim counts, until its process has been silent for STALE_MS (the broker's time). A run that two did all
the same is kept twice, and the newer is shown. What a run found goes into the table `backtests`, as that of the command.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

TOPIC: Final = "ops.backtests"
STALE_MS: Final = 60_000
MOST_WAITING: Final = 8
"""Orders that may wait in all: one runs at a time."""
State = Literal["ordered", "running", "done", "failed", "stopped"]
ENDED: Final = ("done", "failed", "stopped")
T = TypeVar("T", bound=BaseModel)


class _Row(BaseModel):
    """Fields of later versions are left out."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    def body(self) -> bytes:
        """As it travels."""
        return self.model_dump_json().encode()


class Order(_Row):
    """Run `rule` over what happened in [since, until), event times in epoch ms; by whom (`actor`, account `office`), why, when."""

    id: str = Field(min_length=1, max_length=64)
    rule: str = Field(min_length=1, max_length=120)
    since: int
    until: int
    actor: str
    office: str
    why: str
    at: int

    @property
    def key(self) -> bytes:
        """Key of its row."""
        return f"order|{self.id}".encode()

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.since >= self.until:
            raise ValueError("since: before until")
        return self


class StopOrder(_Row):
    """End the run of an order, or take the order back before it runs."""

    order: str = Field(min_length=1, max_length=64)
    actor: str
    office: str
    at: int

    @property
    def key(self) -> bytes:
        """Key of its row."""
        return f"stop|{self.order}".encode()


class Run(_Row):
    """How an order stands with the process `runner`. `state` ordered: given back, another may take it. `read` of `rows`: rows of history
    judged so far, 0 of 0 before they are counted. `said`: why it failed, Vietnamese first. `attempt`: how many processes
    began it, but for those that gave it back. `same`, `only_now`, `only_then`: its outcome."""

    order: str = Field(min_length=1, max_length=64)
    runner: str
    state: State
    at: int
    read: int = 0
    rows: int = 0
    said: str = ""
    attempt: int = 1
    same: int = 0
    only_now: int = 0
    only_then: int = 0

    @property
    def key(self) -> bytes:
        """Key of its row."""
        return f"run|{self.order}".encode()


@dataclass(slots=True)
class BacktestBook:
    """Every order by id, in the order they were given. `version` changes with every row; `unreadable`: rows that are none of ours."""

    orders: dict[str, Order] = field(default_factory=dict)
    stops: dict[str, StopOrder] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    version: int = 0
    unreadable: int = 0
    _heard: dict[str, int] = field(default_factory=dict)

    def take(self, key: bytes | None, body: bytes | None, appended: int) -> None:
        """One row, in order; `appended`: the broker's time, epoch ms. A row that is none must not stop a process: it is counted."""
        kind = (key or b"").partition(b"|")[0]
        if body is None or kind not in (b"order", b"stop", b"run"):
            return
        self.version += 1
        if kind == b"order" and (order := self._read(Order, body)) is not None:
            self.orders.setdefault(order.id, order)
        elif kind == b"stop" and (stop := self._read(StopOrder, body)) is not None:
            self.stops.setdefault(stop.order, stop)
        elif kind == b"run" and (run := self._read(Run, body)) is not None and self._counts(run, appended):
            self.runs[run.order], self._heard[run.order] = run, appended

    def _read(self, kind: type[T], body: bytes) -> T | None:
        try:
            return kind.model_validate_json(body)
        except ValidationError:
            self.unreadable += 1
            return None

    def _counts(self, run: Run, appended: int) -> bool:
        """The runner that claimed first speaks alone, until it ended, gave back or fell silent."""
        known = self.runs.get(run.order)
        if known is None or known.runner == run.runner or known.state == "ordered":
            return known is None or known.state not in ENDED
        return known.state == "running" and appended - self._heard[run.order] > STALE_MS

    def state(self, order: str) -> State:
        """How an order stands; one that was taken back before it ran is stopped."""
        run = self.runs.get(order)
        if run is not None and run.state != "ordered":
            return run.state
        return "stopped" if order in self.stops else "ordered"

    def open(self) -> list[Order]:
        """Orders that have not ended, the oldest first."""
        return [one for one in self.orders.values() if self.state(one.id) not in ENDED]

    def of_rule(self, rule: str) -> list[Order]:
        """The orders of a rule, the newest first."""
        return [one for one in reversed(self.orders.values()) if one.rule == rule]

    def next(self, now: int) -> Order | None:
        """What a process may take up: the oldest open order that nobody works on. `now`: epoch ms."""
        return next((one for one in self.open() if self.state(one.id) == "ordered" or self.silent(one.id, now)), None)

    def silent(self, order: str, now: int) -> bool:
        """Has the process that runs it been silent for too long?"""
        return self.state(order) == "running" and now - self._heard[order] > STALE_MS
