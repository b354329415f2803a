"""SMS over SOAP, Zalo bot and rooms against local servers that answer as the providers do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from aiohttp import web
from pydantic import SecretStr

from alerts import providers
from alerts.channels.contract import Channel, RoomError
from alerts.channels.rooms import Room
from alerts.channels.sms_soap import SmsSoap
from alerts.channels.zalo_bot import ZaloBot
from tests.alerts.samples import message
from tests.alerts.test_channels import SHORT, free_port, receiver
from tests.alerts.test_providers import base, brief, html, says, slow
from transport.settings import Settings

pytestmark = pytest.mark.loopback
TOKEN = SecretStr("123456789:ma-bi-mat-cua-bot")
TOLD = message("zalo_bot")
NAMESPACE = "http://impl.bulkSms.ws/"
FIELDS = ("User", "Password", "CPCode", "RequestID", "UserID", "ReceiverID", "ServiceID", "CommandCode", "Content", "ContentType")
WSDL = f"""<?xml version="1.0"?>
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:tns="{NAMESPACE}"
    xmlns:xsd="http://www.w3.org/2001/XMLSchema" targetNamespace="{NAMESPACE}" name="CcApi">
  <types><xsd:schema targetNamespace="{NAMESPACE}">
    <xsd:element name="wsCpMt"><xsd:complexType><xsd:sequence>
      {"".join(f'<xsd:element name="{name}" type="xsd:string" minOccurs="0" form="unqualified"/>' for name in FIELDS)}
    </xsd:sequence></xsd:complexType></xsd:element>
    <xsd:complexType name="result"><xsd:sequence><xsd:element name="message" type="xsd:string" minOccurs="0" form="unqualified"/>
      <xsd:element name="result" type="xsd:long" minOccurs="0" form="unqualified"/></xsd:sequence></xsd:complexType>
    <xsd:element name="wsCpMtResponse"><xsd:complexType><xsd:sequence>
      <xsd:element name="return" type="tns:result" minOccurs="0" form="unqualified"/></xsd:sequence></xsd:complexType></xsd:element>
  </xsd:schema></types>
  <message name="ask"><part name="parameters" element="tns:wsCpMt"/></message>
  <message name="answer"><part name="parameters" element="tns:wsCpMtResponse"/></message>
  <portType name="CcApi"><operation name="wsCpMt"><input message="tns:ask"/><output message="tns:answer"/></operation></portType>
  <binding name="CcApiBinding" type="tns:CcApi"><soap:binding transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="wsCpMt"><soap:operation soapAction=""/><input><soap:body use="literal"/></input>
      <output><soap:body use="literal"/></output></operation></binding>
  <service name="CcApi"><port name="CcApiPort" binding="tns:CcApiBinding"><soap:address location="ADDRESS"/></port></service>
</definitions>"""
SMS = message("sms_soap", address="84900000001", title="Trạm Hà Nội & Sơn Tây: 10,62 m")


def envelope(words: str, result: int) -> str:
    return (
        '<?xml version="1.0"?><S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body>'
        f'<ns2:wsCpMtResponse xmlns:ns2="{NAMESPACE}"><return><message>{words}</message><result>{result}</result></return>'
        "</ns2:wsCpMtResponse></S:Body></S:Envelope>"
    )


class Gateway:
    """Viettel's side. `words`, `result`: its answer; `status`, `raw`: instead of one."""

    def __init__(self, words: str = "Insert MT_QUEUE: OK", result: int = 1, status: int = 200, raw: str = "", late: bool = False) -> None:
        self.words, self.result, self.status, self.raw, self.late = words, result, status, raw, late
        self.got: list[dict[str, str]] = []

    async def __call__(self, request: web.Request, body: bytes) -> web.StreamResponse:
        (call,) = ElementTree.fromstring(body).iter(f"{{{NAMESPACE}}}wsCpMt")
        self.got.append({field.tag: field.text or "" for field in call})
        if self.late:
            return await slow(request, body)
        return web.Response(text=self.raw or envelope(self.words, self.result), status=self.status, content_type="text/xml")


@contextmanager
def soap(gateway: Gateway, folder: Path) -> Iterator[SmsSoap]:
    with receiver(gateway) as url:
        wsdl = folder / "service.wsdl"
        wsdl.write_text(WSDL.replace("ADDRESS", url), encoding="utf-8")
        channel = SmsSoap(str(wsdl), ("nhip", SecretStr("mat-khau-cong"), "UBND_HP"), "UBNDHP", timeout=SHORT)
        yield channel
        channel.close()


def test_soap_sends_the_fields_of_the_gateway(tmp_path: Path) -> None:
    gateway = Gateway()
    with soap(gateway, tmp_path) as channel:
        assert channel.send(SMS).accepted
    assert gateway.got == [{
        "User": "nhip", "Password": "mat-khau-cong", "CPCode": "UBND_HP", "RequestID": "1", "UserID": "84900000001",
        "ReceiverID": "84900000001", "ServiceID": "UBNDHP", "CommandCode": "bulksms",
        "Content": f"Tram Ha Noi  va  Son Tay: 10,62 m Ma {SMS.alert_id[:8]}", "ContentType": "0",
    }]  # fmt: skip


@pytest.mark.parametrize(("words", "expected"), [
    ("Check template: CONTENT_NOT_MATCH_TEMPLATE", (False, "sms_template", False, True)),
    ("Check ServiceID: DUPLICATE MESSAGE", (True, "", False, True)), ("CP_CODE_NOT_FOUND", (False, "sms_auth", True, True)),
    ("Authenticate: Password: NULL_OR_BLANK", (False, "sms_auth", True, True)),
    ("Check ServiceID: ALIAS_INVALID:TELCO=VT", (False, "sms_brandname", False, True)),
    ("Check Content: MSG_ERROR_CONTAIN_BLACKLIST", (False, "sms_content", False, True)),
    ("Check ReceiverID: FORMAT_ERROR", (False, "sms_number", False, True)), ("QUOTA_EXCEEDED", (False, "sms_quota", True, True)),
    ("Check information error", (False, "sms_unknown", True, True)), ("khác", (False, "sms_refused", False, True)),
])  # fmt: skip
def test_the_gateways_words(words: str, expected: tuple[bool, str, bool, bool], tmp_path: Path) -> None:
    with soap(Gateway(words, 0), tmp_path) as channel:
        outcome = channel.send(SMS)
    assert brief(outcome) == expected
    assert "mat-khau" not in repr(outcome)


FAULT = ('<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body><S:Fault><faultcode>S:Server</faultcode>'
         "<faultstring>lỗi</faultstring></S:Fault></S:Body></S:Envelope>")  # fmt: skip


@pytest.mark.parametrize(("gateway", "expected"), [
    (Gateway(late=True), ("ReadTimeout", True, False)), (Gateway(raw=FAULT, status=500), ("soap_fault", True, False)),
    (Gateway(raw="bảo trì", status=503), ("http_503", True, True)), (Gateway(raw="<p/>", status=503), ("not_soap", True, False)),
    (Gateway(raw="x", status=403), ("http_403", False, True)),
    (Gateway(raw="<html>bảo trì"), ("not_soap", True, False)), (Gateway(result=7), ("sms_silent", True, False)),
], ids=["slow", "fault", "503", "page", "403", "maintenance", "silent"])  # fmt: skip
def test_a_gateway_in_trouble(gateway: Gateway, expected: tuple[str, bool, bool], tmp_path: Path) -> None:
    with soap(gateway, tmp_path) as channel:
        assert brief(channel.send(SMS)) == (False, *expected)


def test_a_gateway_that_is_away(tmp_path: Path) -> None:
    wsdl = tmp_path / "service.wsdl"
    wsdl.write_text(WSDL.replace("ADDRESS", f"http://127.0.0.1:{free_port()}/"), encoding="utf-8")
    account = ("nhip", SecretStr("mat-khau-cong"), "UBND_HP")
    for where, error_class in ((str(wsdl), "ConnectError"), (f"http://127.0.0.1:{free_port()}/api?wsdl", "ConnectionError")):
        channel = SmsSoap(where, account, "UBNDHP", timeout=SHORT)
        assert brief(channel.send(SMS)) == (False, error_class, True, True)
        assert brief(channel.send(message("sms_soap", address=""))) == (False, "sms_no_number", False, True)
        channel.close()


@contextmanager
def bot(url: str, **chats: str) -> Iterator[ZaloBot]:
    channel = ZaloBot(base(url), TOKEN, chats or {"*": "nhom-truc-ban"}, timeout=SHORT)
    yield channel
    channel.close()


def test_zalo_bot_writes_to_the_chat_of_the_office() -> None:
    got: list[tuple[str, dict[str, Any]]] = []

    async def answer(request: web.Request, body: bytes) -> web.Response:
        got.append((request.path, json.loads(body)))
        return web.json_response({"ok": True, "result": {"message_id": "z-1", "date": 1}})

    with receiver(answer) as url, bot(url, **{"chair_province@01": "chu-tich", "*": "nhom"}) as channel:
        outcomes = [channel.send(TOLD), channel.send(message("zalo_bot", recipient="x@VN", text="dài " * 900))]
    assert [o.provider_reference for o in outcomes] == ["z-1", "z-1"]
    assert got[0][0] == f"/bot{TOKEN.get_secret_value()}/sendMessage"
    assert [body["chat_id"] for _, body in got] == ["chu-tich", "nhom"]
    assert got[0][1]["text"].startswith(f"{TOLD.title}\n\nKính gửi: …")
    assert len(got[1][1]["text"]) == 2000


@pytest.mark.parametrize(("answer", "expected"), [
    (says({"ok": False, "error_code": 401, "description": "Unauthorized"}), ("zalo_bot_auth", True, True)),
    (says({"ok": False, "error_code": 429}), ("zalo_bot_quota", True, True)), (says({"ok": False}, 400), ("zalo_bot_chat", False, True)),
    (says({"ok": False, "error_code": 403}), ("zalo_bot_blocked", False, True)),
    (says({"ok": False, "error_code": 777}), ("zalo_bot_777", True, True)),
    (says({"ok": False, "error_code": 418}), ("zalo_bot_418", False, True)), (says({}), ("zalo_bot_silent", True, False)),
    (slow, ("ReadTimeout", True, False)), (html, ("not_json", True, False)), (says({}, 503), ("http_503", True, True)),
], ids=["token", "quota", "chat", "blocked", "5xx", "other", "silent", "slow", "maintenance", "503"])  # fmt: skip
def test_zalo_bot_answers(answer: Any, expected: tuple[str, bool, bool]) -> None:
    with receiver(answer) as url, bot(url) as channel:
        outcome = channel.send(TOLD)
    assert brief(outcome) == (False, *expected)
    assert "ma-bi-mat" not in repr(outcome)


def test_zalo_bot_without_a_chat_or_a_server() -> None:
    with bot("http://127.0.0.1:1/hook", khac="1") as channel:
        assert brief(channel.send(TOLD)) == (False, "zalo_bot_chat", False, True)
    with bot(f"http://127.0.0.1:{free_port()}/hook") as channel:
        assert brief(channel.send(TOLD)) == (False, "ConnectError", True, True)


def test_a_room_gets_the_message_and_says_when_it_did_not() -> None:
    got: list[dict[str, Any]] = []

    async def answer(request: web.Request, body: bytes) -> web.Response:
        got.append(json.loads(body))
        return web.Response(status=200 if len(got) == 1 else 500)

    with receiver(answer) as url:
        address = SecretStr(url.replace("http://", "json://bi-mat:phong@"))
        room = Room("dieu_hanh", address, timeout=SHORT)
        outcomes = [room.send(message(room.name)), room.send(message(room.name))]
    assert room.name == "room_dieu_hanh"
    assert got[0]["title"] == TOLD.title
    assert TOLD.text in got[0]["message"]
    assert [brief(o) for o in outcomes] == [(True, "", False, True), (False, "room_failure", True, False)]
    assert "bi-mat" not in repr(outcomes)


def test_a_slow_room_is_not_waited_for_ever() -> None:
    with receiver(slow) as url:
        assert not Room("cham", SecretStr(url.replace("http://", "json://")), timeout=SHORT).send(TOLD).accepted


def test_an_address_apprise_does_not_know_is_refused_at_the_start() -> None:
    with pytest.raises(RoomError, match="dieu_hanh") as refused:
        Room("dieu_hanh", SecretStr("khong-co://bi-mat"))
    assert "bi-mat" not in str(refused.value)


def test_all_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {
        "SMS_SOAP_WSDL": "http://127.0.0.1:1/api?wsdl", "SMS_SOAP_PASSWORD": "bi-mat", "SMPP_HOST": "127.0.0.1", "SMPP_PASSWORD": "bi-mat",
        "ZALO_BOT_TOKEN": "bi-mat", "ZALO_BOT_CHATS": '{"*": "1"}', "ROOMS": '{"nhom": "json://bi-mat@127.0.0.1/"}',
    }.items():  # fmt: skip
        monkeypatch.setenv(f"NHIP_{name}", value)
    settings = Settings.load(data_dir=tmp_path)
    made: dict[str, Channel] = providers.channels(settings)
    assert {name: (c.repeat, c.rings) for name, c in made.items()} == {
        "sms_soap": ("blind", True), "smpp": ("blind", True), "zalo_bot": ("blind", True), "room_nhom": ("blind", False),
    }  # fmt: skip
    assert providers.reporting(settings) == {"smpp"}
    assert "bi-mat" not in repr(settings)
    for channel in made.values():
        channel.close()
