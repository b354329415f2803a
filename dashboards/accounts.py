"""Local accounts: a JSON file only its owner may read, passwords as scrypt hashes. `nhip board account` keeps it.

scrypt with N = 2^15, r = 8, p = 1 (32 MiB, RFC 7914): about a tenth of a second a guess. An unknown name costs as long as a wrong password.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from dashboards.access import DEPTH_OF, MAY_ACT, MAY_BACKTEST, MAY_ISSUE, Access, Role

N, R, P, SALT_BYTES, HASH_BYTES = 1 << 15, 8, 1, 16, 32
OFFICE: Final = r"^([a-z][a-z0-9_]*@[A-Za-z0-9][A-Za-z0-9:._-]*)?$"
"""`office@place` as alerts name whom they tell (`office_province@31`, `director_hospital@hospital:BV-01`), or nothing."""
FEDERATED: Final = "oidc:"
"""How the names begin of readers whom an OpenID Connect provider vouches for; no account of the file has such a name."""
SHORTEST_PASSWORD: Final = 12
LONGEST_PASSWORD: Final = 1024


class AccountError(ValueError):
    """The file of accounts is missing or wrong, or an account cannot be made so; the message says what to do next."""


class Account(BaseModel):
    """One reader. `depth` None: that of the role."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^(oidc:)?[a-z0-9][a-z0-9._-]{0,63}$")
    title_vi: str = Field(min_length=1, max_length=200, description="name and office as shown and as recorded beside acts")
    role: Role
    territories: tuple[str, ...] = Field(min_length=1, description="codes; VN: the whole country")
    depth: int | None = Field(None, ge=0, le=3)
    clearance: int = Field(0, ge=0, le=9)
    agency: str = Field("", max_length=64, description="code of the agency the reader works for: whose tasks are «mine»; empty: none")
    office: str = Field(
        "", max_length=120, pattern=OFFICE, description="office of catalogue/offices.yaml at its place that the reader sits in; empty: none"
    )
    password: str = Field(pattern=r"^scrypt\$", description="scrypt$N$r$p$salt$hash", repr=False)

    @property
    def access(self) -> Access:
        """What this reader may see and do."""
        depth = DEPTH_OF[self.role] if self.depth is None else self.depth
        may = (self.role in allowed for allowed in (MAY_ACT, MAY_ISSUE, MAY_BACKTEST))
        return Access(self.territories, depth, self.clearance, *may)

    @property
    def stamp(self) -> str:
        """Changes with the password and with every right, so that older sessions end."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]


@dataclass(slots=True)
class AccountBook:
    """The accounts by name, read anew when the file changes."""

    path: Path
    _read_at: tuple[int, int] = (0, 0)
    _accounts: dict[str, Account] | None = None

    def accounts(self) -> dict[str, Account]:
        """Every account. Raises AccountError where the file is missing, wrong, or open to others."""
        try:
            state = self.path.stat()
        except FileNotFoundError:
            raise AccountError("chưa có tài khoản: `nhip board account <tên> --role leader` / no accounts yet: run it") from None
        if state.st_mode & 0o077:
            raise AccountError(f"{self.path.name}: người khác đọc được: chmod 600 / readable by others: chmod 600")
        if self._accounts is None or self._read_at != (state.st_mtime_ns, state.st_ino):
            self._accounts = _read(self.path)
            self._read_at = (state.st_mtime_ns, state.st_ino)
        return self._accounts

    def find(self, name: str, password: SecretStr) -> Account | None:
        """The account of a name and its password; None where either is wrong, after the same time. Raises AccountError."""
        account = self.accounts().get(name)
        right = verify(password, account.password if account else NO_PASSWORD)
        return account if account and right else None

    def put(self, account: Account) -> None:
        """Add or replace an account; the file is swapped in whole, mode 600. Raises AccountError."""
        if account.name.startswith(FEDERATED):
            raise AccountError(f"tên không được bắt đầu bằng «{FEDERATED}» / a name does not begin so")
        known = dict(self.accounts()) if self.path.exists() else {}
        known[account.name] = account
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_suffix(".new")
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump([a.model_dump(mode="json") for a in known.values()], file, ensure_ascii=False, indent=1)
        beside.replace(self.path)


def hashed(password: SecretStr) -> str:
    """`scrypt$N$r$p$salt$hash` of a password. Raises AccountError where it is too short or too long."""
    if not SHORTEST_PASSWORD <= len(password.get_secret_value()) <= LONGEST_PASSWORD:
        raise AccountError(f"mật khẩu cần ít nhất {SHORTEST_PASSWORD} ký tự / a password needs at least {SHORTEST_PASSWORD} characters")
    salt = secrets.token_bytes(SALT_BYTES)
    found = _scrypt(password, salt, N, R, P)
    return f"scrypt${N}${R}${P}${b64encode(salt).decode()}${b64encode(found).decode()}"


def verify(password: SecretStr, stored: str) -> bool:
    """Whether a password is the stored one; compared in constant time."""
    if len(password.get_secret_value()) > LONGEST_PASSWORD:
        return False
    _, n, r, p, salt, wanted = stored.split("$")
    found = _scrypt(password, b64decode(salt), int(n), int(r), int(p))
    return hmac.compare_digest(found, b64decode(wanted))


def _scrypt(password: SecretStr, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(
        password.get_secret_value().encode(), salt=salt, n=n, r=r, p=p, dklen=HASH_BYTES, maxmem=256 * r * (n + p) + (1 << 20)
    )


def _read(path: Path) -> dict[str, Account]:
    try:
        accounts = [Account.model_validate(row) for row in json.loads(path.read_text("utf-8"))]
    except (ValidationError, ValueError, TypeError) as error:
        raise AccountError(f"{path.name}: không đọc được, khôi phục tệp / cannot be read, restore it: {type(error).__name__}") from None
    return {account.name: account for account in accounts}


NO_PASSWORD: Final = f"scrypt${N}${R}${P}${b64encode(bytes(SALT_BYTES)).decode()}${b64encode(bytes(HASH_BYTES)).decode()}"
"""No password has this hash; verifying against it takes as long as against a real one."""
