"""What a wheel would hold: every file that a module reads beside itself is named in pyproject.toml."""

from __future__ import annotations

import tomllib

from transport.settings import HOME

PACKAGES = ("indicators", "transport", "producers", "stream_processors", "alerts", "sinks", "dashboards", "ops")


def test_every_file_beside_the_modules_is_named_as_package_data() -> None:
    named = tomllib.loads((HOME / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["package-data"]
    held = {path for package, globs in named.items() for glob in globs for path in (HOME / package.replace(".", "/")).glob(glob)}
    beside = {
        path
        for package in PACKAGES
        for path in (HOME / package).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc") and "__pycache__" not in path.parts
    }
    assert len(beside) > 60
    assert sorted(str(path.relative_to(HOME)) for path in beside - held) == []
    assert all((HOME / package.replace(".", "/")).is_dir() for package in named)
