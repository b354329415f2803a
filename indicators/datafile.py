"""Data files of `catalogue/`: read YAML strictly, validate with pydantic, and name file, line and field of whatever is wrong.

A file that is wrong is refused as a whole: a half-read vocabulary would let bad input look unknown, or unknown input look good.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from indicators import parsed_file


class DataFileError(ValueError):
    """A file of the catalogue is wrong. The message names the file, the line where it can be told, the field, and what was expected."""

    def __init__(self, path: Path, problem: str, *, line: int | None = None, field: str = "") -> None:
        place = f"{_short(path)}:{line}" if line else _short(path)
        super().__init__(f"{place}: {field}: {problem}" if field else f"{place}: {problem}")
        self.path, self.line, self.field, self.problem = path, line, field, problem


class Row(BaseModel):
    """Base of every record read from a data file: frozen, unknown keys refused (a misspelt key would be a silent default)."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Read = TypeVar("Read", bound=BaseModel)


class _StrictLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The safe loader, in C where it is built in; a key given twice is an error, not the last one's victory."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        if len(mapping) != len(node.value):
            keys = [key.value for key, _ in node.value]
            twice = sorted({k for k in keys if keys.count(k) > 1})
            raise yaml.constructor.ConstructorError(None, None, f"key given twice: {', '.join(twice)}", node.start_mark)
        return mapping


def read_yaml(path: Path) -> Any:
    """The content of one YAML file. Raises DataFileError where the file is missing, not UTF-8, not YAML, or repeats a key."""
    return parse_yaml(path, read_bytes(path))


def read_bytes(path: Path) -> bytes:
    """The bytes of one file. Raises DataFileError where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as e:
        raise DataFileError(path, f"cannot be read ({e.strerror}); restore the file from the release") from e


def parse_yaml(path: Path, content: bytes) -> Any:
    """What `content`, read from `path`, says. Raises DataFileError where it is not UTF-8, not YAML, or repeats a key."""
    known, parsed = parsed_file.recall(path, content)
    if known:
        return parsed
    try:
        parsed = yaml.load(content, _StrictLoader)
    except yaml.MarkedYAMLError as e:
        line = e.problem_mark.line + 1 if e.problem_mark else None
        raise DataFileError(path, f"not valid YAML: {e.problem or 'syntax error'}; correct the line", line=line) from e
    except (yaml.YAMLError, UnicodeDecodeError) as e:
        raise DataFileError(path, "not UTF-8 YAML; save the file as UTF-8 text") from e
    parsed_file.keep(path, content, parsed)
    return parsed


def read_rows(path: Path, key: str, model: type[Read]) -> Iterator[Read]:
    """The records of the list `key` of one file, each judged when it is taken. Raises DataFileError: for the file at once, for a record
    in its turn."""
    rows = list_of(path, read_yaml(path), key)
    return (row_of(path, entry, model, (key, index)) for index, entry in enumerate(rows))


def list_of(path: Path, content: Any, key: str) -> list[Any]:
    """The list `key` of a file's content. Raises DataFileError where there is none."""
    if not isinstance(content, dict) or not isinstance(content.get(key), list):
        raise DataFileError(path, f"expected a mapping with a list `{key}`")
    found: list[Any] = content[key]
    return found


def row_of(path: Path, entry: Any, model: type[Read], where: tuple[str | int, ...] = ()) -> Read:
    """One record, which stands at `where` in the file. Raises DataFileError."""
    try:
        return model.model_validate(entry)
    except ValidationError as error:
        refuse(path, error, where)


def wrong(path: Path, where: tuple[str | int, ...], problem: str) -> DataFileError:
    """The error that says what is wrong at a place of a YAML file, with its line."""
    return DataFileError(path, problem, line=line_of(path, where), field=".".join(map(str, where)))


def refuse(path: Path, error: ValidationError, prefix: tuple[str | int, ...] = ()) -> NoReturn:
    """Raise the first problem of a pydantic error as DataFileError, with the line of its place in the YAML file."""
    first = error.errors()[0]
    where = (*prefix, *first["loc"])
    field = ".".join(str(part) for part in where)
    problem = f"{first['msg']} ({error.error_count()} problem(s) in this record)"
    raise DataFileError(path, problem, line=line_of(path, where), field=field) from error


def line_of(path: Path, where: Iterable[str | int]) -> int | None:
    """Line (from 1) of the deepest part of `where` that exists in a YAML file; None where the file is not YAML."""
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=_StrictLoader)
    except (OSError, ValueError, yaml.YAMLError):
        return None
    line = None
    for part in where:
        node = _child(node, part)
        if node is None:
            return line
        line = node.start_mark.line + 1
    return line


def _child(node: yaml.Node | None, part: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        child: yaml.Node = node.value[part]
        return child
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == str(part)), None)
    return None


def _short(path: Path) -> str:
    """The path from `catalogue/` on: messages never show where the installation lies."""
    parts = path.parts
    return "/".join(parts[parts.index("catalogue"):]) if "catalogue" in parts else path.name
