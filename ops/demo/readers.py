"""Readers of the demonstration's board: three accounts with passwords drawn for this run, in a file that only its owner may read."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from pydantic import SecretStr

from dashboards.access import MAY_ISSUE, Role
from dashboards.accounts import Account, AccountBook, hashed
from dashboards.settings import BoardSettings
from dashboards.terms import ROLES

FILE = "readers.txt"
OFFICE = "duty_government_office@VN"
"""Which issues requests in the demonstration and is told of the answers."""
READERS: tuple[tuple[str, str, Role], ...] = (
    ("lanhdao", "Lãnh đạo (trình diễn)", "leader"),
    ("trucban", "Trực ban Trung tâm điều hành (trình diễn)", "duty_officer"),
    ("phantich", "Chuyên viên phân tích (trình diễn)", "analyst"),
)


def make(settings: BoardSettings) -> list[tuple[str, str, Role]]:
    """Make the accounts anew: name, password, role of each. Raises AccountError where the file of accounts is wrong."""
    made = [(name, secrets.token_urlsafe(12), role) for name, _, role in READERS]
    for (name, title, role), (_, password, _) in zip(READERS, made, strict=True):
        fields = {"name": name, "title_vi": title, "role": role, "territories": ("VN",), "agency": "OOG",
                  "office": OFFICE if role in MAY_ISSUE else "", "password": hashed(SecretStr(password))}  # fmt: skip
        AccountBook(settings.accounts_path).put(Account.model_validate(fields))
    return made


def write(settings: BoardSettings) -> Path:
    """Make the accounts and keep names and passwords in `<data_dir>/board/readers.txt`, mode 600. Returns the file."""
    path = settings.data_dir / "board" / FILE
    lines = [f"{name:10} {password}   {ROLES[role].vi} / {ROLES[role].en}\n" for name, password, role in make(settings)]
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.writelines(lines)
    return path
