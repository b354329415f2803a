"""Options of a command as one dataclass instead of one parameter each: what belongs together is declared, checked and passed on together.

A field's annotation is what typer would read on a parameter (`Annotated[str, typer.Option(...)]`); its default is the option's. Dataclasses
may inherit, so that commands share groups of options. What several commands ask of a value stands here too: who acts, and whom it reaches.
"""

from __future__ import annotations

import getpass
import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from ops.stack.control import StackError

T = TypeVar("T")


def taking(options: type[T]) -> Callable[[Callable[[T], None]], Callable[..., None]]:
    """Make a function of one options object a function of its fields, as typer wants it. Fields without a default come first.

    Raises TypeError where `options` is no dataclass.
    """
    if not is_dataclass(options):
        raise TypeError(f"{options.__name__} is no dataclass")
    hints = get_type_hints(options, include_extras=True)
    parameters = [
        inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=_default(f), annotation=hints[f.name]) for f in fields(options)
    ]

    def made(function: Callable[[T], None]) -> Callable[..., None]:
        def command(**values: Any) -> None:
            function(options(**values))

        command.__name__, command.__doc__, command.__module__ = function.__name__, function.__doc__, function.__module__
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what inspect.signature looks for
        command.__annotations__ = hints
        return command

    return made


def _default(f: Field[Any]) -> Any:
    if f.default is not MISSING:
        return f.default
    return inspect.Parameter.empty if f.default_factory is MISSING else f.default_factory()


def check_recipient(home: Path, recipient: str) -> None:
    """Raises StackError where an office (`office@place`) or the head of an agency (`head@AGENCY`) is none that alerts can tell."""
    from alerts.offices import OfficeError, load_offices, unknown_recipient
    from indicators.vocabulary import Vocabulary

    try:
        wrong = unknown_recipient(recipient, load_offices(home), Vocabulary.load(home))
    except OfficeError as error:
        raise StackError(str(error)) from error
    if wrong:
        raise StackError(wrong)


def acting(by: str) -> str:
    """Who does it: the name given with --by, otherwise the account that runs the command."""
    return by.strip() or getpass.getuser()
