"""One error type in ClickHouse's shape: a numeric code, its name and a message; and the HTTP status that ClickHouse gives each code."""

from __future__ import annotations

import re
from typing import Final

_CODE: Final = re.compile(r"Code: (\d+)\.")
_NAME: Final = re.compile(r"\(([A-Z][A-Z0-9_]+)\)(?: \(version [^)]*\))?\s*$")
_PREFIX: Final = re.compile(r"^.*?(?=Code: \d+\.)", re.DOTALL)
_HEADS: Final = re.compile(r"^(?:Code: \d+\. (?:DB::Exception: )?)+")
_VERSION: Final = re.compile(r" \(version [^)]*\)")
_FILE: Final = re.compile(r":? \(in file/uri /dev/fd/\d+\)|: While executing File|: data for INSERT was parsed from file")
"""What the engine says of the file that an insert's body was put into: the client knows of no file."""

_STATUS: Final[dict[int, int]] = {
    **dict.fromkeys((6, 26, 27, 36, 38, 41, 53, 62, 70, 72, 130, 321, 386, 457, 467), 400),
    194: 401,
    **dict.fromkeys((192, 193, 497, 516), 403),
    **dict.fromkeys((46, 47, 50, 60, 63, 73, 81, 115, 372, 511), 404),
    307: 413,
    48: 501,
    202: 503,
}
"""ClickHouse error code → HTTP status; every other code is 500 (ClickHouse: `exceptionCodeToHTTPStatus`)."""


class ServerError(Exception):
    """A refusal or failure to answer with. `message` is without the `Code: N. DB::Exception:` prefix and without the name."""

    def __init__(self, code: int, name: str, message: str) -> None:
        super().__init__(f"Code: {code}. DB::Exception: {message} ({name})")
        self.code = code
        self.name = name
        self.message = message

    @property
    def status(self) -> int:
        return _STATUS.get(self.code, 500)

    def body(self, version: str) -> str:
        """The response text a ClickHouse server of `version` would send, with its final newline."""
        return f"Code: {self.code}. DB::Exception: {self.message} ({self.name}) (version {version})\n"


def from_engine(problem: Exception) -> ServerError:
    """The engine's exception as a `ServerError`; text without a code becomes 1001 STD_EXCEPTION, never a lost error."""
    text = str(problem).strip()
    found = _CODE.search(text)
    if found is None:
        return ServerError(1001, "STD_EXCEPTION", text or type(problem).__name__)
    name = _NAME.search(text)
    message = _HEADS.sub("", _FILE.sub("", _VERSION.sub("", _PREFIX.sub("", text))))
    shown = name.group(1) if name else "UNKNOWN_EXCEPTION"
    while message.rstrip().endswith(f"({shown})"):
        message = message.rstrip().removesuffix(f"({shown})").rstrip()
    return ServerError(int(found.group(1)), shown, message)


def not_served(what: str, instead: str) -> ServerError:
    """Code 48 for a part of the interface that this endpoint leaves out; `instead` says what to do next."""
    return ServerError(48, "NOT_IMPLEMENTED", f"This endpoint does not serve {what}; {instead}")


def denied(what: str) -> ServerError:
    """Code 497 for what nobody may do over HTTP."""
    return ServerError(497, "ACCESS_DENIED", what)


def readonly(what: str) -> ServerError:
    """Code 164 for what a read-only user may not do."""
    return ServerError(164, "READONLY", what)


def syntax(what: str) -> ServerError:
    """Code 62 for a statement that cannot be read."""
    return ServerError(62, "SYNTAX_ERROR", what)


def too_many(what: str) -> ServerError:
    """Code 202, status 503: retry later."""
    return ServerError(202, "TOO_MANY_SIMULTANEOUS_QUERIES", what)
