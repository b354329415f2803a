"""The schema registry (Confluent's HTTP interface): ids of what we write, schemas of what we read, registration at deployment.

A process never registers. `nhip schemas register` sets BACKWARD_TRANSITIVE and registers every subject of the topic table; a writer looks
its id up once at start, a reader fetches a schema at the first message that names its id. Subject: the topic's name without the
installation's prefix, then `-value`.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, Self

import httpx

from transport.schema_ids import SchemaUnknown
from transport.schemas import Schema, load
from transport.settings import Settings
from transport.topics import Topic, table

COMPATIBILITY: Final = "BACKWARD_TRANSITIVE"
UNKNOWN_SECONDS: Final = 30.0
"""How long an id the registry did not know is not asked for again: messages of a foreign writer must not slow all others down."""
_UNKNOWN_LIMIT: Final = 10_000
_MEDIA: Final = "application/vnd.schemaregistry.v1+json"
_REQUEST_SECONDS: Final = 5.0
_RETRY_SECONDS: Final = 0.2
_WORKERS: Final = 8


class RegistryError(RuntimeError):
    """The registry cannot be reached in time, refuses, or lacks what is asked for; the message says what to do next."""


@dataclass(frozen=True, slots=True)
class Registration:
    """A subject as the registry holds it after registering. `created`: it had no such version before."""

    subject: str
    schema: str
    schema_id: int
    created: bool


def subject_of(topic: str, prefix: str = "") -> str:
    """The subject of a topic's values; `prefix`: the installation's, which is not part of it."""
    return f"{topic.removeprefix(prefix)}-value"


class Registry:
    """A client with bounded waits; safe to use from several threads. Answers about ids are kept: an id never
    changes its schema."""

    def __init__(self, settings: Settings, deadline_seconds: float = 15.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._deadline, self._clock = deadline_seconds, clock
        auth = (settings.registry_user, settings.registry_password.get_secret_value()) if settings.registry_user else None
        limits = httpx.Limits(max_connections=_WORKERS, max_keepalive_connections=_WORKERS)
        self._http = httpx.Client(
            base_url=settings.registry_url.rstrip("/") + "/", auth=auth, timeout=_REQUEST_SECONDS, limits=limits,
            headers={"Content-Type": _MEDIA, "Accept": f"{_MEDIA}, application/json"}, trust_env=False,
        )  # fmt: skip
        self._lock = threading.Lock()
        self._schemas: dict[int, dict[str, Any]] = {}
        self._unknown: dict[int, float] = {}
        self._ids: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def id_of(self, name: str) -> int:
        """Id of the newest version of a topic's schema (full or short topic name), or of any topic that carries the schema `name`.

        Raises RegistryError where the subject is not registered.
        """
        if name not in self._ids:
            topic = self._topic(name)
            answer = self._call("GET", f"subjects/{subject_of(topic.name)}/versions/latest", missing_is_none=True)
            if answer is None:
                raise RegistryError(f"registry: subject {subject_of(topic.name)} is not registered; run `nhip schemas register`")
            self._ids[name] = int(answer["id"])
        return self._ids[name]

    def schema(self, number: int) -> dict[str, Any]:
        """The schema with this id. Raises SchemaUnknown where the registry has none, RegistryError where it does not answer in time."""
        with self._lock:
            known = self._schemas.get(number)
            asked = self._unknown.get(number)
        if known is None and asked is not None and self._clock() - asked < UNKNOWN_SECONDS:
            raise SchemaUnknown(f"the registry has no schema with id {number}")
        if known is None:
            answer = self._call("GET", f"schemas/ids/{number}", missing_is_none=True)
            if answer is None:
                with self._lock:
                    if len(self._unknown) >= _UNKNOWN_LIMIT:
                        self._unknown.clear()
                    self._unknown[number] = self._clock()
                raise SchemaUnknown(f"the registry has no schema with id {number}")
            known = json.loads(answer["schema"])
            if not isinstance(known, dict):
                raise SchemaUnknown(f"schema id {number} is no record")
            with self._lock:
                self._schemas[number] = known
        return known

    def register(self, subject: str, schema: Schema, new: bool = False) -> Registration:
        """Set the subject's compatibility and register the schema; a second time changes nothing. Raises RegistryError where refused.

        `new`: the subject is known not to exist, which saves a question.
        """
        before = None if new else self._call("POST", f"subjects/{subject}", {"schema": schema.text}, missing_is_none=True)
        if before is not None:
            return Registration(subject, schema.name, int(before["id"]), created=False)
        # Before every new version, not once: somebody may have loosened the level by hand since.
        self._call("PUT", f"config/{subject}", {"compatibility": COMPATIBILITY})
        answer = self._call("POST", f"subjects/{subject}/versions", {"schema": schema.text})
        return Registration(subject, schema.name, int((answer or {})["id"]), created=True)

    def subjects(self) -> set[str]:
        """Every subject the registry knows."""
        return set(self._request("GET", "subjects"))

    def compatibility(self, subject: str) -> str:
        """The subject's compatibility level; empty where none is set."""
        answer = self._call("GET", f"config/{subject}", missing_is_none=True)
        return str((answer or {}).get("compatibilityLevel", ""))

    def _topic(self, name: str) -> Topic:
        topics = table()
        short = name.removeprefix(self._settings.topic_prefix)
        if short in topics and topics[short].schema:
            return topics[short]
        for topic in topics.values():
            if topic.schema == name:
                return topic
        raise RegistryError(f"registry: no topic and no schema is called {name}")

    def _call(self, method: str, path: str, body: Any = None, missing_is_none: bool = False) -> dict[str, Any] | None:
        found = self._request(method, path, body, missing_is_none)
        if found is not None and not isinstance(found, dict):
            raise RegistryError(f"registry: the answer to {method} {path} is no object; does the address end in /apis/ccompat/v7?")
        return found

    def _request(self, method: str, path: str, body: Any = None, missing_is_none: bool = False) -> Any:
        """One request, repeated while the registry does not answer or answers 5xx, until the deadline."""
        ends = self._clock() + self._deadline
        while True:
            try:
                response = self._http.request(method, path, content=None if body is None else json.dumps(body))
                trouble = f"HTTP {response.status_code}"
            except httpx.TransportError as error:
                response, trouble = None, type(error).__name__
            if response is not None and response.status_code < 500:
                return _answer(response, f"{method} {path}", missing_is_none)
            if self._clock() + _RETRY_SECONDS > ends:
                raise RegistryError(
                    f"registry at {self._settings.registry_url} does not answer {method} {path} ({trouble}, {self._deadline:.0f} s); "
                    "is it running? `nhip status`"
                )
            time.sleep(_RETRY_SECONDS)


def _answer(response: httpx.Response, what: str, missing_is_none: bool) -> Any:
    if response.status_code == 404 and missing_is_none:
        return None
    if response.status_code == 409:
        raise RegistryError(f"registry refuses {what}: not {COMPATIBILITY} with an earlier version; see schemas/README.md")
    if response.status_code >= 400:
        raise RegistryError(f"registry refuses {what}: HTTP {response.status_code}, {_message(response)}")
    try:
        return response.json()
    except ValueError as error:
        raise RegistryError(f"registry: the answer to {what} is not JSON; does the address end in /apis/ccompat/v7?") from error


def _message(response: httpx.Response) -> str:
    try:
        return str(response.json().get("message", ""))[:300]
    except (ValueError, AttributeError):
        return "no message"


def register_all(settings: Settings, topics: Iterable[Topic] | None = None, deadline_seconds: float = 30.0) -> list[Registration]:
    """Register the schema of every topic that has one, in the topic table's order. Idempotent; run at deployment, never by a process.

    Raises RegistryError naming the first subject that is refused.
    """
    wanted = [topic for topic in (topics if topics is not None else table().values()) if topic.schema]
    with Registry(settings, deadline_seconds) as registry, ThreadPoolExecutor(_WORKERS) as pool:
        known = registry.subjects()

        def register(topic: Topic) -> Registration:
            subject = subject_of(topic.name, settings.topic_prefix)
            return registry.register(subject, load(topic.schema), new=subject not in known)

        return list(pool.map(register, wanted))
