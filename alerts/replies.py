"""What a person answers by text message: «TN 1a2b3c4d» takes an alert, «GT 1a2b3c4d …» explains it. Pure.

The code is the beginning of the alert's id, as every text message of ours ends with it; it is no secret. What makes an answer valid is the
number it comes from: it must be that of an office or seat that was told of this alert. Whoever could forge a sender's number could
acknowledge, nothing more, and each answer is in the audit with its number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import uuid5

from alerts.action import Action
from alerts.alert import Alert
from alerts.audience import Audience, Recipient
from alerts.ids import NAMESPACE
from indicators.numbers_vi import unaccent_vi

WORDS = {"TN": "acknowledge", "TIEP NHAN": "acknowledge", "GT": "explain", "GIAI TRINH": "explain"}
_SHAPE = re.compile(r"\s*(TN|TIEP NHAN|GT|GIAI TRINH)[\s:,.-]+([0-9A-Fa-f]{8})\b[\s:,.-]*", re.IGNORECASE)
HOW_VI = "Soan: TN <ma 8 ky tu> de tiep nhan; GT <ma> <noi dung> de giai trinh"
DONE_VI = {"acknowledge": "Da ghi nhan tiep nhan canh bao", "explain": "Da ghi nhan giai trinh canh bao"}


class ReplyError(ValueError):
    """An answer that cannot be taken; the message goes back to the person, in unaccented Vietnamese."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it was meant. `code`: the first eight signs of the alert's id, small letters."""

    act: str
    code: str
    note: str


def read(text: str) -> Reply:
    """The meaning of a text message. Raises ReplyError saying how to write one."""
    found = _SHAPE.match(unaccent_vi(text))
    if found is None:
        raise ReplyError(HOW_VI)
    act = WORDS[" ".join(found.group(1).upper().split())]
    note = text[found.end() :].strip()  # signs are replaced one by one: the place is the same with its accents
    if act == "explain" and not note:
        raise ReplyError(f"Thieu noi dung giai trinh. {HOW_VI}")
    return Reply(act, found.group(2).lower(), note)


def international(phone: str) -> str:
    """«84…» of «+84…», «084…» or «09…»; digits alone."""
    digits = re.sub(r"\D", "", phone)
    return f"84{digits[1:]}" if digits.startswith("0") else digits


def sender(phone: str, alert: Alert, audience: Audience, at: int) -> Recipient:
    """The recipient told of the alert whom this number reaches at an instant (epoch ms). Raises ReplyError."""
    told: Iterable[Recipient] = audience.of_ids(alert.memory.told or (), at)
    for one in told:
        if one.phone and one.phone == international(phone):
            return one
    raise ReplyError("So nay khong phai so nhan canh bao nay; hay tra loi tu so da nhan tin, hoac goi truc ban")


def act_of(reply: Reply, alert: Alert, who: Recipient, message_id: str, at: int) -> Action:
    """The act of an answer. The same message of the gateway makes the same act, which counts once."""
    action_id = str(uuid5(NAMESPACE, f"reply|{who.id}|{message_id}|{alert.alert_id}|{reply.act}"))
    return Action(
        action_id=action_id, alert_id=alert.alert_id, action=reply.act, actor=who.id, office="", note=reply.note, until=0, acted_at=at,
        via="code",
    )  # fmt: skip
