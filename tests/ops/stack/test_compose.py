"""docker-compose.yml: a valid compose file that describes the same system as `nhip up`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest
import yaml
from pydantic import SecretStr

from ops.processes import PROCESSES
from ops.stack.artifacts import pinned
from ops.stack.kafka import Member, properties_of
from ops.stack.own import PREFIX
from transport.settings import HOME, Settings

SCHEMA = Path(__file__).parents[2] / "data" / "compose-spec" / "compose_spec.json"
DIFFERS = {  # what depends on the number of nodes, or on where a machine listens and keeps its data
    "node.id", "controller.quorum.voters", "listeners", "advertised.listeners", "listener.security.protocol.map", "log.dirs",
    "offsets.topic.replication.factor", "transaction.state.log.replication.factor", "transaction.state.log.min.isr",
    "share.coordinator.state.topic.replication.factor", "share.coordinator.state.topic.min.isr", "min.insync.replicas",
}  # fmt: skip
SMALL = {  # what only makes one small machine start sooner and use less
    "num.recovery.threads.per.data.dir", "offsets.topic.num.partitions", "transaction.state.log.num.partitions",
    "share.coordinator.state.topic.num.partitions", "group.initial.rebalance.delay.ms", "log.segment.bytes",
    "log.retention.check.interval.ms", "num.network.threads", "num.io.threads", "background.threads",
}  # fmt: skip

Compose = dict[str, Any]


@pytest.fixture(scope="module")
def compose() -> Compose:
    parsed: Compose = yaml.safe_load((HOME / "docker-compose.yml").read_text())
    return parsed


@pytest.fixture(scope="module")
def services(compose: Compose) -> dict[str, Compose]:
    return dict(compose["services"])


def ours(services: dict[str, Compose]) -> dict[str, Compose]:
    return {name: service for name, service in services.items() if service["image"].startswith("nhip:")}


def test_it_is_a_valid_compose_file(compose: Compose) -> None:
    jsonschema.validate(compose, json.loads(SCHEMA.read_text()), cls=jsonschema.Draft7Validator)


def test_the_schema_refuses_an_unknown_key(compose: Compose) -> None:
    wrong = {**compose, "services": {"kafka": {"imagine": "apache/kafka"}}}
    with pytest.raises(jsonschema.ValidationError, match="imagine"):
        jsonschema.validate(wrong, json.loads(SCHEMA.read_text()), cls=jsonschema.Draft7Validator)


def test_every_image_has_a_version(services: dict[str, Compose]) -> None:
    for name, service in services.items():
        assert re.search(r":\d[\w.-]*$", service["image"]), name


def test_every_server_and_process_has_a_health_check_and_a_memory_limit(services: dict[str, Compose]) -> None:
    for name, service in services.items():
        assert "mem_limit" in service, name
        assert "healthcheck" in service or name == "provision", name


def test_versions_are_those_of_the_local_stack(services: dict[str, Compose]) -> None:
    kafka = next(a.version for a in pinned("kafka") if a.name.startswith("kafka_"))
    assert {services[f"kafka-{n}"]["image"] for n in (1, 2, 3)} == {f"apache/kafka:{kafka}"}
    assert services["registry"]["image"].endswith(f":{pinned('apicurio')[0].version}")


def test_every_variable_of_ours_is_a_setting(services: dict[str, Compose]) -> None:
    for name, service in ours(services).items():
        for variable in service["environment"]:
            assert variable.removeprefix(PREFIX).lower() in Settings.model_fields, f"{name}: {variable}"


def test_the_settings_class_accepts_them(services: dict[str, Compose], monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in services["worker"]["environment"].items():
        monkeypatch.setenv(variable, "chosen-in-env-file" if value.startswith("${") else value)
    settings = Settings()
    assert settings.kafka_replication == 3
    assert settings.clickhouse_port == 8123


def test_secrets_come_from_the_environment_file(services: dict[str, Compose]) -> None:
    for service in ours(services).values():
        for variable, value in service["environment"].items():
            field = Settings.model_fields[variable.removeprefix(PREFIX).lower()]
            if field.annotation is SecretStr:
                assert re.fullmatch(rf"\$\{{{variable}:[?-].*\}}", value), variable


def test_addresses_lead_to_services_that_listen_there(services: dict[str, Compose]) -> None:
    variables = services["worker"]["environment"]
    brokers = [address.split(":") for address in variables["NHIP_KAFKA_BOOTSTRAP"].split(",")]
    for host, port in brokers:
        assert f"PLAINTEXT://{host}:{port}" in services[host]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    registry = urlsplit(variables["NHIP_REGISTRY_URL"])
    default = Settings.model_fields["registry_url"].default
    assert registry.path == urlsplit(default).path
    assert published(services[str(registry.hostname)])[registry.port] == urlsplit(default).port
    clickhouse = services[variables["NHIP_CLICKHOUSE_HOST"]]
    assert published(clickhouse)[int(variables["NHIP_CLICKHOUSE_PORT"])] == Settings.model_fields["clickhouse_port"].default
    assert Settings.model_fields["kafka_bootstrap"].default in services["kafka-1"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    assert int(variables["NHIP_MQTT_PORT"]) in published(services[variables["NHIP_MQTT_HOST"]])


def test_servers_are_published_on_loopback_alone(services: dict[str, Compose]) -> None:
    for name, service in services.items():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), name


def published(service: Compose) -> dict[int | None, int]:
    """Port in the container → port on the host."""
    pairs = (port.split(":")[1:] for port in service["ports"])
    return {int(inside): int(outside) for outside, inside in pairs}


def test_each_process_of_ours_runs_with_its_port_and_memory(services: dict[str, Compose]) -> None:
    assert set(ours(services)) == {*PROCESSES, "provision"}
    for name, process in PROCESSES.items():
        service = services[name]
        assert service["command"] == ["run", name]
        assert service["mem_limit"] == f"{process.memory_mb}m"
        assert f":{Settings.model_fields[process.port].default}/health" in service["healthcheck"]["test"][-1]
        assert service["depends_on"]["provision"] == {"condition": "service_completed_successfully"}


def test_the_brokers_are_configured_like_local_ones_of_three(services: dict[str, Compose]) -> None:
    environment = services["kafka-1"]["environment"]
    local = properties_of(Member(1, "c", {1: 1, 2: 2, 3: 3}), 9092, Path("data"))
    lines = (line.split("=", 1) for line in local.splitlines() if "=" in line and not line.startswith("#"))
    for name, value in lines:
        if name not in DIFFERS | SMALL and not name.startswith("log.cleaner."):
            assert environment[f"KAFKA_{name.upper().replace('.', '_')}"] == value, name


def test_every_volume_is_declared(compose: Compose, services: dict[str, Compose]) -> None:
    named = {volume.split(":")[0] for service in services.values() for volume in service.get("volumes", [])}
    files = {name for name in named if name.startswith("./")}
    assert named - files == set(compose["volumes"])
    assert all((HOME / name).exists() for name in files)
