"""Plan: every part and step of the local stack with its address, in an order in which each comes after what it needs.

Preferred ports are those of the settings (the defaults, or the last run's from `stack.env`), so addresses stay from run to run; one that is
taken by another program is replaced by a free one, and `stack.env` tells everyone.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ops.demo.parts import parts as demo_parts
from ops.processes import PROCESSES
from ops.stack import artifacts
from ops.stack.apicurio import CCOMPAT, apicurio, apicurio_program
from ops.stack.clickhouse import clickhouse
from ops.stack.kafka import kafka, kafka_program
from ops.stack.own import own, variable
from ops.stack.part import Part, Step
from ops.stack.ports import ANY, LOOPBACK, Ports
from ops.stack.provision import steps
from transport.settings import Settings

ENV_FILE = "stack.env"
CONTROLLER_OFFSET = 1
LOCAL = {
    "kafka_security_protocol": "PLAINTEXT", "kafka_sasl_mechanism": "", "kafka_replication": "1", "clickhouse_secure": "false",
    "registry_user": "", "metrics_host": LOOPBACK,
}  # fmt: skip
"""What one machine's servers are, whatever the environment says of a production cluster."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`entries` for the supervisor; `settings` with the addresses that the parts will have; `addresses`: those as fields of `Settings`."""

    entries: tuple[Part | Step, ...]
    settings: Settings
    addresses: dict[str, str]


def local(settings: Settings, servers_only: bool = False, demo: bool = False) -> Plan:
    """The stack under `settings.data_dir`. `servers_only`: Kafka, registry and ClickHouse, nothing of ours; `demo`: with a broker for
    sensors and a mailbox beside them. Raises PartError.
    """
    ports, data = Ports(), settings.data_dir
    cache = artifacts.cache_dir(data)
    kafka_port = ports.take(_port(f"//{settings.kafka_bootstrap.split(',')[0]}"))
    controller_port = ports.take(kafka_port + CONTROLLER_OFFSET)
    registry_port, clickhouse_port = ports.take(_port(settings.registry_url)), ports.take(settings.clickhouse_port)
    metrics = {p.name: ports.take(getattr(settings, p.port)) for p in PROCESSES.values()}
    served = {p.serves: str(ports.take(getattr(settings, p.serves))) for p in PROCESSES.values() if p.serves}
    addresses = LOCAL | {
        "kafka_bootstrap": f"{LOOPBACK}:{kafka_port}",
        "registry_url": f"http://{LOOPBACK}:{registry_port}{CCOMPAT}",
        "clickhouse_host": LOOPBACK,
        "clickhouse_port": str(clickhouse_port),
    } | {p.port: str(metrics[p.name]) for p in PROCESSES.values()} | served
    if "inbox_dir" not in settings.model_fields_set:
        addresses["inbox_dir"] = str(data / "inbox")
    extra, leading = demo_parts(settings, ports) if demo else ((), {})
    addresses |= leading
    here = Settings.load(data_dir=data, **addresses)
    jars, classes = kafka_program(cache)
    unpacked, registry_classes = apicurio_program(cache)
    servers = (
        kafka(jars, data / "kafka", (kafka_port, controller_port), light=demo, classes=classes),
        apicurio(unpacked, data / "registry", registry_port, classes=registry_classes),
        clickhouse(here, data / "clickhouse", clickhouse_port),
    )
    ours: tuple[Part | Step, ...] = () if servers_only else (*steps(here), *(own(p, here, metrics[p.name]) for p in PROCESSES.values()))
    return Plan((*extra, *servers, *ours), here, addresses)


def write_env(plan: Plan) -> Path:
    """Write the addresses to `<data_dir>/stack.env`, from which `Settings.load()` reads them. Returns the file."""
    path = plan.settings.data_dir / ENV_FILE
    fresh = path.with_name(f"{ENV_FILE}.new")
    fresh.write_text("".join(f"{variable(name)}={value}\n" for name, value in sorted(plan.addresses.items())))
    os.replace(fresh, path)
    return path


def _port(url: str) -> int:
    return urlsplit(url).port or ANY
