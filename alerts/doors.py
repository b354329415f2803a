"""What comes in at the door of this process, as the settings name it: what is not configured is not there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from alerts import providers
from alerts.acts import ActWriter
from alerts.api_route import PREFIX as API
from alerts.api_route import ApiRoute
from alerts.audience import Audience
from alerts.desk import Desk
from alerts.door import Route
from alerts.link_route import PREFIX as LINKS
from alerts.link_route import LinkRoute
from alerts.receipt_route import PREFIX as RECEIPTS
from alerts.receipts import Folded, Receipt
from alerts.reply_route import PREFIX as REPLIES
from alerts.reply_route import Replies, ReplyRoute
from transport.registry import Registry
from transport.settings import Settings


@dataclass(frozen=True, slots=True)
class Doors:
    """`routes`: prefix → route. `take`: where people's own text messages (id, phone, text) go, however they come; None: nowhere."""

    routes: dict[str, Route]
    take: Callable[[str, str, str], str] | None


def opened(
    settings: Settings, registry: Registry, fold: Callable[[Receipt], Folded], audience: Callable[[], Audience], clock: Callable[[], int],
) -> Doors:  # fmt: skip
    """What comes in. `audience` is asked for only where it is needed. Raises SecretError where a secret is too short, RegistryError where
    acts cannot be written."""
    found: dict[str, Route] = {}
    replies: Replies | None = None
    links, receipts = providers.links(settings), providers.receipt_route(settings, fold)
    acts = replies_or_api(settings)
    if links is not None or acts:
        # One writer for all that comes in here: its transactional id fences the one before a restart.
        record = ActWriter(settings, registry, f"alerts-links-{settings.alerts_instance}").record
    if links is not None:
        found[LINKS] = LinkRoute(links, record, clock)
    if receipts is not None:
        found[RECEIPTS] = receipts
    if acts:
        desk = Desk(settings, registry, clock)
        if settings.sms_reply_to:
            replies = Replies(desk.find, audience(), record, clock)
            found[REPLIES] = ReplyRoute(replies, settings.webhook_secret)
        if settings.api_tokens:
            found[API] = ApiRoute(settings.api_tokens, desk.find, record, clock)
    return Doors(found, replies.take if replies else None)


def replies_or_api(settings: Settings) -> bool:
    """Do acts come in by text message or from other systems?"""
    return bool(settings.sms_reply_to or settings.api_tokens)
