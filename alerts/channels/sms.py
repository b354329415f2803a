"""SMS under a brand name, over REST as eSMS offers it (`SendMultipleMessage_V4_post_json`).

Facts from developers.esms.vn: SmsType 2 is customer care; `CodeResult` "100" accepted with `SMSID`, 101 wrong keys, 103 no balance, 104
unknown brand name, 124 RequestId met before, 146 not one of the approved templates; a RequestId of up to 50 letters blocks repetitions for
24 hours, which is as long as a message is tried. So a repetition is harmless: 124 is read as «accepted before». The text is the unaccented
form, at most three parts.
"""

from __future__ import annotations

from pydantic import SecretStr

from alerts.channels.contract import NOTHING_TO_ANSWER, Message, Outcome, Repeat
from alerts.channels.rest import TIMEOUT_SECONDS, Rest
from alerts.receipts import CallbackAddresses
from alerts.sms_text import PART_SEPTETS, fitted

PATH = "/MainService.svc/json/SendMultipleMessage_V4_post_json/"
MOST_SEPTETS = 3 * PART_SEPTETS
ACCEPTED, KNOWN = "100", "124"
ERRORS = {
    "99": ("sms_unknown", "an error the provider does not name", True),
    "101": ("sms_auth", "the provider refused the keys; check NHIP_SMS_API_KEY, NHIP_SMS_SECRET_KEY", True),
    "102": ("sms_account", "the account has no price list or is locked; ask the provider", True),
    "103": ("sms_quota", "no balance left; top it up", True),
    "104": ("sms_brandname", "the brand name is unknown or inactive; check NHIP_SMS_BRANDNAME", True),
    "119": ("sms_brandname", "the brand name takes no message of this type; ask the provider", False),
    "131": ("sms_too_long", "the text is longer than the provider takes", False),
    "146": ("sms_template", "the text fits none of the approved templates; register one for this rule", False),
    "177": ("sms_network", "the brand name is not registered with this number's network", False),
}
"""Code → (error class, what to do, does a later attempt have a chance: what an operator mends is tried again)."""


class Sms:
    """Sends through one account."""

    name = "sms"
    repeat: Repeat = "safe"
    rings = True
    stand_in = ""

    def __init__(
        self, url: str, api_key: SecretStr, secret_key: SecretStr, brandname: str, *, callbacks: CallbackAddresses | None = None,
        reply_to: str = "", timeout: float = TIMEOUT_SECONDS,
    ) -> None:  # fmt: skip
        self._url, self._brandname, self._callbacks = url.rstrip("/") + PATH, brandname, callbacks
        self._api_key, self._secret_key, self._reply_to = api_key, secret_key, reply_to
        self._rest = Rest("NHIP_SMS_URL", timeout)

    def send(self, message: Message) -> Outcome:
        """One message to one number."""
        if not message.address:
            return Outcome.failed("sms_no_number", "the office has no phone_at in catalogue/offices.yaml", retryable=False)
        body = {
            "ApiKey": self._api_key.get_secret_value(), "SecretKey": self._secret_key.get_secret_value(), "Brandname": self._brandname,
            "SmsType": "2", "IsUnicode": "0", "Phone": message.address, "Content": sms_text(message, self._reply_to),
            "RequestId": message.key,
        }  # fmt: skip
        if self._callbacks is not None:
            body["CallbackUrl"] = self._callbacks.url(message.key)
        answer = self._rest.post(self._url, json=body)
        return answer if isinstance(answer, Outcome) else _outcome(str(answer.get("CodeResult", "")), str(answer.get("SMSID") or ""))

    def ask(self, message: Message) -> Outcome | None:
        """Not needed: sending again under the same RequestId is the question."""
        return None

    def close(self) -> None:
        """Close the kept connections."""
        self._rest.close()


def sms_text(message: Message, reply_to: str = "") -> str:
    """The plain text: title, where to answer, which alert; how to answer by text message where there is a number (`reply_to`) for it and
    something to answer. The tail stays whole, the title is cut where it must be."""
    answers = reply_to and message.transition not in NOTHING_TO_ANSWER
    tail = f" Soan TN {message.alert_id[:8]} gui {reply_to}" if answers else f" Ma {message.alert_id[:8]}"
    if message.link:
        tail = f" Tra loi: {message.link}{tail}"
    return fitted(message.subject, MOST_SEPTETS - len(tail)) + tail


def _outcome(code: str, reference: str) -> Outcome:
    if code in (ACCEPTED, KNOWN):
        return Outcome(True, reference[:100])
    error_class, what, retryable = ERRORS.get(code, (f"sms_{code[:8] or 'silent'}", "a refusal this version does not know", False))
    return Outcome.failed(error_class, what, retryable=retryable)
