"""Steps of emergencies as operators write them: rows of `ops.emergency`, and a line of the audit for each."""

from __future__ import annotations

from indicators.datafile import DataFileError
from indicators.emergency import Area, Emergency, Step
from indicators.scenario import Scenario, ScenarioBook
from indicators.storm_track import read_track, units_within
from indicators.vocabulary import Vocabulary
from ops.stack.control import StackError
from transport import kafka_clients
from transport.audit import AUDIT, Deed
from transport.emergencies import TOPIC, EmergencyBook, OrderedSet, set_key, step_key
from transport.kafka_clients import CountingProducer
from transport.settings import Settings
from transport.state_reader import read_partition


def read(settings: Settings) -> EmergencyBook:
    """Every step to the present end. Raises RestoreError, KafkaException."""
    book = EmergencyBook()
    for batch in read_partition(settings, settings.topic_prefix + TOPIC, 0):
        for message in batch:
            book.take(message.key(), message.value(), message.timestamp()[1])
    return book


def find(book: EmergencyBook, identity: str) -> Emergency:
    """The emergency of an id, of its beginning, or of a scenario that is open once. Raises StackError."""
    found = [one for one in book.newest_first() if one.id.startswith(identity)] or [one for one in book.open() if one.scenario == identity]
    if len(found) == 1:
        return found[0]
    running = [one for one in found if one.open]
    if len(running) == 1:
        return running[0]
    raise StackError(f"{len(found)} tình huống có mã «{identity}»: `nhip emergency list` / emergencies have this id")


def scenario_of(settings: Settings, name: str) -> Scenario:
    """The scenario of an id. Raises StackError."""
    book = ScenarioBook.load(settings.home)
    found = book.get(name)
    if found is None:
        raise StackError(f"Không có kịch bản «{name}»; có / there are: {', '.join(one.id for one in book)}")
    return found


def area_of(settings: Settings, units: list[str], track: str, scenario: Scenario) -> Area:
    """The area that options name: units in force, and those within a storm's track. Raises StackError."""
    from pathlib import Path

    vocabulary = Vocabulary.load(settings.home)
    unknown = [code for code in units if vocabulary.territory(code) is None]
    if unknown:
        said = "; ".join(f"{code} → {', '.join(vocabulary.successors(code))}" if vocabulary.successors(code) else code for code in unknown)
        raise StackError(f"Không có địa bàn / no such unit in force: {said}; `nhip catalogue show 31`")
    if not track:
        return Area(tuple(sorted(set(units))))
    if not scenario.storm_track:
        raise StackError(f"Kịch bản {scenario.id} không lấy địa bàn từ đường đi của bão: dùng --unit / give units")
    try:
        points = read_track(Path(track))
    except DataFileError as error:
        raise StackError(str(error)) from error
    inside = units_within(vocabulary, points)
    if not inside:
        raise StackError("Không xã, phường nào nằm trong hành lang bão: kiểm tra tọa độ, bán kính / no unit lies within the track")
    return Area(tuple(sorted({*units, *inside})), points)


def keep(settings: Settings, book: EmergencyBook, step: Step) -> None:
    """Write a step and the audit's line. Raises StackError where the step says too little or changes nothing, DeliveryError."""
    emergency = book.emergencies.get(step.emergency, Emergency(step.emergency))
    if said := step.lacks() or emergency.refuses(step):
        raise StackError(f"{step.emergency}: {said}")
    out = CountingProducer(kafka_clients.producer(settings))
    out.publish(settings.topic_prefix + TOPIC, step_key(step), step.body(), partition=0)
    deed = Deed(at=step.at, actor=step.actor, did=f"emergency.{step.did}", on=step.emergency, why=step.why or step.phase, run=step.id,
                result="exercise" if step.exercise or emergency.exercise else "live",
                facts={"document": step.document, "scenario": step.scenario, "phase": step.phase, "units": len(step.area.units),
                       "pillar": step.pillar, "state": step.state, "to": step.to})  # fmt: skip
    out.publish(settings.topic_prefix + AUDIT, step.actor.encode(), deed.body(), partition=0)
    out.flush()


def order(settings: Settings, row: OrderedSet) -> None:
    """Write an ad-hoc set and the audit's line. Raises DeliveryError."""
    out = CountingProducer(kafka_clients.producer(settings))
    out.publish(settings.topic_prefix + TOPIC, set_key(row), row.model_dump_json().encode(), partition=0)
    deed = Deed(at=row.at, actor=row.actor, did="catalogue.adhoc", on=row.content.catalogue, why=row.why, run=set_key(row).decode(),
                facts={"document": row.content.document, "until": row.content.ends_on.isoformat()})  # fmt: skip
    out.publish(settings.topic_prefix + AUDIT, row.actor.encode(), deed.body(), partition=0)
    out.flush()
