"""Questions that many readers ask at once: one goes to ClickHouse, and nobody's leaving takes the answer from the others."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dashboards.access import Access
from dashboards.database import Database, DatabaseError, Row
from transport.settings import Settings


class Counted(Database):
    """A database that answers after a step, and counts."""

    asked = 0
    broken = False

    async def _query(self, name: str, parameters: dict[str, Any]) -> list[Row]:
        self.asked += 1
        await asyncio.sleep(0)
        if self.broken:
            raise DatabaseError("không trả lời")
        return [{"name": name, "depth": parameters["depth"]}]


def test_equal_questions_at_once_are_asked_once() -> None:
    async def work() -> None:
        database, leader = Counted(Settings.load(), lambda: 0.0), Access(("VN",))
        found = await asyncio.gather(*(database.ask("withheld", leader) for _ in range(200)))
        assert (database.asked, len(found)) == (1, 200)
        assert (await database.ask("withheld", Access(("VN",), 2)))[0]["depth"] == 2, "another access is another question"
        assert database.asked == 2

    asyncio.run(work())


def test_a_reader_who_leaves_takes_no_answer_away_and_a_failure_is_asked_again() -> None:
    async def work() -> None:
        database, leader = Counted(Settings.load(), lambda: 0.0), Access(("VN",))
        first = asyncio.create_task(database.ask("withheld", leader))
        second = asyncio.create_task(database.ask("withheld", leader))
        await asyncio.sleep(0)
        first.cancel()
        assert len(await second) == 1
        database.broken = True
        with pytest.raises(DatabaseError):
            await database.ask("alerts", leader)
        database.broken = False
        assert len(await database.ask("alerts", leader)) == 1
        assert database.asked == 3

    asyncio.run(work())
