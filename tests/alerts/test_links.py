"""Signed links: what holds, what does not, what a page does once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from alerts.action import Action
from alerts.door import Door
from alerts.link_page import HEADERS, LONGEST_NOTE
from alerts.link_route import PREFIX, LinkRoute
from alerts.links import LONGEST, VALID_MS, Claim, LinkError, Links, SecretError
from alerts.manner import Manner
from alerts.writer import WriteError
from tests.alerts.samples import NOON, RIVER, notification
from tests.alerts.test_story import run, story

SECRET, OTHER = SecretStr("a-secret-of-the-site-1"), SecretStr("a-secret-of-the-site-2")
LINKS = Links("https://dieuhanh.example.vn/", SECRET)
CLAIM = Claim(RIVER.alert_id, "chair_province@01", NOON + VALID_MS, notification().notification_key)


def test_a_token_says_what_was_put_in() -> None:
    token = LINKS.token(CLAIM)
    assert LINKS.claim(token, NOON) == CLAIM
    assert LINKS.url(CLAIM) == f"https://dieuhanh.example.vn/a/{token}"
    assert len(token) < 120  # with the address it must leave room in a text message
    assert token.replace("-", "").replace("_", "").isalnum()


@given(st.data())
def test_a_changed_token_does_not_hold(data: st.DataObject) -> None:
    token = LINKS.token(CLAIM)
    at = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from("ABCXYZabc019-_"))
    changed = token[:at] + letter + token[at + 1 :]
    if changed == token:
        return
    with suppress(LinkError):
        assert LINKS.claim(changed, NOON) == CLAIM  # the last letter may hold bits that mean nothing


@given(st.text(max_size=2 * LONGEST))
def test_what_is_not_ours_is_refused_whatever_it_is(text: str) -> None:
    with pytest.raises(LinkError):
        LINKS.claim(text, NOON)


def test_time_and_secrets() -> None:
    token = LINKS.token(CLAIM)
    assert LINKS.claim(token, CLAIM.expires_at) == CLAIM
    with pytest.raises(LinkError, match="hết hạn"):
        LINKS.claim(token, CLAIM.expires_at + 1)
    changed = Links("https://x", OTHER, SECRET)
    assert changed.claim(token, NOON) == CLAIM  # the secret before it is still accepted
    with pytest.raises(LinkError):
        Links("https://x", OTHER).claim(token, NOON)
    with pytest.raises(LinkError):
        LINKS.claim(changed.token(CLAIM), NOON)
    for secret in ("", "short"):
        with pytest.raises(SecretError, match="NHIP_LINK_SECRET"):
            Links("https://x", SecretStr(secret))


def test_only_messages_people_can_answer_carry_a_link_the_same_at_every_attempt() -> None:
    manner = Manner(links=LINKS)
    mail = notification("email")
    assert manner.message(mail).link == LINKS.url(CLAIM) == manner.message(mail).link
    assert LINKS.claim(manner.message(notification("sms")).link.rpartition("/")[2], NOON) == CLAIM
    for other in (notification("console"), notification("webhook"), notification("zns"), notification("email", transition="cleared"),
                  notification("email", transition="digest")):  # fmt: skip
        assert manner.message(other).link == ""
    assert Manner().message(mail).link == ""


@pytest.fixture
def acts() -> list[Action]:
    return []


@pytest.fixture
def server(acts: list[Action]) -> Iterator[Door]:
    def record(act: Action) -> None:
        if act.note == "broker away":
            raise WriteError("alerts-links: commit: timed out")
        acts.append(act)

    with Door({PREFIX: LinkRoute(LINKS, record, lambda: NOON)}, "127.0.0.1", 0) as made:
        yield made


@pytest.mark.loopback
def test_opening_does_nothing_acting_does_it_once(server: Door, acts: list[Action]) -> None:
    address = f"http://127.0.0.1:{server.port}/a/{LINKS.token(CLAIM)}"
    with httpx.Client(trust_env=False) as client:
        page = client.get(address)
        assert (page.status_code, acts) == (200, [])
        assert {name: page.headers[name] for name in HEADERS} == dict(HEADERS)
        assert "chair_province@01" in page.text
        for _ in range(2):
            assert "Đã ghi nhận tiếp nhận" in client.post(address, data={"act": "acknowledge"}).text
        assert client.post(address, data={"act": "explain", "note": "Đã điều tiết lũ <b>"}).status_code == 200
    assert [(a.action, a.actor, a.via, a.note) for a in acts] == [
        ("acknowledge", "chair_province@01", "link", ""), ("acknowledge", "chair_province@01", "link", ""),
        ("explain", "chair_province@01", "link", "Đã điều tiết lũ <b>"),
    ]  # fmt: skip
    tale = story()
    run([RIVER], tale)
    assert [tale.on_action(act, NOON).outcome for act in acts] == ["acknowledged", "known", "explained"]


@pytest.mark.loopback
@pytest.mark.parametrize(("path", "form", "status", "says"), [
    ("/", {"act": "acknowledge"}, 404, "no such page"), ("/a/AAAA", {"act": "acknowledge"}, 403, "not valid"),
    ("", {"act": "close"}, 400, "choose"), ("", {"act": "explain", "note": "  "}, 400, "says something"),
    ("", {"act": "explain", "note": "x" * (LONGEST_NOTE + 1)}, 400, "longer"),
    ("", {"act": "explain", "note": "x" * 70_000}, 413, "too large"), ("", {"act": "explain", "note": "broker away"}, 503, "try again"),
])  # fmt: skip
def test_what_is_refused_and_why(server: Door, acts: list[Action], path: str, form: dict[str, str], status: int, says: str) -> None:
    with httpx.Client(trust_env=False) as client:
        answer = client.post(f"http://127.0.0.1:{server.port}{path or '/a/' + LINKS.token(CLAIM)}", data=form)
    assert answer.status_code == status
    assert says in answer.text
    assert acts == []
