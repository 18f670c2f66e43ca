"""Small pictures of figures, drawn as SVG inside a page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from edge_agent.core.figures import Share
from edge_agent.page import svg

WIDTH, HEIGHT = 460, 330
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 18, 12, 44
_WHISKER_WIDTH, _WHISKER_HEIGHT = 92, 14


@dataclass(frozen=True, slots=True)
class Axis:
    """From ``low`` to ``high``, with a line at each of ``ticks``; ``unit`` follows their numbers.

    names: what stands (instead of a line and a number) at the ticks of an axis of groups.
    """

    name: str
    low: float
    high: float
    ticks: Sequence[float]
    unit: str = ""
    names: Sequence[str] = ()

    def share(self, value: float) -> float:
        """How far along the axis a value lies, 0…1; values beyond an end lie at it."""
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)


@dataclass(frozen=True, slots=True)
class Column:
    """A broad bar from zero to ``height`` with its ``name`` in it; ``title`` shows when it is pointed at."""

    left: float
    right: float
    height: float
    name: str
    title: str


PERCENT = tuple(range(0, 101, 20))


@dataclass(frozen=True, slots=True)
class Chart:
    """One plot with two axes. Every method returns markup for :meth:`drawn`."""

    across: Axis
    up: Axis

    def drawn(self, summary: str, *parts: str) -> str:
        """The picture; ``summary`` says in plain text what it shows."""
        return svg(WIDTH, HEIGHT, summary, self._grid() + "".join(parts))

    def line(self, points: Iterable[tuple[float, float]], css: str) -> str:
        """Straight from point to point."""
        placed = " ".join(f"{self._x(x):.1f},{self._y(y):.1f}" for x, y in points)
        return f'<polyline class="{css}" points="{placed}"/>'

    def dot(self, point: tuple[float, float], css: str, title: str, radius: float = 4) -> str:
        """A round mark; ``title`` (plain text) shows when it is pointed at."""
        x, y = self._x(point[0]), self._y(point[1])
        return f'<circle class="{css}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}"><title>{escape(title)}</title></circle>'

    def bar(self, x: float, low: float, high: float, css: str = "whisker") -> str:
        """An upright line from ``low`` to ``high``."""
        return self.line(((x, low), (x, high)), css)

    def column(self, bar: Column) -> str:
        """A bar with its name written up along it."""
        left, right, top, bottom = self._x(bar.left), self._x(bar.right), self._y(bar.height), self._y(0)
        x, y = (left + right) / 2 + 4, bottom - 7
        return (
            f'<g><title>{escape(bar.title)}</title><rect class="column" x="{left:.1f}" y="{top:.1f}" '
            f'width="{right - left:.1f}" height="{bottom - top:.1f}"/>'
            f'<text class="column-name" x="{x:.1f}" y="{y:.1f}" transform="rotate(-90 {x:.1f} {y:.1f})">'
            f"{escape(bar.name)}</text></g>"
        )

    def _x(self, value: float) -> float:
        return _LEFT + self.across.share(value) * (WIDTH - _LEFT - _RIGHT)

    def _y(self, value: float) -> float:
        return HEIGHT - _BOTTOM - self.up.share(value) * (HEIGHT - _BOTTOM - _TOP)

    def _grid(self) -> str:
        bottom, right, middle = HEIGHT - _BOTTOM, WIDTH - _RIGHT, (HEIGHT - _BOTTOM + _TOP) / 2
        drawn = ""
        for tick in self.up.ticks:
            y = round(self._y(tick), 1)
            drawn += f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y}" y2="{y}"/>'
            drawn += f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{tick:g}{self.up.unit}</text>'
        numbers = [f"{tick:g}{self.across.unit}" for tick in self.across.ticks]
        for tick, name in zip(self.across.ticks, self.across.names or numbers, strict=True):
            x = round(self._x(tick), 1)
            if not self.across.names:
                drawn += f'<line class="grid" x1="{x}" x2="{x}" y1="{_TOP}" y2="{bottom}"/>'
            drawn += f'<text x="{x}" y="{bottom + 16}" text-anchor="middle">{escape(name)}</text>'
        centre = (_LEFT + right) / 2
        drawn += (
            f'<text class="name" x="{centre}" y="{HEIGHT - 8}" text-anchor="middle">{escape(self.across.name)}</text>'
        )
        turned = f'transform="rotate(-90 11 {middle})" text-anchor="middle"'
        return drawn + f'<text class="name" x="11" y="{middle}" {turned}>{escape(self.up.name)}</text>'


def whisker(share: Share) -> str:
    """A share on a line from 0 to 100 % with its 95 % interval, small enough for a table's cell."""
    if share.value is None or share.interval is None:
        return ""
    low, value, high = (3 + end * (_WHISKER_WIDTH - 6) for end in (share.interval[0], share.value, share.interval[1]))
    middle = _WHISKER_HEIGHT / 2
    drawn = (
        f'<line class="grid" x1="3" x2="{_WHISKER_WIDTH - 3}" y1="{middle}" y2="{middle}"/>'
        f'<line class="whisker" x1="{low:.1f}" x2="{high:.1f}" y1="{middle}" y2="{middle}"/>'
        f'<circle class="mark" cx="{value:.1f}" cy="{middle}" r="3.5"/>'
    )
    return svg(_WHISKER_WIDTH, _WHISKER_HEIGHT, f"{share.part} of {share.whole}", drawn)
