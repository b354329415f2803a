"""When rules of emergencies judge a series: from the opening until the close, for the area, by event time.

A reading is judged by what was in effect at the earlier of its event time and its append time: both lie before what may still be unknown
(transport/emergencies.py), so a fresh run from the topics says the same. An alert that stands when its emergency ends is cleared: by the
first reading after the end, or, where none comes, once all inputs are folded. Either gives the same row but for its source.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from indicators.emergency import Span, place_of, spans
from indicators.rule import Rule
from indicators.rules.ladder import Ladder
from indicators.series import Series
from indicators.vocabulary import Vocabulary
from stream_processors.conditions import condition_row, scaled
from stream_processors.rule_state import Change, RuleState
from stream_processors.series_table import SeriesTable
from transport.emergencies import EmergencyBook

LOOK_SECONDS: Final = 1.0
COMPARISON: Final = "emergency"
"""What a clearing row names in `comparison` where the end of the emergency, not the figure, cleared the alert."""


class EmergencyGate:
    """Spans of one partition's series. `book`: as it is now; `seen_at`: when its end was last seen, epoch ms."""

    def __init__(self, book: Callable[[], EmergencyBook], seen_at: Callable[[], int], series: SeriesTable, vocabulary: Vocabulary) -> None:
        self._book, self._seen_at, self._series, self._vocabulary = book, seen_at, series, vocabulary
        self._spans: dict[tuple[int, str], tuple[Span, ...]] = {}
        self._version = -1
        self._looked = -math.inf

    @property
    def version(self) -> int:
        """Changes with every step."""
        return self._book().version

    def spans(self, sid: int, rule: Rule) -> tuple[Span, ...]:
        """All emergencies of the series that the rule is for, over or not."""
        return self._of(sid, rule)

    def ever(self, sid: int, rule: Rule) -> bool:
        """Was there, or is there, an emergency for the series that the rule is for?"""
        return bool(self._of(sid, rule))

    def at(self, sid: int, rule: Rule, evidence: Mapping[str, Any], event_time: int) -> Span | None:
        """The emergency under which a reading is judged; None: the rule is not in force for it. `evidence`: its `caused_at`."""
        moment = min(event_time, int(evidence["caused_at"]))
        return next((span for span in self._of(sid, rule) if span.holds(moment)), None)

    def of_alert(self, sid: int, rule: Rule, state: RuleState) -> Span | None:
        """The emergency under which an alert was opened."""
        found = self._of(sid, rule)
        return next((span for span in found if span.holds(state.since)), found[-1] if found else None)

    def due(self, now: float) -> float | None:
        """When to look again for alerts whose emergency has ended, on the caller's clock; None: there are no emergencies."""
        return max(now, self._looked + LOOK_SECONDS) if self._book().emergencies else None

    def ended(self, states: Mapping[int, Mapping[str, RuleState]], rules: Mapping[str, Rule], now: float) -> list[tuple[int, Rule, Span]]:
        """Alerts that stand though their emergency is over by what is known."""
        self._looked = now
        found: list[tuple[int, Rule, Span]] = []
        for sid, of_series in states.items():
            for name, state in of_series.items():
                rule = rules.get(name)
                span = self.of_alert(sid, rule, state) if rule is not None and state.severity else None
                if rule is not None and span is not None and span.end <= self._seen_at():
                    found.append((sid, rule, span))
        return found

    def _of(self, sid: int, rule: Rule) -> tuple[Span, ...]:
        book = self._book()
        if book.version != self._version:
            self._spans.clear()
            self._version = book.version
        found = self._spans.get((sid, rule.id))
        if found is None:
            series = self._series.entries[sid].series
            found = self._spans[sid, rule.id] = self._found(book, rule, series) if series and book.emergencies else ()
        return found

    def _found(self, book: EmergencyBook, rule: Rule, series: Series) -> tuple[Span, ...]:
        place = place_of(self._vocabulary, series.territory, series.subject_type, series.subject_id)
        return spans(list(book.emergencies.values()), rule.scope.emergency, place, self._vocabulary)


def over(rule: Rule, series: str, state: RuleState, ladder: Ladder, fields: Mapping[str, Any], span: Span | None) -> dict[str, Any]:
    """The row that clears an alert with its emergency. `fields`: evidence of the reading that shows it, or of its end."""
    step = ladder.step(state.severity)
    change = Change("cleared", state.severity, step)
    limit = scaled(abs(step.clear_at))
    about = {"comparison": COMPARISON, "value": scaled(state.value), "limit": limit, "gap": scaled(state.value) - limit, "numerator": None,
             "denominator": None, "alert_id": state.alert_id, "since": state.since}  # fmt: skip
    drill = bool(span and span.exercise)
    return condition_row(rule, series, change, RuleState(), {**fields, **about}, corrected=False, exercise=drill)


def evidence_of_end(series: Series, rule: Rule, span: Span, source: tuple[str, int, int], measure_unit: str) -> dict[str, Any]:
    """Evidence of a clearing that no reading caused. `source`: topic, partition and the last offset folded."""
    topic, partition, offset = source
    return {
        "indicator": series.indicator, "component": series.component, "territory": series.territory, "subject_type": series.subject_type,
        "subject_id": series.subject_id, "agency": rule.owner_agency, "provider": "", "measure_unit": measure_unit,
        "period_type": "instant", "period_start": span.end, "period_end": span.end + 1, "budget_year": 0, "event_time": span.end,
        "status": "official", "revision": 0, "source_topic": topic, "source_partition": partition, "source_offset": offset,
        "source_record_id": "", "caused_at": span.end, "generation": 0, "through": offset,
    }  # fmt: skip
