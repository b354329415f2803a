"""Replay jobs and what they change, for people."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from indicators.numbers_vi import number_vi, time_vi
from indicators.observation import SCALE
from transport.replay_jobs import Book, Job

STATES: Final = {
    "planned": "đã lập / planned", "running": "đang chạy / running", "paused": "tạm dừng / paused", "cancelled": "đã hủy / cancelled",
    "done": "xong / done", "failed": "hỏng / failed",
}  # fmt: skip
TARGETS: Final = {"pipeline": "luồng xử lý / the pipeline", "topic": "chủ đề / topic", "file": "tệp / file"}
_COUNTS: Final = (
    ("records", "bản ghi đọc / records read"), ("replayed", "bản ghi được chọn / records chosen"), ("copied", "bản ghi đã chép / copied"),
    ("unreadable", "không đọc được / unreadable"), ("series", "chuỗi / series"), ("series_changed", "chuỗi thay đổi / series that change"),
    ("panes_equal", "ô bằng nhau / panes that are equal"), ("panes_changed", "ô thay đổi / panes that change"),
    ("panes_new", "ô mới / new panes"), ("panes_gone", "ô mất / panes that go"),
)  # fmt: skip
_ALERTS: Final = {
    "already_fired": "đã báo, giữ nguyên / already fired", "would_fire": "sẽ mở / would fire", "would_change": "sẽ đổi / would change",
    "would_have_fired": "lẽ ra đã báo, nay đã hết / would have fired and ended", "would_cancel": "sẽ hủy / would be cancelled",
    "unfounded": "đã báo nhưng không có căn cứ, đã hết / had fired without ground, over",
}  # fmt: skip


def figure(count: int) -> str:
    """A whole number as people read it."""
    return number_vi(Decimal(count), 0)


def of_job(job: Job) -> Iterator[str]:
    """What was ordered."""
    yield f"{job.id} · {STATES[job.state]} · {time_vi(job.created)} · {job.actor}{': ' + job.why if job.why else ''}"
    to = f" → {job.to}" if job.to else ""
    yield f"đến / to: {TARGETS[job.target]}{to}"
    for piece in job.pieces:
        yield f"  {piece.topic} [{piece.partition}] {piece.first}–{piece.until - 1}: {figure(piece.records)} vị trí / offsets"
    for name, values in job.selection.plain().items():
        for value in values:
            yield f"  {name}: {value['field'] + value['sign'] + value['text'] if isinstance(value, dict) else value}"
    if job.fire:
        yield "có báo cho người nhận / people are told (--fire)"


def of_report(report: dict[str, Any]) -> Iterator[str]:
    """What it changes, or changed."""
    for name, words in _COUNTS:
        if report.get(name):
            yield f"{figure(report[name])} {words}"
    if "stored" in report:
        stored = report["stored"]
        there = "" if stored is None else f"{figure(stored)} dòng đã có ở ClickHouse / rows there already"
        yield there or "ClickHouse không trả lời / does not answer"
    for name, words in _ALERTS.items():
        if report.get("alerts", {}).get(name):
            yield f"{figure(report['alerts'][name])} cảnh báo / alerts: {words}"
    for reason, count in sorted(report.get("refused", {}).items()):
        yield f"{figure(count)} bị từ chối / refused: {reason}"
    for key, before, after in report.get("examples", ()):
        yield f"  {key}: {_pane(before)} → {_pane(after)}"
    for alert in report.get("alert_examples", ()):
        yield f"  {alert['outcome']}: {alert['rule']} · {alert['series']} · {alert['severity']} · {time_vi(alert['event_time'])}"
    if report.get("error"):
        yield f"lỗi / error: {report['error']}"


def of_pieces(book: Book, job: Job) -> Iterator[str]:
    """How far each partition is."""
    for piece in job.pieces:
        row = book.row(job.id, piece)
        done = row.get("next", piece.first) - piece.first
        state = "xong / done" if row.get("done") else f"{figure(done)}/{figure(piece.records)}" if done else "chưa / not yet"
        times = f"; {row['seconds']:g} s, luồng đứng / lane stood {row['stood_seconds']:g} s" if "stood_seconds" in row else ""
        yield f"  {piece.topic} [{piece.partition}]: {state}{times}{'; ' + row['error'] if row.get('error') else ''}"


def _pane(figures: list[int]) -> str:
    count, total = figures
    return f"{figure(count)} bản ghi, tổng / sum {number_vi(Decimal(total).scaleb(-SCALE))}"
