"""Fixtures and guards of all tests: no network but loopback, no variables of the developer's environment, the real parts of the stack."""

from __future__ import annotations

pytest_plugins = ("tests.fixtures.logs", "tests.fixtures.network", "tests.fixtures.parallel", "tests.fixtures.stack")
