"""The watch: silence since the newest beat, told and taken back like every alert, with nothing in between but this process.

One step, which is the guarantee: (1) the newest beat is read; (2) what the rule says of the silence becomes a step of the alert's story;
(3) story and messages are written to one file, together; (4) only then is anything handed to a channel, by the same lane and ledger as all
deliveries: «intended» before it goes, the outcome after. A restart goes on where the file stands: what was told is not told again, what
may have been told is marked «gửi lại».
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import structlog

from alerts.channels.contract import Channel
from alerts.condition import Condition
from alerts.lane import Lane, Room, Submit
from alerts.manner import Manner
from alerts.notification import Notification
from alerts.story import Effects, Story
from indicators.heartbeat import BEATING_KEY, HEARTBEAT, OPERATOR
from indicators.rule import Rule
from indicators.rules.finding import Finding, Said, ladder_of
from indicators.rules.silence import MINUTE_MS, silence_of
from indicators.territory import COUNTRY
from ops.watchdog.keeping import StateFile
from stream_processors.conditions import alert_id, scaled

log = structlog.get_logger(__name__)


class Watch:
    """One rule of kind watchdog. `listen`: the newest beat that has come all the way, None where none is told of; `clock`: epoch ms."""

    def __init__(
        self, rule: Rule, story: Story, channels: tuple[Mapping[str, Channel], Submit], state: StateFile,
        listen: Callable[[], int | None], clock: Callable[[], int],
    ) -> None:  # fmt: skip
        self._rule, self._story, self._state, self._listen, self._clock = rule, story, state, listen, clock
        self._ladder = ladder_of(rule)
        self._kept = state.read(clock())
        story.restore(self._kept.alerts.values(), [])
        known, submit = channels
        self._lane = Lane(list(self._kept.ledger.values()), known, Room(known.values()), self._commit, submit, clock, Manner())
        self._state.write(self._kept)
        self._lane.recover()

    @property
    def silent_ms(self) -> int:
        """How long nothing has been heard."""
        return max(0, self._clock() - self._since)

    def step(self) -> None:
        """Listen, judge, tell. Raises OSError where the state cannot be written: then nothing was told of what is new."""
        beat = self._listen()
        if beat is not None and beat > self._kept.heard:
            self._kept.heard = beat
            self._state.write(self._kept)
        now = self._clock()
        finding = silence_of(self._ladder, MINUTE_MS, self._since, now, self._said)
        if finding is not None:
            self._kept.number += 1
            self._take(self._story.on_condition(self._condition(finding, now), now))
        for alert, timer in self._story.due(now):
            self._take(self._story.on_timer(alert, timer, now))
        self._lane.begin()
        self._lane.finish()

    def finish(self) -> int:
        """Write what came of messages that are under way; how many still are."""
        return self._lane.finish()

    @property
    def _since(self) -> int:
        return max(self._kept.heard, self._kept.began)

    @property
    def _said(self) -> Said:
        standing = next((alert for alert in self._kept.alerts.values() if alert.open), None)
        return Said(standing.evidence.severity, standing.evidence.since) if standing else Said()

    def _take(self, effects: Effects) -> None:
        if effects.current is not None:
            self._kept.alerts[effects.current.alert_id] = effects.current
        log.warning("platform silent" if effects.outcome in ("opened", "worse") else "platform", step=effects.outcome, ms=self.silent_ms)
        if effects.requests:
            self._lane.accept(effects.requests, 0)
        else:
            self._state.write(self._kept)

    def _commit(self, rows: Sequence[Notification], results: Sequence[Notification], next_offset: int | None) -> None:
        """Of the lane: messages and story in one file."""
        self._kept.ledger |= {row.notification_key: row for row in rows}
        self._state.write(self._kept)

    def _condition(self, finding: Finding, now: int) -> Condition:
        rule, key = self._rule, BEATING_KEY.decode()
        number, limit = scaled(finding.number or Decimal(0)), scaled(finding.limit or Decimal(0))
        return Condition(
            alert_id=alert_id(rule.id, key, finding.since), rule=rule.id, rule_version=rule.version, transition=finding.transition,
            series=key, indicator=HEARTBEAT, component="", territory=COUNTRY, subject_type="", subject_id="", agency=OPERATOR,
            provider=OPERATOR, measure_unit="minute", comparison=rule.kind, severity=finding.severity,
            severity_before=finding.severity_before, level=finding.level, value=number, limit=limit, gap=number - limit, numerator=None,
            denominator=None, period_type="instant", period_start=finding.since, period_end=max(now, finding.since), budget_year=0,
            since=finding.since, event_time=now, status="official", revision=0, source_topic="", source_partition=-1, source_offset=-1,
            source_record_id=f"beat-{self._kept.heard}", mode="live", caused_at=now, generation=0, through=self._kept.number,
        )  # fmt: skip
