"""MQTT broker for the demonstration's live sensors: amqtt on loopback, `python -m ops.demo.broker PORT`. Keeps nothing on disk.

Anyone on this machine may connect: it carries generated readings only. Production has its own broker (docker-compose.yml: Mosquitto).
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import warnings
from typing import Any

from ops.stack.ports import LOOPBACK

STOP_SECONDS = 5.0


async def serve(port: int) -> None:
    """Listen until SIGTERM or SIGINT. Raises OSError where the port is taken."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own dependencies, at import
        from amqtt.broker import Broker
    config: dict[str, Any] = {
        "listeners": {"default": {"type": "tcp", "bind": f"{LOOPBACK}:{port}"}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    broker = Broker(config)
    await broker.start()
    await stop.wait()
    await asyncio.wait_for(broker.shutdown(), STOP_SECONDS)


def main(arguments: list[str]) -> int:
    """One argument: the port."""
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(serve(int(arguments[0])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
