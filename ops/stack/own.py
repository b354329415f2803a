"""Our own processes: the environment that they get."""

from __future__ import annotations

import os
from collections.abc import Mapping

from pydantic import SecretStr

from transport.settings import Settings

PREFIX = "NHIP_"


def environment(settings: Settings, addresses: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with every setting as a variable, `addresses` over it: a child sees exactly these settings."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    variables |= {f"{PREFIX}{name.upper()}": text(getattr(settings, name)) for name in type(settings).model_fields}
    return variables | {f"{PREFIX}{name.upper()}": value for name, value in addresses.items()}


def text(value: object) -> str:
    """A setting as a variable of the environment."""
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
