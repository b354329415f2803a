"""What a statement is: its verb, its output format, where its data begins, and its text as the engine shall get it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from ops.clickhouse.errors import syntax
from ops.clickhouse.tokens import Kind, Token, Unfinished, tokens


class Shape(Enum):
    """How a statement is run."""

    SELECT = "select"
    """Gives rows, can be streamed."""
    INSERT_DATA = "insert data"
    """Takes rows from the request's body."""
    SHOW = "show"
    """Gives few rows: SHOW, DESCRIBE, EXISTS, EXPLAIN, CHECK."""
    SESSION = "session"
    """Changes the session: SET, USE, CREATE TEMPORARY …"""
    KILL = "kill"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. `text` has no comments, no final `;` and no FORMAT clause.

    Of an INSERT that takes data, `settings` is its SETTINGS clause, which is not in `text`: where the rows come from is said between the
    two. `data_at`: where its data begins in the source.
    """

    shape: Shape
    verb: str
    text: bytes
    format: str | None
    words: tuple[Token, ...]
    data_at: int | None = None
    settings: bytes = b""


_SHOW: Final = ("show", "describe", "desc", "exists", "explain", "check")
_SELECT: Final = ("select", "with", "from", "values")
_INLINE_SPACE: Final = b" \t\f\v"


def parse_insert(source: bytes) -> Statement | None:
    """`source` begins an INSERT that takes data: its head. None for any other statement, or if the head does not end in `source`."""
    try:
        return _insert_head(source)
    except Unfinished:
        return None


def parse(source: bytes) -> Statement:
    """The one statement in `source`. Raises `ServerError` 62: empty, several statements, or an unfinished string, name or comment."""
    try:
        every = list(tokens(source))
    except Unfinished as unfinished:
        raise syntax(f"The statement ends inside of {unfinished.args[0]}…: a string, quoted name or comment is not closed.") from None
    words = _single([t for t in every if t.kind is not Kind.COMMENT])
    clause = _format_clause(words)
    drop = [t for t in every if t.kind is Kind.COMMENT]
    if clause is not None:
        drop.append(Token(Kind.COMMENT, clause[0].start, clause[1].end, b""))
    text = _without(source[: words[-1].end], drop)
    verb = next((t.word for t in words if not t.is_mark(b"(")), "")
    return Statement(_shape(verb, words), verb, text, clause[1].text.decode() if clause else None, tuple(words))


def _single(words: list[Token]) -> list[Token]:
    while words and words[-1].is_mark(b";"):
        words.pop()
    if not words:
        raise syntax("Empty query: send a statement in the body or in the parameter query.")
    if any(t.is_mark(b";") for t in words):
        raise syntax("Multi-statements are not allowed: send one statement per request.")
    return words


def _shape(verb: str, words: list[Token]) -> Shape:
    if verb in _SELECT:
        return Shape.SELECT
    if verb in _SHOW:
        return Shape.SHOW
    if verb == "kill":
        return Shape.KILL
    if verb in ("set", "use") or (verb == "create" and any(t.is_keyword("temporary") for t in words[1:4])):
        return Shape.SESSION
    return Shape.OTHER


def _format_clause(words: list[Token]) -> tuple[Token, Token] | None:
    """The last FORMAT <name> outside of brackets, at the end of the statement or before its SETTINGS."""
    depth = 0
    found: tuple[Token, Token] | None = None
    for i, token in enumerate(words):
        if token.kind is Kind.MARK:
            depth += (token.text in b"([{") - (token.text in b")]}")
        elif depth == 0 and i and token.is_keyword("format") and i + 1 < len(words) and words[i + 1].kind is Kind.WORD:
            following = words[i + 2] if i + 2 < len(words) else None
            if following is None or following.is_keyword("settings"):
                found = (token, words[i + 1])
    return found


def _without(source: bytes, drop: list[Token]) -> bytes:
    """`source` with a space in place of each dropped stretch."""
    parts: list[bytes] = []
    at = 0
    for token in sorted(drop, key=lambda t: t.start):
        if token.start >= len(source):
            break
        parts += [source[at : token.start], b" "]
        at = max(at, token.end)
    return b"".join([*parts, source[at:]]).strip()


def _insert_head(source: bytes) -> Statement | None:
    words: list[Token] = []
    comments: list[Token] = []
    depth = 0
    for token in tokens(source):
        if token.kind is Kind.COMMENT:
            comments.append(token)
            continue
        words.append(token)
        if len(words) == 1 and not token.is_keyword("insert"):
            return None
        if token.kind is Kind.MARK:
            depth += token.is_mark(b"(") - token.is_mark(b")")
        if depth or len(words) <= _target_words(words):
            continue
        if token.is_keyword("select", "with"):
            return None
        if len(words) > _target_words(words) + 1 and words[-2].is_keyword("format") and token.kind is Kind.WORD:
            if token.end == len(source):
                raise Unfinished("FORMAT")
            return _insert(source, words, comments, words[:-2], token.text.decode(), token.end)
        if token.is_keyword("values"):
            return _insert(source, words, comments, words[:-1], "Values", token.end)
    return None


def _target_words(words: list[Token]) -> int:
    """How many tokens of INSERT INTO [TABLE] name belong to the verb and the name, so that a table named `values` is not a clause."""
    n = 2 if len(words) > 1 and words[1].is_keyword("into") else 1
    n += len(words) > n and words[n].is_keyword("table", "function")
    n += 1
    while len(words) > n and words[n].is_mark(b"."):
        n += 2
    return n


def _insert(source: bytes, words: list[Token], comments: list[Token], kept: list[Token], fmt: str, data_at: int) -> Statement:
    end = kept[-1].end
    at = _settings_at(kept) or end
    text, settings = _without(source[:at], comments), _without(source[:end], [*comments, Token(Kind.COMMENT, 0, at, b"")])
    return Statement(Shape.INSERT_DATA, "insert", text, fmt, tuple(words), _data_start(source, data_at), settings)


def _settings_at(words: list[Token]) -> int | None:
    """Where the SETTINGS clause of an INSERT's head begins: behind the name and outside of the columns' brackets."""
    depth = 0
    target = _target_words(words)
    for i, token in enumerate(words):
        if token.kind is Kind.MARK:
            depth += token.is_mark(b"(") - token.is_mark(b")")
        elif not depth and i >= target and token.is_keyword("settings"):
            return token.start
    return None


def _data_start(source: bytes, at: int) -> int:
    """Data begins after spaces, an optional `;` and one line end: what follows belongs to the rows (ClickHouse: `ParserInsertQuery`)."""
    n = len(source)
    if source[at : at + 1] == b";":
        at += 1
    while at < n and source[at] in _INLINE_SPACE:
        at += 1
    if source[at : at + 1] == b"\r":
        at += 1
    return at + 1 if source[at : at + 1] == b"\n" else at


def complete_insert(source: bytes) -> Statement | None:
    """As `parse_insert` for a source that is all there is: an INSERT whose FORMAT name ends the text has no data."""
    head = parse_insert(source + b"\n")
    return None if head is None else replace(head, data_at=min(head.data_at or 0, len(source)))
