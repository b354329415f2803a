"""Signed links by which a recipient acknowledges or explains: the token and its check. Pure.

A token says which alert, which recipient and until when, and is signed with HMAC-SHA256 under NHIP_LINK_SECRET; whoever holds it may act
for that recipient on that alert, nothing else, so it is put into the message when it is sent and stored nowhere. Each act can be done once
per token: the act's id follows from the token, and an act id counts once. Opening a link does nothing (mail scanners open every link):
acting is a second step.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from struct import Struct
from uuid import UUID, uuid5

from pydantic import SecretStr

from alerts.ids import NAMESPACE
from indicators.instant import DAY_MS

ACTS = ("acknowledge", "explain")
VALID_MS = 7 * DAY_MS
LONGEST = 600
_SHORTEST_SECRET = 16
_DIGEST = 16
"""Half of SHA-256, as much as RFC 2104 (section 5) asks for at least: a link must fit into a text message."""
_HEAD = Struct(">16s16sQ")


class LinkError(ValueError):
    """A link that does not hold. The message is for the person who opened it, Vietnamese first, and says what to do."""


class SecretError(ValueError):
    """The secret of links is too short to protect anything."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a valid token says. `expires_at`: epoch ms, whole seconds; `nonce`: the notification it was sent in; both ids are UUIDs."""

    alert_id: str
    recipient: str
    expires_at: int
    nonce: str

    def action_id(self, act: str) -> str:
        """The id of an act done by this link: the same however often it is sent."""
        return str(uuid5(NAMESPACE, f"link|{self.nonce}|{self.alert_id}|{act}"))


class Links:
    """Makes and checks tokens. The first secret signs, all of them are accepted: that is how a secret is changed. Raises SecretError."""

    def __init__(self, base_url: str, *secrets: SecretStr) -> None:
        self._base_url = base_url.rstrip("/")
        self._keys = [secret.get_secret_value().encode() for secret in secrets if secret.get_secret_value()]
        if not self._keys or min(len(key) for key in self._keys) < _SHORTEST_SECRET:
            raise SecretError(f"NHIP_LINK_SECRET: at least {_SHORTEST_SECRET} letters, e.g. from `openssl rand -hex 32`")

    def url(self, claim: Claim) -> str:
        """The link of a message."""
        return f"{self._base_url}/a/{self.token(claim)}"

    def token(self, claim: Claim) -> str:
        """The signed token, letters of URLs only."""
        body = _HEAD.pack(UUID(claim.alert_id).bytes, UUID(claim.nonce).bytes, claim.expires_at // 1000) + claim.recipient.encode()
        return _text(self._signature(self._keys[0], body) + body)

    def claim(self, token: str, now: int) -> Claim:
        """What the token says. Raises LinkError where it is not ours, was changed, or is over. `now`: epoch ms."""
        signature, body = _parts(token)
        if not any(hmac.compare_digest(signature, self._signature(key, body)) for key in self._keys):
            raise LinkError("Đường dẫn không đúng, hãy mở lại từ tin nhắn gốc | this link is not valid: open it from the message itself")
        alert_id, nonce, seconds = _HEAD.unpack(body[: _HEAD.size])
        if now > seconds * 1000:
            raise LinkError("Đường dẫn đã hết hạn, hãy liên hệ trực ban | this link is over: ask the duty officer")
        return Claim(str(UUID(bytes=alert_id)), body[_HEAD.size :].decode(), seconds * 1000, str(UUID(bytes=nonce)))

    @staticmethod
    def _signature(key: bytes, body: bytes) -> bytes:
        return hmac.new(key, b"nhip-link-v1\0" + body, hashlib.sha256).digest()[:_DIGEST]


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _parts(token: str) -> tuple[bytes, bytes]:
    try:
        if len(token) > LONGEST or not token.isascii():
            raise ValueError("too long or not of this alphabet")
        content = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        content = b""
    # An empty body has no valid signature, so what cannot be read is refused as what was changed is.
    return content[:_DIGEST], content[_DIGEST:]
