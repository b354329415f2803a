"""Zalo notification service (ZNS): a message to a phone number in an approved template; what it refuses goes by SMS.

Interface as its public callers use it: POST `/message/template` with the header `access_token`; the answer is 200 with `error` (0:
accepted) and `data.msg_id`. Templates are approved by Zalo beforehand and carry named values, here `noi_dung`, `thoi_gian`, `muc`, `ma`.
The token lives about 25 hours; a refresh token, good for one use, gives the next pair, which is kept in a file only this user may read. The
meaning of the error codes is to be confirmed against Zalo's list at installation. There is no key against repetitions: `tracking_id` is
only for reconciliation.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from alerts.channels.contract import Message, Outcome, Repeat
from alerts.channels.rest import TIMEOUT_SECONDS, Rest
from indicators.numbers_vi import time_vi

SEND, RENEW = "/message/template", "/v4/oa/access_token"
TOKEN_INVALID = -124
OTHERWISE = "*"
LONGEST_VALUE = 200
ERRORS = {
    -108: ("zns_number", "not a phone number Zalo takes", False),
    -112: ("zns_unreachable", "the number takes no message of this kind", False),
    -114: ("zns_unreachable", "the person does not use Zalo now", False),
    -115: ("zns_balance", "no balance left; top it up", True),
    -117: ("zns_template", "the account may not use this template", False),
    -118: ("zns_unreachable", "there is no Zalo account for this number", False),
    -119: ("zns_unreachable", "this account cannot receive messages", False),
    -131: ("zns_template", "the template is not approved; check NHIP_ZNS_TEMPLATES", False),
    -132: ("zns_template", "the values do not fit the template", False),
    -133: ("zns_night", "Zalo sends none of this kind at night", False),
    -144: ("zns_quota", "the daily quota of the account is used up", False),
    -147: ("zns_quota", "the daily quota of the template is used up", False),
}
"""Code → (error class, what to do, does a later attempt have a chance). A quota for a day is a refusal: SMS takes over at once."""


@dataclass(frozen=True, slots=True)
class Access:
    """How this account proves itself. `store`: where the newest pair of tokens is kept."""

    app_id: str
    app_secret: SecretStr
    access_token: SecretStr
    refresh_token: SecretStr
    store: Path


class Zns:
    """Sends through one official account. `templates`: rule → template id, `*` for all others."""

    name = "zns"
    repeat: Repeat = "blind"
    rings = True
    stand_in = "sms"

    def __init__(
        self, url: str, oauth_url: str, access: Access, templates: Mapping[str, str], *, timeout: float = TIMEOUT_SECONDS,
    ) -> None:  # fmt: skip
        self._url, self._oauth_url, self._access, self._templates = url.rstrip("/"), oauth_url.rstrip("/"), access, dict(templates)
        self._rest = Rest("NHIP_ZNS_URL", timeout)
        self._lock = threading.Lock()
        self._tokens = _stored(access)

    def send(self, message: Message) -> Outcome:
        """One message to one number; an expired token is renewed once."""
        template = self._templates.get(message.rule) or self._templates.get(OTHERWISE, "")
        if not message.address or not template:
            return Outcome.failed("zns_no_template", "no phone_at for the office or no template for the rule", retryable=False)
        with self._lock:
            token = self._tokens[0]
        answer = self._post(message, template, token)
        if isinstance(answer, dict) and answer.get("error") == TOKEN_INVALID:
            renewed = self._renewed(token)
            answer = renewed if isinstance(renewed, Outcome) else self._post(message, template, renewed)
        return answer if isinstance(answer, Outcome) else _outcome(answer)

    def ask(self, message: Message) -> Outcome | None:
        """Zalo has no question by our key."""
        return None

    def close(self) -> None:
        """Close the kept connections."""
        self._rest.close()

    def _post(self, message: Message, template: str, token: str) -> dict[str, object] | Outcome:
        body = {"phone": message.address, "template_id": template, "template_data": template_data(message), "tracking_id": message.key}
        return self._rest.post(self._url + SEND, {"access_token": token}, json=body)

    def _renewed(self, refused: str) -> str | Outcome:
        """The next access token. Whoever comes second finds the one the first has fetched."""
        with self._lock:
            if self._tokens[0] != refused:
                return self._tokens[0]
            form = {"refresh_token": self._tokens[1], "app_id": self._access.app_id, "grant_type": "refresh_token"}
            answer = self._rest.post(self._oauth_url + RENEW, {"secret_key": self._access.app_secret.get_secret_value()}, data=form)
            if isinstance(answer, Outcome):
                return Outcome.failed(answer.error_class, "the token could not be renewed; check NHIP_ZNS_OAUTH_URL", retryable=True)
            access, refresh = answer.get("access_token"), answer.get("refresh_token")
            if not isinstance(access, str) or not isinstance(refresh, str):
                what = "the token could not be renewed; grant the application anew and set NHIP_ZNS_REFRESH_TOKEN"
                return Outcome.failed("zns_auth", what, retryable=True)
            self._tokens = (access, refresh)
            _store(self._access.store, self._tokens)
            return access


def template_data(message: Message) -> dict[str, str]:
    """The values of the template."""
    return {
        "noi_dung": message.subject[:LONGEST_VALUE], "thoi_gian": time_vi(message.requested_at), "muc": str(message.severity),
        "ma": message.alert_id[:8],
    }  # fmt: skip


def _outcome(answer: Mapping[str, object]) -> Outcome:
    code, data = answer.get("error"), answer.get("data")
    if code == 0:
        return Outcome(True, str(data.get("msg_id", ""))[:100] if isinstance(data, dict) else "")
    if not isinstance(code, int):
        return Outcome.failed("zns_silent", "an answer without its error code", retryable=True, certain=False)
    error_class, what, retryable = ERRORS.get(code, (f"zns_{code}", "a refusal this version does not know", False))
    return Outcome.failed(error_class, what, retryable=retryable)


def _stored(access: Access) -> tuple[str, str]:
    """The newest pair: the file's, written after the configured refresh token had been used up, else the configured one."""
    try:
        content = json.loads(access.store.read_text(encoding="utf-8"))
        return str(content["access_token"]), str(content["refresh_token"])
    except (OSError, ValueError, KeyError, TypeError):
        return access.access_token.get_secret_value(), access.refresh_token.get_secret_value()


def _store(path: Path, tokens: tuple[str, str]) -> None:
    """All or nothing, readable by this user only; a disk that refuses costs a renewal at the next start, no message."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".new")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            json.dump({"access_token": tokens[0], "refresh_token": tokens[1]}, out)
        part.replace(path)
    except OSError:
        return
