"""`nhip board account | accounts | readers`: who may sign in to the board.

Passwords are asked for or read from stdin, never from the command line.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Annotated

import typer
from pydantic import SecretStr, ValidationError
from rich.console import Console
from rich.table import Table

from dashboards.accounts import Account, AccountBook, AccountError, hashed
from dashboards.settings import BoardSettings
from dashboards.terms import DEPTHS, ROLES
from indicators.vocabulary import Vocabulary
from ops.commands.options import check_recipient, taking
from ops.demo import readers as demonstration
from ops.stack.control import StackError

app = typer.Typer(help="Bảng chỉ đạo, điều hành / the board.", no_args_is_help=True, add_completion=False)


@dataclass(kw_only=True)
class Put:
    """Options of `account`."""

    name: Annotated[str, typer.Argument(help="tên đăng nhập / name to sign in with")]
    role: Annotated[str, typer.Option("--role", help="leader | duty_officer | analyst")]
    title: Annotated[str, typer.Option("--title", help="họ tên, chức danh / name and office")]
    territory: Annotated[list[str], typer.Option("--territory", help="mã địa bàn, VN: cả nước; có thể nhiều / may be repeated")]
    depth: Annotated[int, typer.Option("--depth", min=-1, max=3, help="0 tổng số … 3 bản ghi nguồn; -1: theo vai trò / of the role")] = -1
    agency: Annotated[str, typer.Option("--agency", help="mã cơ quan của người dùng / agency the reader works for")] = ""
    office: Annotated[str, typer.Option("--office", help="đơn vị nhận trả lời văn bản, vd. office_province@31 / office")] = ""
    clearance: Annotated[int, typer.Option("--clearance", min=0, max=9, help="mức mật cao nhất được xem / highest access level")] = 0


@app.command()
@taking(Put)
def account(asked: Put) -> None:
    """Thêm hoặc thay một tài khoản / add or replace an account."""
    settings = BoardSettings.load()
    vocabulary = Vocabulary.load(settings.home)
    unknown = [code for code in asked.territory if vocabulary.territory(code) is None]
    if unknown:
        raise StackError(f"Không có địa bàn / no such territory: {', '.join(unknown)}; `nhip catalogue show`")
    if asked.agency and vocabulary.agency(asked.agency) is None:
        raise StackError(f"Không có cơ quan / no such agency: {asked.agency}; xem / see catalogue/agencies.yaml")
    if asked.office:
        check_recipient(settings.home, asked.office)
    if asked.role not in ROLES:
        raise StackError(f"Vai trò «{asked.role}» không có / no such role; có / there are: {', '.join(ROLES)}")
    depth = None if asked.depth < 0 else asked.depth
    _put(settings, {"name": asked.name, "title_vi": asked.title, "role": asked.role, "territories": tuple(asked.territory), "depth": depth,
                    "clearance": asked.clearance, "agency": asked.agency, "office": asked.office}, _password())  # fmt: skip
    print(f"Đã ghi tài khoản / account written: {asked.name}")


@app.command()
def accounts() -> None:
    """Các tài khoản, không có mật khẩu / the accounts, without passwords."""
    table = Table("tên\nname", "chức danh\noffice", "vai trò\nrole", "địa bàn\nterritory", "mức chi tiết\ndepth", "mức mật\nclearance")
    try:
        known = AccountBook(BoardSettings.load().accounts_path).accounts()
    except AccountError as error:
        raise StackError(str(error)) from error
    for one in known.values():
        table.add_row(
            one.name, one.title_vi, ROLES[one.role].vi, ", ".join(one.territories), DEPTHS[one.access.depth].vi, str(one.clearance)
        )
    Console().print(table)


@app.command()
def readers() -> None:
    """Ba người xem để trình diễn, mật khẩu ngẫu nhiên in ra một lần / three readers for a demonstration; passwords are shown once."""
    try:
        made = demonstration.make(BoardSettings.load())
    except AccountError as error:
        raise StackError(str(error)) from error
    for name, password, role in made:
        print(f"{name:10} {password}   {ROLES[role].vi} / {ROLES[role].en}")


def _put(settings: BoardSettings, fields: dict[str, object], password: SecretStr) -> None:
    try:
        AccountBook(settings.accounts_path).put(Account.model_validate({**fields, "password": hashed(password)}))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise StackError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except AccountError as error:
        raise StackError(str(error)) from error


def _password() -> SecretStr:
    if not sys.stdin.isatty():
        return SecretStr(sys.stdin.readline().rstrip("\n"))
    return SecretStr(typer.prompt("Mật khẩu / password", hide_input=True, confirmation_prompt=True))
