"""`nhip catalogue show | check` as a person runs it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops.commands.catalogue import NOT_FOUND, app
from transport.settings import HOME

RUNNER = CliRunner(env={"COLUMNS": "160", "TERM": "dumb"})


def test_check_says_what_it_counted() -> None:
    result = RUNNER.invoke(app, ["check"])
    assert result.exit_code == 0
    assert "vn-1012 103" in result.output
    assert "hai-phong 109" in result.output
    assert "3.321 xã, phường, đặc khu" in result.output


def test_check_names_the_place_and_exits_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(HOME / "catalogue", tmp_path / "catalogue")
    path = tmp_path / "catalogue" / "subjects.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace('bd2: "10.5"', 'bd2: "9.5"', 1), encoding="utf-8")
    monkeypatch.setenv("NHIP_HOME", str(tmp_path))
    result = RUNNER.invoke(app, ["check"])
    assert result.exit_code == 1
    assert "catalogue/subjects.yaml:" in result.output
    assert "bd1 < bd2 < bd3" in result.output
    assert str(tmp_path) not in result.output


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("vn-1012/A.II.3", ("Giải ngân vốn đầu tư công", "plan_pm", "VST (*)", "chờ xác nhận")), ("31", ("Thành phố Hải Phòng", "114")),
        ("DOF-31", ("Sở Tài chính thành phố Hải Phòng", "PPC-31")), ("30", ("31",)), ("guide-7146/F36", ("giường",)),
    ],
)  # fmt: skip
def test_show_one(code: str, words: tuple[str, ...]) -> None:
    result = RUNNER.invoke(app, ["show", code])
    assert result.exit_code == 0
    for word in words:
        assert word in result.output


def test_show_all_lists_catalogues_and_the_main_path() -> None:
    result = RUNNER.invoke(app, ["show"])
    assert result.exit_code == 0
    assert "guide-7146" in result.output
    assert "vn-1012/A.II.3" in result.output


def test_an_unknown_code_is_told_with_examples() -> None:
    result = RUNNER.invoke(app, ["show", "vn-1012/Z.9"])
    assert result.exit_code == NOT_FOUND
    assert "Không có mã này" in result.output
