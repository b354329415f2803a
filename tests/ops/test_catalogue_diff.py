"""`nhip catalogue diff`: what changed, and what the change touches."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops.commands.catalogue import app
from transport.settings import HOME

RUNNER = CliRunner(env={"COLUMNS": "160", "TERM": "dumb"})


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """An older installation: one row named otherwise, a series with another bound and one not there yet, a formula rounded otherwise."""
    shutil.copytree(HOME / "catalogue", tmp_path / "catalogue")
    folder = tmp_path / "catalogue"
    for name, old, new in (
        ("indicators/vn-1012.yaml", "name_en: Rice exports", "name_en: Exports of rice"),
        ("series.yaml", "component: free, concept: icu_beds_free", 'component: free, maximum: "99", concept: icu_beds_free'),
        ("formulas/derived/emergency.yaml", "  better: lower\n- id: F37", "  places: 1\n  better: lower\n- id: F37"),
    ):
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text, name
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    lines = (folder / "series.yaml").read_text(encoding="utf-8").split("\n- {")
    kept = [line for line in lines if "indicator: vn-1012/A.II.6, component: turnover" not in line]
    (folder / "series.yaml").write_text("\n- {".join(kept), encoding="utf-8")
    return tmp_path


def test_the_differences_and_what_they_touch(older: Path) -> None:
    result = RUNNER.invoke(app, ["diff", str(older)])
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert "sửa / changed row vn-1012/A.VI.3: name_en" in lines
    assert "thêm / added series vn-1012/A.II.6#turnover" in lines
    changed = next(line for line in lines if "series guide-7146/T14.ICU#free" in line)
    assert changed == (
        "sửa / changed series guide-7146/T14.ICU#free: maximum → definition F36, formula F36.hospital, formula F36.province, "
        "rule KC-GIUONG-ICU-CAN"
    )
    formula = next(line for line in lines if "definition F36:" in line)
    assert formula.startswith("sửa / changed definition F36: places → formula F36.hospital, formula F36.province, rule ")
    assert lines[-1] == "4 thay đổi / changes"


def test_a_folder_without_a_catalogue_is_told(tmp_path: Path) -> None:
    result = RUNNER.invoke(app, ["diff", str(tmp_path)])
    assert result.exit_code == 1
    assert "nhip catalogue check" in result.output
