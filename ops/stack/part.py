"""Part: one server process of the stack as data: how it is started, how it is seen to be well, how long it may take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ops.stack.health import Check

BEHIND = 10
"""All others wait for the broker and the registry, so on a busy machine those come first. One of three runnable programs gets a third of a
processor; beside two that yield so far, four fifths. And what starts comes first (`keeper`). Nothing comes before alerts but those: not
ClickHouse, whose questions may take all there is."""


def nothing() -> None:
    """No preparation."""


@dataclass(frozen=True, slots=True)
class Part:
    """A process to keep running.

    `argv` holds no secret: it is visible to every user of the machine. `env` replaces the whole environment. `after` names the parts and
    steps that must be ready before. Times in seconds; `memory_mb` is the resident memory above which the part is started again
    (0: no limit); `nice` says how far it yields to others on a busy machine once it has started (0: not, 19: most). `prepare` runs before
    every start (writes configuration, formats storage) and must be repeatable; it may raise PartError. `advice` says to a person what to
    look at when the part does not start, Vietnamese first.
    """

    name: str
    title: str
    argv: tuple[str, ...]
    address: str
    check: Check
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    after: tuple[str, ...] = ()
    prepare: Callable[[], None] = nothing
    start_timeout: float = 60.0
    stop_timeout: float = 15.0
    memory_mb: int = 0
    nice: int = BEHIND
    metrics_url: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """Work done once at start between parts (topics, schemas, tables). `run` returns one line for people and may raise PartError."""

    name: str
    title: str
    run: Callable[[], str]
    after: tuple[str, ...] = ()
    timeout: float = 60.0
    advice: str = ""


class PartError(RuntimeError):
    """A part or step of the stack cannot be prepared or did not become healthy. The text is for people: what, why, what to do."""
