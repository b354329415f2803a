"""Emergencies in words, Vietnamese first: a line each for the list, and the whole record of one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from indicators.emergency import DID_VI, STATES_VI, Emergency, Step, Taken
from indicators.numbers_vi import time_vi
from indicators.scenario import PHASES_VI, PILLARS, PILLARS_VI, ScenarioBook
from indicators.territory import COUNTRY
from indicators.vocabulary import Vocabulary

DRILL = "[DIỄN TẬP] "
MOST_NAMES = 8


def line(one: Emergency, scenarios: ScenarioBook) -> str:
    """One emergency in one line."""
    scenario, opening = scenarios.get(one.scenario), one.opening
    since = time_vi(opening.effective) if opening else "–"
    until = f", kết thúc {time_vi(one.closing.effective)}" if one.closing else ""
    state = f"đang mở, giai đoạn {PHASES_VI.get(one.phase, one.phase)}" if one.open else "đã kết thúc"
    name = scenario.name_vi if scenario else one.scenario
    return f"{one.id}  {DRILL if one.exercise else ''}{name}: {state}; từ {since}{until}; {len(one.units)} đơn vị"


def record(one: Emergency, scenarios: ScenarioBook, vocabulary: Vocabulary) -> Iterator[str]:
    """The record: who opened, widened, moved on, handed over, closed, and when; readiness by «bốn tại chỗ»."""
    scenario = scenarios.get(one.scenario)
    yield line(one, scenarios)
    if scenario is not None:
        yield f"Căn cứ / legal basis: {'; '.join(scenario.legal_basis)}"
    yield f"Địa bàn / area: {area(one, vocabulary)}"
    yield "Diễn biến / steps:"
    for taken in one.steps:
        yield f"  {time_vi(taken.effective)}  {told(taken.step)}{'' if taken.counts else '  (không có hiệu lực / changed nothing)'}"
    yield "Bốn tại chỗ / readiness:"
    for pillar in PILLARS:
        found = one.readiness.get(pillar)
        yield f"  {PILLARS_VI[pillar]}: {reported(found)}"


def told(step: Step) -> str:
    """What a step says."""
    parts = [f"{DID_VI[step.did]} – {step.actor}"]
    if step.phase:
        parts.append(f"giai đoạn {PHASES_VI[step.phase]}")
    if step.area:
        parts.append(f"{len(step.area.units)} đơn vị{' theo đường đi của bão' if step.area.track else ''}")
    if step.pillar:
        parts.append(f"{PILLARS_VI[step.pillar]}: {STATES_VI[step.state]}")
    if step.to:
        parts.append(f"giao cho {step.to}")
    if step.document:
        parts.append(f"văn bản {step.document}")
    return "; ".join([*parts, *([step.why] if step.why else [])])


def reported(taken: Taken | None) -> str:
    """The state of a pillar; «chưa báo cáo» where nobody has said."""
    if taken is None:
        return "chưa báo cáo / not reported"
    why = f" – {taken.step.why}" if taken.step.why else ""
    return f"{STATES_VI[taken.step.state]} ({taken.step.actor}, {time_vi(taken.effective)}){why}"


def area(one: Emergency, vocabulary: Vocabulary) -> str:
    """The area by provinces: whole ones by name, of others how many of their communes."""
    if COUNTRY in one.units:
        return "cả nước"
    whole = [code for code in one.units if (unit := vocabulary.territory(code)) is not None and unit.kind == "province"]
    parts = Counter(vocabulary.ancestor(code, "province") or code for code in one.units if code not in whole)
    names = [_name(vocabulary, code) for code in whole]
    names += [f"{_name(vocabulary, code)} ({count} xã, phường)" for code, count in parts.most_common() if code not in whole]
    return "; ".join(names[:MOST_NAMES]) + (f"; và {len(names) - MOST_NAMES} tỉnh nữa" if len(names) > MOST_NAMES else "")


def _name(vocabulary: Vocabulary, code: str) -> str:
    unit = vocabulary.territory(code)
    return unit.name_vi if unit else code
