"""Backtests ordered from a rule's page: who may, what is refused and why, what is written, what the page says of each."""

from __future__ import annotations

import pytest

from dashboards.pages.backtests import MOST_DAYS
from indicators.instant import DAY_MS, day_start, local_day
from tests.dashboards.conftest import ANALYST, DUTY, LEADER, Client, Memory, Seeded, served
from tests.dashboards.seeds import NOW_MS
from transport.backtest_follower import BacktestFollower
from transport.backtest_orders import MOST_WAITING, STALE_MS, Order, Run, StopOrder

pytestmark = pytest.mark.loopback
RULE, OTHER = "GN-DTC-CHAM-KE-HOACH", "TV-MUC-NUOC-BAO-DONG"
GOOD = {"action": "order", "since": "01/08/2026", "until": "30/09/2026", "why": "Xem thử mức mới"}


def order(name: str, rule: str = RULE, at: int = NOW_MS) -> Order:
    return Order(id=name, rule=rule, since=NOW_MS - 90 * DAY_MS, until=NOW_MS, actor="Phân tích", office="phantich", why="thử", at=at)


def known(client: Client, *rows: Order | StopOrder | Run, whole: bool = True, appended: int = NOW_MS) -> BacktestFollower:
    """A follower that has read these rows."""
    follower = client.board.backtests = BacktestFollower(client.board.settings)
    follower.whole = whole
    for row in rows:
        follower.book.take(row.key, row.body(), appended)
    return follower


def test_an_order_is_written_with_its_audit_and_what_cannot_be_is_said(seeded: Seeded) -> None:
    journal, path = Memory(), f"/rules/{RULE}/backtests"

    async def work(client: Client) -> None:
        known(client)
        page = (await client.get(f"/rules/{RULE}")).text
        assert 'name="since"' in page
        assert f'data-key="moved:backtest/{RULE}"' in page
        answer = await client.post(path, GOOD)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/rules/{RULE}?done=1")
        assert "Đã ghi; trang báo" in (await client.get(f"/rules/{RULE}?done=1")).text
        wrong = {"since": "01/10/2026", "why": "", "until": "", "action": "x"}
        for name, value in wrong.items():
            assert (await client.post(path, {**GOOD, name: value})).status_code == 400, name
        for name, value in (("since", "32/08/2026"), ("since", "01/08/2020"), ("until", "x")):
            assert (await client.post(path, {**GOOD, name: value})).status_code == 400, name
        future = {"since": "01/01/2027", "until": "02/01/2027"}
        assert (await client.post(path, {**GOOD, **future})).status_code == 400
        assert (await client.post("/rules/none/backtests", GOOD)).status_code == 404
        assert "không có lịch sử" in (await client.post("/rules/HT-TU-GIAM-SAT/backtests", GOOD)).text
        assert (await client.post(path, {**GOOD, "token": "x"})).status_code == 403
        known(client, whole=False)
        assert "chưa đọc được" in (await client.post(path, GOOD)).text
        known(client, order("o1"))
        assert "đang chờ hoặc đang chạy lại" in (await client.post(path, GOOD)).text
        known(client, *(order(f"o{n}", f"{OTHER}{n}") for n in range(MOST_WAITING)))
        assert "lượt đang chờ" in (await client.post(path, GOOD)).text

    served(seeded.settings, ANALYST, work, journal)
    (made,) = journal.backtests
    assert isinstance(made, Order)
    assert (local_day(made.since).isoformat(), local_day(made.until - 1).isoformat()) == ("2026-08-01", "2026-09-30")
    assert made.since == day_start(local_day(made.since)), "whole days of Vietnam"
    assert (made.rule, made.actor, made.office, made.why) == (RULE, "Phân tích", "phantich", "Xem thử mức mới")
    (deed,) = journal.deeds
    assert (deed.did, deed.on, deed.run, deed.actor) == ("rules.backtest", RULE, made.id, "phantich")
    assert deed.why == "01/08/2026 – 30/09/2026; Xem thử mức mới"
    assert MOST_DAYS > 3 * 365


def test_a_run_is_ended_by_who_may_and_only_while_it_goes_on(seeded: Seeded) -> None:
    journal, stop = Memory(), {"action": "stop", "order": "o1"}

    async def leader(client: Client) -> None:
        known(client, order("o1"), order("o2", OTHER), Run(order="o2", runner="a", state="done", at=NOW_MS))
        assert (await client.post(f"/rules/{RULE}/backtests", stop)).status_code == 303
        assert (await client.post(f"/rules/{OTHER}/backtests", stop)).status_code == 404, "of another rule"
        assert (await client.post(f"/rules/{OTHER}/backtests", {**stop, "order": "o2"})).status_code == 400, "it has ended"

    async def duty(client: Client) -> None:
        known(client, order("o1"))
        page = (await client.get(f"/rules/{RULE}")).text
        assert "đang chờ tới lượt" in page
        assert "/backtests" not in page, "reads what others ordered, and orders nothing"
        for form in (GOOD, stop):
            assert (await client.post(f"/rules/{RULE}/backtests", form)).status_code == 403

    served(seeded.settings, LEADER, leader, journal)
    served(seeded.settings, DUTY, duty, journal)
    (made,) = journal.backtests
    assert (made.key, [d.did for d in journal.deeds]) == (b"stop|o1", ["rules.backtest_stop"])


def test_the_page_says_how_each_order_stands(seeded: Seeded) -> None:
    async def work(client: Client) -> None:
        async def page() -> str:
            return (await client.get(f"/rules/{RULE}")).text

        running = Run(order="o1", runner="a", state="running", at=NOW_MS, read=3_000_017, rows=12_000_068)
        follower = known(client, order("o1"), running)
        text = await page()
        assert "đang chạy" in text
        assert '<progress value="25" max="100"' in text
        assert not any(told in text for told in ("3000017", "3.000.017", "12000068", "12.000.068")), "how many records is not told"
        assert 'name="since"' not in text, "one of a rule at a time"
        assert "Chưa có tiến trình nào" not in text
        known(client, order("o1"), running, appended=NOW_MS - STALE_MS - 1)
        assert "Chưa có tiến trình nào" in await page(), "its process is gone"
        known(client, order("o1", at=NOW_MS - STALE_MS - 1))
        assert "Chưa có tiến trình nào" in await page(), "nobody takes it up"
        known(client, order("o1"), running, StopOrder(order="o1", actor="x", office="x", at=NOW_MS))
        assert "đã yêu cầu dừng" in await page()
        failed = Run(order="o1", runner="a", state="failed", at=NOW_MS, said="ClickHouse 60 <b>")
        known(client, order("o1"), running, failed)
        text = await page()
        assert "không chạy được" in text
        assert "ClickHouse 60 &lt;b&gt;" in text
        assert 'name="since"' in text, "it can be ordered again"
        assert follower.book.version

    served(seeded.settings, ANALYST, work)
