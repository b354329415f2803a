"""What comes in at the door of this process, as the settings name it: what is not configured is not there."""

from __future__ import annotations

from collections.abc import Callable

from alerts import providers
from alerts.acts import ActWriter
from alerts.door import Route
from alerts.link_route import PREFIX as LINKS
from alerts.link_route import LinkRoute
from alerts.receipt_route import PREFIX as RECEIPTS
from alerts.receipts import Folded, Receipt
from transport.registry import Registry
from transport.settings import Settings


def routes(
    settings: Settings, registry: Registry, fold: Callable[[Receipt], Folded], clock: Callable[[], int]
) -> dict[str, Route]:
    """Prefix → route. Raises SecretError where a secret is too short, RegistryError where acts cannot be written."""
    found: dict[str, Route] = {}
    links, receipts = providers.links(settings), providers.receipt_route(settings, fold)
    if links is not None:
        writer = ActWriter(settings, registry, f"alerts-links-{settings.alerts_instance}")
        found[LINKS] = LinkRoute(links, writer.record, clock)
    if receipts is not None:
        found[RECEIPTS] = receipts
    return found
