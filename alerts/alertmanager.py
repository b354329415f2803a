"""What an Alertmanager is told: which alerts stand, as labels and annotations of its API v2. Pure.

It is an optional exit, for the site's own routing, silences and grouping; state, history and acknowledgement stay here. Rules:
- every alert that stands is told again each minute, with an end a week ahead, so that a dead bridge does not announce that all is well;
- an end is told as «ends now», and again for a quarter of an hour; only of alerts that this bridge reported, or that the Alertmanager
  itself says it holds (asked at the start: what ended while the bridge was away must not stand there for a week);
- severity is a label, so a change of it is a new alert there: the old one's end and the new one go in one batch;
- an escalation is a copy with the next `level`: routes send it up;
- few labels, in ASCII; everything else is an annotation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from alerts.alert import Alert
from alerts.rows import instant
from indicators.instant import DAY_MS

PLATFORM = "nhip"
"""Value of the label `platform`, by which our alerts are known among others."""
AGAIN_MS = 60_000
STANDS_FOR_MS = 7 * DAY_MS
ENDED_FOR_MS = 15 * 60_000
LEVELS = {
    "ministry": "ministry", "government": "government", "office_of_government": "government", "committee": "government",
}  # fmt: skip
"""Kind of an agency → level; all others are the province's."""

Labels = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _Told:
    """One set of labels as it was last told. `ended_at` 0: it stands; `end_taken`: its end was taken at least once."""

    body: dict[str, Any]
    ended_at: int = 0
    end_taken: bool = False

    def over(self, now: int) -> bool:
        """Has its end been told long enough?"""
        return self.end_taken and now - self.ended_at > ENDED_FOR_MS


@dataclass(slots=True)
class Bridge:
    """Remembers what was told. `kind` gives the kind of an agency; `prefix`: that of the installation, for its own label."""

    kind: Callable[[str], str]
    prefix: str = ""
    _told: dict[Labels, _Told] = field(default_factory=dict)
    _again_at: int = 0

    @property
    def platform(self) -> str:
        """Value of the label `platform` of this installation."""
        return f"{PLATFORM}:{self.prefix}" if self.prefix else PLATFORM

    def seed(self, held: Iterable[Mapping[str, Any]]) -> None:
        """Take over what the Alertmanager holds active of ours (bodies of its GET): told by the bridge before this one."""
        for body in held:
            labels = body.get("labels")
            if isinstance(labels, dict) and labels.get("platform") == self.platform:
                clean = {str(name): str(value) for name, value in labels.items()}
                kept = {"labels": clean, "annotations": body.get("annotations", {}), "startsAt": body.get("startsAt", "")}
                self._told.setdefault(_key(clean), _Told(kept))

    def due(self, alerts: Iterable[Alert], now: int) -> list[dict[str, Any]]:
        """The batch to post now: everything, where the minute is over; else what has changed. Empty: nothing."""
        standing = {_key(body["labels"]): body for alert in alerts for body in self._bodies(alert)}
        for key, body in standing.items():
            told = self._told.get(key)
            if told is None or told.ended_at or told.body["annotations"] != body["annotations"]:
                self._told[key] = _Told(body)
                self._again_at = 0
        for key, told in self._told.items():
            if key not in standing and not told.ended_at:
                told.ended_at, self._again_at = now, 0
        self._told = {key: told for key, told in self._told.items() if not told.over(now)}
        if not self._told or now < self._again_at:
            return []
        return [{**told.body, "endsAt": instant(told.ended_at or now + STANDS_FOR_MS)} for told in self._told.values()]

    def posted(self, now: int) -> None:
        """The batch was taken: nothing to say for a minute, unless something changes."""
        self._again_at = now + AGAIN_MS
        for told in self._told.values():
            told.end_taken = bool(told.ended_at)

    def _bodies(self, alert: Alert) -> list[dict[str, Any]]:
        """One body a level; none for what is over, replayed, or pressed down by a flapping and never told."""
        c = alert.evidence
        if not alert.open or c.mode in ("replay", "backfill"):
            return []
        labels = {
            "platform": self.platform, "alertname": c.rule, "alert_id": alert.alert_id, "severity": str(c.severity),
            "province": "" if c.territory == "VN" else c.territory, "indicator": c.indicator, "source": c.provider, "mode": c.mode,
        }  # fmt: skip
        annotations = {
            "title_vi": alert.title_vi, "text_vi": alert.text_vi, "title_en": alert.title_en, "agency": c.agency,
            "attention": alert.state.attention,
        }  # fmt: skip
        bodies = []
        for level in self._levels(alert):
            mine = {name: value for name, value in ({**labels, "level": level}).items() if value}
            if alert.state.attention != "suppressed" or _key(mine) in self._told:
                bodies.append({"labels": mine, "annotations": annotations, "startsAt": instant(alert.opened_at)})
        return bodies

    def _levels(self, alert: Alert) -> list[str]:
        """Where it stands, and every level it was raised to since somebody should have acted."""
        first = "ministry" if alert.evidence.territory == "VN" else "province"
        raised = [timer.split("|")[2:] for timer in alert.memory.fired if timer.startswith("escalate|")]
        levels = [first, *(LEVELS.get(self.kind(code), "province") for codes in raised for code in codes)]
        return list(dict.fromkeys(levels))


def _key(labels: Mapping[str, str]) -> Labels:
    return tuple(sorted(labels.items()))
