"""Delivery receipts: what a provider says later of a message it took, read from its callback and checked before it is believed. Pure.

eSMS calls back by an unsigned GET (developers.esms.vn, «Callback Url»: `SMSID`, `SendStatus` 4 rejected, 5 done, 7 waits for the network's
report, `SendSuccess`, `SendFailed`), so each message is given an address of its own that carries our key and our signature. Zalo posts one
event to one address (`user_received_message` with `message.delivery_time`, `message.tracking_id`) and signs it: SHA-256 of application id,
body, time stamp and the official account's secret, in `X-ZEvent-Signature` as `mac=…`. Every other gateway may post our own form, signed
as our webhook is.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qs
from uuid import UUID

from pydantic import SecretStr

from alerts.links import SecretError

_SHORTEST_SECRET = 16
_DIGEST = 16
"""Half of SHA-256, as for links (RFC 2104, section 5)."""
REJECTED, DONE = "4", "5"
LONGEST_REFERENCE = 100
Folded = Literal["folded", "known", "unknown", "later"]
"""What became of a receipt: written; said before or too late; a message that is not here; not written in time."""


class ReceiptError(ValueError):
    """A callback that is not believed or cannot be read; nothing of it is repeated in the message."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the provider says of one message. `notification_key` empty: only its own reference is known. `error_class` of a failure."""

    channel: str
    notification_key: str
    provider_reference: str
    delivered: bool
    error_class: str = ""


class CallbackAddresses:
    """Makes and checks the addresses given to a provider that signs nothing. The first secret signs, all are accepted. Raises
    SecretError."""

    def __init__(self, base_url: str, *secrets: SecretStr) -> None:
        self._base_url = base_url.rstrip("/")
        self._keys = [secret.get_secret_value().encode() for secret in secrets if secret.get_secret_value()]
        if not self._keys or min(len(key) for key in self._keys) < _SHORTEST_SECRET:
            raise SecretError("NHIP_SMS_CALLBACK_URL needs NHIP_LINK_SECRET, at least 16 letters: it signs the addresses")

    def url(self, notification_key: str) -> str:
        """Where receipts of this message are to be sent."""
        return f"{self._base_url}/{notification_key}/{_signed(self._keys[0], notification_key)}"

    def key(self, path: str) -> str:
        """The notification key of `<key>/<signature>`. Raises ReceiptError."""
        key, _, signature = path.partition("/")
        if not any(hmac.compare_digest(signature.encode(), _signed(own, key).encode()) for own in self._keys):
            raise ReceiptError("the address is not one of ours")
        return key


def _signed(own: bytes, key: str) -> str:
    digest = hmac.new(own, b"nhip-receipt-v1\0" + key.encode(), hashlib.sha256).digest()
    return urlsafe_b64encode(digest[:_DIGEST]).rstrip(b"=").decode()


def of_esms(notification_key: str, query: str) -> Receipt | None:
    """The receipt of an eSMS callback; None while the message is still on its way. Raises ReceiptError."""
    fields = {name: values[0] for name, values in parse_qs(query, max_num_fields=40).items()}
    status, reference = fields.get("SendStatus", ""), fields.get("SMSID", "")[:LONGEST_REFERENCE]
    if not status:
        raise ReceiptError("SendStatus is missing")
    if status not in (REJECTED, DONE):
        return None
    if status == DONE and fields.get("SendSuccess", "0") not in ("", "0"):
        return Receipt("sms", notification_key, reference, True)
    return Receipt("sms", notification_key, reference, False, "sms_rejected" if status == REJECTED else "sms_undelivered")


def of_zalo(body: bytes, signature: str, app_id: str, oa_secret: SecretStr) -> Receipt | None:
    """The receipt of a Zalo event; None for events of other kinds. Raises ReceiptError where it is not signed by Zalo or unreadable."""
    event = _object(body)
    stamp = str(event.get("timestamp", ""))
    wanted = hashlib.sha256(app_id.encode() + body + stamp.encode() + oa_secret.get_secret_value().encode()).hexdigest()
    if not hmac.compare_digest(signature.removeprefix("mac=").encode(), wanted.encode()):
        raise ReceiptError("the signature is not Zalo's for this account")
    message = event.get("message")
    if event.get("event_name") != "user_received_message" or not isinstance(message, dict) or not message.get("delivery_time"):
        return None
    return Receipt("zns", _key(message.get("tracking_id", "")), _reference(message.get("msg_id")), True)


def of_gateway(channel: str, body: bytes, signature: str, secret: SecretStr) -> Receipt:
    """The receipt in our own form: `{"key" or "reference", "delivered": true|false, "error"?}`, signed as `X-Nhip-Signature`. Raises
    ReceiptError."""
    own = secret.get_secret_value().encode()
    wanted = "sha256=" + hmac.new(own, body, hashlib.sha256).hexdigest()
    if not own or not hmac.compare_digest(signature.encode(), wanted.encode()):
        raise ReceiptError("the signature does not hold under NHIP_WEBHOOK_SECRET")
    said = _object(body)
    key, reference = _key(said.get("key", "")), _reference(said.get("reference"))
    if not isinstance(said.get("delivered"), bool) or not (key or reference):
        raise ReceiptError("delivered (true or false) and key or reference are required")
    failed = "" if said["delivered"] else str(said.get("error") or "undelivered")[:LONGEST_REFERENCE]
    return Receipt(channel, key, reference, said["delivered"], failed)


def _object(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except ValueError as error:
        raise ReceiptError("not JSON") from error
    if not isinstance(content, dict):
        raise ReceiptError("not an object")
    return content


def _key(value: object) -> str:
    """A notification key, or empty. Raises ReceiptError."""
    if not value:
        return ""
    try:
        return str(UUID(str(value)))
    except ValueError as error:
        raise ReceiptError("the key is not one of ours") from error


def _reference(value: object) -> str:
    return str(value or "")[:LONGEST_REFERENCE]
