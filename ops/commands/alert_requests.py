"""`nhip alerts request draft | list | issue | answer | return | decide | withdraw`: the two requests an alert may lead to.

*Đề nghị xác nhận số liệu* (`--data`) asks whoever supplied the figure; without it, *yêu cầu báo cáo, giải trình* asks the agency that
answers for its substance. The system drafts; the Office issues under a named authority with a document number.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from ops.commands.options import check_recipient
from ops.stack.control import StackError
from transport.settings import Settings

if TYPE_CHECKING:
    from alerts.desk import Desk
    from indicators.inquiry import Kind

app = typer.Typer(help="Đề nghị xác nhận số liệu, yêu cầu giải trình / requests.", no_args_is_help=True, add_completion=False)

Id = Annotated[str, typer.Argument(help="mã cảnh báo hoặc phần đầu của mã / the alert's id or its beginning")]
By = Annotated[str, typer.Option("--by", help="người thực hiện / who does it", default_factory=getpass.getuser)]
Office = Annotated[str, typer.Option("--office", help="chức danh, đơn vị / office")]
Note = Annotated[str, typer.Option("--note", help="nội dung / what is said")]
Data = Annotated[bool, typer.Option("--data", help="đề nghị xác nhận số liệu thay vì giải trình / ask for the figure")]


@contextmanager
def desk() -> Iterator[Desk]:
    """The desk of this installation; what goes wrong is an error for people."""
    from confluent_kafka import KafkaException

    from alerts.desk import Desk, DeskError
    from alerts.main import now_ms
    from alerts.restore import RestoreError
    from alerts.writer import WriteError
    from transport.registry import Registry, RegistryError

    settings = Settings.load()
    with Registry(settings) as registry:
        try:
            yield Desk(settings, registry, now_ms)
        except (DeskError, RestoreError, WriteError, RegistryError) as error:
            raise StackError(str(error)) from error
        except KafkaException as error:
            raise StackError(f"Kafka: {error.args[0].str()}; `nhip status`") from error


@app.command()
def draft(alert_id: Id, data: Data = False) -> None:
    """Dự thảo để Văn phòng ban hành / the draft, for the Office to issue."""
    from alerts.inquiry import InquiryError
    from alerts.inquiry import draft as drafted
    from alerts.main import now_ms
    from alerts.names import VocabularyNames
    from indicators.inquiry import within_of
    from indicators.rule import RuleBook
    from indicators.vocabulary import Vocabulary

    home = Settings.load().home
    with desk() as at:
        alert = at.find(alert_id)
    rule = RuleBook.load(home).rules.get(alert.evidence.rule)
    try:
        print(drafted(alert, _kind(data), within_of(rule), VocabularyNames(Vocabulary.load(home)), now_ms()).text_vi)
    except InquiryError as error:
        raise StackError(str(error)) from error


@app.command("list")
def list_(everything: Annotated[bool, typer.Option("--all", help="cả văn bản đã xong / also those that are over")] = False) -> None:
    """Văn bản đang chờ, quá hạn trước / requests that wait, overdue first."""
    from alerts.main import now_ms
    from indicators.inquiry import OUTCOMES_VI, TITLES_VI, UNDER_WAY
    from indicators.numbers_vi import time_vi

    now = now_ms()
    with desk() as at:
        found = [(one, alert) for alert in at.alerts() for one in alert.memory.inquiries if everything or one.state in UNDER_WAY]
    outcomes: dict[str, str] = {str(outcome): text for outcome, text in OUTCOMES_VI.items()}
    for one, alert in sorted(found, key=lambda pair: (not pair[0].overdue(now), pair[0].due_at)):
        states = {"issued": "quá hạn trả lời" if one.overdue(now) else "chờ trả lời", "answered": "đã trả lời, chờ kết luận",
                  "decided": f"kết luận: {outcomes.get(one.outcome, '')}", "withdrawn": "đã thu hồi"}  # fmt: skip
        named = f"{TITLES_VI[one.kind]} số {one.document_number} gửi {one.to_agency}"
        print(f"{alert.alert_id[:8]}  {named}, hạn {time_vi(one.due_at)}: {states[one.state]}")
    if not found:
        print("Không có văn bản nào / no requests; dự thảo: `nhip alerts request draft ID`")


@app.command()
def issue(
    alert_id: Id,
    authority: Annotated[str, typer.Option("--authority", help="thẩm quyền ký (chức danh) / the office in whose name it is issued")],
    number: Annotated[str, typer.Option("--number", help="số văn bản / document number")],
    by: By, data: Data = False, note: Note = "",
    office: Annotated[str, typer.Option("--office", help="đơn vị ban hành, nhận trả lời: office_province@31 / told of the answer")] = "",
) -> None:  # fmt: skip
    """Ghi nhận đã ban hành: từ đây tính hạn trả lời / issued: the deadline runs from now."""
    if office:
        check_recipient(Settings.load().home, office)
    about = {"inquiry": _kind(data), "authority": authority, "document_number": number, "issuing_office": office}
    _act("issue", alert_id, by, note, office, **about)


@app.command()
def answer(alert_id: Id, by: By, data: Data = False, note: Note = "", office: Office = "") -> None:
    """Ghi nội dung trả lời / record the answer."""
    _act("answer", alert_id, by, note, office, inquiry=_kind(data))


@app.command("return")
def send_back(alert_id: Id, by: By, data: Data = False, note: Note = "", office: Office = "") -> None:
    """Trả lại nội dung trả lời chưa đạt, hạn giữ nguyên / send an answer back, the deadline stays."""
    _act("send_back", alert_id, by, note, office, inquiry=_kind(data))


@app.command()
def decide(
    alert_id: Id,
    outcome: Annotated[str, typer.Option("--outcome", help="true: số liệu đúng | data_error: số liệu sai | accepted: chấp nhận")],
    by: By, data: Data = False, note: Note = "", office: Office = "",
) -> None:  # fmt: skip
    """Kết luận / decide."""
    _act("decide", alert_id, by, note, office, inquiry=_kind(data), outcome=outcome)


@app.command()
def withdraw(alert_id: Id, by: By, data: Data = False, note: Note = "", office: Office = "") -> None:
    """Thu hồi văn bản chưa được trả lời / withdraw one that is not answered."""
    _act("withdraw", alert_id, by, note, office, inquiry=_kind(data))


def _kind(data: bool) -> Kind:
    return "data_query" if data else "explanation_request"


def _act(what: str, alert_id: str, by: str, note: str, office: str, **about: str) -> None:
    from indicators.inquiry import TITLES_VI

    with desk() as at:
        alert = at.find(alert_id)
        act = at.act(alert, what, by, note, office=office, about=about)
    title = TITLES_VI["data_query" if act.inquiry == "data_query" else "explanation_request"]
    print(f"Đã ghi / written: {act.action} – {title} – {alert.title_vi} – {act.actor} ({act.action_id})")
