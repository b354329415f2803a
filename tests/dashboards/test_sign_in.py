"""The door: passwords, sessions, forged forms, rate limits; none of it needs a data store."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from dashboards.accounts import Account, AccountBook, AccountError, hashed, verify
from dashboards.limits import MOST_KEYS, Limit
from dashboards.session import COOKIE, Session, Sessions, key
from dashboards.settings import BoardSettings
from tests.dashboards.conftest import CHEAP, DUTY, LEADER, Client, served

pytestmark = pytest.mark.loopback
PASSWORD = SecretStr("mật khẩu đủ dài")


def test_a_reader_signs_in_and_out(adrift: BoardSettings) -> None:
    AccountBook(adrift.accounts_path).put(LEADER.model_copy(update={"password": hashed(PASSWORD)}))

    async def work(client: Client) -> None:
        fields = {"name": "LanhDao", "password": PASSWORD.get_secret_value()}
        for goal, led in (("/ranking", "/ranking"), ("//evil.example", "/"), ("https://evil.example", "/"), ("/\\evil", "/")):
            answer = await client.post(f"/sign-in?next={goal}", fields)
            assert (answer.status_code, answer.headers["location"]) == (303, led)
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        session = client.board.sessions.read(client.http.cookies[COOKIE], client.board.clock())
        assert session is not None
        assert session.account == "lanhdao"
        out = await client.http.post("/sign-out", data={"token": client.board.sessions.token(session)})
        assert out.status_code == 303
        assert COOKIE not in client.http.cookies

    served(adrift, None, work)


def test_guessing_is_slow_and_says_nothing(adrift: BoardSettings) -> None:
    AccountBook(adrift.accounts_path).put(LEADER)

    async def work(client: Client) -> None:
        said = []
        for name in ("lanhdao", "nobody", "lanhdao", "nobody", "lanhdao", "lanhdao"):
            answer = await client.post("/sign-in", {"name": name, "password": "sai"})
            said.append((answer.status_code, "không đúng" in answer.text))
            assert "sai" not in answer.text.replace("saigon", "")
        assert said == [(401, True)] * 5 + [(429, False)]

    served(adrift, None, work)


def test_forms_of_other_sites_and_old_pages_are_refused(adrift: BoardSettings) -> None:
    async def work(client: Client) -> None:
        own = {"action": "acknowledge"}
        assert (await client.http.post("/alerts/a/acts", data=own)).status_code == 403
        assert (await client.http.post("/alerts/a/acts", data={**own, "token": client.board.sessions.token(None)})).status_code == 403
        assert (await client.post("/alerts/a/acts", own, headers={"origin": "https://evil.example"})).status_code == 403
        assert (await client.post("/alerts/a/acts", {"note": "x" * 70_000})).status_code == 413
        assert (await client.post("/alerts/a/acts", own, headers={"origin": "http://board"})).status_code == 503, "ours: as far as the data"

    served(adrift, DUTY, work)


def test_a_session_ends_with_its_time_its_key_and_its_rights() -> None:
    sessions = Sessions(b"k" * 32, 1)
    session = sessions.begin(LEADER, 0)
    cookie = sessions.written(session)
    assert sessions.read(cookie, 3_599_999) == session
    assert sessions.read(cookie, 3_600_000) is None
    assert Sessions(b"j" * 32, 1).read(cookie, 0) is None
    payload, _, signature = cookie.partition(".")
    for forged in ("", ".", f"{payload}x.{signature}", f"{payload}.{signature[:-1]}0", f"{payload}.", "é.é"):
        if forged != cookie:
            assert sessions.read(forged, 0) is None
    assert LEADER.model_copy(update={"clearance": 9}).stamp != LEADER.stamp
    assert sessions.token(session) != sessions.token(Session("lanhdao", "", 0, "another"))
    with pytest.raises(ValueError, match="32"):
        Sessions(b"short", 1)


def test_a_session_of_changed_rights_is_no_session(adrift: BoardSettings) -> None:
    async def work(client: Client) -> None:
        client.board.accounts.put(LEADER.model_copy(update={"territories": ("31",)}))
        assert (await client.get("/")).status_code == 303

    served(adrift, LEADER, work)


def test_passwords_and_the_file_of_accounts(adrift: BoardSettings) -> None:
    assert verify(PASSWORD, hashed(PASSWORD))
    assert not verify(SecretStr("khác"), CHEAP)
    with pytest.raises(AccountError):
        hashed(SecretStr("ngắn"))
    book = AccountBook(adrift.accounts_path)
    with pytest.raises(AccountError, match="chưa có tài khoản"):
        book.accounts()
    book.put(LEADER)
    assert adrift.accounts_path.stat().st_mode & 0o777 == 0o600
    assert book.find("nobody", PASSWORD) is None
    assert CHEAP not in repr(LEADER)
    adrift.accounts_path.chmod(0o644)
    with pytest.raises(AccountError, match="chmod 600"):
        book.accounts()
    with pytest.raises(ValueError, match="pattern"):
        Account(name="A B", title_vi="x", role="leader", territories=("VN",), password=CHEAP)
    made = key("", adrift.secret_path)
    assert key("", adrift.secret_path) == made
    assert adrift.secret_path.stat().st_mode & 0o777 == 0o600


def test_a_limit_refills_with_time_and_is_bounded() -> None:
    now = [0.0]
    limit = Limit(2, 0.5, lambda: now[0])
    assert [limit.take("a") for _ in range(3)] == [0.0, 0.0, 2.0]
    assert limit.take("b") == 0.0
    now[0] = 2.0
    assert [limit.take("a"), limit.take("a")] == [0.0, 2.0]
    for i in range(MOST_KEYS + 10):
        limit.take(f"k{i}")
    assert len(limit._buckets) <= MOST_KEYS
    assert limit.take("a") > 0, "the emptiest bucket is kept"
