"""SMS and ZNS against local servers that answer as the providers do: accepted, quota, expired token, duplicate, wrong template, slow,
dead."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from pydantic import SecretStr

from alerts import providers
from alerts.channels.contract import Channel, Message, Outcome
from alerts.channels.sms import PATH, Sms, sms_text
from alerts.channels.zns import Access, Zns
from alerts.sms_text import form_of
from tests.alerts.samples import message
from tests.alerts.test_channels import SHORT, free_port, receiver
from transport.settings import Settings

pytestmark = pytest.mark.loopback
KEYS = SecretStr("khoa-api-bi-mat"), SecretStr("khoa-bi-mat-hai")
Answer = Callable[[web.Request, bytes], Awaitable[web.StreamResponse]]
TOLD = message("sms", address="84900000001", rule="TV")


def says(content: Any, status: int = 200) -> Answer:
    async def answer(request: web.Request, body: bytes) -> web.Response:
        return web.json_response(content, status=status)

    return answer


async def slow(request: web.Request, body: bytes) -> web.Response:
    await asyncio.sleep(3)
    return web.Response()


async def html(request: web.Request, body: bytes) -> web.Response:
    return web.Response(text="<html>bảo trì</html>", content_type="text/html")


def base(url: str) -> str:
    return url.removesuffix("/hook")


@contextmanager
def sms(url: str) -> Iterator[Sms]:
    channel = Sms(base(url), *KEYS, "UBNDHP", timeout=SHORT)
    yield channel
    channel.close()


@contextmanager
def zns(url: str, folder: Path, **templates: str) -> Iterator[Zns]:
    access = Access("app-1", SecretStr("bi-mat-ung-dung"), SecretStr("token-cu"), SecretStr("lam-moi-1"), folder / "state" / "zns.json")
    channel = Zns(base(url), base(url), access, templates or {"*": "7001"}, timeout=SHORT)
    yield channel
    channel.close()


def brief(outcome: Outcome) -> tuple[bool, str, bool, bool]:
    return outcome.accepted, outcome.error_class, outcome.retryable, outcome.certain


def test_sms_sends_the_plain_form_under_our_key() -> None:
    got: list[tuple[str, dict[str, str]]] = []

    async def answer(request: web.Request, body: bytes) -> web.Response:
        got.append((request.path, json.loads(body)))
        return web.json_response({"CodeResult": "100", "SMSID": "sms-9"})

    with receiver(answer) as url, sms(url) as channel:
        outcome = channel.send(TOLD)
    assert (outcome.accepted, outcome.provider_reference) == (True, "sms-9")
    (path, body), *_ = got
    assert path == PATH
    assert (body["Phone"], body["RequestId"], body["SmsType"], body["Brandname"]) == ("84900000001", TOLD.key, "2", "UBNDHP")
    assert body["Content"] == f"Tram Ha Noi: 10,62 m, tren bao dong II Ma {TOLD.alert_id[:8]}"


@pytest.mark.parametrize(("code", "expected"), [
    ("124", (True, "", False, True)), ("101", (False, "sms_auth", True, True)), ("103", (False, "sms_quota", True, True)),
    ("104", (False, "sms_brandname", True, True)), ("146", (False, "sms_template", False, True)), 
    ("99", (False, "sms_unknown", True, True)),
    ("555", (False, "sms_555", False, True)), ("", (False, "sms_silent", False, True)),
])  # fmt: skip
def test_sms_answers(code: str, expected: tuple[bool, str, bool, bool]) -> None:
    with receiver(says({"CodeResult": code, "ErrorMessage": "khoa-api-bi-mat"})) as url, sms(url) as channel:
        outcome = channel.send(TOLD)
    assert brief(outcome) == expected
    assert "bi-mat" not in repr(outcome)


@pytest.mark.parametrize(("answer", "expected"), [
    (slow, ("ReadTimeout", True, False)), (html, ("not_json", True, False)), (says([1]), ("not_json", True, False)),
    (says({}, 503), ("http_503", True, True)), (says({}, 403), ("http_403", False, True)), (says({}, 429), ("http_429", True, True)),
], ids=["slow", "maintenance", "list", "503", "403", "429"])  # fmt: skip
@pytest.mark.parametrize("which", ["sms", "zns"])
def test_a_provider_in_trouble(which: str, answer: Answer, expected: tuple[str, bool, bool], tmp_path: Path) -> None:
    with receiver(answer) as url:
        channel: Channel
        with sms(url) if which == "sms" else zns(url, tmp_path) as channel:
            outcome = channel.send(TOLD)
    assert brief(outcome) == (False, *expected)


@pytest.mark.parametrize("which", ["sms", "zns"])
def test_nobody_there(which: str, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}/hook"
    channel: Channel
    with sms(url) if which == "sms" else zns(url, tmp_path) as channel:
        assert brief(channel.send(TOLD)) == (False, "ConnectError", True, True)


def test_a_long_sms_is_cut_in_the_title_and_keeps_link_and_code() -> None:
    told = message("sms", title="Mực nước tại trạm " + "rất dài " * 90)
    linked = Message(**{name: getattr(told, name) for name in Message.__dataclass_fields__ if name != "link"}, link="https://x.vn/a/AbC-_1")
    text = sms_text(linked)
    assert text.endswith(f"... Tra loi: https://x.vn/a/AbC-_1 Ma {told.alert_id[:8]}")
    assert form_of(text).alphabet == "GSM-7"
    assert form_of(text).parts <= 3


def test_an_office_without_a_number_is_refused_with_the_reason(tmp_path: Path) -> None:
    none = message("sms", address="")
    with sms("http://127.0.0.1:1/hook") as channel:
        assert brief(channel.send(none)) == (False, "sms_no_number", False, True)
    with zns("http://127.0.0.1:1/hook", tmp_path, KHAC="1") as channel_z:
        assert brief(channel_z.send(TOLD)) == (False, "zns_no_template", False, True)


def test_zns_sends_a_template_with_our_key(tmp_path: Path) -> None:
    got: list[tuple[str, str, dict[str, Any]]] = []

    async def answer(request: web.Request, body: bytes) -> web.Response:
        got.append((request.path, request.headers["access_token"], json.loads(body)))
        return web.json_response({"error": 0, "message": "Success", "data": {"msg_id": "m-1"}})

    with receiver(answer) as url, zns(url, tmp_path, TV="88", **{"*": "7001"}) as channel:
        outcome = channel.send(TOLD)
    assert (outcome.accepted, outcome.provider_reference) == (True, "m-1")
    path, token, body = got[0]
    assert (path, token) == ("/message/template", "token-cu")
    assert (body["phone"], body["template_id"], body["tracking_id"]) == ("84900000001", "88", TOLD.key)
    assert body["template_data"] == {
        "noi_dung": TOLD.title, "thoi_gian": "12:00 ngày 01/10/2026", "muc": "3", "ma": TOLD.alert_id[:8],
    }  # fmt: skip


@pytest.mark.parametrize(("code", "error_class", "retryable"), [
    (-144, "zns_quota", False), (-147, "zns_quota", False), (-131, "zns_template", False), (-118, "zns_unreachable", False),
    (-115, "zns_balance", True), (-999, "zns_-999", False),
])  # fmt: skip
def test_zns_refusals(code: int, error_class: str, retryable: bool, tmp_path: Path) -> None:
    with receiver(says({"error": code, "message": "x"})) as url, zns(url, tmp_path) as channel:
        assert brief(channel.send(TOLD)) == (False, error_class, retryable, True)


class Zalo:
    """Takes only the newest token; each refresh token works once."""

    def __init__(self) -> None:
        self.valid, self.refresh, self.renewals, self.taken = "token-moi-0", "lam-moi-1", 0, 0

    async def __call__(self, request: web.Request, body: bytes) -> web.Response:
        if request.path == "/message/template":
            if request.headers["access_token"] != self.valid:
                return web.json_response({"error": -124, "message": "Access token invalid"})
            self.taken += 1
            return web.json_response({"error": 0, "data": {"msg_id": f"m-{self.taken}"}})
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        assert request.headers["secret_key"] == "bi-mat-ung-dung"
        if form["refresh_token"] != self.refresh:
            return web.json_response({"error": -14014, "error_name": "Invalid refresh token."})
        self.renewals += 1
        self.valid, self.refresh = f"token-moi-{self.renewals}", f"lam-moi-{self.renewals + 1}"
        return web.json_response({"access_token": self.valid, "refresh_token": self.refresh, "expires_in": "90000"})


def test_zns_renews_an_expired_token_once_and_keeps_it(tmp_path: Path) -> None:
    zalo = Zalo()
    with receiver(zalo) as url:
        with zns(url, tmp_path) as channel:
            assert channel.send(TOLD).accepted
            assert channel.send(TOLD).accepted
        with zns(url, tmp_path) as channel:  # a restart: the configured refresh token is used up, the stored one holds
            assert channel.send(TOLD).accepted
    assert (zalo.renewals, zalo.taken) == (1, 3)
    store = tmp_path / "state" / "zns.json"
    assert stat.S_IMODE(store.stat().st_mode) == 0o600


def test_zns_says_when_it_cannot_renew(tmp_path: Path) -> None:
    zalo = Zalo()
    zalo.refresh = "lam-moi-khac"
    with receiver(zalo) as url, zns(url, tmp_path) as channel:
        outcome = channel.send(TOLD)
    assert brief(outcome) == (False, "zns_auth", True, True)
    assert "lam-moi" not in repr(outcome)


def test_channels_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert providers.channels(Settings.load(data_dir=tmp_path)) == {}
    for name, value in {"SMS_URL": "http://127.0.0.1:1", "SMS_API_KEY": "khoa", "ZNS_URL": "http://127.0.0.1:1",
                        "ZNS_TEMPLATES": '{"*": "7001"}'}.items():  # fmt: skip
        monkeypatch.setenv(f"NHIP_{name}", value)
    settings = Settings.load(data_dir=tmp_path)
    made = providers.channels(settings)
    assert {name: (c.name, c.repeat, c.rings, c.stand_in) for name, c in made.items()} == {
        "sms": ("sms", "safe", True, ""), "zns": ("zns", "blind", True, "sms"),
    }  # fmt: skip
    assert "khoa" not in repr(settings)
    for channel in made.values():
        channel.close()
