"""The report a provider gets: where, which field, what was expected, how to put it right; never the value; nothing twice."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import get_args

from producers.reject import Reason
from producers.reject_report import HEADER, WORDS, RejectReport
from tests.producers.support import NOW, parse, sample


def rows(path: Path) -> list[list[str]]:
    return list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))


def test_a_provider_reads_what_where_and_what_to_do(tmp_path: Path) -> None:
    rejects = parse("tax", "thu.csv", sample("tax-receipts.csv").replace(b"98765432100", b"98.765.432.100")).rejects
    [path] = RejectReport(tmp_path).add(rejects, NOW)
    assert path == tmp_path / "TAX" / "2026-03-21.csv"
    header, row = rows(path)
    assert tuple(header) == HEADER
    assert row[1:6] == ["08:00 ngày 21/03/2026", "tax", "thu.csv:4", "so_tien_dong", "Không phải là số"]
    assert "98.765" not in path.read_text(encoding="utf-8")


def test_the_same_refusal_again_is_written_once(tmp_path: Path) -> None:
    rejects = parse("tax", "thu.csv", sample("tax-receipts.csv").replace(b"2026-03-20", b"2026-02-30")).rejects
    report = RejectReport(tmp_path)
    report.add(rejects, NOW)
    [path] = report.add(rejects, NOW)
    assert len(rows(path)) == 1 + 3


def test_a_name_from_outside_is_no_formula_and_no_path(tmp_path: Path) -> None:
    rejects = parse("tax", "=HYPERLINK(1).csv", b"x\n1\n").rejects
    rejects[0] = type(rejects[0])(reason="other", detail="d", place="=A1", original=b"", source="tax", provider="../../etc")
    [path] = RejectReport(tmp_path).add(rejects, NOW)
    assert path.is_relative_to(tmp_path)
    assert rows(path)[1][3] == "'=A1"


def test_every_reason_has_words() -> None:
    assert set(WORDS) == set(get_args(Reason))
