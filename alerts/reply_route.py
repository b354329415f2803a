"""Answers by text message at the door: `/replies/`, as the gateway posts them; the body says what to send back to the person.

Body `{"id", "phone", "text"}`, signed as our webhook is (`X-Nhip-Signature`, NHIP_WEBHOOK_SECRET). `id` is the gateway's own of the
message: one delivered twice counts once. A person's mistake is answered 200 with the words to send back, so that the gateway does not
repeat it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable

import structlog
from pydantic import SecretStr

from alerts.action import Action
from alerts.alert import Alert
from alerts.audience import Audience
from alerts.desk import DeskError
from alerts.door import Answer, Asked, said
from alerts.replies import DONE_VI, ReplyError, act_of, read, sender
from alerts.restore import RestoreError
from alerts.writer import WriteError

PREFIX = "/replies/"
LATER_VI = "Chua ghi duoc, hay thu lai sau it phut"

log = structlog.get_logger(__name__)


class Replies:
    """Takes answers, however they come. `find` gives the alert whose id begins so or raises DeskError; `record` writes an act
    and raises WriteError where it cannot; `clock`: epoch ms."""

    def __init__(
        self, find: Callable[[str], Alert], audience: Audience, record: Callable[[Action], None], clock: Callable[[], int]
    ) -> None:
        self._find, self._audience, self._record, self._clock = find, audience, record, clock

    def take(self, message_id: str, phone: str, text: str) -> str:
        """The words for the person. Raises ReplyError where the answer cannot be taken, WriteError, RestoreError."""
        reply = read(text)
        try:
            alert = self._find(reply.code)
        except DeskError as error:
            raise ReplyError("Khong co canh bao voi ma nay, hay xem lai tin nhan") from error
        now = self._clock()
        who = sender(phone, alert, self._audience, now)
        self._record(act_of(reply, alert, who, message_id, now))
        return f"{DONE_VI[reply.act]} {reply.code}"


class ReplyRoute:
    """The door's side."""

    def __init__(self, replies: Replies, secret: SecretStr) -> None:
        self._replies, self._secret = replies, secret

    def __call__(self, asked: Asked) -> Answer:
        own = self._secret.get_secret_value().encode()
        wanted = "sha256=" + hmac.new(own, asked.body, hashlib.sha256).hexdigest()
        if not own or not hmac.compare_digest(asked.headers.get("x-nhip-signature", "").encode(), wanted.encode()):
            return said(403, error="chữ ký không đúng | the signature does not hold under NHIP_WEBHOOK_SECRET")
        fields = _fields(asked.body)
        if fields is None:
            return said(400, error="cần id, phone, text | id, phone and text are required")
        try:
            return said(200, reply=self._replies.take(*fields))
        except ReplyError as error:
            return said(200, reply=str(error))
        except (WriteError, RestoreError) as error:
            log.error("an answer by text message could not be written", error=str(error))
            return said(503, reply=LATER_VI)


def _fields(body: bytes) -> tuple[str, str, str] | None:
    try:
        content = json.loads(body)
    except ValueError:
        return None
    if not isinstance(content, dict):
        return None
    found = [one for name in ("id", "phone", "text") if isinstance(one := content.get(name), str) and one.strip()]
    return (found[0], found[1], found[2]) if len(found) == 3 else None
