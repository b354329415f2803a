"""A webhook: one signed JSON POST per message. `Idempotency-Key` is the notification's key; the receiver must honour it.

Signature: `X-Nhip-Signature: sha256=<hex HMAC-SHA256 of the body under NHIP_WEBHOOK_SECRET>`. Redirects are not followed: a signed body
goes where the operator said and nowhere else.
"""

from __future__ import annotations

import hashlib
import hmac
import json

import httpx
from pydantic import SecretStr

from alerts.channels.contract import Message, Outcome, Repeat

TIMEOUT_SECONDS = 10.0
RETRYABLE = frozenset({408, 409, 425, 429})
"""Client errors that a later attempt may not meet: time-out, conflict with an attempt under way, too early, too many."""


class Webhook:
    """Posts to one address."""

    name = "webhook"
    repeat: Repeat = "safe"
    rings = False
    stand_in = ""

    def __init__(self, url: str, secret: SecretStr, timeout: float = TIMEOUT_SECONDS) -> None:
        self._url, self._secret = url, secret
        self._client = httpx.Client(timeout=httpx.Timeout(timeout), follow_redirects=False, trust_env=False)

    def send(self, message: Message) -> Outcome:
        """POST once."""
        body = payload(message)
        try:
            answer = self._client.post(self._url, content=body, headers=self._headers(message, body))
        except httpx.ConnectError:
            return Outcome.failed("ConnectError", "no connection; check NHIP_WEBHOOK_URL and whether the receiver runs", retryable=True)
        except httpx.HTTPError as error:
            # Never str(error): it may carry the address, and an address may carry a token.
            return Outcome.failed(type(error).__name__, "no complete answer within the time limit", retryable=True, certain=False)
        except httpx.InvalidURL:
            return Outcome.failed("InvalidURL", "the address is not a URL; check NHIP_WEBHOOK_URL", retryable=True)
        return _outcome(answer)

    def ask(self, message: Message) -> Outcome | None:
        """Not needed: sending again under the same key is the question."""
        return None

    def close(self) -> None:
        """Close the kept connections."""
        self._client.close()

    def _headers(self, message: Message, body: bytes) -> dict[str, str]:
        headers = {"content-type": "application/json; charset=utf-8", "idempotency-key": message.key, "x-nhip-alert-id": message.alert_id}
        if self._secret.get_secret_value():
            headers["x-nhip-signature"] = "sha256=" + signature(body, self._secret)
        return headers


def _outcome(answer: httpx.Response) -> Outcome:
    if answer.is_success:
        return Outcome(True, answer.headers.get("x-request-id", "")[:100] or f"http_{answer.status_code}")
    retryable = answer.status_code >= 500 or answer.status_code in RETRYABLE
    said = f"the receiver answered {answer.status_code} {answer.reason_phrase}"
    return Outcome.failed(f"http_{answer.status_code}", said, retryable=retryable)


def payload(message: Message) -> bytes:
    """The body: the same bytes at every attempt but for `repeated`."""
    body = {
        "notification_key": message.key, "event_id": message.event_id, "alert_id": message.alert_id, "rule": message.rule,
        "transition": message.transition, "severity": message.severity, "recipient": message.recipient, "title": message.title,
        "text": message.text, "repeated": message.repeated, "mode": message.mode, "requested_at": message.requested_at,
    }  # fmt: skip
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def signature(body: bytes, secret: SecretStr) -> str:
    """Hex HMAC-SHA256 of the body."""
    return hmac.new(secret.get_secret_value().encode(), body, hashlib.sha256).hexdigest()
