"""What may run: nothing that reaches the host's files, processes or network, and for a read-only account nothing but reading.

The engine enforces `readonly` itself; this second fence stands before it because the engine in this process has the host's files under its
hands. Table functions and engines are allowed by name out of the engine's own catalogue (`system.table_functions`,
`system.table_engines`), so that one a later version brings is refused until somebody has looked at it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ops.clickhouse.errors import ServerError, denied, readonly, syntax
from ops.clickhouse.statement import Shape, Statement
from ops.clickhouse.tokens import Kind, Token, tokens

_SAFE_TABLE_FUNCTIONS: Final = frozenset({
    "dictionary", "format", "fuzzjson", "fuzzquery", "generate_series", "generaterandom", "generateseries", "input", "merge",
    "mergetreeanalyzeindexes", "mergetreeanalyzeindexesuuid", "mergetreecodecblockcounts", "mergetreeindex", "mergetreeprojection",
    "mergetreetextindex", "null", "numbers", "numbers_mt", "primes", "prometheusquery", "prometheusqueryrange", "sqlstandardvalues",
    "timeseriesdata", "timeseriesmetricfamilies", "timeseriesmetrics", "timeseriessamples", "timeseriesselector", "timeseriestags",
    "values", "view", "viewexplain", "viewifpermitted", "zeros", "zeros_mt",
})  # fmt: skip
_HOST_FUNCTIONS: Final = frozenset({
    "aiclassify", "aiembed", "aiextract", "aifilter", "aigenerate", "airedact", "aisimilarity", "aitranslate", "catboostevaluate",
    "disk", "file", "hascolumnintable", "reversednsquery",
})  # fmt: skip
_SAFE_ENGINES: Final = frozenset({
    "aggregatingmergetree", "alias", "atomic", "buffer", "coalescingmergetree", "collapsingmergetree", "dictionary", "fuzzjson",
    "fuzzquery", "generaterandom", "graphitemergetree", "join", "log", "materializedview", "memory", "merge", "mergetree", "null",
    "replacingmergetree", "replicatedaggregatingmergetree", "replicatedcoalescingmergetree", "replicatedcollapsingmergetree",
    "replicatedgraphitemergetree", "replicatedmergetree", "replicatedreplacingmergetree", "replicatedsummingmergetree",
    "replicatedversionedcollapsingmergetree", "set", "stripelog", "summingmergetree", "timeseries", "tinylog",
    "versionedcollapsingmergetree", "view",
})  # fmt: skip
_REFUSED_VERBS: Final = frozenset({
    "attach", "backup", "begin", "commit", "detach", "execute", "grant", "move", "restore", "revoke", "rollback", "system",
    "transaction",
})  # fmt: skip
_READER_VERBS: Final = frozenset({
    "check", "desc", "describe", "exists", "explain", "from", "select", "set", "show", "use", "values", "with",
})  # fmt: skip
_PROTECTED: Final = frozenset({
    "allow_ddl", "max_memory_usage_for_user", "max_untracked_memory", "output_format_schema", "readonly",
})  # fmt: skip
OVERLAY: Final = "default"
_PROTECTED_PREFIXES: Final = ("allow_experimental_eval", "format_schema", "format_template_")


@dataclass(frozen=True, slots=True)
class Guard:
    """The fence of one engine. Names are lower-case."""

    refused_functions: frozenset[str]
    refused_engines: frozenset[str]
    query_memory_bytes: int

    @classmethod
    def of(cls, table_functions: Iterable[str], engines: Iterable[str], query_memory_bytes: int) -> Guard:
        """From the names in the engine's catalogue; `query_memory_bytes` is the most that a statement may set for itself."""
        functions = {n.lower() for n in table_functions} - _SAFE_TABLE_FUNCTIONS
        return cls(frozenset(functions | _HOST_FUNCTIONS), frozenset({n.lower() for n in engines} - _SAFE_ENGINES), query_memory_bytes)

    def check(self, statement: Statement, params: Mapping[str, str], *, reads_only: bool) -> None:
        """`params` are the request's query parameters.

        Raises `ServerError`: 497 for what nobody may do, 452 for a protected setting, 164 for what a read-only account may not do.
        """
        words, verb = statement.words, statement.verb
        if verb in _REFUSED_VERBS:
            raise denied(f"{verb.upper()} statements are not allowed over HTTP here.")
        if reads_only and (verb not in _READER_VERBS or any(t.is_keyword("temporary") for t in words[:4])):
            raise readonly(f"Cannot execute {verb.upper()} in readonly mode: this user may SELECT, SHOW, DESCRIBE, EXPLAIN, SET, USE.")
        if statement.shape is not Shape.INSERT_DATA or any(t.is_keyword("function") for t in words[:4]):
            # The columns of an INSERT may have any name: there is nothing to call in its head but INSERT INTO FUNCTION.
            self.check_calls(words)
        _check_files(words)
        _check_overlay(words, params)
        if verb in ("create", "replace", "alter"):
            self._check_engines(words)
        if verb == "set" or any(t.is_keyword("settings", "setting") for t in words):
            self._check_assignments(words)

    def check_settings(self, settings: Mapping[str, str]) -> None:
        """The same for settings that stand in the URL."""
        for name, value in settings.items():
            self._check_setting(name.lower(), value)

    def check_columns(self, structure: str) -> None:
        """The columns of a table that comes with a request: a list and nothing behind it, and no refused function in a DEFAULT.

        Raises `ServerError` 62 or 497.
        """
        words = list(tokens(structure.encode("utf-8", "surrogateescape")))
        depth = 0
        for token in words:
            depth += token.is_mark(b"(") - token.is_mark(b")")
            if depth < 0 or token.kind is Kind.COMMENT or token.is_mark(b";"):
                raise syntax(f"The structure {structure!r} of an external table must be a list of columns: name type, name type, …")
        self.check_calls(words)

    def check_calls(self, words: Sequence[Token]) -> None:
        """No refused function is called or handed to another function: `file(…)`, `arrayMap(file, …)`, `APPLY file`."""
        for i, token in enumerate(words):
            if token.kind is Kind.QUOTED and b"\\" in token.text:
                raise denied(f"The quoted name {_shown(token)} holds a backslash, which is not served here; write the name plainly.")
            if token.word not in self.refused_functions:
                continue
            before = words[i - 1] if i else None
            after = words[i + 1] if i + 1 < len(words) else None
            called = after is not None and after.is_mark(b"(")
            first = before is not None and before.is_mark(b"(") and after is not None and (after.is_mark(b",") or after.is_mark(b")"))
            if called or (before is not None and before.is_keyword("apply")) or (first and token.word in _HOST_FUNCTIONS):
                raise denied(f"{_shown(token)} reaches the host's files, processes or network and is not allowed over HTTP here.")

    def _check_engines(self, words: Sequence[Token]) -> None:
        for i, (token, after) in enumerate(itertools.pairwise(words)):
            rest = words[i + 2 :]
            if token.is_keyword("engine"):
                named = rest[0] if after.is_mark(b"=") and rest else after
                unknown = after.is_mark(b"=") and named.word and named.word not in _SAFE_ENGINES
                if unknown or named.word in self.refused_engines:
                    raise denied(f"The engine {_shown(named)} reaches outside of this endpoint; use the MergeTree family.")
            foreign = rest and (rest[0].word not in ("clickhouse", "null") or any(t.is_keyword("host") for t in rest))
            if token.is_keyword("source") and after.is_mark(b"(") and foreign:
                raise denied("A dictionary may only read this endpoint's own tables: SOURCE(CLICKHOUSE(TABLE …)) without HOST.")
            if token.is_keyword("named") and after.is_keyword("collection"):
                raise denied("Named collections hold credentials of other systems and are not allowed over HTTP here.")

    def _check_assignments(self, words: Sequence[Token]) -> None:
        for token, mark, value in zip(words, words[1:], words[2:], strict=False):
            if mark.is_mark(b"=") and token.word:
                self._check_setting(token.word, value.text.decode("utf-8", "replace").strip("'"))

    def _check_setting(self, name: str, value: str) -> None:
        if name == "max_memory_usage":
            if not value.isdecimal() or not 0 < int(value) <= self.query_memory_bytes:
                raise _constraint(name, f"between 1 and {self.query_memory_bytes} bytes, given as a whole number")
        elif name in _PROTECTED or name.startswith(_PROTECTED_PREFIXES):
            raise _constraint(name, "left as it is: the endpoint sets it itself")


def _check_files(words: Sequence[Token]) -> None:
    for token, after in itertools.pairwise(words):
        if (token.word, after.word) in (("into", "outfile"), ("from", "infile")):
            raise denied(f"{token.word.upper()} {after.word.upper()} reaches the host's files and is not allowed over HTTP; use the body.")


def _check_overlay(words: Sequence[Token], params: Mapping[str, str]) -> None:
    """chDB's database `default` is an overlay in which a table's name can be a path of the host, so nobody gets there."""
    for i, token in enumerate(words):
        after = words[i + 1] if i + 1 < len(words) else None
        if token.word == OVERLAY and (
            (after is not None and after.is_mark(b".")) or (i and words[i - 1].is_keyword("database", "use")) or words[0].is_keyword("use")
        ):
            raise overlay()
        if token.is_keyword("identifier") and i > 1 and words[i - 1].is_mark(b":"):
            value = params.get(words[i - 2].text.decode("utf-8", "replace"), "")
            if "/" in value or "`" in value or value.split(".")[0].strip(' "').lower() == OVERLAY:
                raise overlay()


def overlay() -> ServerError:
    """Code 497: somebody asks for the database `default`."""
    return denied("The database default is not served: name another one in the parameter database, or leave it out.")


def _constraint(name: str, wanted: str) -> ServerError:
    return ServerError(452, "SETTING_CONSTRAINT_VIOLATION", f"Setting {name} must be {wanted}.")


def _shown(token: Token) -> str:
    return token.text.decode("utf-8", "replace")
