"""The board's parts in one place, and one request's view of them: who reads, in which language, at which instant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from dashboards.access import Access
from dashboards.accounts import Account, AccountBook
from dashboards.database import Database, Row
from dashboards.export import Table
from dashboards.federation import Grants
from dashboards.headlines import Lookup
from dashboards.journal import Journal
from dashboards.limits import Limit
from dashboards.live import Follower, Hub
from dashboards.oidc import Provider
from dashboards.report import Report
from dashboards.session import Session, Sessions
from dashboards.settings import BoardSettings
from dashboards.terms import OFFICES
from dashboards.words import Language, word
from indicators.calendar import WorkingCalendar
from indicators.derived.formula_book import FormulaBook
from indicators.rule import RuleBook
from indicators.scenario import ScenarioBook
from indicators.territory import COUNTRY
from indicators.vocabulary import Vocabulary
from transport.audit import Deed
from transport.backtest_follower import BacktestFollower
from transport.emergency_follower import EmergencyFollower


class Forbidden(Exception):
    """The reader may not see or do this."""


class Missing(Exception):
    """There is no such thing within the reader's scope."""


@dataclass(slots=True)
class Board:
    """Everything a request may use. `clock`: epoch ms."""

    settings: BoardSettings
    vocabulary: Vocabulary
    formulas: FormulaBook
    rules: RuleBook
    scenarios: ScenarioBook
    calendar: WorkingCalendar
    database: Database
    journal: Journal
    hub: Hub
    accounts: AccountBook
    sessions: Sessions
    clock: Callable[[], int]
    grants: Grants
    provider: Provider | None = None
    follower: Follower | None = None
    ordered: EmergencyFollower | None = None
    backtests: BacktestFollower | None = None
    attempts: Limit = field(default_factory=lambda: Limit(burst=5, per_second=1 / 20))
    requests: Limit = field(default_factory=lambda: Limit(burst=120, per_second=20))

    def account(self, session: Session) -> Account | None:
        """The account of a session with its present rights; None where they are no longer those of the session. Raises AccountError."""
        found = self.grants.account(session) if session.federated else self.accounts.accounts().get(session.account)
        return found if found is not None and found.stamp == session.stamp else None


class Query(BaseModel):
    """Parameters of a page's address. Unknown ones are ignored, so that shared addresses outlive changes."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    territory: str = Field(
        "", pattern=r"^(VN|\d{2}|\d{5})?$", description="mã địa bàn; trống: cả phạm vi / territory; empty: the whole scope"
    )


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a signed-in reader."""

    board: Board
    account: Account
    session: Session
    language: Language
    now: int
    seen: int = 0

    @property
    def access(self) -> Access:
        """What the reader may see."""
        return self.account.access

    @property
    def lookup(self) -> Lookup:
        """What builders of pages look words and rules up in."""
        return Lookup(self.board.vocabulary, self.board.formulas, self.board.rules, self.language, self.now)

    async def ask(self, name: str, **values: Any) -> list[Row]:
        """The rows of a question within the reader's access."""
        return await self.board.database.ask(name, self.access, values)

    def territory(self, wanted: str) -> str:
        """The territory to show: the wanted one, or the widest of the scope. Raises Forbidden outside the scope."""
        chosen = wanted or (COUNTRY if self.access.whole_country else self.access.territories[0])
        if not self.access.sees(chosen, self.board.vocabulary):
            raise Forbidden
        return chosen

    async def write_down(self, did: str, on: str, detail: str = "") -> None:
        """One line of the audit. Raises JournalError."""
        await self.board.journal.deed(self.deed(did, on, detail))

    def deed(self, did: str, on: str, run: str = "", why: str = "") -> Deed:
        """The line of the audit for something this reader does. `run`: the act's id, or what was looked at."""
        return Deed(at=self.now, actor=self.account.name, office=self.account.title_vi, did=did, on=on, run=run, why=why, via="board")

    def territory_name(self, code: str) -> str:
        """A unit's name; the code where it is unknown."""
        unit = self.board.vocabulary.territory(code)
        return unit.name_vi if unit else code

    def agency_name(self, code: str) -> str:
        """An agency's name; the code where it is unknown."""
        agency = self.board.vocabulary.agency(code)
        return code if agency is None else agency.name_vi if self.language == "vi" else agency.name_en

    def subject_name(self, kind: str, code: str) -> str:
        """A subject's name; the code where it is unknown."""
        subject = self.board.vocabulary.subject(kind, code)
        return code if subject is None else subject.name_vi if self.language == "vi" or not subject.name_en else subject.name_en

    def office_name(self, recipient: str, at: str = "") -> str:
        """Words of an office at its place: `chair_province@31` → «Chủ tịch Ủy ban nhân dân Thành phố Hải Phòng»; `at`: a place that goes
        without saying."""
        office, _, where = recipient.partition("@")
        kind, _, subject = where.partition(":")
        if subject:
            return f"{word(OFFICES, office, self.language)} – {self.subject_name(kind, subject)}"
        named = f" {self.territory_name(where)}" if where and where not in (COUNTRY, at) else ""
        return f"{word(OFFICES, office, self.language)}{named}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a page answers: a template with what it shows, and the same as a table for export.

    `status`: HTTP; `document`: a report to hand out.
    """

    template: str
    shown: Mapping[str, Any]
    table: Table
    status: int = 200
    document: Report | None = None
