"""The words of a ClickHouse statement, as bytes: enough to tell what a statement is and what it names, not a parser.

Comments are found here and left out of the text that reaches the engine, so that this reading and the engine's cannot disagree about what
a comment hides. For the same reason three rarities of the engine's lexer are refused: heredocs, typographic quotes outside of
strings, and NUL bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from ops.clickhouse.errors import syntax


class Kind(Enum):
    """What a token is."""

    WORD = "word"
    QUOTED = "quoted"
    STRING = "string"
    MARK = "mark"
    COMMENT = "comment"


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a statement. `text` is as written; `word` is lower-case, without quotes, and empty for strings and marks."""

    kind: Kind
    start: int
    end: int
    text: bytes

    @property
    def word(self) -> str:
        if self.kind is Kind.WORD:
            return self.text.decode("ascii").lower()
        if self.kind is Kind.QUOTED:
            return self.text[1:-1].decode("utf-8", "replace").lower()
        return ""

    def is_mark(self, mark: bytes) -> bool:
        return self.kind is Kind.MARK and self.text == mark

    def is_keyword(self, *keywords: str) -> bool:
        """Whether this is one of `keywords` (lower-case), unquoted."""
        return self.kind is Kind.WORD and self.word in keywords


class Unfinished(Exception):
    """A string, quoted name or comment does not end before the text does."""


_TOKEN: Final = re.compile(
    rb"""
      (?P<space>[\s]+)
    | (?P<comment>--[^\n]*|//[^\n]*|\#[\ !][^\n]*|/\*(?s:.*?)\*/)
    | (?P<string>'(?:[^'\\]|\\(?s:.)|'')*')
    | (?P<quoted>`(?:[^`\\]|\\(?s:.)|``)*`|"(?:[^"\\]|\\(?s:.)|"")*")
    | (?P<word>[A-Za-z0-9_][A-Za-z0-9_$]*)
    | (?P<heredoc>\$[A-Za-z0-9_]*\$)
    | (?P<open>/\*|['`"])
    | (?P<other>[\x80-\xff]+)
    | (?P<mark>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_TYPOGRAPHIC: Final = (b"\xe2\x80\x98", b"\xe2\x80\x99", b"\xe2\x80\x9c", b"\xe2\x80\x9d")
_KINDS: Final = {"comment": Kind.COMMENT, "string": Kind.STRING, "quoted": Kind.QUOTED, "word": Kind.WORD, "mark": Kind.MARK}


def tokens(source: bytes) -> Iterator[Token]:
    """The tokens of `source` one by one, comments among them. Raises `Unfinished`, or `ServerError` 62 for what is refused."""
    for found in _TOKEN.finditer(source):
        group = found.lastgroup or ""
        if group == "space":
            continue
        text = found.group()
        if group == "open":
            raise Unfinished(text.decode())
        if group == "heredoc":
            raise syntax("Heredoc strings ($$…$$) are not served by this endpoint; write the string in single quotes.")
        if group == "other":
            # Unicode spaces separate words for the engine too; other characters are its own error.
            if any(mark in text for mark in _TYPOGRAPHIC):
                raise syntax("Typographic quotes stand outside of a string; use ', ` or \".")
            continue
        if group == "mark" and text == b"\x00":
            raise syntax("The statement holds a NUL byte.")
        yield Token(_KINDS[group], found.start(), found.end(), text)
