"""The worker: one Faust application whose two agents hand chunks to lanes, a lane per stage and input partition."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any, Final, cast

import faust
import structlog
from faust.types import TP

from indicators.rule import Scope
from stream_processors import snapshot
from stream_processors.context import GROUP, Context
from stream_processors.horizon import Horizon
from stream_processors.replays import Replays
from stream_processors.stage1 import Stage1
from stream_processors.stage2 import Stage2
from transport.chunks import SESSION_SECONDS, chunked_app
from transport.lane_parts import Fold, Writer
from transport.lanes import LANES_AT_ONCE, Lane
from transport.state_reader import end_offsets
from transport.tail import Place, Tail
from transport.topics import EMERGENCY, GROUPS
from transport.transactions import Transaction
from transport.trial import Trial
from transport.watchdog import watch

log = structlog.get_logger(__name__)

WriterFactory = Callable[[str, str], Writer]
"""(transactional id, group) → the lane's way out; tests give the negative control."""

STAGES: Final[dict[str, type[Stage1 | Stage2]]] = {"obs": Stage1, "operands": Stage2}


class Worker:
    """Lanes of the partitions that this process owns. `groups`: concept groups to work on (tests: fewer)."""

    def __init__(
        self,
        context: Context,
        groups: Iterable[str] = tuple(GROUPS),
        session_seconds: float = SESSION_SECONDS,
        writer: WriterFactory | None = None,
    ) -> None:
        self.context = context
        self.lanes: dict[TP, Lane] = {}
        self._groups = tuple(groups)
        self._gated_groups = _groups(context, (rule.scope for rule in context.rules if rule.at_work and rule.scope.emergency)) | {EMERGENCY}
        self._watched_groups = _groups(context, (rule.scope for rule in context.rules.silences)) | self._gated_groups
        self._turns = asyncio.Semaphore(LANES_AT_ONCE)
        self._closing = False
        self.keeping = asyncio.Lock()
        self._opening: asyncio.Task[None] | None = None
        self._horizon: Horizon | None = None
        self._group = context.prefix + GROUP
        self._writer = writer or (lambda name, group: Transaction(context.settings, name, group))
        self.app = chunked_app(context.settings, self._group, session_seconds)
        for stage in STAGES:
            self._agent(stage)
        self.app.on_partitions_revoked.connect(cast(Any, self._on_revoked))
        self.app.on_partitions_assigned.connect(cast(Any, self._on_assigned))

    def _agent(self, stage: str) -> None:
        names = [f"{self.context.prefix}{stage}.{group}" for group in self._groups]
        topic = self.app.topic(*names, key_serializer="raw", value_serializer="raw", acks=False)

        async def dispatch(stream: Any) -> None:
            """Hand each chunk to its lane; waits while that lane is far behind."""
            async for event in stream.events():
                await self._hand_on(stage, event.message.tp, event.value)

        self.app.agent(topic, name=f"nhip.{stage}")(dispatch)

    async def _hand_on(self, stage: str, tp: TP, records: list[Any]) -> None:
        """To the partition's lane. A worker that closes opens none: it would fence the commit in flight of the lane that it just closed."""
        if stage == "obs" and self._gated(tp.topic):
            await self.context.emergencies.known(max(record.timestamp for record in records))
        if not self._closing:
            await self._lane(stage, tp).put(records)

    def _gated(self, topic: str) -> bool:
        """Do rules of emergencies judge series of this topic, or ad-hoc sets lie in it?"""
        return topic.removeprefix(f"{self.context.prefix}obs.") in self._gated_groups

    def _lane(self, stage: str, tp: TP) -> Lane:
        lane = self.lanes.get(tp)
        if lane is None:
            group = tp.topic.removeprefix(f"{self.context.prefix}{stage}.")
            fold: Fold = STAGES[stage](self.context, group, tp.partition)
            trial = Trial(self.context.settings.data_dir / "trials" / tp.topic / str(tp.partition))
            if isinstance(fold, Stage1):
                fold.poison = trial.poison
            writer = self._writer(f"{self.context.prefix}{STAGES[stage].__name__.lower()}-{group}-{tp.partition}", self._group)
            if isinstance(fold, Stage2) and self._ruled(group):
                self._horizon_of_rules().join(fold)
            lane = self.lanes[tp] = Lane((tp.topic, tp.partition), fold, writer, self._turns, dense=stage == "obs", trial=trial)
        return lane

    def _ruled(self, group: str) -> bool:
        """Do results of this group have rules?"""
        return any(f.group == group and self.context.rules.of_formula(f.id) for f in self.context.formulas)

    def _horizon_of_rules(self) -> Horizon:
        """Started with the first lane that needs it."""
        if self._horizon is None:
            self._horizon = Horizon(Tail(self.context.settings, GROUP))
            self._horizon.start()
        return self._horizon

    async def _on_revoked(self, app: faust.App, revoked: set[TP], **_: Any) -> None:
        """Begin no transaction, and let those in flight end: the next owner's fence would abort them."""
        for tp in revoked:
            if tp in self.lanes:
                self.lanes[tp].hold()
        await asyncio.gather(*(self.lanes[tp].drain() for tp in revoked if tp in self.lanes))

    async def _on_assigned(self, app: faust.App, assigned: set[TP], **_: Any) -> None:
        """Go on with what is still ours, close the rest; open those stage 2 lanes that may have rules waiting since the last stop."""
        gone = [tp for tp in self.lanes if tp not in assigned]
        for tp in gone:
            if self._horizon is not None:
                self._horizon.leave((tp.topic, tp.partition))
        await asyncio.gather(*(self.lanes.pop(tp).close() for tp in gone))
        for lane in self.lanes.values():
            lane.release()
        log.info("partitions assigned", count=len(assigned), closed=len(gone))
        ruled = {tp for tp in assigned if tp not in self.lanes and self._may_wait(tp)}
        if ruled:
            self._opening = asyncio.get_running_loop().create_task(self._open_waiting(ruled))

    def _may_wait(self, tp: TP) -> bool:
        """Is this a stage 2 partition whose results have rules (one of them may have settled while no worker was there), or a stage 1
        partition in which silence is watched for (a series may have fallen silent, and nothing else comes in)?"""
        stage, _, group = tp.topic.removeprefix(self.context.prefix).partition(".")
        return (stage == "operands" and self._ruled(group)) or (stage == "obs" and self._watched(group))

    def _watched(self, group: str) -> bool:
        """Do rules wait for series of this group to speak, or for an emergency to end?"""
        return group in self._watched_groups

    async def _open_waiting(self, partitions: set[TP]) -> None:
        """Open the lanes of partitions that have results or series; the others open with their first work."""
        state = {"operands": "derived", "obs": "agg"}
        places: dict[TP, tuple[str, tuple[str, int]]] = {}
        for tp in partitions:
            stage, _, group = tp.topic.removeprefix(self.context.prefix).partition(".")
            places[tp] = stage, (f"{self.context.prefix}{state[stage]}.{group}", tp.partition)
        wanted = [place for _, place in places.values()]
        ends = await asyncio.get_running_loop().run_in_executor(None, end_offsets, self.context.settings, wanted)
        for tp, (stage, place) in places.items():
            if ends[place] and not self._closing and tp in self.app.consumer.assignment():
                self._lane(stage, tp)

    def owned(self) -> set[Place]:
        """Input partitions of stage 1 that are assigned to this worker."""
        topics = {f"{self.context.prefix}obs.{group}" for group in self._groups}
        return {(tp.topic, tp.partition) for tp in self.app.consumer.assignment() if tp.topic in topics}

    def lane_of(self, place: Place) -> Lane:
        """The lane of an owned partition of `obs`, opened where it is not."""
        return self._lane("obs", TP(*place))

    def waiting(self) -> int:
        """Live inputs that lie unfolded in the lanes."""
        return sum(lane.waiting for lane in list(self.lanes.values()))

    async def know_emergencies(self) -> None:
        """Follow emergencies and ad-hoc sets from now on; returns when all that was ordered by now is known."""
        self.context.emergencies.start()
        await self.context.emergencies.known(int(time.time() * 1000))

    def replays(self) -> asyncio.Task[None]:
        """Start following replay jobs; call it inside the running loop."""
        return asyncio.get_running_loop().create_task(Replays(self).run(), name="replays")

    def watch(self) -> asyncio.Task[None]:
        """Start the watchdog; call it inside the running loop."""
        return asyncio.get_running_loop().create_task(watch(self.app, lambda: self.lanes.values()), name="watchdog")

    async def snapshot(self) -> None:
        """Keep the record memories of stage 1 in local files, so that a restart reads only the inputs since; one after the other."""
        for lane in list(self.lanes.values()):
            stage = lane.fold
            async with self.keeping:
                if isinstance(stage, Stage1) and stage.folded > stage.saved:
                    stage.saved = stage.folded
                    columns = snapshot.take(stage)
                    await asyncio.get_running_loop().run_in_executor(None, snapshot.save, snapshot.folder(stage), columns)

    async def close(self) -> None:
        """Let commits in flight end and give every partition up."""
        self._closing = True
        if self._horizon is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._horizon.close)
        lanes, self.lanes = list(self.lanes.values()), {}
        await asyncio.gather(*(lane.close() for lane in lanes), return_exceptions=True)


def _groups(context: Context, scopes: Iterable[Scope]) -> frozenset[str]:
    """Concept groups of the series that these scopes look at."""
    specs = (context.vocabulary.series_spec(scope.indicator, scope.component) for scope in scopes)
    return frozenset(spec.group for spec in specs if spec is not None)
