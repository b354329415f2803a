"""Answers by text message and acts of other systems: who may, what counts, what comes back; over the real door."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from alerts.action import Action
from alerts.alert import Alert
from alerts.api_route import PREFIX as API
from alerts.api_route import ApiRoute
from alerts.audience import Audience
from alerts.channels.sms import sms_text
from alerts.desk import DeskError
from alerts.door import Door, Route
from alerts.links import SecretError
from alerts.offices import Offices
from alerts.replies import ReplyError, international, read
from alerts.reply_route import PREFIX as REPLIES
from alerts.reply_route import Replies, ReplyRoute
from alerts.writer import WriteError
from tests.alerts.samples import NOON, RIVER, message
from tests.alerts.test_messages import Names
from tests.alerts.test_story import OFFICES, run, story

SECRET, TOKEN = SecretStr("bí-mật-của-webhook"), SecretStr("ma-truy-cap-cua-van-phong-tinh")
CODE = RIVER.alert_id[:8]
PHONE = "84900000001"
WITH_PHONE = OFFICES.model_copy(update={"offices": tuple(
    office.model_copy(update={"phone_at": {"01": PHONE}}) if office.id == "chair_province" else office for office in OFFICES.offices
)})  # fmt: skip


class Desk:
    """One alert that stands, and the acts that were written on it."""

    def __init__(self) -> None:
        self.tale = story()
        run([RIVER], self.tale)
        self.acts: list[Action] = []
        self.away = False

    def find(self, beginning: str) -> Alert:
        if RIVER.alert_id.startswith(beginning):
            return self.tale.alerts[RIVER.alert_id]
        raise DeskError("Không có cảnh báo với mã này / no alert with this id")

    def record(self, act: Action) -> None:
        if self.away:
            raise WriteError("alerts-links: commit: timed out")
        self.acts.append(act)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def address(desk: Desk) -> Iterator[str]:
    replies = Replies(desk.find, Audience(Offices.model_validate(WITH_PHONE.model_dump()), Names()), desk.record, lambda: NOON)
    routes: dict[str, Route] = {
        REPLIES: ReplyRoute(replies, SECRET), API: ApiRoute({"office_province@31": TOKEN}, desk.find, desk.record, lambda: NOON),
    }  # fmt: skip
    with Door(routes, "127.0.0.1", 0) as door:
        yield f"http://127.0.0.1:{door.port}"


@pytest.mark.parametrize(("text", "meant"), [
    (f"TN {CODE}", ("acknowledge", CODE, "")), (f"  tn {CODE.upper()} ", ("acknowledge", CODE, "")),
    (f"Tiếp nhận: {CODE}", ("acknowledge", CODE, "")), (f"GT {CODE} Đã điều tiết, xả lũ", ("explain", CODE, "Đã điều tiết, xả lũ")),
    (f"Giải trình {CODE}: Vướng mặt bằng", ("explain", CODE, "Vướng mặt bằng")),
])  # fmt: skip
def test_what_an_answer_means(text: str, meant: tuple[str, str, str]) -> None:
    reply = read(text)
    assert (reply.act, reply.code, reply.note) == meant


@pytest.mark.parametrize("text", ["", "OK", f"TN{CODE}", "TN 123", f"GT {CODE}", f"GT {CODE}  .", f"DONG {CODE}", f"TN {CODE}99"])
def test_what_cannot_be_meant_says_how(text: str) -> None:
    with pytest.raises(ReplyError, match="Soan: TN"):
        read(text)


def test_numbers_are_compared_in_one_form() -> None:
    assert {international(p) for p in ("0900000001", "+84 900 000 001", "84900000001", "0900.000.001")} == {PHONE}


def test_a_message_says_how_to_answer_where_there_is_a_number_for_it() -> None:
    assert sms_text(message("sms"), "8099").endswith(f" Soan TN {message().alert_id[:8]} gui 8099")
    assert sms_text(message("sms", transition="cleared"), "8099").endswith(f" Ma {message().alert_id[:8]}")


def reply(address: str, text: str, phone: str = "0900000001", secret: SecretStr = SECRET, **more: Any) -> httpx.Response:
    body = json.dumps({"id": "mo-1", "phone": phone, "text": text} | more).encode()
    mac = hmac.new(secret.get_secret_value().encode(), body, hashlib.sha256).hexdigest()
    return httpx.post(f"{address}/replies/sms", content=body, headers={"X-Nhip-Signature": f"sha256={mac}"}, trust_env=False)


@pytest.mark.loopback
def test_a_reply_from_the_number_that_was_told_counts_once(desk: Desk, address: str) -> None:
    for _ in range(2):
        assert reply(address, f"TN {CODE}").json() == {"reply": f"Da ghi nhan tiep nhan canh bao {CODE}"}
    assert reply(address, f"GT {CODE} đã báo xã", id="mo-2").status_code == 200
    assert [(a.action, a.actor, a.via, a.note) for a in desk.acts] == [
        ("acknowledge", "chair_province@01", "code", ""), ("acknowledge", "chair_province@01", "code", ""),
        ("explain", "chair_province@01", "code", "đã báo xã"),
    ]  # fmt: skip
    assert [desk.tale.on_action(each, NOON).outcome for each in desk.acts] == ["acknowledged", "known", "explained"]


@pytest.mark.loopback
@pytest.mark.parametrize(("sent", "status", "says"), [
    ({"text": f"TN {CODE}", "phone": "84911111111"}, 200, "So nay khong phai"), ({"text": "TN 00000000"}, 200, "Khong co canh bao"),
    ({"text": "alo"}, 200, "Soan: TN"), ({"text": " "}, 400, "required"), ({"text": f"TN {CODE}", "id": 7}, 400, "required"),
    ({"text": f"TN {CODE}", "secret": TOKEN}, 403, "signature"),
])  # fmt: skip
def test_replies_that_do_not_count(desk: Desk, address: str, sent: dict[str, Any], status: int, says: str) -> None:
    answer = reply(address, **sent)
    assert answer.status_code == status
    assert says in answer.text
    assert desk.acts == []


def ask(
    address: str, body: Any, token: SecretStr = TOKEN, path: str = f"alerts/{RIVER.alert_id}/acts", key: str = ""
) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token.get_secret_value()}"} | ({"Idempotency-Key": key} if key else {})
    return httpx.post(f"{address}/api/v1/{path}", content=json.dumps(body).encode(), headers=headers, trust_env=False)


ACK = {"act": "acknowledge", "actor": "Trần Thị Bình"}
ISSUE = {"act": "issue", "actor": "Trần Thị Bình", "inquiry": "explanation_request", "authority": "Chánh Văn phòng",
         "document_number": "12/VP"}  # fmt: skip


@pytest.mark.loopback
def test_another_system_acts_under_its_office_and_once_under_its_key(desk: Desk, address: str) -> None:
    first, again = (ask(address, ACK, key="k-1") for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert ask(address, ISSUE, path=f"alerts/{CODE}/acts").status_code == 202
    assert [(a.action, a.actor, a.office, a.via) for a in desk.acts[1:]] == [
        ("acknowledge", "Trần Thị Bình", "office_province@31", "api"), ("issue", "Trần Thị Bình", "office_province@31", "api"),
    ]  # fmt: skip
    assert [a.issuing_office for a in desk.acts[1:]] == ["", "office_province@31"], "of the token, whatever the body says"
    assert [desk.tale.on_action(each, NOON).outcome for each in desk.acts] == ["acknowledged", "known", "issued"]
    assert ask(address, ISSUE).status_code == 409
    assert "answer, withdraw" in ask(address, ISSUE | {"act": "decide", "outcome": "accepted"}).json()["error"]


@pytest.mark.loopback
@pytest.mark.parametrize(("body", "more", "status", "says"), [
    (ACK, {"token": SecretStr("ma-truy-cap-cua-nguoi-khac")}, 401, "token"), (ACK, {"token": SecretStr("x")}, 401, "token"),
    (ACK, {"path": "alerts/ffffffff/acts"}, 404, "no alert"), (ACK, {"path": "alerts"}, 404, "POST"),
    ({"act": "acknowledge"}, {}, 400, "actor"), ([], {}, 400, "actor"), (ACK | {"act": "burn"}, {}, 400, "action"),
    (ACK | {"act": "explain"}, {}, 400, "note"), (ACK | {"who": "x"}, {}, 400, "who"), (ACK | {"until": "mai"}, {}, 400, "until"),
    (ISSUE | {"authority": ""}, {}, 400, "document_number"), (ACK | {"note": "x" * 9000}, {}, 400, "longer"),
    (ACK | {"act": "close"}, {}, 409, "còn vượt ngưỡng"),
])  # fmt: skip
def test_acts_that_are_not_written(desk: Desk, address: str, body: Any, more: dict[str, Any], status: int, says: str) -> None:
    answer = ask(address, body, **more)
    assert answer.status_code == status
    assert says in answer.json()["error"]
    assert desk.acts == []


@pytest.mark.loopback
def test_a_broker_away_asks_to_try_again(desk: Desk, address: str) -> None:
    desk.away = True
    assert ask(address, ACK).status_code == 503
    assert reply(address, f"TN {CODE}").json() == {"reply": "Chua ghi duoc, hay thu lai sau it phut"}


def test_a_short_token_protects_nothing(desk: Desk) -> None:
    with pytest.raises(SecretError, match="NHIP_API_TOKENS"):
        ApiRoute({"x@VN": SecretStr("ngan")}, desk.find, desk.record, lambda: NOON)
    assert replace(message(), link="").link == ""
