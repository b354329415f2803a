"""Words of the demonstration: every line that a person reads, Vietnamese first. Pure: values in, rich renderables or text out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from indicators.numbers_vi import date_vi, number_vi, percent_vi, time_vi
from ops.commands.query import cell
from ops.demo.figures import Figures
from ops.demo.news import Item
from sinks.questions import Answer

MARKS = {"opened": "▲", "worse": "▲", "better": "▼", "cleared": "✓", "corrected": "○", "cancelled": "○"}
STYLES = {2: "yellow", 3: "dark_orange", 4: "red", 5: "bold red"}
REASONS_VI = {
    "sentinel": "trạm báo số đo hỏng", "too_late": "quá hạn tiếp nhận", "validation": "trái quy tắc kiểm tra", "duplicate": "trùng",
    "out_of_range": "ngoài miền giá trị", "impossible_date": "ngày không thể có", "contract": "sai mẫu", "unknown_subject": "đối tượng lạ",
}  # fmt: skip
SHOWN_ROWS = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as the demonstration asks it: parameters, the columns it shows, and whether it shows the last rows, not the first."""

    name: str
    values: Mapping[str, str]
    columns: tuple[str, ...]
    last: bool = False


HEAD = (
    "NHỊP · trình diễn trên số liệu mẫu / demonstration on sample data\n"
    "Một năm ngân sách, rồi một ngày mưa lũ. Mọi thứ chạy trên máy này, chỉ nghe ở 127.0.0.1, không gửi gì ra ngoài.\n"
    "One budget year, then a day of flood. Everything runs on this machine, on loopback, and writes to nobody."
)
LEGEND = "▲ mở, nặng lên / opened, worse   ▼ nhẹ đi / better   ✓ hết / over   (số: mức / number: severity)"


def chapter(number: int, vi: str, en: str) -> Text:
    """The heading of a part of the run."""
    return Text(f"\n{number} · {vi} / {en}", style="bold")


def indented(line: str) -> Text:
    """A line of a chapter, each of its own lines set in."""
    return Text("\n".join(f"  {one}" if one else "" for one in line.splitlines() or [""]))


def up_after(seconds: float) -> Text:
    """The end of the start."""
    return Text(f"  Sẵn sàng sau {_n(round(seconds))} giây / ready after {_n(round(seconds))} s")


def board(address: str, readers: str) -> Text:
    """Where to look while it runs, and as whom."""
    return Text(f"  Xem trên màn hình / look at it: {address}\n  tên và mật khẩu của ba người xem / three readers: {readers}")


def progress(at: int, observations: int, aggregate: str) -> Text:
    """One line of the feed: the scenario's instant, observations in Kafka so far, and one aggregate as ClickHouse has it."""
    return Text(f"  {time_vi(at):<23}{number_vi(Decimal(observations), 0):>9} quan sát / observations   {aggregate}", style="dim")


def disbursed(rate: tuple[Decimal, int] | None) -> str:
    """The nation's disbursement, percent, up to an instant (epoch ms)."""
    return "" if rate is None else f"cả nước giải ngân / disbursed {percent_vi(rate[0])} ({date_vi(rate[1])})"


def rained(rain: tuple[Decimal, str] | None) -> str:
    """The wettest station of the last 24 hours."""
    return "" if rain is None else f"mưa 24 giờ lớn nhất / most rain in 24 h {number_vi(rain[0], 1)} mm ({rain[1]})"


def news(item: Item) -> Text:
    """One alert event in one line."""
    return Text(f"  {MARKS.get(item.transition, '·')} {item.severity or ' '}  {item.title}", style=STYLES.get(item.severity, "green"))


def first(item: Item, seconds: float) -> Padding:
    """The first alert of the run in full, as it reached the person."""
    when = f"{number_vi(Decimal(seconds), 0)} giây từ lúc gõ lệnh / s from the command"
    text = Text(f"CẢNH BÁO ĐẦU TIÊN / THE FIRST ALERT: {when}\n", style="bold")
    text.append(f"{item.title}\n\n", style=STYLES.get(item.severity, ""))
    text.append(item.text.strip() + "\n", style="not bold")
    return Padding(text, (1, 4), expand=False)


def answer(found: Answer, asked: Asked) -> Iterable[Any]:
    """A question, some of its rows and columns, and how long it took."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    places = [at for at, (column, _) in enumerate(found.question.headings) if column in asked.columns]
    for at in places:
        numeric = any(isinstance(row[at], int | float | Decimal) for row in found.rows)
        table.add_column(found.question.headings[at][1], justify="right" if numeric else "left", no_wrap=True)
    for row in found.rows[-SHOWN_ROWS:] if asked.last else found.rows[:SHOWN_ROWS]:
        table.add_row(*(cell(row[at]) for at in places))
    more = len(found.rows) - SHOWN_ROWS
    rest = f", {more} dòng nữa / more rows" if more > 0 else ""
    parameters = " ".join(f"--{key}={value}" for key, value in asked.values.items())
    yield Text(f"\n  {found.question.name_vi} / {found.question.name_en}")
    yield Text(f"  nhip query {found.question.name} {parameters}".rstrip(), style="dim")
    yield Padding(table, (0, 4), expand=False)
    yield Text(f"    {number_vi(Decimal(found.milliseconds), 0)} ms{rest}", style="green")


def summary(figures: Figures, first_alert: float | None, queries: Iterable[Answer]) -> Table:
    """What the system holds at the end."""
    table = Table(box=None, padding=(0, 2, 0, 2), show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column(style="dim")
    counts, times = figures.counts, [q.milliseconds for q in queries]
    whole = "bằng số dòng trong ClickHouse / as many rows in ClickHouse" if figures.complete else f"ClickHouse: {_n(counts['rows'])}"
    table.add_row("quan sát vào / observations in", _n(figures.observations), whole)
    table.add_row("ô tổng hợp / panes", _n(counts["panes"]), f"{_n(counts['windows'])} chuỗi có cửa sổ trượt / series with rolling windows")
    table.add_row("chỉ số dẫn xuất / derived results", _n(counts["results"]), "tỷ lệ, tổng, xếp hạng / ratios, sums, rankings")
    stories = f"{_n(counts['open'])} đang mở / open; {_n(counts['events'])} diễn biến / events"
    table.add_row("cảnh báo / alerts", _n(counts["alerts"]), stories)
    table.add_row("thư đã nhận / mails received", _n(figures.letters), "mỗi thư một tệp .eml / one .eml file each")
    table.add_row("bị từ chối / refused", _n(sum(figures.refused.values())), refused(figures.refused))
    seconds = "–" if first_alert is None else f"{_n(round(first_alert))} s"
    table.add_row("cảnh báo đầu tiên / first alert", seconds, "từ lúc gõ lệnh / from the command")
    table.add_row("số liệu → cảnh báo / reading → alert", f"{_n(figures.delay_ms[0])} ms", f"p95 {_n(figures.delay_ms[1])} ms")
    table.add_row("câu hỏi / queries", f"{_n(max(times, default=0))} ms", "chậm nhất / the slowest")
    table.add_row("bộ nhớ / memory", f"{_n(figures.memory_mb)} MB", "mọi tiến trình / all processes")
    return table


def refused(found: dict[str, int]) -> str:
    """Reasons with their counts."""
    return "; ".join(f"{REASONS_VI.get(reason, reason)} ({reason}): {_n(number)}" for reason, number in found.items())


def kept(home: str) -> Text:
    """How a system that was left running is used and stopped."""
    return Text(
        "\nHệ thống còn chạy / the system is still running:\n"
        f"  export NHIP_DATA_DIR={home}\n"
        "  nhip status · nhip query · nhip alerts list\n"
        "  dừng / stop: nhip demo --stop"
    )


def stopped(home: str) -> Text:
    """How to keep it running the next time."""
    return Text(
        f"\nĐã dừng; thư và nhật ký ở {home} / stopped; mails and logs are kept there.\n"
        "  giữ hệ thống chạy / keep it running: make demo ARGS=--keep\n"
        "  dừng sau đó / stop it then:          make demo ARGS=--stop"
    )


def _n(value: float) -> str:
    return number_vi(Decimal(value), 0)
