"""Listening: the newest beat that has come all the way, as the alert processes say on /metrics."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client.parser import text_string_to_metric_families

from ops.stack.loopback import NoAnswer, get
from transport.settings import Settings

GAUGE = "nhip_beat_seconds"


def addresses(settings: Settings) -> list[str]:
    """Where the alert processes answer: as the settings say, or this machine's own."""
    given = settings.watchdog_watches.split()
    return [one.rstrip("/") for one in given] or [f"http://127.0.0.1:{settings.alerts_metrics_port}"]


def newest_beat(bases: Sequence[str]) -> int | None:
    """The newest beat that any of them has taken in, epoch ms; None: none answers, or none has heard one since it started. That an address
    does not answer is no error here: it is silence."""
    heard = [at for base in bases if (at := _beat_of(base)) is not None]
    return max(heard, default=None)


def _beat_of(base: str) -> int | None:
    try:
        status, body = get(f"{base}/metrics")
        if status != 200:
            return None
        samples = [s.value for family in text_string_to_metric_families(body) if family.name == GAUGE for s in family.samples]
    except (NoAnswer, ValueError):  # ValueError: not the exposition format
        return None
    return round(max(samples) * 1000) if samples and max(samples) > 0 else None
