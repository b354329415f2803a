"""`nhip retention show | apply`: how long rows and messages are kept, as the policy says and as it is; applying leaves an audit record."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Annotated

import typer

from ops.commands.options import acting
from ops.stack.control import StackError
from transport.settings import Settings

if TYPE_CHECKING:
    from sinks.retention import Rule

app = typer.Typer(help="Thời hạn lưu giữ và xóa theo chính sách / retention and deletion by policy.", no_args_is_help=True)


@app.command()
def show(every: Annotated[bool, typer.Option("--all", help="cả phần đúng chính sách / also what is as it should be")] = False) -> None:
    """Chính sách và thực tế; mã thoát 1 nếu khác / policy and fact; exit code 1 where they differ."""
    from ops.upkeep.boundary import told
    from sinks import clickhouse, retention

    settings = Settings.load()
    with told(), clickhouse.connected(settings) as client:
        rules = [*retention.of_tables(client, retention.load(settings.home)), *retention.of_topics(settings)]
    for one in rules:
        if every or one.differs or one.kind == "table":
            print(line(one))
    differ = sum(one.differs for one in rules)
    print(f"{differ} khác chính sách: `nhip retention apply --why …` / differ." if differ else "Đúng chính sách / as the policy says.")
    raise typer.Exit(int(differ > 0))


@app.command()
def apply(
    why: Annotated[str, typer.Option(help="vì sao, ghi vào nhật ký / the reason, for the audit")] = "",
    by: Annotated[str, typer.Option(help="ai làm; để trống: tài khoản máy / who; empty: the account of this machine")] = "",
) -> None:
    """Áp dụng chính sách; dữ liệu quá hạn bị xóa hẳn / apply the policy; what is past its time is deleted for good."""
    from ops.upkeep import trail
    from ops.upkeep.boundary import told
    from sinks import clickhouse, retention

    if not why.strip():
        raise StackError("Cần --why «lý do»: việc xóa được ghi vào nhật ký kiểm tra / --why is needed: deletion is written to the audit")
    settings, actor, run = Settings.load(), acting(by), str(uuid.uuid4())
    with told(), clickhouse.connected(settings) as client:
        policy = retention.load(settings.home)
        rules = [*retention.of_tables(client, policy), *retention.of_topics(settings)]
        done = retention.apply(settings, client, policy, rules)
        trail.write(settings, [
            trail.Deed(at=time.time_ns() // 1_000_000, actor=actor, did="retention.applied", on=f"{one.kind} {one.name}", why=why.strip(),
                       run=run, result="applied", facts={"before": one.found, "now": one.wanted})
            for one in done
        ])  # fmt: skip
    for one in done:
        print(line(one))
    print(f"{len(done)} thay đổi / changes.")


def line(one: Rule) -> str:
    """One table or topic."""
    kind = "bảng / table" if one.kind == "table" else "chủ đề / topic"
    return f"{'✗' if one.differs else '✓'} {kind} {one.name}: {one.wanted}" + (f" (đang / now: {one.found})" if one.differs else "")
