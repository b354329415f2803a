"""Who may see what: territory × level of detail × clearance, and who may act. Enforced in the views of migration 0008, not on pages.

The documents ask for «the same indicator at different depth» (domain.md §6.3: leaders see totals, the agency's own leaders its parts) and
name neither roles nor classification levels: roles and their depths are defaults of ours, every account may have others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from indicators.territory import COUNTRY
from indicators.vocabulary import Vocabulary

Role = Literal["leader", "duty_officer", "analyst"]
TOTAL, BREAKDOWN, SUBJECT, RECORD = range(4)
DEPTH_OF: Final[dict[Role, int]] = {"leader": TOTAL, "duty_officer": SUBJECT, "analyst": RECORD}
MAY_ACT: Final[frozenset[Role]] = frozenset({"leader", "duty_officer"})
MAY_ISSUE: Final[frozenset[Role]] = frozenset({"leader"})
"""Who records that a request was issued, decides it, sends it back or withdraws it: a default, no document names the role."""


MAY_BACKTEST: Final[frozenset[Role]] = frozenset({"leader", "analyst"})
"""Who has a rule run over history, and stops a run: a default, no document names the role."""


@dataclass(frozen=True, slots=True)
class Access:
    """What one reader may see. `territories`: codes, `VN` the whole country; `depth` 0–3; `clearance`: highest access_level, 0–9;
    `may_act`: on alerts; `may_issue`: requests under a named authority; `may_backtest`: rules over history."""

    territories: tuple[str, ...]
    depth: int = TOTAL
    clearance: int = 0
    may_act: bool = False
    may_issue: bool = False
    may_backtest: bool = False

    @property
    def whole_country(self) -> bool:
        """Whether every territory is open."""
        return COUNTRY in self.territories

    def sees(self, territory: str, vocabulary: Vocabulary) -> bool:
        """Whether a unit lies in what the reader may see; unknown units never do."""
        if vocabulary.territory(territory) is None:
            return False
        return self.whole_country or territory in self.territories or vocabulary.ancestor(territory, "province") in self.territories

    def parameters(self) -> dict[str, Any]:
        """The values that every view of the board takes."""
        return {"territories": list(self.territories), "depth": self.depth, "clearance": self.clearance}


def depth_of(subject_type: str, has_dimensions: bool) -> int:
    """The level of detail of a row, as the views reckon it: stations are public."""
    if subject_type not in ("", "station"):
        return SUBJECT
    return BREAKDOWN if has_dimensions else TOTAL

