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


def calm_home(folder: Path, *, silence: bool = True) -> Path:
    """A root in `folder` with the catalogue of this one, rules without storms. `silence`: those that watch for it too, which speak of the
    time that passes and not of the load.
    """
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
        if rule["kind"] == "absence" and not silence:
            continue
        (rules / path.name).write_text(yaml.safe_dump(rule | {"storm": CALM}, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return folder


def narrow_home(folder: Path) -> Path:
    """The same with two mistakes in the catalogue: river levels above 7 m and customs lines above 9,900,000 USD are refused."""
    path = calm_home(folder) / "catalogue" / "series.yaml"
    text = path.read_text("utf-8")
    path.unlink()
    for right, wrong in (('maximum: "1000", status: decided, note: over the gauge', 'maximum: "7", status: decided, note: over the gauge'),
                         ('minimum: "0", maximum: "100000000000", period_types: [day, instant]',
                          'minimum: "0", maximum: "9900000", period_types: [day, instant]')):  # fmt: skip
        if text.count(right) != 1:
            raise ValueError(f"catalogue/series.yaml has no single «{right}»")
        text = text.replace(right, wrong)
    path.write_text(text, "utf-8")
    return folder
