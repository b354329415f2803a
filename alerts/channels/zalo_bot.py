"""Zalo bot: a message to a person or staff group that has written to the bot before.

Interface (bot.zapps.me/docs): POST `/bot<token>/sendMessage` with `chat_id` and `text` of at most 2,000 letters; the answer is an object
with `ok`, and `result.message_id` or `error_code` and `description`. There is no key against repetitions. The token is part of the path, so
the address is never shown.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import SecretStr

from alerts.channels.contract import Message, Outcome, Repeat
from alerts.channels.rest import TIMEOUT_SECONDS, Rest

LONGEST_TEXT = 2000
OTHERWISE = "*"
RETRYABLE = frozenset({408, 429})
ERRORS = {
    400: ("zalo_bot_chat", "the bot does not know this chat: the person writes to the bot first; check NHIP_ZALO_BOT_CHATS", False),
    401: ("zalo_bot_auth", "the token is refused; check NHIP_ZALO_BOT_TOKEN", True),
    403: ("zalo_bot_blocked", "the person or group has blocked the bot", False),
    404: ("zalo_bot_auth", "the token is refused; check NHIP_ZALO_BOT_TOKEN", True),
    429: ("zalo_bot_quota", "too many messages; they are tried again", True),
}
"""Code → (error class, what to do, does a later attempt have a chance)."""


class ZaloBot:
    """Sends through one bot. `chats`: recipient («office@place») → chat id, `*` for all others."""

    name = "zalo_bot"
    repeat: Repeat = "blind"
    rings = True
    stand_in = ""

    def __init__(self, url: str, token: SecretStr, chats: Mapping[str, str], *, timeout: float = TIMEOUT_SECONDS) -> None:
        self._url, self._token, self._chats = url.rstrip("/"), token, dict(chats)
        self._rest = Rest("NHIP_ZALO_BOT_URL", timeout)

    def send(self, message: Message) -> Outcome:
        """One message to one chat."""
        chat = self._chats.get(message.recipient) or self._chats.get(OTHERWISE, "")
        if not chat:
            return Outcome.failed("zalo_bot_chat", "no chat for this recipient in NHIP_ZALO_BOT_CHATS", retryable=False)
        text = f"{message.subject}\n\n{message.text}\n\nMã cảnh báo: {message.alert_id[:8]}"
        address = f"{self._url}/bot{self._token.get_secret_value()}/sendMessage"
        answer = self._rest.post(address, json={"chat_id": chat, "text": text[:LONGEST_TEXT]})
        return _refused_by_status(answer) if isinstance(answer, Outcome) else _outcome(answer)

    def ask(self, message: Message) -> Outcome | None:
        """The bot has no question by our key."""
        return None

    def close(self) -> None:
        """Close the kept connections."""
        self._rest.close()


def _refused_by_status(failure: Outcome) -> Outcome:
    """Some errors come as a status of HTTP instead of 200 with a code inside."""
    code = failure.error_class.removeprefix("http_")
    return _error(int(code)) if code.isdigit() and int(code) in ERRORS else failure


def _outcome(answer: Mapping[str, object]) -> Outcome:
    result, code = answer.get("result"), answer.get("error_code")
    if answer.get("ok") is True:
        return Outcome(True, str(result.get("message_id", ""))[:100] if isinstance(result, dict) else "")
    if answer.get("ok") is not False or not isinstance(code, int):
        return Outcome.failed("zalo_bot_silent", "an answer without ok or its error code", retryable=True, certain=False)
    return _error(code)


def _error(code: int) -> Outcome:
    otherwise = (f"zalo_bot_{code}", "a refusal this version does not know", code >= 500)
    error_class, what, retryable = ERRORS.get(code, otherwise)
    return Outcome.failed(error_class, what, retryable=retryable)
