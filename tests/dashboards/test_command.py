"""`nhip board`: accounts are made and listed; a password is never on the command line nor in what is printed."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from dashboards.accounts import AccountBook
from ops.commands import board
from ops.stack.control import StackError

PASSWORD = "một mật khẩu dài"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AccountBook:
    monkeypatch.setenv("NHIP_DATA_DIR", str(tmp_path))
    return AccountBook(tmp_path / "board" / "accounts.json")


def test_an_account_is_made_and_listed(home: AccountBook) -> None:
    made = CliRunner().invoke(
        board.app,
        ["account", "an.nguyen", "--role", "leader", "--title", "Nguyễn An", "--territory", "31", "--depth", "1",
         "--office", "office_province@31"],
        input=f"{PASSWORD}\n",
    )
    assert made.exit_code == 0, made.output
    found = home.find("an.nguyen", SecretStr(PASSWORD))
    assert found is not None
    assert (found.access.territories, found.access.depth, found.access.may_act) == (("31",), 1, True)
    assert (found.office, found.access.may_backtest) == ("office_province@31", True)
    listed = CliRunner().invoke(board.app, ["accounts"], terminal_width=200)
    assert "Nguyễn An" in listed.output
    assert "scrypt" not in listed.output + made.output
    assert PASSWORD not in home.path.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["x", "--role", "king", "--title", "x", "--territory", "VN"], "leader"),
        (["x", "--role", "leader", "--title", "x", "--territory", "99"], "99"),
        (["x", "--role", "leader", "--title", "x", "--territory", "VN", "--office", "office_province@99"], "write as office_province@31"),
        (["x", "--role", "leader", "--title", "x", "--territory", "VN", "--office", "van-phong"], "no such office"),
        (["Có Dấu", "--role", "leader", "--title", "x", "--territory", "VN"], "name"),
    ],
)
def test_a_wrong_account_says_what_to_do(home: AccountBook, arguments: list[str], said: str) -> None:
    with pytest.raises(StackError, match=said):
        CliRunner().invoke(board.app, ["account", *arguments], input=f"{PASSWORD}\n", catch_exceptions=False)
    with pytest.raises(StackError, match="chưa có tài khoản"):
        CliRunner().invoke(board.app, ["accounts"], catch_exceptions=False)


def test_the_readers_of_a_demonstration_can_sign_in(home: AccountBook) -> None:
    shown = CliRunner().invoke(board.app, ["readers"])
    name, password = shown.output.splitlines()[0].split()[:2]
    assert home.find(name, SecretStr(password)) is not None
    assert len(home.accounts()) == 3
    assert [one.office for one in home.accounts().values()] == ["duty_government_office@VN", "", ""], "who may issue hears the answer"
