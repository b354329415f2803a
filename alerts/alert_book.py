"""The alerts by their id. Those at rest stay as they were read, and are read whole when something comes of them.

Of a hundred alerts that an installation knows, hardly one holds: years of ended ones are kept, since a late revision may open them again.
Reading each of them whole at every start took most of a restart. A row of `alerts.current` therefore says in a header of its own that
its alert rests, with the little that the story asks of such a one; rows without it (of an older version) are read whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from typing import NamedTuple

from alerts.alert import Alert, memory_of
from alerts.condition import Condition, ConditionError

REST_HEADER = "nhip-alert-rest"


class Rest(NamedTuple):
    """What is asked of an alert at rest: the id of its newest event, its line (rule and series), when it opened, and when it last rose
    (epoch ms)."""

    event_id: str
    rule: str
    series: str
    opened_at: int
    risen_at: int

    @property
    def line(self) -> tuple[str, str]:
        """As `line_of` its evidence."""
        return self.rule, self.series

    def bytes(self) -> bytes:
        """As a header of a row."""
        return json.dumps(self, ensure_ascii=False, separators=(",", ":")).encode()


class Kept(NamedTuple):
    """A row of `alerts.current`: the headers of its rest (empty: none) and of its memory. `read`: gives the alert; raises RestoreError
    where the row cannot be read."""

    alert_id: str
    rest: bytes
    memory: bytes
    read: Callable[[], Alert]


class Resting(NamedTuple):
    """An alert at rest. `told`: who was told of its last rise, where that still counts towards a storm; `read` as in its row."""

    rest: Rest
    told: tuple[str, ...]
    read: Callable[[], Alert]


def line_of(c: Condition) -> tuple[str, str]:
    """Rule and series: alerts of one line follow one another."""
    return c.rule, c.series


def rest_of(alert: Alert) -> Rest | None:
    """None: the alert holds, or something may yet be due on it (`alerts.timers`): the end of a shelf or of a flapping, an answer."""
    waits = any(inquiry.state == "issued" and not inquiry.urged_at for inquiry in alert.memory.inquiries)
    if alert.open or waits or alert.state.attention in ("shelved", "suppressed"):
        return None
    c = alert.evidence
    return Rest(alert.event_id, c.rule, c.series, alert.opened_at, alert.memory.attention_since)


def rest_in(header: bytes) -> Rest | None:
    """The rest that a header tells of; None: none that this version reads."""
    try:
        found = Rest(*json.loads(header))
    except (ValueError, TypeError):
        return None
    texts, instants = found[:3], found[3:]
    return found if all(type(text) is str for text in texts) and all(type(at) is int for at in instants) else None


def told_apart(rows: Iterable[Kept], lately: int) -> tuple[list[Alert], dict[str, Resting]]:
    """Those awake, and those at rest by id. A rise since `lately` (epoch ms) counts towards a storm. Raises what reading raises."""
    awake, resting = list[Alert](), dict[str, Resting]()
    for row in rows:
        rest = rest_in(row.rest)
        try:
            told = memory_of(row.memory).told if rest is not None and rest.risen_at >= lately else ()
        except ConditionError:
            rest = None  # whoever reads it says what is wrong, and where
        if rest is None:
            awake.append(row.read())
        else:
            resting[row.alert_id] = Resting(rest, told or (), row.read)
    return awake, resting


class AlertBook(MutableMapping[str, Alert]):
    """Alerts by id. Looking one up reads it; walking over all of them reads all: `standing` does not."""

    def __init__(self, awake: Iterable[Alert] = (), resting: Mapping[str, Resting] | None = None) -> None:
        self._awake = {alert.alert_id: alert for alert in awake}
        self._resting = dict(resting or {})

    @property
    def at_rest(self) -> int:
        """How many are as they were read."""
        return len(self._resting)

    def standing(self) -> Iterator[Alert]:
        """Those whose condition holds."""
        return (alert for alert in self._awake.values() if alert.open)

    def lines(self) -> Iterator[tuple[int, tuple[str, str], str]]:
        """(opened at, its line, alert id) of each, whether it rests or not."""
        for alert in self._awake.values():
            yield alert.opened_at, line_of(alert.evidence), alert.alert_id
        for alert_id, (rest, *_) in self._resting.items():
            yield rest.opened_at, rest.line, alert_id

    def rises(self) -> Iterator[tuple[int, str, Sequence[str]]]:
        """(instant, rule, who was told) of the last rise of each; without those at rest whose rise no longer counts towards a storm."""
        for alert in self._awake.values():
            yield alert.memory.attention_since, alert.evidence.rule, alert.memory.told or ()
        yield from ((rest.risen_at, rest.rule, told) for rest, told, _ in self._resting.values() if told)

    def event_ids(self) -> Iterator[str]:
        """The id of the newest event of each."""
        yield from (alert.event_id for alert in self._awake.values())
        yield from (resting.rest.event_id for resting in self._resting.values())

    def __getitem__(self, alert_id: str) -> Alert:
        found = self._awake.get(alert_id)
        if found is None:
            found = self._awake[alert_id] = self._resting[alert_id].read()
            del self._resting[alert_id]
        return found

    def __setitem__(self, alert_id: str, alert: Alert) -> None:
        self._resting.pop(alert_id, None)
        self._awake[alert_id] = alert

    def __delitem__(self, alert_id: str) -> None:
        if self._resting.pop(alert_id, None) is None:
            del self._awake[alert_id]

    def __iter__(self) -> Iterator[str]:
        return iter([*self._awake, *self._resting])

    def __contains__(self, alert_id: object) -> bool:
        return alert_id in self._awake or alert_id in self._resting

    def __len__(self) -> int:
        return len(self._awake) + len(self._resting)
