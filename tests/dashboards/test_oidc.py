"""Signing in by a provider that runs: who comes in with which rights, and that everything bent is refused with its words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from pydantic import SecretStr

from dashboards import oidc_http
from dashboards.accounts import FEDERATED, NO_PASSWORD, AccountBook, AccountError
from dashboards.federation import Grants, Unmapped
from dashboards.oidc import AGAIN_MS, KEPT_MS, TURN_MS, Provider
from dashboards.oidc_http import safe
from dashboards.session import COOKIE, Session
from dashboards.settings import BoardSettings
from indicators.vocabulary import Vocabulary
from tests.dashboards.conftest import LEADER, Client, Memory, made
from tests.dashboards.identity import CLIENT, SECRET, Claims, Identity, identity, unsigned
from tests.dashboards.seeds import NOW_MS
from transport.settings import HOME

pytestmark = pytest.mark.loopback
CHIEFS = {"claim": "realm_access.roles", "value": "chi-dao", "role": "leader", "territories": ["VN"], "office_vi": "Văn phòng"}
LOCAL = {"claim": "groups", "value": "truc-ban", "role": "duty_officer", "territory_claim": "dia_ban", "depth": 1}
VOCABULARY = Vocabulary.load(HOME)


@pytest.fixture(scope="module")
def running() -> Iterator[Identity]:
    with identity(NOW_MS) as one:
        yield one


@pytest.fixture
def provider(running: Identity) -> Iterator[Identity]:
    kept = dict(vars(running))
    yield running
    vars(running).update(kept)
    running.slow.clear()


def settings_of(adrift: BoardSettings, one: Identity, **changes: Any) -> BoardSettings:
    own = {"board_oidc_issuer": one.issuer, "board_oidc_client": CLIENT, "board_oidc_secret": SecretStr(SECRET), "board_oidc_name": "VNeID",
           "board_oidc_mapping": [CHIEFS, LOCAL], "board_base_url": "https://board.example", **changes}  # fmt: skip
    return BoardSettings.load(**{**adrift.model_dump(), **own})


def at_the_door(settings: BoardSettings, work: Callable[[Client], Awaitable[None]], journal: Memory | None = None) -> None:
    """Do the work of one browser against a board, whose clock the work may set: `client.board.provider` is made anew for it."""

    async def run() -> None:
        board = made(settings, journal)
        board.attempts._burst = 1_000
        client = Client(board, None)
        try:
            await work(client)
        finally:
            await client.http.aclose()

    asyncio.run(run())


async def returned(client: Client, goal: str = "/ranking") -> str:
    """Begin, be sent to the provider, sign in there: the address of ours that the provider sends the browser back to."""
    begun = await client.get(f"/sign-in/begin?next={goal}")
    assert begun.status_code == 303, begun.text
    async with httpx.AsyncClient(trust_env=False, verify=False) as browser:
        there = await browser.get(begun.headers["location"])
    parts = urlsplit(there.headers["location"])
    assert (parts.scheme, parts.netloc, parts.path) == ("https", "board.example", "/sign-in/callback")
    return f"{parts.path}?{parts.query}"


def session_of(client: Client) -> Session:
    session = client.board.sessions.read(client.http.cookies[COOKIE], client.board.clock())
    assert session is not None
    return session


def test_a_person_of_the_mapping_comes_in_with_its_rights_and_out_again(adrift: BoardSettings, provider: Identity) -> None:
    journal = Memory()

    async def work(client: Client) -> None:
        door = (await client.get("/sign-in")).text
        assert "Đăng nhập bằng VNeID" in door
        assert 'name="password"' in door
        answer = await client.get(await returned(client))
        assert (answer.status_code, answer.headers["location"]) == (303, "/ranking")
        session = session_of(client)
        account = client.board.account(session)
        assert account is not None
        assert (account.role, account.territories, account.title_vi) == ("leader", ("VN",), "Nguyễn An, Văn phòng")
        assert session.account.startswith(FEDERATED)
        assert (await client.get("/alerts")).status_code == 503, "signed in: as far as the data"
        out = await client.http.post("/sign-out", data={"token": client.board.sessions.token(session)})
        assert out.headers["location"] == "/sign-in?out=1"
        assert "Đăng xuất cả khỏi VNeID" in (await client.get("/sign-in?out=1")).text
        end = (await client.get("/sign-out/provider")).headers["location"]
        assert end.startswith(f"{provider.issuer}/end?client_id={CLIENT}&post_logout_redirect_uri=https%3A%2F%2Fboard.example%2Fsign-in")
        assert (await client.get("/alerts")).status_code == 303

    at_the_door(settings_of(adrift, provider), work, journal)
    (deed,) = journal.deeds
    assert (deed.did, deed.facts) == ("board.sign_in", {"issuer": provider.issuer, "subject": "an"})


def test_rights_come_from_the_first_row_and_a_claim_may_name_the_territories() -> None:
    grants = Grants([CHIEFS, LOCAL], VOCABULARY)
    person = {"iss": "i", "sub": "s", "groups": ["truc-ban"], "dia_ban": ["31", "99"], "preferred_username": "binh"}
    account, carried = grants.let_in(person)
    assert (account.role, account.territories, account.access.depth, account.title_vi) == ("duty_officer", ("31",), 1, "binh")
    assert grants.let_in({**person, "realm_access": {"roles": ["chi-dao"]}})[0].role == "leader"
    office = Grants([{**LOCAL, "office": "office_province@31"}], VOCABULARY).let_in(person)[0].office
    assert (office, account.office) == ("office_province@31", "")
    with pytest.raises(ValueError, match="row 1: office"):
        Grants([{**LOCAL, "office": "Văn phòng"}], VOCABULARY)
    assert grants.let_in({**person, "iss": "j"})[0].name != account.name, "a subject is unique within its issuer alone"
    nowhere = {"groups": ["truc-ban"], "dia_ban": ["99"]}
    for stranger in ({"groups": "khác"}, nowhere, {"realm_access": "chi-dao"}, {"groups": {"truc-ban": 1}}):
        with pytest.raises(Unmapped):
            grants.let_in({"iss": "i", "sub": "s", **stranger})
    session = Session(account.name, account.stamp, NOW_MS + 1, "n", carried)
    assert grants.account(session) == account
    assert Grants([CHIEFS], VOCABULARY).account(session) is None, "the row is no more"
    assert Grants([CHIEFS, {**LOCAL, "depth": 2}], VOCABULARY).account(session) is None, "the row gives other rights now"


def test_a_session_ends_with_its_row(adrift: BoardSettings, provider: Identity) -> None:
    async def work(client: Client) -> None:
        await client.get(await returned(client))
        assert (await client.get("/alerts")).status_code == 503
        client.board.grants = Grants([{**CHIEFS, "clearance": 1}], VOCABULARY)
        assert (await client.get("/alerts")).status_code == 303

    at_the_door(settings_of(adrift, provider), work)


ALIEN = RSAKey.generate_key(2048, {"kid": "k1"})
HMAC = OctKey.import_key("x" * 32)
BENT: dict[str, tuple[Callable[[Claims], Claims], str]] = {
    "nonce": (lambda c: {**c, "nonce": "another"}, "không thuộc lượt"),
    "no nonce": (lambda c: {k: v for k, v in c.items() if k != "nonce"}, "không thuộc lượt"),
    "audience": (lambda c: {**c, "aud": "another"}, "hệ thống khác"),
    "no audience": (lambda c: {k: v for k, v in c.items() if k != "aud"}, "hệ thống khác"),
    "several audiences": (lambda c: {**c, "aud": [CLIENT, "another"]}, "hệ thống khác"),
    "authorized party": (lambda c: {**c, "azp": "another"}, "hệ thống khác"),
    "issuer": (lambda c: {**c, "iss": "https://evil.example"}, "nơi khác phát hành"),
    "expired": (lambda c: {**c, "exp": NOW_MS // 1000 - 61}, "đã hết hạn"),
    "from the future": (lambda c: {**c, "iat": NOW_MS // 1000 + 61}, "đã hết hạn"),
    "endless": (lambda c: {k: v for k, v in c.items() if k != "exp"}, "đã hết hạn"),
    "nobody": (lambda c: {k: v for k, v in c.items() if k != "sub"}, "thiếu thông tin"),
    "unmapped": (lambda c: {**c, "realm_access": {}}, "chưa giao quyền"),
}
SIGNED: dict[str, tuple[Callable[[Claims], str], str]] = {
    "none": (unsigned, "thuật toán"),
    "hmac": (lambda c: jwt.encode({"alg": "HS256", "kid": "k1"}, c, HMAC, algorithms=["HS256"]), "thuật toán"),
    "another's key of the same id": (lambda c: jwt.encode({"alg": "RS256", "kid": "k1"}, c, ALIEN), "Chữ ký"),
    "unknown key": (lambda c: jwt.encode({"alg": "RS256", "kid": "k9"}, c, ALIEN), "Chữ ký"),
    "no token": (lambda _: "x.y.z", "Chữ ký"),
}


def test_every_bent_token_is_refused_with_its_words_and_written_down(adrift: BoardSettings, provider: Identity) -> None:
    journal, sign = Memory(), provider.sign

    async def refused(client: Client, name: str, words: str) -> None:
        answer = await client.get(await returned(client))
        assert (answer.status_code, words in answer.text, COOKIE in client.http.cookies) == (403, True, False), (name, answer.text)

    async def work(client: Client) -> None:
        for name, (bend, words) in BENT.items():
            provider.bend = bend
            await refused(client, name, words)
        provider.bend = lambda claims: claims
        for name, (made_so, words) in SIGNED.items():
            provider.sign = made_so
            await refused(client, name, words)
        provider.sign, provider.bend = sign, lambda c: {**c, "exp": c["iat"] - 59, "aud": [CLIENT]}
        assert (await client.get(await returned(client))).status_code == 303, "within the skew; a list of one"

    at_the_door(settings_of(adrift, provider), work, journal)
    assert [d.did for d in journal.deeds] == ["board.sign_in_refused"] * (len(BENT) + len(SIGNED)) + ["board.sign_in"]


def test_a_turn_counts_once_in_its_browser_and_for_ten_minutes(adrift: BoardSettings, provider: Identity) -> None:
    now = [NOW_MS]

    async def refused(client: Client, address: str, words: str = "đã dùng") -> None:
        answer = await client.get(address)
        assert (answer.status_code, words in answer.text) == (403, True), answer.text

    async def work(client: Client) -> None:
        client.board.provider = Provider(client.board.settings, lambda: now[0])
        back = await returned(client)
        kept = client.http.cookies["nhip_turn"]
        client.http.cookies.clear()
        await refused(client, back)
        client.http.cookies.set("nhip_turn", kept)
        assert (await client.get(back)).status_code == 303, "another browser's try took nothing away"
        client.http.cookies.set("nhip_turn", kept)
        await refused(client, back)
        client.http.cookies.clear()
        await refused(client, "/sign-in/callback?state=x&code=y")
        await refused(client, "/sign-in/callback")
        late = await returned(client)
        now[0] += TURN_MS
        await refused(client, late)
        await refused(client, f"{await returned(client)}&iss=https://evil.example", "nơi khác phát hành")
        await refused(client, f"{(await returned(client)).replace('code=', 'cide=')}&error=access_denied", "không cho đăng nhập")
        await refused(client, (await returned(client)).replace("code=", "code=x"), "không cho đăng nhập")

    at_the_door(settings_of(adrift, provider), work)


def test_new_keys_are_read_at_once_but_not_for_every_bad_token(adrift: BoardSettings, provider: Identity) -> None:
    now = [NOW_MS]

    async def work(client: Client) -> None:
        client.board.provider = Provider(client.board.settings, lambda: now[0])
        await client.get(await returned(client))
        provider.reads.clear()
        provider.key = RSAKey.generate_key(2048, {"kid": "k2", "use": "sig"})
        back = await returned(client)
        provider.published = [provider.key]
        assert (await client.get(back)).status_code == 403, f"read less than {AGAIN_MS} ms ago"
        assert "/keys" not in provider.reads
        now[0] += AGAIN_MS
        assert (await client.get(await returned(client))).status_code == 303
        assert provider.reads.count("/keys") == 1
        await returned(client)
        now[0] += KEPT_MS
        await returned(client)
        assert provider.reads.count("/keys") == 2

    at_the_door(settings_of(adrift, provider), work)


def test_a_provider_that_is_away_or_none_leaves_the_local_door_open(
    adrift: BoardSettings, provider: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc_http, "CALL_SECONDS", 0.2)

    async def away(client: Client) -> None:
        client.board.provider = Provider(client.board.settings, client.board.clock)
        answer = await client.get("/sign-in/begin")
        assert (answer.status_code, "VNeID không trả lời" in answer.text, 'name="password"' in answer.text) == (503, True, True)
        assert (await client.post("/sign-in", {"name": "lanhdao", "password": "sai"})).status_code == 401

    async def work(client: Client) -> None:
        for wrong in ({"issuer": "https://evil.example"}, {"token_endpoint": "http://evil.example/token"}, {"jwks_uri": ""}):
            provider.document = wrong
            await away(client)
        provider.document = {}
        provider.slow.set()
        await away(client)
        provider.slow.clear()

    at_the_door(settings_of(adrift, provider), work)


def test_without_a_provider_there_is_none_of_it(adrift: BoardSettings) -> None:
    async def work(client: Client) -> None:
        assert "/sign-in/begin" not in (await client.get("/sign-in")).text
        for address in ("/sign-in/begin", "/sign-in/callback?state=x&code=y", "/sign-out/provider"):
            assert (await client.get(address)).status_code == 404

    at_the_door(adrift, work)
    with pytest.raises(AccountError, match="oidc:"):
        AccountBook(adrift.accounts_path).put(LEADER.model_copy(update={"name": "oidc:0123456789abcdef", "password": NO_PASSWORD}))


def test_settings_that_cannot_work_end_the_start_and_say_why(adrift: BoardSettings, provider: Identity) -> None:
    right = settings_of(adrift, provider)
    assert SECRET not in repr(right)
    for change, words in (
        ({"board_oidc_client": ""}, "NHIP_BOARD_OIDC_CLIENT"),
        ({"board_base_url": "http://board.example"}, "https"),
        ({"board_oidc_issuer": "ftp://x"}, "https"),
        ({"board_oidc_scopes": "profile"}, "openid"),
    ):
        with pytest.raises(ValueError, match=words):
            Provider(right.model_copy(update=change), lambda: 0)
    for row, words in (
        ({**CHIEFS, "territories": ["99"]}, "row 1.*99"),
        ({**CHIEFS, "role": "king"}, "role"),
        ({**CHIEFS, "territory_claim": "x"}, "exactly one"),
        ({**CHIEFS, "agency": "NOPE"}, "NOPE"),
    ):
        with pytest.raises(ValueError, match=words):
            Grants([row], VOCABULARY)
    assert [safe(a) for a in ("https://x", "http://127.0.0.1:1/", "http://localhost", "http://[::1]/", "http://x", "", "http://[")] == [
        True, True, True, True, False, False, False,
    ]  # fmt: skip
