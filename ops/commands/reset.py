"""`nhip reset`: stop the local stack and delete its data; downloads and the inbox stay."""

from __future__ import annotations

from typing import Annotated

import typer

from ops.stack.control import reset as delete
from transport.settings import Settings


def reset(
    yes: Annotated[bool, typer.Option("--yes", help="Không hỏi lại / do not ask")] = False,
    inbox: Annotated[bool, typer.Option("--inbox", help="Xóa cả tệp trong hộp nhận / delete the files of the inbox too")] = False,
) -> None:
    """Dừng và xóa dữ liệu của hệ thống trên máy này / stop, and delete the data of this machine's stack."""
    folder = Settings.load().data_dir
    if not yes:
        typer.confirm(f"Xóa toàn bộ dữ liệu trong {folder}? / delete all data in it?", abort=True)
    print("Đã xóa / deleted: " + (", ".join(delete(folder, print, inbox)) or "–"))
