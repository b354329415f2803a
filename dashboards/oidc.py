"""Signing in by an OpenID Connect provider: authorization code with PKCE (OpenID Connect Core 1.0, 3.1; RFC 7636).

A turn begins with a state, a nonce and a verifier that this process keeps for ten minutes and gives out once; the browser keeps the
state in a cookie, so that a turn ends in the browser where it began. Discovery and keys are kept an hour; a token signed with an unknown
key has them read again, for keys are exchanged without notice (Core 10.1.1).
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlencode

from joserfc.jwk import KeySet

from dashboards import oidc_http
from dashboards.oidc_http import ProviderAway, safe
from dashboards.oidc_token import TokenRefused, UnknownKey, checked, keys_of
from dashboards.settings import BoardSettings

CALLBACK: Final = "/sign-in/callback"
TURN_MS: Final = 600_000
KEPT_MS: Final = 3_600_000
AGAIN_MS: Final = 10_000
"""Keys are read again for an unknown one at most this often: anybody can send a token that nobody signed."""
MOST_TURNS: Final = 10_000
ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True, slots=True)
class Turn:
    """One sign-in under way: `goal` is the page afterwards, `until` epoch ms."""

    nonce: str
    verifier: str
    goal: str
    until: int


@dataclass(frozen=True, slots=True)
class Known:
    """What the provider published, and when it was read (epoch ms)."""

    document: Mapping[str, Any]
    keys: KeySet
    at: int


class Provider:
    """One provider. `clock`: epoch ms. Raises ValueError for settings that cannot work."""

    def __init__(self, settings: BoardSettings, clock: Callable[[], int]) -> None:
        _check(settings)
        self._settings, self._clock = settings, clock
        self._issuer, self._client = settings.board_oidc_issuer, settings.board_oidc_client
        self._turns: dict[str, Turn] = {}
        self._known: Known | None = None
        self._reading = asyncio.Lock()

    async def begin(self, goal: str) -> tuple[str, str]:
        """(the provider's address to send the browser to, the state of the turn). Raises ProviderAway."""
        document = (await self._published()).document
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        self._keep(state, Turn(nonce, verifier, goal, self._clock() + TURN_MS))
        challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code", "client_id": self._client, "redirect_uri": self._back, "scope": self._settings.board_oidc_scopes,
            "state": state, "nonce": nonce, "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        return _with(str(document["authorization_endpoint"]), asked), state

    async def finish(self, told: Mapping[str, str], cookie: str) -> tuple[dict[str, Any], str]:
        """(checked claims, the page to go to) of what the browser came back with. Raises TokenRefused, ProviderAway."""
        state = told.get("state", "")
        turn = self._turns.pop(state, None) if state and hmac.compare_digest(state.encode(), cookie.encode()) else None
        if turn is None or turn.until <= self._clock():
            raise TokenRefused("oidc_state")
        known = await self._published()
        required = known.document.get("authorization_response_iss_parameter_supported") is True
        if told.get("iss", "" if required else self._issuer) != self._issuer:  # RFC 9207: not another provider's answer
            raise TokenRefused("oidc_issuer")
        if "error" in told or not told.get("code"):
            raise TokenRefused("oidc_denied")
        return await self._claims(await self._token(known, turn, told["code"]), turn), turn.goal

    async def end_address(self) -> str:
        """Where the reader ends the session at the provider too (RP-Initiated Logout 1.0); empty: it has no such place. Raises
        ProviderAway."""
        document = (await self._published()).document
        address = str(document.get("end_session_endpoint", ""))
        home = f"{self._settings.board_base_url.rstrip('/')}/sign-in"
        return _with(address, {"client_id": self._client, "post_logout_redirect_uri": home}) if safe(address) else ""

    @property
    def _back(self) -> str:
        return self._settings.board_base_url.rstrip("/") + CALLBACK

    def _keep(self, state: str, turn: Turn) -> None:
        if len(self._turns) >= MOST_TURNS:  # the oldest give way: whoever began it begins again
            for old in list(self._turns)[: MOST_TURNS // 2]:
                del self._turns[old]
        self._turns[state] = turn

    async def _token(self, known: Known, turn: Turn, code: str) -> str:
        fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": self._back, "client_id": self._client,
                  "code_verifier": turn.verifier}  # fmt: skip
        answer = await oidc_http.exchange(str(known.document["token_endpoint"]), fields, self._client, self._settings.board_oidc_secret)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise TokenRefused("oidc_denied")
        return token

    async def _claims(self, token: str, turn: Turn) -> dict[str, Any]:
        """The token's claims; a key that is not known is looked for once more at the provider."""
        known = await self._published()
        try:
            return self._checked(token, known, turn)
        except UnknownKey:
            return self._checked(token, await self._published(instead_of=known), turn)

    def _checked(self, token: str, known: Known, turn: Turn) -> dict[str, Any]:
        return checked(token, known.keys, issuer=self._issuer, client=self._client, nonce=turn.nonce, now=self._clock())

    async def _published(self, instead_of: Known | None = None) -> Known:
        """What the provider published; read when it is an hour old, or anew `instead_of` what did not do. Raises ProviderAway."""
        async with self._reading:
            now, known = self._clock(), self._known
            longest = AGAIN_MS if known is instead_of else KEPT_MS
            if known is None or now - known.at >= longest:
                known = self._known = await self._read(now)
            return known

    async def _read(self, now: int) -> Known:
        document = await oidc_http.get(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        wrong = [name for name in ENDPOINTS if not safe(str(document.get(name, "")))]
        if document.get("issuer") != self._issuer or wrong:  # Discovery 1.0, 4.3: the issuer is exactly the one that was asked
            raise ProviderAway(", ".join(wrong) or "issuer")
        published = (await oidc_http.get(str(document["jwks_uri"]))).get("keys")
        listed = published if isinstance(published, list) else []
        return Known(document, keys_of(one for one in listed if isinstance(one, dict)), now)


def _with(address: str, parameters: Mapping[str, str]) -> str:
    return f"{address}{'&' if '?' in address else '?'}{urlencode(parameters)}"


def _check(settings: BoardSettings) -> None:
    missing = [
        name
        for name, given in (
            ("NHIP_BOARD_OIDC_CLIENT", settings.board_oidc_client),
            ("NHIP_BOARD_OIDC_MAPPING", settings.board_oidc_mapping),
            ("NHIP_BOARD_BASE_URL", settings.board_base_url),
        )
        if not given
    ]
    if missing:
        raise ValueError(f"NHIP_BOARD_OIDC_ISSUER cần thêm / also needs: {', '.join(missing)}; docs/board.md")
    for name, address in (("NHIP_BOARD_OIDC_ISSUER", settings.board_oidc_issuer), ("NHIP_BOARD_BASE_URL", settings.board_base_url)):
        if not safe(address):
            raise ValueError(f"{name}: cần https, hoặc http trên chính máy này / https, or http on loopback: {address}")
    if "openid" not in settings.board_oidc_scopes.split():
        raise ValueError("NHIP_BOARD_OIDC_SCOPES: thiếu / lacks «openid»")
