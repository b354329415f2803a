"""The board for tests: one seeded database a session, a board over it with a fixed clock, a journal in memory."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from dashboards.accounts import Account, AccountBook
from dashboards.application import application
from dashboards.board import Board
from dashboards.database import Database
from dashboards.federation import Grants
from dashboards.journal import Act, JournalError
from dashboards.limits import Limit
from dashboards.live import Hub
from dashboards.oidc import Provider
from dashboards.session import COOKIE, Sessions
from dashboards.settings import BoardSettings
from indicators.calendar import WorkingCalendar
from indicators.derived.formula_book import FormulaBook
from indicators.emergency import Step
from indicators.rule import RuleBook
from indicators.scenario import ScenarioBook
from indicators.vocabulary import Vocabulary
from sinks import clickhouse as ch
from sinks.migrations import migrate
from tests.dashboards.seeds import NOW_MS, Planted, plant
from tests.dashboards.seeds_emergency import plant_emergencies
from tests.dashboards.seeds_work import plant_backtest, plant_work
from tests.fixtures.network import GUARD
from transport.audit import Deed
from transport.backtest_orders import Order, StopOrder

CHEAP = "scrypt$2$8$1$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
"""No password's hash: tests that do not sign in by password need none."""
LEADER = Account(name="lanhdao", title_vi="Lãnh đạo", role="leader", territories=("VN",), password=CHEAP)
DUTY = Account(name="trucban", title_vi="Trực ban", role="duty_officer", territories=("VN",), password=CHEAP)
ANALYST = Account(name="phantich", title_vi="Phân tích", role="analyst", territories=("VN",), clearance=5, password=CHEAP)
PROVINCE = Account(name="tinh31", title_vi="Lãnh đạo Hải Phòng", role="leader", territories=("31",), password=CHEAP)


class Memory:
    """A journal that keeps what is written; with `broken` nothing can be."""

    def __init__(self) -> None:
        self.deeds: list[Deed] = []
        self.acts: list[Act] = []
        self.steps: list[Step] = []
        self.backtests: list[Order | StopOrder] = []
        self.broken = False

    async def deed(self, deed: Deed) -> None:
        if self.broken:
            raise JournalError("Chưa ghi được / not written")
        self.deeds.append(deed)

    async def act(self, act: Act, deed: Deed) -> None:
        await self.deed(deed)
        self.acts.append(act)

    async def step(self, step: Step, deed: Deed) -> None:
        await self.deed(deed)
        self.steps.append(step)

    async def backtest(self, row: Order | StopOrder, deed: Deed) -> None:
        await self.deed(deed)
        self.backtests.append(row)

    async def close(self) -> None:
        return None


class Seeded(NamedTuple):
    """The seeded database: where it is and what was planted."""

    settings: BoardSettings
    planted: list[Planted]


@pytest.fixture(scope="session")
def seeded(clickhouse: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seeded]:
    """One database for all tests of the board; they only read it."""
    host, _, port = clickhouse.rpartition(":")
    own = f"board_{uuid.uuid4().hex[:8]}"
    settings = BoardSettings.load(
        data_dir=tmp_path_factory.mktemp("board"), clickhouse_host=host, clickhouse_port=int(port), clickhouse_database=own, board_port=0
    )
    with GUARD.lifted():
        migrate(settings)
        with ch.connected(settings) as client:
            planted = [*plant(client), *plant_work(client), *plant_emergencies(client), *plant_backtest(settings)]
    yield Seeded(settings, planted)
    with GUARD.lifted(), ch.connected(settings) as client:
        client.command(f"DROP DATABASE IF EXISTS {own}")


@cache
def books(home: Path) -> tuple[FormulaBook, RuleBook, ScenarioBook]:
    """Formulas, rules and scenarios of the installation: every board reads the same, and none changes them."""
    return FormulaBook.load(home), RuleBook.load(home), ScenarioBook.load(home)


def made(settings: BoardSettings, journal: Memory | None = None) -> Board:
    """A board with the readers of this module; its clock stands at the seeds' present."""
    formulas, rules, scenarios = books(settings.home)
    accounts = AccountBook(settings.accounts_path)
    for account in (LEADER, DUTY, ANALYST, PROVINCE):
        if not settings.accounts_path.exists() or account.name not in accounts.accounts():
            accounts.put(account)
    return Board(
        settings=settings,
        vocabulary=Vocabulary.load(settings.home),
        formulas=formulas,
        rules=rules,
        scenarios=scenarios,
        calendar=WorkingCalendar.load(settings.home),
        database=Database(settings),
        journal=journal or Memory(),
        hub=Hub(),
        accounts=accounts,
        sessions=Sessions(b"k" * 32, 12),
        clock=lambda: NOW_MS,
        grants=Grants(settings.board_oidc_mapping, Vocabulary.load(settings.home)),
        provider=Provider(settings, lambda: NOW_MS) if settings.board_oidc_issuer else None,
        attempts=Limit(5, 0.05, lambda: 0.0),
        requests=Limit(10_000, 1.0, lambda: 0.0),
    )


class Client:
    """Requests of one reader; `account` None: nobody is signed in."""

    def __init__(self, board: Board, account: Account | None) -> None:
        self.board = board
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(application(board)), base_url="http://board", trust_env=False)
        self.sign(account)

    def sign(self, account: Account | None) -> None:
        """Sign a reader in, instead of whoever was before."""
        self.session = self.board.sessions.begin(account, self.board.clock()) if account else None
        self.token = self.board.sessions.token(self.session)
        self.http.cookies.clear()
        if self.session:
            self.http.cookies.set(COOKIE, self.board.sessions.written(self.session))

    async def get(self, path: str) -> httpx.Response:
        return await self.http.get(path)

    async def post(self, path: str, fields: dict[str, str], **options: Any) -> httpx.Response:
        return await self.http.post(path, data={"token": self.token, **fields}, **options)


def served(
    settings: BoardSettings, account: Account | None, work: Callable[[Client], Awaitable[None]], journal: Memory | None = None
) -> None:
    """Do the work of one reader against a board of its own."""

    async def run() -> None:
        board = made(settings, journal)
        client = Client(board, account)
        try:
            await work(client)
        finally:
            await client.http.aclose()
            await board.database.close()

    asyncio.run(run())


@pytest.fixture
def adrift(tmp_path: Path) -> BoardSettings:
    """Settings of a board whose ClickHouse is not there."""
    return BoardSettings.load(data_dir=tmp_path, clickhouse_port=1, board_port=0)
