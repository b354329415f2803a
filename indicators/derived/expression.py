"""The expression of a derived indicator: text to syntax tree.

    sum     = product { ("+" | "-") product }
    product = factor { ("*" | "/") factor }
    factor  = "-" factor | number [ "{" unit "}" ] | name | function "(" sum { "," sum } ")" | "(" sum ")"

A name is the role of an operand. A number without a unit has none; `100{score}` is a hundred points of a score. Functions: `min`, `max`
(two or more arguments), `abs` (one). There is no other name and no way to call out: a formula is data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple, TypeAlias

Operator = Literal["+", "-", "*", "/"]
Function = Literal["min", "max", "abs"]

MAX_DEPTH = 40
"""Nesting a person can still read; deeper text is a mistake or an attack on the parser's stack."""
MAX_LENGTH = 1000
_TOKEN = re.compile(r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign>[-+*/(),{}])|(?P<bad>\S))")


class ExpressionError(ValueError):
    """An expression cannot be read, or its units do not fit. The message gives the place (from 1) and what was expected."""


@dataclass(frozen=True, slots=True)
class Number:
    """A literal, exact, in `unit` (empty: a pure number)."""

    value: Decimal
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Name:
    """The operand of this role."""

    role: str


@dataclass(frozen=True, slots=True)
class Binary:
    """Two sides joined by an operator."""

    operator: Operator
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Call:
    """A function of its arguments."""

    function: Function
    arguments: tuple[Node, ...]


Node: TypeAlias = Number | Name | Binary | Call


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


def parse(text: str) -> Node:
    """The tree of an expression. Raises ExpressionError naming the place."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"longer than {MAX_LENGTH} characters; split it into definitions that use each other")
    reader = _Reader(list(_tokens(text)), len(text))
    tree = reader.sum(0)
    reader.expect_end()
    return tree


def roles(node: Node) -> frozenset[str]:
    """The roles an expression names."""
    match node:
        case Number():
            return frozenset()
        case Name(role):
            return frozenset((role,))
        case Binary(_, left, right):
            return roles(left) | roles(right)
        case Call(_, arguments):
            return frozenset().union(*map(roles, arguments))


def _tokens(text: str) -> Iterator[_Token]:
    for found in _TOKEN.finditer(text):
        kind = found.lastgroup or ""
        if kind == "bad":
            raise ExpressionError(f"place {found.start('bad') + 1}: {found['bad']!r} is no part of an expression")
        yield _Token(kind, found[kind], found.start(kind) + 1)


class _Reader:
    """Recursive descent over the tokens."""

    def __init__(self, tokens: list[_Token], length: int) -> None:
        self._tokens = [*tokens, _Token("end", "", length + 1)]
        self._next = 0

    def sum(self, depth: int) -> Node:
        """`product { ± product }`, joined from the left."""
        node = self._product(depth)
        while self._sees("+", "-"):
            operator = self._take().text
            node = Binary("+" if operator == "+" else "-", node, self._product(depth))
        return node

    def expect_end(self) -> None:
        """Raises ExpressionError where text is left."""
        token = self._tokens[self._next]
        if token.kind != "end":
            raise ExpressionError(f"place {token.at}: an operator or the end is expected; found {token.text!r}")

    def _product(self, depth: int) -> Node:
        node = self._factor(depth)
        while self._sees("*", "/"):
            operator = self._take().text
            node = Binary("*" if operator == "*" else "/", node, self._factor(depth))
        return node

    def _factor(self, depth: int) -> Node:
        token = self._take()
        if depth > MAX_DEPTH:
            raise ExpressionError(f"place {token.at}: nested deeper than {MAX_DEPTH}; split the formula")
        if token.kind == "number":
            return Number(Decimal(token.text), self._unit())
        if token.kind == "name":
            return self._named(token, depth)
        if token.text == "-":
            return Binary("*", Number(Decimal(-1)), self._factor(depth + 1))
        if token.text == "(":
            node = self.sum(depth + 1)
            self._expect(")")
            return node
        raise ExpressionError(f"place {token.at}: a number, a role or ( is expected; found {token.text or 'the end'!r}")

    def _named(self, token: _Token, depth: int) -> Node:
        if not self._sees("("):
            return Name(token.text)
        self._take()
        arguments = [self.sum(depth + 1)]
        while self._sees(","):
            self._take()
            arguments.append(self.sum(depth + 1))
        self._expect(")")
        match token.text:
            case "min" | "max" if len(arguments) >= 2:
                return Call("min" if token.text == "min" else "max", tuple(arguments))
            case "abs" if len(arguments) == 1:
                return Call("abs", tuple(arguments))
        raise ExpressionError(f"place {token.at}: {token.text}({len(arguments)}): min and max of two or more, or abs of one, are expected")

    def _unit(self) -> str:
        if not self._sees("{"):
            return ""
        self._take()
        unit = self._take()
        if unit.kind != "name":
            raise ExpressionError(f"place {unit.at}: the code of a measure unit is expected; found {unit.text!r}")
        self._expect("}")
        return unit.text

    def _sees(self, *texts: str) -> bool:
        token = self._tokens[self._next]
        return token.kind == "sign" and token.text in texts

    def _take(self) -> _Token:
        token = self._tokens[self._next]
        if token.kind != "end":
            self._next += 1
        return token

    def _expect(self, text: str) -> None:
        token = self._take()
        if token.text != text:
            raise ExpressionError(f"place {token.at}: {text!r} is expected; found {token.text or 'the end'!r}")
