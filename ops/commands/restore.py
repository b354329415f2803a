"""`nhip restore FOLDER`: an empty installation brought to what a backup holds, counts and checksums compared."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ops.commands.options import acting
from ops.stack.control import StackError
from transport.settings import Settings


def restore(
    folder: Annotated[Path, typer.Argument(help="thư mục của `nhip backup` / a folder of `nhip backup`")],
    why: Annotated[str, typer.Option(help="vì sao, ghi vào nhật ký / the reason, for the audit")] = "",
    by: Annotated[str, typer.Option(help="ai làm; để trống: tài khoản máy / who; empty: the account of this machine")] = "",
    check: Annotated[bool, typer.Option("--check", help="chỉ kiểm tra bản sao lưu / only check the backup's digests")] = False,
) -> None:
    """Khôi phục vào hệ thống trống, đối chiếu số đếm và mã kiểm tra / restore into an empty installation and compare."""
    from ops.upkeep import backup as keeping
    from ops.upkeep.boundary import told

    if check:
        manifest = keeping.checked(folder)
        print(f"{len(manifest['files'])} tệp đúng mã kiểm tra / files are what the manifest says.")
        return
    if not why.strip():
        raise StackError("Cần --why «lý do»: khôi phục được ghi vào nhật ký / --why is needed: a restore is written to the audit")
    with told():
        keeping.restore(Settings.load(), folder, acting(by), why.strip(), print)
    print("Đã khôi phục, số đếm và mã kiểm tra khớp / restored; counts and checksums are equal.")
