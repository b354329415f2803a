"""`nhip replay plan | run | pause | resume | cancel | list | show`: any stretch of a topic once more, without telling anybody twice."""

from __future__ import annotations

import sys
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.commands.options import acting, taking
from ops.stack.control import StackError
from transport.settings import Settings

if TYPE_CHECKING:
    from transport.replay_jobs import Job

app = typer.Typer(help="Phát lại dữ liệu đã vào, không báo lại ai / replay.", no_args_is_help=True, add_completion=False)
PATIENCE = 600.0


@dataclass(kw_only=True)
class Asked:
    """Options of `plan`."""

    topic: Annotated[str, typer.Option(help="chủ đề, không tiền tố, ví dụ obs.trade / topic without the prefix")]
    partition: Annotated[int, typer.Option(help="chỉ phân vùng này; -1: tất cả / one partition; -1: all")] = -1
    since: Annotated[str, typer.Option(help="từ lúc vào Kafka, dd/mm/yyyy HH:MM / appended from")] = ""
    before: Annotated[str, typer.Option(help="trước lúc / appended before")] = ""
    first: Annotated[int, typer.Option(help="từ vị trí / from offset")] = -1
    until: Annotated[int, typer.Option(help="đến trước vị trí / up to, not including, offset")] = -1
    key: Annotated[list[str], typer.Option(help="khóa / key")] = field(default_factory=list)
    indicator: Annotated[list[str], typer.Option(help="mã chỉ số / indicator")] = field(default_factory=list)
    territory: Annotated[list[str], typer.Option(help="mã địa bàn / territory")] = field(default_factory=list)
    where: Annotated[list[str], typer.Option(help="trường bản ghi, như value>=12.5 / record field")] = field(default_factory=list)
    to_topic: Annotated[str, typer.Option(help="chép sang chủ đề này thay vì luồng xử lý / copy to a topic")] = ""
    to_file: Annotated[Path | None, typer.Option(help="chép ra tệp JSON từng dòng / copy to a file, JSON lines")] = None
    rate: Annotated[int, typer.Option(min=0, help="bản ghi mỗi giây; 0: không giới hạn / records a second at most")] = 0
    behind: Annotated[int, typer.Option(min=0, help="chờ khi luồng chính chậm quá số này / wait while live work is behind")] = 20_000
    late: Annotated[bool, typer.Option("--late", help="tính cả bản ghi đến quá muộn / take in what came too late")] = False
    by: Annotated[str, typer.Option(help="ai; để trống: tài khoản máy / who")] = ""


Id = Annotated[str, typer.Argument(help="mã hoặc phần đầu của mã / id or its beginning")]
By = Annotated[str, typer.Option(help="ai; để trống: tài khoản máy / who; empty: the account of this machine")]
Why = Annotated[str, typer.Option(help="vì sao, ghi vào nhật ký / the reason, for the audit")]
Detach = Annotated[bool, typer.Option("--detach", help="không chờ xong / do not wait")]


@app.command()
@taking(Asked)
def plan(asked: Asked) -> None:
    """Nói trước sẽ đổi gì, chưa đổi gì / say what would change; nothing is changed."""
    from dataclasses import replace

    from ops.replay import ledger, words
    from ops.replay.preview import preview
    from ops.upkeep.boundary import kafka_answers, told

    settings = Settings.load()
    with told():
        kafka_answers(settings)
        job = made(settings, asked)
        job = replace(job, plan=preview(settings, job, _progress))
        ledger.keep(settings, job, "plan", job.actor, "")
    for text in (*words.of_job(job), *words.of_report(job.plan)):
        print(text)
    print(f"Chạy / run: `nhip replay run {job.id[:8]} --why …`")


@app.command()
def run(identity: Id, why: Why = "", by: By = "", fire: Annotated[bool, typer.Option("--fire", help="báo cho người nhận như số liệu mới / "
        "tell people as of live figures")] = False, detach: Detach = False) -> None:  # fmt: skip
    """Chạy một lượt đã lập / run a planned job; mã thoát 1 nếu không xong / exit code 1 where it did not end well."""
    from dataclasses import replace

    from ops.replay import ledger
    from ops.upkeep.boundary import kafka_answers, told

    if not why.strip():
        raise StackError("Cần --why «lý do»: được ghi vào nhật ký kiểm tra / --why is needed: it is written to the audit")
    settings = Settings.load()
    with told():
        kafka_answers(settings)
        job = ledger.find(ledger.read(settings), identity)
        if job.state == "planned":
            job = replace(job, why=why.strip(), fire=fire, actor=acting(by))
        _go(settings, job, (acting(by), why.strip()), detach)


@app.command()
def resume(identity: Id, why: Why = "", by: By = "", detach: Detach = False) -> None:
    """Chạy tiếp lượt tạm dừng hoặc bị ngắt / go on with a job that was paused or whose process died."""
    from ops.replay import ledger
    from ops.upkeep.boundary import kafka_answers, told

    settings = Settings.load()
    with told():
        kafka_answers(settings)
        _go(settings, ledger.find(ledger.read(settings), identity), (acting(by), why.strip()), detach)


@app.command()
def pause(identity: Id, why: Why = "", by: By = "") -> None:
    """Tạm dừng; phần đã xong giữ nguyên / pause; what is done stays."""
    _ordered(identity, "paused", why, by)


@app.command()
def cancel(identity: Id, why: Why = "", by: By = "") -> None:
    """Hủy phần chưa làm / cancel what is not done."""
    _ordered(identity, "cancelled", why, by)


@app.command("list")
def list_() -> None:
    """Các lượt, mới nhất trước / jobs, the newest first."""
    from ops.replay import ledger, words
    from ops.upkeep.boundary import kafka_answers, told

    settings = Settings.load()
    with told():
        kafka_answers(settings)
        book = ledger.read(settings)
    for job in sorted(book.jobs.values(), key=lambda one: -one.created):
        print(next(iter(words.of_job(job))))
    print(f"{len(book.jobs)} lượt / jobs.")


@app.command()
def show(identity: Id, check: Annotated[bool, typer.Option("--check", help="dựng lại lần nữa mà không ghi, chứng tỏ không còn khác biệt / "
         "fold once more without writing: nothing may differ")] = False) -> None:  # fmt: skip
    """Đã làm gì, so với kế hoạch / what a job did; --check: mã thoát 1 nếu còn khác biệt / exit code 1 where something still differs."""
    from ops.replay import ledger, words
    from ops.replay.preview import preview
    from ops.replay.running import report_of
    from ops.upkeep.boundary import kafka_answers, told

    settings = Settings.load()
    with told():
        kafka_answers(settings)
        book = ledger.read(settings)
        job = ledger.find(book, identity)
        for text in (*words.of_job(job), *words.of_pieces(book, job), "kế hoạch / plan:", *words.of_report(job.plan),
                     "kết quả / result:", *words.of_report(job.report or report_of(book, job))):  # fmt: skip
            print(text)
        if not check:
            return
        found = preview(settings, job, _progress)
    print("kiểm tra / check:", *words.of_report(found), sep="\n")
    raise typer.Exit(int(any(found.get(name) for name in ("panes_changed", "panes_new", "panes_gone", "series_changed"))))


def made(settings: Settings, asked: Asked) -> Job:
    """The job that options order. Raises StackError."""
    from ops.replay.order import Range, exists, instant, pieces, selected
    from ops.replay.running import now_ms
    from transport.replay_jobs import Job, Target
    from transport.topics import table

    if asked.to_topic and asked.to_file:
        raise StackError("Chọn một: --to-topic hoặc --to-file / one of them")
    target: Target = "topic" if asked.to_topic else "file" if asked.to_file else "pipeline"
    if target == "pipeline" and not asked.topic.startswith("obs."):
        raise StackError(f"«{asked.topic}»: chỉ obs.* dựng lại được; chủ đề khác: --to-topic, --to-file / only obs.* is rebuilt")
    if asked.to_topic and settings.topic_prefix + asked.to_topic in table(settings.topic_prefix):
        raise StackError(f"«{asked.to_topic}» là chủ đề của hệ thống, chép vào là tính hai lần / copies there would count twice")
    if asked.to_file and asked.to_file.exists():
        raise StackError(f"{asked.to_file.name}: tệp đã có, chọn tên khác / the file exists, choose another name")
    if asked.to_topic and not exists(settings, settings.topic_prefix + asked.to_topic):
        raise StackError(f"«{asked.to_topic}»: chưa có chủ đề này; tạo trước, không gì tự sinh ra / create this topic first")
    stretch = Range(topic=asked.topic, partition=asked.partition, since=instant(asked.since), before=instant(asked.before),
                    first=asked.first, until=asked.until)  # fmt: skip
    found, now = pieces(settings, stretch), now_ms()
    if not found:
        raise StackError("Đoạn này không có bản ghi nào / there is no record in this range")
    to = settings.topic_prefix + asked.to_topic if asked.to_topic else str(asked.to_file.resolve()) if asked.to_file else ""
    return Job(
        id=str(uuid.uuid4()), target=target, state="planned", actor=acting(asked.by), why="", created=now, changed=now, pieces=found,
        selection=selected(asked.key, asked.indicator, asked.territory, asked.where), to=to, rate=asked.rate, behind=asked.behind,
        late=asked.late,
    )  # fmt: skip


def _go(settings: Settings, job: Job, by: tuple[str, str], detach: bool) -> None:
    from ops.replay import ledger, words
    from ops.replay.running import copied, follow, now_ms

    job = ledger.ordered(settings, job, "running", by, now_ms())
    if job.target == "pipeline" and detach:
        print(f"`nhip replay show {job.id[:8]}`")
        return
    job = follow(settings, job, by, _progress, PATIENCE) if job.target == "pipeline" else copied(settings, job, by, _progress)
    for text in (*words.of_job(job), *words.of_report(job.report)):
        print(text)
    raise typer.Exit(int(job.state != "done"))


def _ordered(identity: str, state: str, why: str, by: str) -> None:
    from ops.replay import ledger, words
    from ops.replay.running import now_ms
    from ops.upkeep.boundary import kafka_answers, told

    settings = Settings.load()
    with told():
        kafka_answers(settings)
        job = ledger.find(ledger.read(settings), identity)
        job = ledger.ordered(settings, job, "paused" if state == "paused" else "cancelled", (acting(by), why.strip()), now_ms())
    print(next(iter(words.of_job(job))))


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
