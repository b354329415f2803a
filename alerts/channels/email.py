"""E-mail over SMTP. The Message-ID is made of the notification's key, the same at every attempt; SMTP itself cannot be asked.

Uncertain is exactly one stretch: from the moment the body's last line may have left until the server's answer to it is read.
"""

from __future__ import annotations

import smtplib
import ssl
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime

from pydantic import SecretStr

from alerts.channels.contract import Message, Outcome, Repeat
from indicators.rule import VIETNAM

TIMEOUT_SECONDS = 10.0


class Email:
    """Sends through one SMTP server. `starttls` asks for an encrypted connection with a verified certificate or fails."""

    name = "email"
    repeat: Repeat = "blind"
    rings = False
    stand_in = ""

    def __init__(
        self, host: str, port: int, sender: str, *, starttls: bool = False, user: str = "", password: SecretStr | None = None,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:  # fmt: skip
        self._host, self._port, self._sender, self._timeout = host, port, sender, timeout
        self._starttls, self._user, self._password = starttls, user, password or SecretStr("")

    def send(self, message: Message) -> Outcome:
        """One connection, one message."""
        sent = _Sent()
        try:
            with smtplib.SMTP(self._host, self._port, timeout=self._timeout) as server:
                self._greet(server)
                sent.refused = _hand_over(server, self._sender, message, sent)
        except (smtplib.SMTPException, OSError) as error:
            if sent.answered:
                return Outcome(True, message_id(message))  # accepted; only the good-bye failed
            return _failure(error, certain=not sent.body_begun)
        return sent.refused or Outcome(True, message_id(message))

    def ask(self, message: Message) -> Outcome | None:
        """SMTP has no question for it."""
        return None

    def close(self) -> None:
        """Nothing is held open."""

    def _greet(self, server: smtplib.SMTP) -> None:
        server.ehlo()
        if self._starttls:
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        if self._user:
            server.login(self._user, self._password.get_secret_value())


class _Sent:
    """How far one attempt came."""

    body_begun = False
    answered = False
    refused: Outcome | None = None


def _hand_over(server: smtplib.SMTP, sender: str, message: Message, sent: _Sent) -> Outcome | None:
    """Envelope, body, answer. Returns the refusal, or None where the server took the message."""
    for code, reply in (server.mail(sender), server.rcpt(message.address)):
        if code >= 400:
            return _refusal(code, reply)
    sent.body_begun = True
    try:
        code, reply = server.data(written(message, sender).as_bytes(policy=SMTP_POLICY))
    except smtplib.SMTPDataError as error:
        # Refused at the word DATA: nothing of the body has left.
        return _refusal(error.smtp_code, error.smtp_error)
    sent.answered = True
    return _refusal(code, reply) if code >= 400 else None


def _refusal(code: int, reply: bytes | str) -> Outcome:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return Outcome.failed(f"smtp_{code}", " ".join(text.split()), retryable=code < 500)


def _failure(error: Exception, *, certain: bool) -> Outcome:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return Outcome.failed("smtp_auth", "the server refused user or password; check NHIP_SMTP_USER, NHIP_SMTP_PASSWORD", retryable=True)
    if isinstance(error, smtplib.SMTPResponseException):
        return _refusal(error.smtp_code, error.smtp_error)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Outcome.failed("smtp_not_supported", f"{error}; check NHIP_SMTP_STARTTLS", retryable=True)
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error) or "no answer within the time limit"
    return Outcome.failed(type(error).__name__, reason, retryable=True, certain=certain)


def message_id(message: Message) -> str:
    """The same for every attempt of one notification."""
    return f"<{message.key}@nhip.invalid>"


def written(message: Message, sender: str) -> EmailMessage:
    """The mail: UTF-8 text, headers X-Nhip-… for filters and for those who trace a message back to its alert."""
    mail = EmailMessage(policy=SMTP_POLICY)
    mail["From"] = Address("Nhịp – cảnh báo", addr_spec=sender)
    mail["To"] = Address("", addr_spec=message.address)
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(datetime.fromtimestamp(message.requested_at / 1000, VIETNAM))
    mail["Message-ID"] = message_id(message)
    mail["References"] = f"<{message.alert_id}@nhip.invalid>"
    mail["Auto-Submitted"] = "auto-generated"
    for name, value in (
        ("Alert-Id", message.alert_id), ("Event-Id", message.event_id), ("Rule", message.rule), ("Transition", message.transition),
        ("Severity", str(message.severity)), ("Recipient", message.recipient), ("Repeated", "yes" if message.repeated else "no"),
        ("Mode", message.mode),
    ):  # fmt: skip
        mail[f"X-Nhip-{name}"] = value
    note = "\n\n(Gửi lại: không rõ lần gửi trước đã đến hay chưa.)" if message.repeated else ""
    answer = f"\n\nTiếp nhận, giải trình tại / answer here: {message.link}" if message.link else ""
    body = f"{message.subject}\n\n{message.text}{note}{answer}\n\nMã cảnh báo: {message.alert_id}\n"
    mail.set_content(body, charset="utf-8", cte="base64")
    return mail
