"""Backtests ordered from a rule's page: the order, its end, how each stands. They are run by `nhip run backtests`, never by the board.

Who may is said by the role (`access.MAY_BACKTEST`); each order and each end is a line of the audit. That a rule is run, by whom and why is
told to every reader; what was found is shown within territory and clearance, as with runs of the command.
"""

from __future__ import annotations

import uuid
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from dashboards import figures
from dashboards.board import Forbidden, Missing, Visit
from dashboards.moments import PATTERN, known_at
from dashboards.words import word, words
from indicators.instant import DAY_MS
from transport.backtest_orders import ENDED, MOST_WAITING, STALE_MS, BacktestBook, Order, Run, StopOrder

MOST_DAYS: Final = 1_100
"""Three years and a little: the longest stretch a page orders. The command has no such bound."""
SHOWN: Final = 5
DEFAULT_DAYS: Final = 90
STATES: Final = words(
    ordered=("đang chờ tới lượt", "waiting for its turn"),
    running=("đang chạy", "running"),
    done=("đã xong", "done"),
    failed=("không chạy được", "failed"),
    stopped=("đã dừng", "stopped"),
)


class OrderError(ValueError):
    """A backtest that is not ordered so; the message says what to do, Vietnamese first."""


class BacktestForm(BaseModel):
    """What the forms of a rule's backtests send. `since`, `until`: days, the last one included; `order`: which one is to end."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    action: Literal["order", "stop"]
    since: str = Field("", pattern=PATTERN)
    until: str = Field("", pattern=PATTERN)
    why: str = Field("", max_length=500)
    order: str = Field("", max_length=64)


async def act(visit: Visit, rule_id: str, form: BacktestForm) -> None:
    """Write an order or its end with its line of the audit. Raises Forbidden, Missing, OrderError, MomentError or JournalError."""
    if not visit.access.may_backtest:
        raise Forbidden
    rule = visit.board.rules.rules.get(rule_id)
    if rule is None:
        raise Missing
    if form.action == "stop":
        await _stopped(visit, rule_id, form.order)
        return
    if not rule.has_history:
        raise OrderError("quy tắc này không có lịch sử để chạy lại / this rule has no history to be run over")
    made = _order(visit, rule_id, form)
    stretch = f"{figures.day(made.since, 'vi')} – {figures.day(made.until - 1, 'vi')}"
    await visit.board.journal.backtest(made, visit.deed("rules.backtest", rule_id, made.id, f"{stretch}; {made.why}"))


async def _stopped(visit: Visit, rule_id: str, identity: str) -> None:
    book = _book(visit)
    order = book.orders.get(identity)
    if order is None or order.rule != rule_id:
        raise Missing
    if book.state(identity) in ENDED:
        raise OrderError("lượt chạy này đã kết thúc / this run has ended")
    row = StopOrder(order=identity, actor=visit.account.title_vi, office=visit.account.name, at=visit.now)
    await visit.board.journal.backtest(row, visit.deed("rules.backtest_stop", rule_id, identity))


def _order(visit: Visit, rule_id: str, form: BacktestForm) -> Order:
    """The order of a form. Raises OrderError, MomentError."""
    if not form.since or not form.until or not form.why:
        raise OrderError("cần từ ngày, đến ngày và lý do / first day, last day and reason are needed")
    since = figures.ms(known_at(form.since, visit.now))
    until = figures.ms(known_at(form.until, visit.now)) + DAY_MS
    if since >= until or since > visit.now:
        raise OrderError("từ ngày phải trước hoặc bằng đến ngày, và không ở tương lai / the first day comes first, not in the future")
    if until - since > MOST_DAYS * DAY_MS:
        raise OrderError(f"khoảng dài nhất là {MOST_DAYS} ngày; dài hơn: `nhip rules backtest` / at most so many days; longer: the command")
    open_ = _book(visit).open()
    if any(one.rule == rule_id for one in open_):
        raise OrderError("quy tắc này đang chờ hoặc đang chạy lại / a backtest of this rule is under way")
    if len(open_) >= MOST_WAITING:
        raise OrderError(f"đã có {MOST_WAITING} lượt đang chờ, đặt lại sau / that many wait already: try again later")
    return Order(
        id=str(uuid.uuid4()),
        rule=rule_id,
        since=since,
        until=until,
        actor=visit.account.title_vi,
        office=visit.account.name,
        why=form.why,
        at=visit.now,
    )


def _book(visit: Visit) -> BacktestBook:
    """The orders. Raises OrderError where they are not known."""
    follower = visit.board.backtests
    if follower is None or not follower.whole:
        raise OrderError("chưa đọc được các lượt đang chờ, thử lại sau ít phút / what waits is not known yet: try again in a few minutes")
    return follower.book


def shown(visit: Visit, rule_id: str) -> dict[str, Any]:
    """What the rule's page shows: its newest orders, whether the reader may order, the stretch that the form proposes."""
    follower = visit.board.backtests
    book = BacktestBook() if follower is None else follower.book
    lines = [_line(visit, book, one) for one in book.of_rule(rule_id)[:SHOWN]]
    return {
        "orders": lines,
        "may_order": visit.access.may_backtest and not any(line["open"] for line in lines),
        "may_stop": visit.access.may_backtest,
        "from": figures.day(visit.now - DEFAULT_DAYS * DAY_MS, "vi"),
        "to": figures.day(visit.now, "vi"),
    }


def _line(visit: Visit, book: BacktestBook, order: Order) -> dict[str, Any]:
    """One order in words. `silent`: nobody has said anything of it for too long, so the process is not there."""
    language, state, run = visit.language, book.state(order.id), book.runs.get(order.id)
    waits = state == "ordered" and visit.now - order.at > STALE_MS and not any(book.state(o.id) == "running" for o in book.open())
    return {
        "id": order.id,
        "state": state,
        "said": word(STATES, state, language),
        "open": state not in ENDED,
        "by": order.actor,
        "why": order.why,
        "at": figures.instant(order.at, language),
        "since": figures.day(order.since, language),
        "until": figures.day(order.until - 1, language),
        "stopping": order.id in book.stops and state not in ENDED,
        "silent": waits or book.silent(order.id, visit.now),
        **_progress(run),
    }


def _progress(run: Run | None) -> dict[str, Any]:
    """A share alone: how many records there are, or what was found in all, may be more than a reader sees."""
    if run is None:
        return {"counted": False, "share": 0, "failed": ""}
    return {"counted": run.rows > 0, "share": min(100, 100 * run.read // run.rows) if run.rows else 0, "failed": run.said}
