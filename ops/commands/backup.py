"""`nhip backup FOLDER`: topics, positions, tables and catalogue into a folder with a manifest and digests."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ops.commands.options import acting
from ops.stack.control import StackError
from transport.settings import Settings


def backup(
    folder: Annotated[Path, typer.Argument(help="thư mục mới hoặc trống / a new or empty folder")],
    why: Annotated[str, typer.Option(help="vì sao, ghi vào nhật ký / the reason, for the audit")] = "",
    by: Annotated[str, typer.Option(help="ai làm; để trống: tài khoản máy / who; empty: the account of this machine")] = "",
) -> None:
    """Sao lưu toàn bộ khi tiến trình đã dừng (`nhip up --servers-only`) / back everything up while the processes are stopped."""
    from ops.upkeep import backup as keeping
    from ops.upkeep.boundary import told

    if not why.strip():
        raise StackError("Cần --why «lý do»: sao lưu được ghi vào nhật ký / --why is needed: a backup is written to the audit")
    with told():
        keeping.backup(Settings.load(), folder, acting(by), why.strip(), print)
    print(f"Đã sao lưu / backed up: {folder / keeping.MANIFEST}")
