"""Providers of messages and the maker of signed links, as the settings name them: what is not configured is not there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, runtime_checkable

from alerts.channels.contract import Channel
from alerts.channels.sms import Sms
from alerts.channels.zalo_bot import ZaloBot
from alerts.channels.zns import Access, Zns
from alerts.links import Links
from alerts.receipt_route import ReceiptRoute, ReceiptSecrets
from alerts.receipts import CallbackAddresses, Folded, Receipt
from transport.settings import Settings

TOKENS = "zns-tokens.json"


@runtime_checkable
class Listening(Protocol):
    """A channel whose provider speaks on the same line."""

    def listen(self, fold: Callable[[Receipt], Folded], take: Callable[[str, str, str], str] | None) -> None:
        """Start to hear; say where receipts and people's own messages go."""


def channels(settings: Settings) -> dict[str, Channel]:
    """The channels that are configured, but for console, mail and webhook. Raises RoomError for an address apprise does not know."""
    s, found = settings, dict[str, Channel]()
    if s.sms_url:
        found["sms"] = Sms(s.sms_url, s.sms_api_key, s.sms_secret_key, s.sms_brandname, callbacks=callbacks(s), reply_to=s.sms_reply_to)
    if s.zns_url:
        access = Access(s.zns_app_id, s.zns_app_secret, s.zns_access_token, s.zns_refresh_token, s.data_dir / TOKENS)
        found["zns"] = Zns(s.zns_url, s.zns_oauth_url, access, s.zns_templates)
    return found | _others(s)


def _others(s: Settings) -> dict[str, Channel]:
    """Channels whose libraries are heavy: loaded where they are used."""
    found: dict[str, Channel] = {}
    if s.sms_soap_wsdl:
        from alerts.channels.sms_soap import SmsSoap

        account = (s.sms_soap_user, s.sms_soap_password, s.sms_soap_cpcode)
        found["sms_soap"] = SmsSoap(s.sms_soap_wsdl, account, s.sms_brandname, reply_to=s.sms_reply_to)
    if s.smpp_host:
        from alerts.channels.smpp import Smpp

        address, login = (s.smpp_host, s.smpp_port), (s.smpp_user, s.smpp_password)
        found["smpp"] = Smpp(address, login, s.sms_brandname, reply_to=s.sms_reply_to)
    if s.zalo_bot_token.get_secret_value():
        found["zalo_bot"] = ZaloBot(s.zalo_bot_url, s.zalo_bot_token, s.zalo_bot_chats)
    if s.rooms:
        from alerts.channels.rooms import Room

        found |= {room.name: room for room in (Room(name, address) for name, address in sorted(s.rooms.items()))}
    return found


def listen(
    channels: Iterable[Channel], fold: Callable[[Receipt], Folded], take: Callable[[str, str, str], str] | None
) -> None:
    """Start the channels that hear of receipts and people's messages over a line of their own."""
    for channel in channels:
        if isinstance(channel, Listening):
            channel.listen(fold, take)


def callbacks(settings: Settings) -> CallbackAddresses | None:
    """The addresses for receipts of text messages; None where none are asked for. Raises SecretError where nothing can sign them."""
    s = settings
    return CallbackAddresses(s.sms_callback_url, s.link_secret, s.link_secret_before) if s.sms_callback_url else None


def reporting(settings: Settings) -> frozenset[str]:
    """The channels whose providers say later whether a message arrived."""
    asked = {"sms": bool(settings.sms_callback_url), "zns": bool(settings.zns_oa_secret.get_secret_value()),
             "smpp": bool(settings.smpp_host)}  # fmt: skip
    return settings.receipts_of | {name for name, on in asked.items() if on}


def receipt_route(settings: Settings, fold: Callable[[Receipt], Folded]) -> ReceiptRoute | None:
    """Where receipts come in; None where no provider reports."""
    s, names = settings, reporting(settings)
    secrets = ReceiptSecrets(callbacks(s), s.zns_app_id, s.zns_oa_secret, s.webhook_secret)
    return ReceiptRoute(secrets, names, fold) if names else None


def links(settings: Settings) -> Links | None:
    """The maker of links; None where no secret is set. Raises SecretError where it is too short."""
    if not settings.link_secret.get_secret_value() or not settings.link_base_url:
        return None
    return Links(settings.link_base_url, settings.link_secret, settings.link_secret_before)
