"""`nhip doctor`: one line for each thing the platform rests on, with what to do where it is not well."""

from __future__ import annotations

import json as json_text
from typing import Annotated

import typer

from transport.settings import Settings


def doctor(json: Annotated[bool, typer.Option("--json", help="kết quả thô / raw results")] = False) -> None:
    """Kiểm tra mọi phần và nói phải làm gì; mã thoát 1 nếu có điều không ổn / is everything well, and what to do."""
    from ops.upkeep.boundary import quiet
    from ops.upkeep.checkup import Result, examine

    def line(result: Result) -> str:
        check, found = result.check, result.finding
        name = check.name_vi if check.name_vi == check.name_en else f"{check.name_vi} / {check.name_en}"
        return f"{'✓' if found.well else '✗'} {name}: {found.said}" + (f"\n    → {found.do}" if found.do else "")

    quiet()
    results = examine(Settings.load())
    wrong = sum(not one.finding.well for one in results.values())
    if json:
        print(json_text.dumps({name: one.finding._asdict() for name, one in results.items()}, ensure_ascii=False, indent=1))
    else:
        for one in results.values():
            print(line(one))
        well = "Mọi phần đều ổn / all is well."
        print(well if not wrong else f"{wrong} điều không ổn / things are not well.")
    raise typer.Exit(int(wrong > 0))
