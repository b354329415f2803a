"""`nhip alerts list | show | ack | return | explain | comment | task | shelve | unshelve | close | cap`: alerts that stand, acts on one.
Requests about one: `nhip alerts request …` (alert_requests)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from ops.commands import alert_requests
from ops.commands.alert_requests import By, Id, Note, Office, desk
from ops.stack.control import StackError
from transport.settings import Settings

if TYPE_CHECKING:
    from alerts.alert import Alert

app = typer.Typer(help="Cảnh báo / alerts.", no_args_is_help=True, add_completion=False)
app.add_typer(alert_requests.app, name="request")

CONDITIONS_VI = {"inactive": "đã hết", "pending": "chờ", "active": "đang mở", "recovering": "đang hồi phục"}
ATTENTIONS_VI = {"unacknowledged": "chưa tiếp nhận", "acknowledged": "đã tiếp nhận", "returned": "hết khi chưa tiếp nhận",
                 "shelved": "đang gác lại", "suppressed": "đang nén"}  # fmt: skip


@app.command("list")
def list_(everything: Annotated[bool, typer.Option("--all", help="cả cảnh báo đã hết / also those that are over")] = False) -> None:
    """Cảnh báo đang mở, nặng nhất trước / open alerts, the worst first."""
    from alerts.desk import open_ones
    from indicators.numbers_vi import time_vi

    with desk() as at:
        alerts = at.alerts()
    shown = alerts if everything else open_ones(alerts)
    for alert in shown:
        print(f"{alert.alert_id[:8]}  mức {alert.evidence.severity}  {_state(alert)}  {time_vi(alert.opened_at)}  {alert.title_vi}")
    print(f"{len(shown)} cảnh báo / alerts.")


@app.command()
def show(alert_id: Id) -> None:
    """Một cảnh báo với căn cứ / one alert with its evidence."""
    from indicators.numbers_vi import number_vi, time_vi

    with desk() as at:
        alert = at.find(alert_id)
    c = alert.evidence
    figures = ((word, value) for word, value in (("giá trị", c.value), ("giới hạn", c.limit), ("chênh", c.gap)) if value is not None)
    print(f"{alert.alert_id}\n{alert.title_vi}")
    print(f"{_state(alert)}, mức {c.severity} (nặng nhất {alert.memory.peak}), mở lúc {time_vi(alert.opened_at)}\n")
    print(alert.text_vi + "\n")
    print("; ".join(f"{word} {number_vi(value)} {c.measure_unit}" for word, value in figures))
    print(f"quy tắc {c.rule} phiên bản {c.rule_version}; chuỗi {c.series}")
    print(f"nguồn {c.source_topic}[{c.source_partition}]@{c.source_offset}, bản ghi {c.source_record_id}, lần {c.revision}")
    if alert.memory.told:
        print(f"đã báo / told: {', '.join(alert.memory.told)}")
    if alert.actor or alert.note:
        print(f"gần nhất: {alert.transition} – {alert.actor} – {alert.note}")


@app.command()
def ack(alert_id: Id, by: By, note: Note = "", office: Office = "") -> None:
    """Tiếp nhận / acknowledge."""
    _act("acknowledge", alert_id, by, note, office)


@app.command()
def explain(alert_id: Id, by: By, note: Note = "", office: Office = "") -> None:
    """Giải trình / explain."""
    _act("explain", alert_id, by, note, office)


@app.command()
def comment(alert_id: Id, by: By, note: Note = "", office: Office = "") -> None:
    """Ghi chú / comment."""
    _act("comment", alert_id, by, note, office)


@app.command()
def shelve(
    alert_id: Id, by: By, hours: Annotated[float, typer.Option("--hours", min=0.1, max=720, help="số giờ / hours")], note: Note = "",
    office: Office = "",
) -> None:  # fmt: skip
    """Gác lại một thời gian / put aside for a time."""
    until = int((datetime.now().astimezone() + timedelta(hours=hours)).timestamp() * 1000)
    _act("shelve", alert_id, by, note, office, until)


@app.command()
def unshelve(alert_id: Id, by: By, note: Note = "", office: Office = "") -> None:
    """Thôi gác lại / take from the shelf."""
    _act("unshelve", alert_id, by, note, office)


@app.command("return")
def hand_back(alert_id: Id, by: By, note: Note = "", office: Office = "") -> None:
    """Trả lại cảnh báo đã tiếp nhận / hand an alert back that was taken: it needs attention again."""
    _act("return", alert_id, by, note, office)


@app.command()
def task(alert_id: Id, by: By, note: Note = "", office: Office = "") -> None:
    """Chuyển thành nhiệm vụ: nội dung ghi số văn bản, đơn vị, thời hạn / turn into a task: the note says document, unit and date."""
    if not note.strip():
        raise StackError("Thiếu nội dung nhiệm vụ: --note «số văn bản, đơn vị thực hiện, thời hạn» / what is the task?")
    _act("task", alert_id, by, note, office)


@app.command()
def close(alert_id: Id, by: By, note: Note = "", office: Office = "") -> None:
    """Đóng một cảnh báo đã hết / close an alert that is over."""
    _act("close", alert_id, by, note, office)


@app.command()
def cap(alert_id: Id, sender: Annotated[str, typer.Option("--sender", help="tên miền của đơn vị phát / domain of the issuer")]) -> None:
    """Bản tin CAP 1.2 của diễn biến mới nhất / the newest step as a CAP 1.2 message."""
    import sys

    from alerts.cap import Publisher, cap_xml, exported
    from alerts.cap_check import problems
    from alerts.names import VocabularyNames
    from alerts.offices import load_offices
    from indicators.rule import RuleBook
    from indicators.vocabulary import Vocabulary

    home = Settings.load().home
    with desk() as at:
        steps = exported(at.steps(at.find(alert_id).alert_id))
    if not steps:
        raise StackError("Cảnh báo này chưa có diễn biến nào để phát / nothing of this alert can be exported")
    offices = load_offices(home)
    publisher = Publisher(sender, offices.by_id()[offices.operator].title_vi)
    names = VocabularyNames(Vocabulary.load(home))
    message = cap_xml(steps, RuleBook.load(home).rules.get(steps[-1].evidence.rule), names, publisher)
    found = problems(message)
    if found:
        raise StackError("; ".join(found))
    sys.stdout.buffer.write(message + b"\n")


def _act(what: str, alert_id: str, by: str, note: str, office: str, until: int = 0) -> None:
    with desk() as at:
        alert = at.find(alert_id)
        act = at.act(alert, what, by, note, office=office, until=until)
    print(f"Đã ghi / written: {act.action} – {alert.title_vi} – {act.actor} ({act.action_id})")


def _state(alert: Alert) -> str:
    return f"{CONDITIONS_VI[alert.state.condition]}, {ATTENTIONS_VI[alert.state.attention]}"
