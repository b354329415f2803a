"""`nhip run alerts`: the story loop and the delivery loop, each in a thread; whichever fails ends the process.

The two share nothing but topics: a server that hangs never delays an event, a long restore of the story never delays a message.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack

import structlog
from confluent_kafka import KafkaException

from alerts import doors, providers
from alerts.alertmanager_loop import AlertmanagerLoop
from alerts.audience import Audience
from alerts.channels.console import Console
from alerts.channels.contract import Channel, RoomError
from alerts.channels.email import Email
from alerts.channels.webhook import Webhook
from alerts.codec import Codec
from alerts.delivery import DeliveryLoop
from alerts.digest import Digests
from alerts.door import Door, Route
from alerts.duty import Duty
from alerts.escalation import Rungs
from alerts.links import SecretError
from alerts.manner import Manner
from alerts.messages import Messages, check_templates
from alerts.names import VocabularyNames
from alerts.offices import OfficeError, load_offices, unknown_offices
from alerts.restore import RestoreError
from alerts.story import Story
from alerts.story_loop import StoryLoop
from alerts.telling import Telling
from alerts.timers import Timers
from alerts.writer import WriteError
from indicators.calendar import WorkingCalendar
from indicators.datafile import DataFileError
from indicators.rule import Rule, RuleBook, RuleError
from indicators.rules.due_rule import load_due_calendars
from indicators.vocabulary import Vocabulary
from transport.group_offsets import OffsetsUnknown
from transport.logging import setup
from transport.metrics import Metrics
from transport.registry import Registry, RegistryError
from transport.settings import Settings
from transport.startup import LOOK_SECONDS, Startup
from transport.stopping import Stop

STOP_SECONDS = 15.0
WAIT_SECONDS = 0.2
TEMPLATES_AFTER_SECONDS = 30.0
log = structlog.get_logger(__name__)


def now_ms() -> int:
    """The wall clock, epoch ms UTC."""
    return time.time_ns() // 1_000_000


def channels_of(settings: Settings, console: str = "alerts.log") -> dict[str, Channel]:
    """The channels that are configured; the console always is, with the file of this name."""
    found: dict[str, Channel] = {"console": Console(settings.data_dir / console)}
    if settings.smtp_host:
        found["email"] = Email(
            settings.smtp_host, settings.smtp_port, settings.smtp_from, starttls=settings.smtp_starttls, user=settings.smtp_user,
            password=settings.smtp_password,
        )  # fmt: skip
    if settings.webhook_url:
        found["webhook"] = Webhook(settings.webhook_url, settings.webhook_secret)
    return found | providers.channels(settings)


def audience_of(settings: Settings) -> Audience:
    """The audience over the installation's offices, names and rotas. Raises OfficeError, DataFileError."""
    return Audience(load_offices(settings.home), VocabularyNames(Vocabulary.load(settings.home)), Duty.load(settings.home))


def story_of(settings: Settings) -> tuple[Story, Digests]:
    """A story and its digests over the installation's rules, names and offices; logs which offices are unknown. Raises RuleError,
    OfficeError, DataFileError."""
    rules = RuleBook.load(settings.home)
    offices = load_offices(settings.home)
    names = VocabularyNames(Vocabulary.load(settings.home))
    for line in unknown_offices(rules, offices):
        log.warning("a rule names an office that catalogue/offices.yaml does not have", which=line)
    audience = Audience(offices, names, Duty.load(settings.home))
    calendar = WorkingCalendar.load(settings.home)
    story = Story(rules, Messages(names), Telling(rules, audience), Timers(Rungs(names, calendar), load_due_calendars(settings.home)))
    return story, Digests(audience, calendar)


def tell_of_templates(rules: Iterable[Rule], stop: threading.Event, after_seconds: float = TEMPLATES_AFTER_SECONDS) -> None:
    """Log which message templates are wrong, once the loops have come to work: reading all of them takes 0.4 processor seconds, which a
    process that was killed would be late by. `nhip rules check` says the same before."""
    if stop.wait(after_seconds):
        return
    for line in (line for rule in rules for line in check_templates(rule)):
        log.warning("a message template is wrong; a plain text stands in", which=line)


class Threads:
    """Threads of which none may end alone: the first failure stops all."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self.failed = False
        self._threads: list[threading.Thread] = []

    def start(self, name: str, run: Callable[[], None]) -> None:
        """Run in a thread of this name."""
        thread = threading.Thread(target=self._guarded, args=(name, run), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _guarded(self, name: str, run: Callable[[], None]) -> None:
        try:
            run()
        except (WriteError, RestoreError, OffsetsUnknown, RegistryError, KafkaException) as error:
            self.failed = True
            log.error("ends", loop=name, error=str(error))
        except Exception:
            # The edge of the process: whatever it is, the loop is dead, so the process must end and be started anew from what is committed.
            self.failed = True
            log.exception("ends by a fault of its own", loop=name)
        finally:
            self._stop.set()

    def join(self, seconds: float) -> None:
        """Wait for all, this long altogether."""
        ends = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, ends - time.monotonic()))
            if thread.is_alive():
                self.failed = True
                log.error("did not stop in time", loop=thread.name)

    def check(self) -> str:
        """For /health: which thread is gone."""
        gone = [thread.name for thread in self._threads if not thread.is_alive()]
        return f"{', '.join(gone)}: ended" if gone else ""


def serve(
    settings: Settings, stop: threading.Event, channels: Mapping[str, Channel], clock: Callable[[], int] = now_ms,
    startup: Startup | None = None,
) -> int:  # fmt: skip
    """Run both loops until `stop` is set or one fails. Returns the exit code: 0 stopped, 1 failed."""
    startup = startup or Startup()
    with ExitStack() as stack:
        registry = stack.enter_context(Registry(settings))
        metrics = stack.enter_context(Metrics("alerts", settings, settings.alerts_metrics_port))
        threads = Threads(stop)
        codec = Codec(settings, registry)
        story = StoryLoop(settings, codec, story_of(settings), metrics, stop, clock)
        offices = load_offices(settings.home)
        manner = Manner(offices.night(), providers.links(settings), providers.reporting(settings), offices.throttle())
        delivery = DeliveryLoop(settings, codec, channels, metrics, stop, clock, manner)
        come_in = doors.opened(settings, registry, delivery.receipts.fold, lambda: audience_of(settings), clock)
        _open_door(stack, settings, come_in.routes)
        providers.listen(channels.values(), delivery.receipts.fold, come_in.take)
        if settings.alertmanager_url:
            exit_ = AlertmanagerLoop(settings, codec, VocabularyNames(Vocabulary.load(settings.home)).kind, stop, clock)
            threads.start("alertmanager", exit_.run)
        threads.start("story", story.run)
        threads.start("delivery", delivery.run)
        rules = RuleBook.load(settings.home)
        threading.Thread(target=tell_of_templates, args=(rules, stop), name="templates", daemon=True).start()
        metrics.check("loops", threads.check)
        log.info("serves", port=metrics.port, channels=sorted(channels), instance=settings.alerts_instance)
        startup.done("catalogue")
        while not stop.wait(WAIT_SECONDS if startup.over else LOOK_SECONDS):
            _note(startup, story, delivery)
        threads.join(STOP_SECONDS)
        return 1 if threads.failed else 0


def _note(startup: Startup, story: StoryLoop, delivery: DeliveryLoop) -> None:
    """Both loops at work: the process is back. One that stands by for another's story never is."""
    if story.term:
        startup.done("leads")
    if delivery.partitions:
        startup.done("delivers")
    if story.term and delivery.partitions:
        startup.ready("delivers", alerts=story.known)


def _open_door(stack: ExitStack, settings: Settings, routes: Mapping[str, Route]) -> None:
    """The endpoint, where something is to come in. Raises OSError where the port is taken."""
    if routes:
        door = stack.enter_context(Door(routes, settings.link_host, settings.link_port))
        log.info("answers", port=door.port, routes=sorted(routes))


def main(settings: Settings) -> int:
    """The process: runs until SIGTERM or SIGINT. Exit code 0 after a signal, 1 after a failure, 2 where it cannot start."""
    startup = Startup()
    startup.done("imports")
    setup("alerts", settings.log_level)
    stop = Stop.on_signals()
    channels: dict[str, Channel] = {}
    try:
        channels = channels_of(settings)
        return serve(settings, stop, channels, startup=startup)
    except (RuleError, OfficeError, DataFileError, SecretError, RoomError, RegistryError, KafkaException, OSError) as error:
        log.error("cannot start", error=str(error))
        return 2
    finally:
        for channel in channels.values():
            channel.close()
