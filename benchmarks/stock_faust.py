"""Stock Faust at the worker's job, as its documentation shows it: an agent, `async for` over events, a Table, one send per record.

Left out in its favour: no transaction (at least once, its default), the record memory is a plain dictionary that a restart would lose.
Prints one JSON object and ends. The clock runs from the first event in the agent to the acknowledgement of the last send.

    python -m benchmarks.stock_faust --records 50000
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
from collections.abc import Awaitable
from typing import Any, Final

import faust
from faust.types import StreamT

from benchmarks.stock_job import StockJob
from benchmarks.worker_child import Instant
from indicators.vocabulary import Vocabulary
from transport.registry import Registry
from transport.settings import Settings
from transport.topics import GROUPS

GROUP: Final = "trade"
OUTPUT: Final = "stock.agg"
AT_ONCE: Final = 1000
"""Sends that may wait for their acknowledgement."""


class StockApp:
    """The Faust application and what its run costs."""

    def __init__(self, settings: Settings, wanted: int) -> None:
        with Registry(settings) as registry:
            self.job = StockJob(Vocabulary.load(settings.home), registry.id_of("aggregate"))
        prefix, partitions = settings.topic_prefix, GROUPS[GROUP]
        self.app = faust.App(
            f"{prefix}stock", broker=f"kafka://{settings.kafka_bootstrap}", store="memory://", datadir=str(settings.data_dir / "faust"),
            web_enabled=False, topic_disable_leader=True, topic_partitions=partitions, consumer_auto_offset_reset="earliest",
            stream_wait_empty=False, broker_max_poll_records=5000, producer_max_batch_size=1 << 18,
        )  # fmt: skip
        self.output = self.app.topic(f"{prefix}{OUTPUT}", key_serializer="raw", value_serializer="raw", partitions=partitions)
        self.panes = self.app.Table("panes", default=None, partitions=partitions)
        self.wanted, self.seen, self.refused = wanted, 0, 0
        self.began: Instant | None = None
        self.ended: Instant | None = None
        self.done = asyncio.Event()
        source = self.app.topic(f"{prefix}obs.{GROUP}", key_serializer="raw", value_serializer="raw")
        self.app.agent(source, name="stock")(self._run)

    async def _run(self, stream: StreamT[Any]) -> None:
        job, panes = self.job, self.panes
        sent: list[Awaitable[Any]] = []
        async for event in stream.events():
            if self.began is None:
                self.began = Instant.now()
            key = event.key
            assert isinstance(key, bytes)
            name = key.decode()
            record = job.decode(event.value)
            state = panes.get(name)
            if job.problem(key, record, state["watermark"] if state else 0):
                self.refused += 1
            else:
                panes[name] = state = job.fold(key, state, record, event.message.offset)
                sent.append(await self.output.send(key=key, value=job.encode(job.aggregate(key, state))))
            self.seen += 1
            if len(sent) >= AT_ONCE or self.seen == self.wanted:
                await asyncio.gather(*sent)
                sent.clear()
            if self.seen == self.wanted:
                await self.app.producer.flush()
                self.ended = Instant.now()
                self.done.set()

    def report(self) -> dict[str, Any]:
        """Figures of the run, and what its state holds."""
        assert self.began is not None, "no input was folded"
        assert self.ended is not None, "stopped before all inputs were folded"
        years = [pane for state in self.panes.values() for pane in state["year"].values()]
        return {
            "records": self.wanted, "refused": self.refused, "seconds": self.ended.wall - self.began.wall,
            "cpu_seconds": self.ended.cpu - self.began.cpu, "rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "count": sum(p[0] for p in years), "sum": sum(p[1] for p in years),
        }  # fmt: skip


async def run(settings: Settings, wanted: int) -> dict[str, Any]:
    """Start the application, wait for the last record, stop it. The caller's deadline ends a run that hangs."""
    stock = StockApp(settings, wanted)
    stock.app.finalize()
    await stock.app.start()
    await stock.done.wait()
    found = stock.report()
    await stock.app.stop()
    return found


def main() -> int:
    """Run once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, required=True)
    settings = Settings.load()
    (settings.data_dir / "faust").mkdir(parents=True, exist_ok=True)
    print(json.dumps(asyncio.run(run(settings, parser.parse_args().records))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
