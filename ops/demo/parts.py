"""What the demonstration adds to the local stack: a broker for live sensors and a mailbox for alerts, and the settings that lead to them.

`ADDRESSES` also turns off every way out of the machine that the environment may name: a demonstration writes to nobody.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ops.stack import health
from ops.stack.part import Part
from ops.stack.ports import LOOPBACK, Ports
from transport.settings import Settings

MAILBOX = "mailbox"
OFF = {"smtp_starttls": "false", "smtp_user": "", "webhook_url": "", "mqtt_user": "", "topic_prefix": ""}
ADVICE = "Xem `nhip logs {}` / see the log."


def parts(settings: Settings, ports: Ports) -> tuple[tuple[Part, ...], dict[str, str]]:
    """The two parts, and the settings of the processes that use them."""
    mqtt, smtp = ports.take(settings.mqtt_port), ports.take(settings.smtp_port if settings.smtp_port > 1023 else 0)
    folder = settings.data_dir / MAILBOX
    addresses = OFF | {"mqtt_host": LOOPBACK, "mqtt_port": str(mqtt), "smtp_host": LOOPBACK, "smtp_port": str(smtp)}
    made = (
        _part("sensors", "Trạm đo (MQTT)", settings.home, mqtt, ("ops.demo.broker", str(mqtt))),
        _part(MAILBOX, "Hộp thư", settings.home, smtp, ("ops.demo.mailbox", str(smtp), str(folder))),
    )
    return made, addresses


def _part(name: str, title: str, home: Path, port: int, module: tuple[str, ...]) -> Part:
    address = f"{LOOPBACK}:{port}"
    env = {variable: value for variable, value in os.environ.items() if not variable.startswith("NHIP_")}
    return Part(
        name=name, title=title, argv=(sys.executable, "-m", *module), address=address, check=health.tcp(address), cwd=home, env=env,
        stop_timeout=10.0, memory_mb=200, advice=ADVICE.format(name),
    )  # fmt: skip
