"""Health: whether a part answers as itself. Each check raises Unhealthy with what it saw, within `TIMEOUT_S`.

A listening port is not enough: a broker listens before it has a controller, a JVM before its application is up.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from ops.stack.loopback import TIMEOUT_S, NoAnswer, get

Check = Callable[[], None]


class Unhealthy(RuntimeError):
    """A part does not answer, or answers something else. The text names the address and what came back."""


def kafka(bootstrap: str) -> Check:
    """The broker lists its topics and has a controller."""

    def check() -> None:
        _connect(bootstrap)  # librdkafka would log each refused connection of a broker that is still starting
        admin = AdminClient({"bootstrap.servers": bootstrap, "socket.timeout.ms": int(TIMEOUT_S * 1000), "log_level": 0})
        try:
            cluster = admin.list_topics(timeout=TIMEOUT_S)
        except KafkaException as error:
            raise Unhealthy(f"{bootstrap}: {error.args[0].str()}") from error
        if not cluster.brokers or cluster.controller_id < 0:
            raise Unhealthy(f"{bootstrap}: answers, but without a controller")

    return check


def http(url: str, holds: str = "") -> Check:
    """GET `url` answers 200 and its body holds `holds`."""

    def check() -> None:
        try:
            status, body = get(url)
        except NoAnswer as error:
            raise Unhealthy(str(error)) from error
        if status != 200 or holds not in body:
            raise Unhealthy(f"{url}: HTTP {status}: {body[:200]!r}")

    return check


def apicurio(base: str) -> Check:
    """Apicurio's own information page names the registry: another server on the port does not count."""
    return http(f"{base}/apis/registry/v3/system/info", "Apicurio")


def tcp(address: str) -> Check:
    """Something accepts connections at host:port."""
    return lambda: _connect(address)


def _connect(address: str) -> None:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), TIMEOUT_S).close()
    except OSError as error:
        raise Unhealthy(f"{address}: {error.strerror or error}") from error
