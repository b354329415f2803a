"""Readers whom an OpenID Connect provider vouches for: which claims give which role, depth and territories. Pure.

Whoever no row of the mapping speaks of has no account. Rights are never taken from the cookie: a session names the row it was let in by, so
that a changed or removed row ends it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from dashboards.access import Role
from dashboards.accounts import FEDERATED, NO_PASSWORD, OFFICE, Account
from dashboards.session import Federated, Session
from indicators.vocabulary import Vocabulary

Claims = Mapping[str, Any]
TITLE_CLAIMS = ("name", "preferred_username", "email", "sub")
LONGEST_NAME = 140


class Unmapped(Exception):
    """The provider knows this person, no row of the mapping does."""


class Grant(BaseModel):
    """One row of the mapping: whoever has `value` in `claim` (a path such as `realm_access.roles` goes into objects) gets these rights.

    Territories are named here, or read from a claim of the person's own that holds a code or a list of codes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    claim: str = Field(min_length=1, max_length=200)
    value: str = Field(min_length=1, max_length=200)
    role: Role
    territories: tuple[str, ...] = ()
    territory_claim: str = Field("", max_length=200)
    depth: int | None = Field(None, ge=0, le=3)
    clearance: int = Field(0, ge=0, le=9)
    agency: str = Field("", max_length=64)
    office: str = Field("", max_length=120, pattern=OFFICE, description="office@place: which hears the answers to what it issues")
    office_vi: str = Field("", max_length=50, description="office, shown after the person's name")

    @model_validator(mode="after")
    def _names_territories(self) -> Self:
        if bool(self.territories) == bool(self.territory_claim):
            raise ValueError("cần đúng một trong hai: territories, territory_claim / exactly one of the two")
        return self

    @property
    def id(self) -> str:
        """Changes with every field."""
        return sha256(self.model_dump_json().encode()).hexdigest()[:16]


class Grants:
    """The rows in order: the first that speaks of a person counts."""

    def __init__(self, rows: Sequence[Mapping[str, Any]], vocabulary: Vocabulary) -> None:
        """Raises ValueError for a wrong row: which one, and what to write."""
        self._vocabulary = vocabulary
        self._grants = [self._grant(number, row) for number, row in enumerate(rows, 1)]
        self._by_id = {grant.id: grant for grant in self._grants}

    def _grant(self, number: int, row: Mapping[str, Any]) -> Grant:
        where = f"NHIP_BOARD_OIDC_MAPPING, dòng / row {number}"
        try:
            grant = Grant.model_validate(row)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise ValueError(f"{where}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        unknown = [code for code in grant.territories if self._vocabulary.territory(code) is None]
        if unknown:
            raise ValueError(f"{where}: không có địa bàn / no such territory: {', '.join(unknown)}")
        if grant.agency and self._vocabulary.agency(grant.agency) is None:
            raise ValueError(f"{where}: không có cơ quan / no such agency: {grant.agency}")
        return grant

    def let_in(self, claims: Claims) -> tuple[Account, Federated]:
        """The account of checked claims, with what its session carries. Raises Unmapped."""
        for grant in self._grants:
            if grant.value not in _texts(claims, grant.claim):
                continue
            told = grant.territories or tuple(_texts(claims, grant.territory_claim))
            territories = tuple(code for code in told if self._vocabulary.territory(code) is not None)
            if territories:
                title = next(text for name in TITLE_CLAIMS for text in _texts(claims, name))[:LONGEST_NAME]
                carried = Federated(grant.id, ", ".join(part for part in (title, grant.office_vi) if part), territories)
                return _account(_name(claims), grant, carried), carried
        raise Unmapped

    def account(self, session: Session) -> Account | None:
        """The account of a session that the provider vouched for, with the rights its row gives now; None where the row is no more."""
        carried = session.federated
        grant = self._by_id.get(carried.grant) if carried else None
        return _account(session.account, grant, carried) if grant and carried else None


def _account(name: str, grant: Grant, carried: Federated) -> Account:
    return Account(
        name=name,
        title_vi=carried.title,
        role=grant.role,
        territories=carried.territories,
        depth=grant.depth,
        clearance=grant.clearance,
        agency=grant.agency,
        office=grant.office,
        password=NO_PASSWORD,
    )


def _name(claims: Claims) -> str:
    """A name that no local account can have, the same for a person at every sign-in: only issuer and subject together are unique
    (OpenID Connect Core 1.0, 5.7)."""
    return FEDERATED + sha256(f"{claims['iss']}|{claims['sub']}".encode()).hexdigest()[:16]


def _texts(claims: Claims, path: str) -> list[str]:
    """The texts under a claim: by its whole name, else into objects by dots; nothing where it is absent or of another kind."""
    found: Any = claims.get(path)
    if found is None:
        found = claims
        for part in path.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    listed = found if isinstance(found, list) else [found]
    return [text for text in listed if isinstance(text, str) and text]
