"""Charts as SVG written on the server: sharp at every size, no script, colours from the style sheet, every figure also in a table.

Coordinates are those of the picture (viewBox); a point's `label` is its tooltip and what a screen reader says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from markupsafe import Markup, escape

SIZES = {"broad": (1180.0, 300.0), "narrow": (380.0, 260.0)}
"""Each chart is drawn for a desk and for a phone; the style sheet shows one."""
LEFT, RIGHT, TOP, BOTTOM = 84.0, 12.0, 14.0, 30.0
SPARK_WIDTH, SPARK_HEIGHT = 120.0, 34.0
TICKS = 4


@dataclass(frozen=True, slots=True)
class Point:
    """One period: `value` None is a gap in the line; `path` the plan's path there; `then` the value known at an earlier moment.

    A coming period has `expected` within `low` … `high` and no value. `time`: the period as SDMX writes it.
    """

    label: str
    tick: str
    value: Decimal | None
    text: str = ""
    path: Decimal | None = None
    then: Decimal | None = None
    expected: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    time: str = ""

    def known(self) -> list[Decimal]:
        """Every value that a chart must have room for."""
        return [v for v in (self.value, self.path, self.then, self.expected, self.low, self.high) if v is not None]


def sparkline(values: Sequence[Decimal | None], title: str) -> Markup:
    """A small line of the newest values, its last point marked; empty where fewer than two are known."""
    known = [v for v in values if v is not None]
    if len(known) < 2:
        return Markup("")
    low, high = min(known), max(known)
    spread = high - low or Decimal(1)
    step = (SPARK_WIDTH - 8) / max(len(values) - 1, 1)
    points = [(4 + i * step, 4 + (SPARK_HEIGHT - 8) * float(1 - (v - low) / spread)) for i, v in enumerate(values) if v is not None]
    x, y = points[-1]
    return Markup(
        f'<svg class="spark" viewBox="0 0 {SPARK_WIDTH:g} {SPARK_HEIGHT:g}" role="img" aria-label="{escape(title)}">'
        f'<polyline points="{_joined(points)}"/><circle cx="{x:.1f}" cy="{y:.1f}" r="3"/></svg>'
    )


def nice_step(span: Decimal) -> Decimal:
    """A step of 1, 2, 2.5 or 5 × 10^n that parts `span` into about TICKS steps."""
    rough = span / TICKS
    size = Decimal(1).scaleb(rough.adjusted())
    return next(size * m for m in (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10)) if size * m >= rough)


def line_chart(points: Sequence[Point], title: str, axis: Sequence[str] = (), bars: bool = False) -> Markup:
    """A line (or bars) over periods with the plan's path dashed and what was known earlier dotted. `axis`: texts of the ticks 0…n.

    Empty where no value is known. The scale begins at zero, or below it where a value is negative.
    """
    known = [v for p in points for v in p.known()]
    if not known:
        return Markup("")
    return Markup("").join(_Frame(name, points, known).drawn(title, axis, bars) for name in SIZES)


class _Frame:
    """One size of a chart: where values and periods lie."""

    def __init__(self, name: str, points: Sequence[Point], known: Sequence[Decimal]) -> None:
        self.name, self.points = name, points
        self.width, self.height = SIZES[name]
        self.low, self.high, _ = axis_of(known)
        self.across = (self.width - LEFT - RIGHT) / max(len(points), 1)
        self.down = self.height - TOP - BOTTOM

    def at(self, i: int, value: Decimal) -> tuple[float, float]:
        """Pixels of a value in the i-th period."""
        return LEFT + self.across * (i + 0.5), TOP + self.down * float(1 - (value - self.low) / (self.high - self.low))

    def drawn(self, title: str, axis: Sequence[str], bars: bool) -> Markup:
        """The picture."""
        paths = [self.at(i, p.path) for i, p in enumerate(self.points) if p.path is not None]
        then = [self.at(i, p.then) for i, p in enumerate(self.points) if p.then is not None]
        marks = [(p, self.at(i, p.value)) for i, p in enumerate(self.points) if p.value is not None]
        parts = [self._grid(axis), self._ticks(), self._outlook()]
        if bars:
            zero = self.at(0, max(self.low, Decimal(0)))[1]
            parts += [_bar(p, x, y, zero, self.across) for p, (x, y) in marks]
        parts += [_line(kind, places) for kind, places in (("path", paths), ("then", then)) if places]
        if not bars:
            parts.append(_line("actual", [place for _, place in marks]))
            parts += [f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="4">{_tip(p)}</circle>' for p, (x, y) in marks]
        head = f'<svg class="chart {self.name}" viewBox="0 0 {self.width:g} {self.height:g}" role="img" aria-label="{escape(title)}">'
        return Markup(f"{head}{''.join(parts)}</svg>")

    def _outlook(self) -> str:
        """The band of the forecast and the line within it, begun at the newest value."""
        coming = [(i, p.low, p.expected, p.high) for i, p in enumerate(self.points) if p.expected is not None]
        if not coming:
            return ""
        begun = [(i, p.value, p.value, p.value) for i, p in enumerate(self.points) if p.value is not None][-1:]
        known = [(i, low, mid, high) for i, low, mid, high in [*begun, *coming] if low is not None and mid is not None and high is not None]
        low_line = [self.at(i, low) for i, low, _, _ in known]
        middle = [self.at(i, mid) for i, _, mid, _ in known]
        high_line = [self.at(i, high) for i, _, _, high in known]
        return f'<polygon class="band" points="{_joined([*high_line, *reversed(low_line)])}"/>{_line("ahead", middle)}'

    def _grid(self, axis: Sequence[str]) -> str:
        n, lines = max(len(axis) - 1, 1), []
        for i, text in enumerate(axis):
            y = TOP + self.down * (1 - i / n)
            lines.append(f'<line class="grid" x1="{LEFT:g}" x2="{self.width - RIGHT:g}" y1="{y:.1f}" y2="{y:.1f}"/>')
            lines.append(f'<text class="axis" x="{LEFT - 8:g}" y="{y + 4:.1f}">{escape(text)}</text>')
        return "".join(lines)

    def _ticks(self) -> str:
        """As many labels below the axis as have room, the last one always."""
        every = -(-len(self.points) // max(int((self.width - LEFT) / 46), 1))
        shown = [(i, p) for i, p in enumerate(self.points) if (len(self.points) - 1 - i) % every == 0]
        y = self.height - 10
        return "".join(f'<text class="tick" x="{LEFT + self.across * (i + 0.5):.1f}" y="{y:g}">{escape(p.tick)}</text>' for i, p in shown)


def axis_of(known: Sequence[Decimal]) -> tuple[Decimal, Decimal, Decimal]:
    """(lowest, highest, step) of the axis, in whole steps: from zero unless a value lies below."""
    low, high = min(*known, Decimal(0)), max(*known, Decimal(0))
    step = nice_step((high - low) or Decimal(1))
    # Decimal's // cuts towards zero: a scale needs floor and ceiling.
    low, high = (low / step).to_integral_value(ROUND_FLOOR) * step, (high / step).to_integral_value(ROUND_CEILING) * step
    return low, high if high > low else low + step, step


def ticks(known: Sequence[Decimal]) -> list[Decimal]:
    """The values at the lines of the grid, lowest first."""
    low, high, step = axis_of(known)
    return [low + step * i for i in range(int((high - low) / step) + 1)]


def _line(kind: str, places: Sequence[tuple[float, float]]) -> str:
    return f'<polyline class="{kind}" points="{_joined(places)}"/>'


def _bar(point: Point, x: float, y: float, zero: float, across: float) -> str:
    width = min(across * 0.62, 44)
    top, height = min(y, zero), max(abs(zero - y), 1)
    box = f'x="{x - width / 2:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" rx="2"'
    return f'<rect class="bar" {box}>{_tip(point)}</rect>'


def _tip(point: Point) -> str:
    return f"<title>{escape(point.label)}: {escape(point.text)}</title>"


def _joined(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
