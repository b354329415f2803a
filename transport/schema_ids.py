"""What the readers need from a registry: the writer's schema of an id."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Resolver = Callable[[int], dict[str, Any]]
"""Schema id → writer's schema as parsed JSON; raises SchemaUnknown."""


class SchemaUnknown(LookupError):
    """The registry has no schema with this id."""
