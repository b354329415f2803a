"""One alert from its opening to its end, in the terminal: slow disbursement of a province, told to the unit, not acknowledged, taken up a
level, explained, corrected by a revision, over, closed; then the same once more, read again from the beginning, and nobody hears a thing.

The parts are those of the workers and of the alerts process: the rule of the catalogue, the lines of stage 2, the story with its timers,
offices and messages. Only the clock is told, so that ten working days pass at once; nothing is sent and no server is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

from alerts.action import Action
from alerts.alert import Alert
from alerts.condition import Condition, from_record
from alerts.story import Effects, Story
from alerts.words import TRANSITIONS_VI
from indicators.derived.formula_book import FormulaBook
from indicators.derived.result import Result
from indicators.instant import HOUR_MS, day_start
from indicators.numbers_vi import time_vi
from indicators.observation import STATUSES
from indicators.period import period_of
from indicators.rule import RuleBook
from indicators.vocabulary import Vocabulary
from stream_processors.result_rules import ResultRules
from stream_processors.result_state import Outcome, ResultState

RULE: Final = "GN-DTC-CHAM-KE-HOACH"
PROVINCE: Final = "31"
YEAR: Final = 2026
OFFICIAL: Final = STATUSES.index("official")
Say = Callable[[str], None]

FIGURES: Final[tuple[tuple[date, int, str, str], ...]] = (
    (date(2026, 10, 5), 9, "43.20", "Kho bạc báo số giải ngân đến hết tháng 9 / treasury: disbursed by the end of September"),
    (date(2026, 10, 26), 9, "58.50", "Kho bạc đính chính số tháng 9: sót bút toán / September is corrected: entries were missing"),
    (date(2026, 11, 5), 10, "74.10", "Số giải ngân đến hết tháng 10 / disbursed by the end of October"),
)
"""Day on which the figure arrives, month it is of, percent of the plan, what it is."""
HEAD: Final = (
    "Trọn một cảnh báo, trên số liệu bịa và đồng hồ được kể; không gửi gì ra ngoài.\n"
    "One alert from its opening to its end, on made-up figures and a clock that is told; nothing is sent."
)
EXPLAINED: Final = "Sở Tài chính: 312 tỷ đồng đã thanh toán chưa được hạch toán ở kho bạc huyện; đang đối chiếu."
CLOSED: Final = "Đã theo kịp tiến độ kế hoạch."


@dataclass(slots=True)
class Told:
    """What a telling did: ids of events, keys of messages, and how many of these were sent to people."""

    events: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    transitions: list[str] = field(default_factory=list)


def play(home: Path, story: Story, say: Say) -> tuple[Told, Told]:
    """Tell the story, and tell it again to who knows it: (first, again). `story`: empty, over the installation's rules and offices."""
    vocabulary, rules = Vocabulary.load(home), RuleBook.load(home)
    formulas = FormulaBook.load(home)
    say(HEAD)
    first = Told()
    for line in _whole(vocabulary, rules, formulas, story, first):
        say(line)
    say("\nĐọc lại từ đầu / read again from the beginning")
    again = Told()
    for _ in _whole(vocabulary, rules, formulas, story, again, timers=False):
        pass
    say(f"  {len(again.events)} diễn biến mới, {len(again.messages)} thông báo / new events, messages")
    return first, again


def _whole(
    vocabulary: Vocabulary, rules: RuleBook, formulas: FormulaBook, story: Story, told: Told, *, timers: bool = True
) -> Iterator[str]:
    """All steps in the order of their time. `timers`: let what is due go off (who reads again finds that it has)."""
    judge = _Judge(vocabulary, rules, formulas)
    acts = _acts()
    for number, (day, month, percent, what) in enumerate(FIGURES):
        now = day_start(day) + 8 * HOUR_MS
        if timers:
            yield from _until(story, now, told)
        yield f"\n{time_vi(now)}  {what}: {percent.replace('.', ',')} %"
        for condition in judge.conditions(month, Decimal(percent), now, number):
            yield from _shown(story.on_condition(condition, now), told)
        for action, office, actor, note, after in acts.get(number, ()):
            at = day_start(day + timedelta(after)) + 9 * HOUR_MS
            if timers:
                yield from _until(story, at, told)
            yield f"\n{time_vi(at)}  {actor} ({office})"
            yield from _shown(story.on_action(_act(judge.alert_id, action, office, actor, note, at), at), told)


def _until(story: Story, now: int, told: Told) -> Iterator[str]:
    """What goes off by itself before an instant."""
    while (due := story.next_due()) is not None and due <= now:
        for alert_id, timer in story.due(due):
            effects = story.on_timer(alert_id, timer, timer.due)
            if effects.event is not None:
                yield f"\n{time_vi(timer.due)}  không ai tiếp nhận, hết hạn / nobody has answered, the time is up"
            yield from _shown(effects, told)


def _shown(effects: Effects, told: Told) -> Iterator[str]:
    """An event, and who is told of it through which channel."""
    told.messages += [request.notification_key for request in effects.requests]
    if effects.event is None:
        return
    event: Alert = effects.event
    told.events.append(event.event_id)
    told.transitions.append(event.transition)
    yield f"  {TRANSITIONS_VI.get(event.transition, event.transition)} / {event.transition}: {event.title_vi}"
    if event.actor and event.note:
        yield f"    «{event.note}»"
    sent: dict[str, list[str]] = {}
    for request in effects.requests:
        if request.state == "intended":
            sent.setdefault(request.recipient, []).append(request.channel)
    for recipient, channels in sent.items():
        yield f"    → {recipient}: {', '.join(channels)}"


class _Judge:
    """Stage 2's judgement of one result, figure by figure."""

    def __init__(self, vocabulary: Vocabulary, rules: RuleBook, formulas: FormulaBook) -> None:
        only = RuleBook([rules.rules[RULE]])
        self._lines = ResultRules(vocabulary, only, formulas, ("operands.finance_budget", 0))
        result = Result("F02.province", PROVINCE, "", "", YEAR)
        state = self._lines.result(result)
        assert state is not None
        self._state: ResultState = state
        self._key = result.key()
        self.alert_id = ""

    def conditions(self, month: int, percent: Decimal, now: int, number: int) -> list[Condition]:
        """What the rule says when a month's figure stands at this."""
        period = period_of("month", day_start(date(YEAR, month, 1)))
        outcome = Outcome(
            territory=PROVINCE, period_type="month", period_start=period.start_ms, period_end=period.end_ms, deleted=False,
            status=OFFICIAL, inexact=0, value=percent, numerator=None, denominator=None, rank=0, of=1, expected=1, reason="", marks=(),
            event_time=period.end_ms - 1, caused_at=now,
        )  # fmt: skip
        self._state.outcomes[PROVINCE, period.start_ms] = outcome
        found = [from_record(row) for row in self._lines.evaluate(self._key, self._state, number)[0]]
        self.alert_id = found[-1].alert_id if found else self.alert_id
        return [replace(condition, caused_at=now) for condition in found]


def _acts() -> dict[int, tuple[tuple[str, str, str, str, int], ...]]:
    """After which figure, by whom, so many days later: (act, office, actor, note, days)."""
    return {
        0: (("explain", "chair_province@31", "Trần Thị Bình", EXPLAINED, 9),),
        2: (("close", "finance_department@31", "Lê Văn Hà", CLOSED, 1),),
    }


def _act(alert_id: str, action: str, office: str, actor: str, note: str, at: int) -> Action:
    return Action(
        action_id=f"{alert_id}-{action}", alert_id=alert_id, action=action, actor=actor, office=office, note=note, until=0, acted_at=at,
        via="command",
    )  # fmt: skip
