"""SMS under a brand name over SOAP, as Viettel's bulk gateway offers it: operation `wsCpMt` of the service `http://impl.bulkSms.ws/`.

Fields and answers as its public callers use them: `User`, `Password`, `CPCode`, `RequestID` "1", `UserID` = `ReceiverID` (84…), `ServiceID`
the brand name, `CommandCode` `bulksms`, `Content` unaccented without «&», `ContentType` "0"; the answer is `result` (1 accepted, 0 refused)
and `message` with the reason in words. To be confirmed against the contract at installation. The gateway has no key of ours: it refuses the
same text to the same number within a short time (`DUPLICATE MESSAGE`), which therefore says that it has the message already.
"""

from __future__ import annotations

import threading
from typing import Any

import requests
import zeep
from pydantic import SecretStr
from zeep.exceptions import Error as SoapError
from zeep.exceptions import Fault, TransportError

from alerts.channels.contract import Message, Outcome, Repeat
from alerts.channels.rest import TIMEOUT_SECONDS
from alerts.channels.sms import sms_text

ACCEPTED = "1"
NO_FAULT = "Unknown fault occured"
"""What zeep calls an error page that happens to be XML; spelt so by zeep."""
DUPLICATE = "DUPLICATE MESSAGE"
ERRORS = (
    ("Authenticate", "sms_auth", "the gateway refused user, password or CP code; check NHIP_SMS_SOAP_USER, _PASSWORD, _CPCODE", True),
    ("CP_CODE_NOT_FOUND", "sms_auth", "the CP code is unknown; check NHIP_SMS_SOAP_CPCODE", True),
    ("BALANCE", "sms_quota", "no balance left; top it up", True),
    ("QUOTA", "sms_quota", "the quota is used up; ask the provider", True),
    ("ALIAS_INVALID", "sms_brandname", "the brand name is unknown for this number's network; check NHIP_SMS_BRANDNAME", False),
    ("CONTENT_NOT_MATCH_TEMPLATE", "sms_template", "the text fits none of the approved templates; register one for this rule", False),
    ("MAXLENGTH", "sms_too_long", "the text is longer than the gateway takes", False),
    ("BLACKLIST", "sms_content", "the text holds a word the gateway blocks", False),
    ("ReceiverID", "sms_number", "not a phone number the gateway takes", False),
    ("telco", "sms_number", "the network of this number is not known to the gateway", False),
    ("Check information error", "sms_unknown", "an error the gateway does not name", True),
)
"""(part of the gateway's words, error class, what to do, does a later attempt have a chance), the first that is found counts."""


class SmsSoap:
    """Sends through one account. The description of the service is fetched when the first message leaves: a gateway that is down at the
    start of this process delays nothing else."""

    name = "sms_soap"
    repeat: Repeat = "blind"
    rings = True
    stand_in = ""

    def __init__(
        self, wsdl: str, account: tuple[str, SecretStr, str], brandname: str, *, reply_to: str = "", timeout: float = TIMEOUT_SECONDS,
    ) -> None:  # fmt: skip
        self._wsdl, (self._user, self._password, self._cp_code), self._brandname = wsdl, account, brandname
        self._reply_to = reply_to
        self._session = requests.Session()
        self._session.trust_env = False
        self._transport = zeep.Transport(session=self._session, timeout=timeout, operation_timeout=timeout)  # type: ignore[no-untyped-call]
        self._lock = threading.Lock()
        self._service: Any = None

    def send(self, message: Message) -> Outcome:
        """One message to one number."""
        if not message.address:
            return Outcome.failed("sms_no_number", "the office has no phone_at in catalogue/offices.yaml", retryable=False)
        service = self._described()
        if isinstance(service, Outcome):
            return service
        try:
            answer = service.wsCpMt(
                User=self._user, Password=self._password.get_secret_value(), CPCode=self._cp_code, RequestID="1", UserID=message.address,
                ReceiverID=message.address, ServiceID=self._brandname, CommandCode="bulksms", Content=sms_text(message, self._reply_to),
                ContentType="0",
            )  # fmt: skip
        except requests.ConnectTimeout:
            return _no_connection()
        except requests.ConnectionError as error:
            return _no_connection() if _never_sent(error) else _no_answer("ConnectionError")
        except requests.RequestException as error:
            return _no_answer(type(error).__name__)
        except (SoapError, ValueError) as error:
            return _of_soap(error)
        return _outcome(answer)

    def ask(self, message: Message) -> Outcome | None:
        """The gateway has no question by our key."""
        return None

    def close(self) -> None:
        """Close the kept connections."""
        self._session.close()

    def _described(self) -> Any | Outcome:
        """The service; nothing has been sent where this fails."""
        with self._lock:
            if self._service is not None:
                return self._service
            try:
                self._service = zeep.Client(self._wsdl, transport=self._transport).service  # type: ignore[no-untyped-call]
            except (requests.RequestException, SoapError, ValueError, OSError) as error:
                what = "the description of the service could not be read; check NHIP_SMS_SOAP_WSDL and the line"
                return Outcome.failed(type(error).__name__, what, retryable=True)
            return self._service


def _outcome(answer: Any) -> Outcome:
    result, words = str(getattr(answer, "result", "")), str(getattr(answer, "message", "") or "")
    if result == ACCEPTED or DUPLICATE in words:
        return Outcome(True)
    if result != "0":
        return Outcome.failed("sms_silent", "an answer without its result", retryable=True, certain=False)
    for part, error_class, what, retryable in ERRORS:
        if part in words:
            return Outcome.failed(error_class, what, retryable=retryable)
    return Outcome.failed("sms_refused", "a refusal this version does not know", retryable=False)


def _of_soap(error: Exception) -> Outcome:
    if isinstance(error, Fault) and error.message != NO_FAULT:
        return Outcome.failed("soap_fault", "the gateway answered with a fault; see its own log", retryable=True, certain=False)
    if isinstance(error, TransportError) and error.status_code != 200:
        code = error.status_code
        retryable = code >= 500 or code in (408, 425, 429)
        return Outcome.failed(f"http_{code}", f"the gateway answered {code}", retryable=retryable, certain=code != 504)
    return Outcome.failed("not_soap", "the gateway answered something else than its interface promises", retryable=True, certain=False)


def _never_sent(error: requests.ConnectionError) -> bool:
    """No connection came about, so nothing has left; a line that broke later may have carried the message."""
    return "NewConnectionError" in repr(error) or "ConnectTimeoutError" in repr(error)


def _no_connection() -> Outcome:
    return Outcome.failed("ConnectError", "no connection; check NHIP_SMS_SOAP_WSDL and the line", retryable=True)


def _no_answer(error_class: str) -> Outcome:
    return Outcome.failed(error_class, "no complete answer within the time limit", retryable=True, certain=False)
