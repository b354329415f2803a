"""Logs: one JSON object a line on stderr, of our own code and of every library, with secrets taken out.

Fields: `time` (UTC, ISO 8601), `level`, `process`, `logger`, `event` (a fixed phrase in English: what happened), and the place where known
(`topic`, `partition`, `offset`, `indicator`). Values of observations do not belong into a log.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final, TextIO

import structlog
from pydantic import SecretStr

from transport.seldom import Repeats

HIDDEN: Final = "***"
TELLS_ADDRESSES: Final = ("httpx", "httpcore", "urllib3")
"""Libraries that log each request with its address, which of a webhook or a gateway may itself be the secret: warnings only."""
REPEAT_THEMSELVES: Final = ("aiokafka", "faust", "mode")
"""Libraries whose every client tells of every attempt: 750 lines a second while a broker was away, just when it needs the processor."""
_SECRET_NAME: Final = re.compile(r"password|passwd|secret|token|authori[sz]ation|credential|signature|api_?key", re.IGNORECASE)
_USERINFO: Final = re.compile(r"(?<=://)[^/@\s:]+:[^/@\s]+(?=@)")
_ASSIGNED: Final = re.compile(r"((?:password|passwd|secret|token|api_?key)\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|[^\s,;]+)", re.IGNORECASE)
_AUTHORIZATION: Final = re.compile(r"((?:Basic|Bearer)\s+)[A-Za-z0-9+/=._~-]{8,}")

Event = MutableMapping[str, Any]


def setup(process: str, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send all logs of this process as JSON lines to `stream` (stderr). `level`: DEBUG, INFO, WARNING or ERROR (ValueError otherwise)."""
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ValueError(f"log level «{level}»: DEBUG, INFO, WARNING or ERROR is expected")
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _named(process),
    ]
    handler = logging.StreamHandler(stream or sys.stderr)
    render: list[structlog.typing.Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        redact,
        structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
    ]
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=render, foreign_pre_chain=shared))
    handler.addFilter(Repeats(*REPEAT_THEMSELVES))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    for name in TELLS_ADDRESSES:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level, *shared[:3], structlog.stdlib.PositionalArgumentsFormatter(), *shared[4:],
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )  # fmt: skip


def place(topic: str, partition: int | None = None, offset: int | None = None, indicator: str = "") -> dict[str, Any]:
    """The place of a message as log fields: `log.warning("refused", **place(topic, partition, offset))`; the unknown is left out."""
    known = {"topic": topic, "partition": partition, "offset": offset, "indicator": indicator or None}
    return {name: value for name, value in known.items() if value is not None}


def redact(_logger: object, _method: str, event: Event) -> Event:
    """Take secrets out: by a field's name at any depth, SecretStr anywhere, passwords inside texts (URLs, assignments, headers)."""
    for name, value in event.items():
        event[name] = _clean(name, value)
    return event


def _clean(name: str, value: Any) -> Any:
    if isinstance(value, SecretStr) or (name and _SECRET_NAME.search(name) and value not in (None, "")):
        return HIDDEN
    if isinstance(value, str):
        text = _USERINFO.sub(HIDDEN, value)
        return _AUTHORIZATION.sub(rf"\1{HIDDEN}", _ASSIGNED.sub(rf"\1{HIDDEN}", text))
    if isinstance(value, dict):
        return {key: _clean(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean("", inner) for inner in value]
    return value


def _named(process: str) -> structlog.typing.Processor:
    def add(_logger: object, _method: str, event: Event) -> Event:
        event["process"] = process
        return event

    return add
