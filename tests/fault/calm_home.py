"""An installation whose rules have no storm limit: the harness makes a month of floods in a minute and counts every message.

That a storm becomes one summary is shown elsewhere (tests/alerts); here a limit of so many messages a minute would make what is told
depend on how fast the machine happens to be.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

from transport.settings import HOME

CALM: Final = {"limit": 1_000_000, "window": "PT1M"}


def calm_home(folder: Path) -> Path:
    """A root in `folder` with the catalogue of this one, rules without storms."""
    rules = folder / "catalogue" / "rules"
    rules.mkdir(parents=True)
    for path in (HOME / "catalogue").iterdir():
        if path.name != "rules":
            (folder / "catalogue" / path.name).symlink_to(path)
    for path in (HOME / "catalogue" / "rules").iterdir():
        if path.suffix != ".yaml":
            (rules / path.name).symlink_to(path)
            continue
        rule: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        (rules / path.name).write_text(yaml.safe_dump(rule | {"storm": CALM}, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return folder
