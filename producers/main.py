"""The process: every configured source, one publisher, metrics; stops on SIGTERM and SIGINT within fifteen seconds.

Folders `<inbox>/{tax,customs,treasury,sensors,icu,open_data,intake,tasks,obstacles,securities,confirmations}` are always read; addresses of
`catalogue/exchange/feeds.yaml` (source, url) are read over HTTP beside them; live sensors where `NHIP_MQTT_HOST` is set; and the platform
itself beats (heartbeat.py) and publishes what was held until now (embargo.py).
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import structlog
import yaml

from indicators.publication import PublicationBook
from indicators.rule import RuleBook
from indicators.vocabulary import Vocabulary
from producers.clock import Clock, ScenarioClock, SystemClock
from producers.codes import Codes
from producers.confirmations import Confirmations
from producers.confirmed import Confirmed
from producers.contract import Source
from producers.customs import Customs
from producers.documents import Adapter, Documents, DocumentSource
from producers.embargo import Embargo, Release
from producers.files import Folder
from producers.heartbeat import Heartbeat, interval
from producers.held import HeldFigures
from producers.http import HttpFolder
from producers.icu import IntensiveCare
from producers.intake import Intake
from producers.mqtt import MqttSensors
from producers.obstacles import Obstacles
from producers.open_data import OpenData
from producers.positions import PositionStore
from producers.pseudonym import Pseudonyms
from producers.publisher import Publisher
from producers.reject_report import RejectReport
from producers.runner import Runner
from producers.securities import Securities
from producers.sensors import Sensors
from producers.tasks import Tasks
from producers.tax import Tax
from producers.treasury import Treasury
from producers.validation import Door
from producers.wire import MetricsWatcher, WireOutbox, schema_ids
from transport import kafka_clients, logging
from transport.emergency_follower import EmergencyFollower
from transport.metrics import Metrics
from transport.registry import Registry
from transport.settings import Settings
from transport.startup import Startup

POSITIONS = "positions"
"""Folder of the data directory that holds what the sources must not forget."""

log = structlog.get_logger(__name__)


class FeedsError(ValueError):
    """catalogue/exchange/feeds.yaml names an unknown source or no address."""


def adapters(settings: Settings, vocabulary: Vocabulary) -> dict[str, Adapter]:
    """The adapter of every source of documents by its name."""
    codes = Codes.load(settings.home)
    made: tuple[Adapter, ...] = (
        Tax(codes), Customs(codes.offices, Pseudonyms(settings.site_secret)), Treasury(), Sensors(vocabulary), IntensiveCare(vocabulary),
        OpenData(vocabulary), Intake(vocabulary), Tasks(vocabulary), Obstacles(vocabulary),
        Securities(vocabulary), Confirmations(),
    )  # fmt: skip
    return {adapter.name: adapter for adapter in made}


def feeds(home: Path) -> list[tuple[str, str]]:
    """(source, url) of the HTTP feeds. Raises FeedsError."""
    path = home / "catalogue" / "exchange" / "feeds.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
    entries = (content or {}).get("feeds") or []
    found = []
    for index, entry in enumerate(entries):
        if not isinstance(entry, dict) or not isinstance(entry.get("source"), str) or not isinstance(entry.get("url"), str):
            raise FeedsError(f"catalogue/exchange/feeds.yaml: feeds.{index}: `source` and `url` are required")
        found.append((entry["source"], entry["url"]))
    return found


def sources(settings: Settings, vocabulary: Vocabulary, door: Door, positions: PositionStore, clock: Clock) -> list[Source]:
    """All sources of what others supply. Raises FeedsError."""
    known = adapters(settings, vocabulary)
    places: list[tuple[str, Adapter, Documents]] = [(name, a, Folder(settings.inbox_dir / name)) for name, a in known.items()]
    for index, (name, url) in enumerate(feeds(settings.home)):
        if name not in known:
            raise FeedsError(f"catalogue/exchange/feeds.yaml: source {name!r} is unknown; one of {', '.join(known)}")
        places.append((f"{name}_http{index}", known[name], HttpFolder(url)))
    made: list[Source] = [DocumentSource(a, transport, door, positions.of(name), clock, name) for name, a, transport in places]
    if settings.mqtt_host:
        adapter = known["sensors"]
        assert isinstance(adapter, Sensors)
        made.append(MqttSensors(settings, adapter, door, clock))
    return made


@contextmanager
def _stopping() -> Iterator[threading.Event]:
    """An event set by SIGTERM and SIGINT while inside."""
    stop = threading.Event()
    before = {s: signal.signal(s, lambda *_: stop.set()) for s in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def main(settings: Settings) -> int:
    """Run until told to stop; 0 on a clean stop."""
    startup = Startup()
    startup.done("imports")
    logging.setup("producers", settings.log_level)
    clock = ScenarioClock(settings.inbox_dir, SystemClock())
    vocabulary = Vocabulary.load(settings.home)
    folder = settings.data_dir / POSITIONS
    door, positions, held = Door(vocabulary), PositionStore(folder), HeldFigures(folder)
    with Metrics("producers", settings, settings.producers_metrics_port) as metrics, Registry(settings) as registry, _stopping() as stop:
        outbox = WireOutbox(kafka_clients.CountingProducer(kafka_clients.producer(settings)))
        report = RejectReport(settings.data_dir / "rejects")
        publisher = Publisher(settings, door, outbox, schema_ids(registry), report, clock)
        ordered = EmergencyFollower(settings, vocabulary=vocabulary)
        ordered.start()
        try:
            beating = Heartbeat(SystemClock(), interval(RuleBook.load(settings.home)))
            every: list[Source] = [beating, Release(held, door, clock), *sources(settings, vocabulary, door, positions, clock)]
            embargo = Embargo(publisher, PublicationBook.load(settings.home, vocabulary), held, clock)
            embargo.redate()
            log.info("producers.started", sources=[s.name for s in every])
            startup.ready("catalogue and servers", sources=len(every))
            with closing(Confirmed(embargo, folder)) as delivery:
                Runner(every, delivery, clock, positions, MetricsWatcher(metrics)).run(stop)
        finally:
            ordered.stop()
            positions.close()
            held.close()
    log.info("producers.stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main(Settings.load()))
