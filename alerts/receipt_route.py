"""Receipts at the door: `/receipts/sms/<key>/<signature>` (eSMS, GET), `/receipts/zns` (Zalo, POST), `/receipts/<channel>` (our own form).

200 is answered only after the receipt is in the ledger, 503 where it cannot be written now or the message is another process's: eSMS tries
five times, Zalo for twelve hours, and a gateway before several processes passes 503 on to the next of them. A receipt said twice changes
nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog
from pydantic import SecretStr

from alerts.door import Answer, Asked, said
from alerts.receipts import CallbackAddresses, Folded, Receipt, ReceiptError, of_esms, of_gateway, of_zalo

PREFIX = "/receipts/"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ReceiptSecrets:
    """By what callbacks are believed; None or empty: that provider is not configured."""

    addresses: CallbackAddresses | None
    zalo_app_id: str
    zalo_oa_secret: SecretStr
    webhook_secret: SecretStr


class ReceiptRoute:
    """`fold` takes a receipt to the ledger and waits until it is written; `channels`: names that may be reported of."""

    def __init__(self, secrets: ReceiptSecrets, channels: frozenset[str], fold: Callable[[Receipt], Folded]) -> None:
        self._secrets, self._channels, self._fold = secrets, channels, fold

    def __call__(self, asked: Asked) -> Answer:
        channel, _, rest = asked.path.removeprefix(PREFIX).partition("/")
        if channel not in self._channels:
            return said(404, error="không có kênh này | no such channel")
        try:
            receipt = self._receipt(channel, rest, asked)
        except ReceiptError as error:
            log.warning("a receipt is not believed", channel=channel, why=str(error))
            return said(403, error=f"không nhận | refused: {error}")
        return said(200, result="waiting") if receipt is None else self._folded(receipt)

    def _receipt(self, channel: str, rest: str, asked: Asked) -> Receipt | None:
        s = self._secrets
        if channel == "sms" and rest and s.addresses is not None:
            return of_esms(s.addresses.key(rest), asked.query)
        if channel == "zns" and s.zalo_oa_secret.get_secret_value() and "x-zevent-signature" in asked.headers:
            return of_zalo(asked.body, asked.headers["x-zevent-signature"], s.zalo_app_id, s.zalo_oa_secret)
        return of_gateway(channel, asked.body, asked.headers.get("x-nhip-signature", ""), s.webhook_secret)

    def _folded(self, receipt: Receipt) -> Answer:
        result = self._fold(receipt)
        if result in ("unknown", "later"):
            return said(503, result=result, error="chưa ghi được ở đây | not to be written here now: try again")
        return said(200, result=result)
