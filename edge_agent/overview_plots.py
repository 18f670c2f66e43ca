"""The overview's pictures: SVG without a style attribute, for the page's policy lets none in.

Drawn 360 units wide, so that their letters are still read on a phone; on a wall they grow with the page.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil

from edge_agent.core.figures import Share
from edge_agent.core.overview import Day, Heat, share_text
from edge_agent.core.tally import MIN_TOLD, Tally
from edge_agent.page import svg

WIDTH, HEIGHT = 360, 250
_LEFT, _RIGHT = 34, 4
_SHARE_TOP, _SHARE_BOTTOM = 12, 118
_LIFTS_TOP, _LIFTS_BOTTOM = 142, 212
_STEPS = (1, 2, 5)
HEAT_LEVELS = 5
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True)
class Column:
    """One day or hour. words: what stands below it, in two lines. whole: counted from its beginning to its end."""

    words: tuple[str, str]
    tally: Tally
    whole: bool = True


def column_of(day: Day) -> Column:
    """Weekday over day of the month."""
    return Column((WEEKDAYS[day.day.weekday()][:2], str(day.day.day)), day.tally, day.whole)


def trend_plot(columns: Sequence[Column], target: float, unit: str) -> str:
    """Above: each one's share of risky lifts with its interval and the target. Below: its lifts, stacked.

    unit: what each column is, ``days`` or ``hours``.
    """
    top = scale_top((column.tally for column in columns), target)
    most = _round_up(max((column.tally.lifts for column in columns), default=1))
    drawn = _share_grid(top, target) + _lifts_grid(most)
    step = (WIDTH - _LEFT - _RIGHT) / len(columns)
    for place, day in enumerate(columns):
        x = _LEFT + (place + 0.5) * step
        drawn += _share_mark(x, day, top) + _stack(x, step, day, most)
        for down, word in zip((14, 27), day.words, strict=True):
            drawn += f'<text x="{x:.1f}" y="{_LIFTS_BOTTOM + down}" text-anchor="middle">{word}</text>'
    return svg(WIDTH, HEIGHT, _trend_summary(columns, target, unit), drawn)


def target_bar(share: Share, target: float, top: float) -> str:
    """A share with its interval on a line from 0 to ``top``, the target as a dashed mark across it."""
    if share.value is None or share.interval is None:
        return ""
    low, high, value, mark = (4 + min(each / top, 1) * 152 for each in (*share.interval, share.value, target))
    drawn = (
        '<line class="grid" x1="4" x2="156" y1="9" y2="9"/>'
        f'<line class="target" x1="{mark:.1f}" x2="{mark:.1f}" y1="1" y2="17"/>'
        f'<line class="whisker wide" x1="{low:.1f}" x2="{high:.1f}" y1="9" y2="9"/>'
        f'<circle class="mark" cx="{value:.1f}" cy="9" r="3"/>'
    )
    return svg(160, 18, f"{share_text(share)} against a target of {100 * target:.0f} %", drawn)


def scale_top(tallies: Iterable[Tally], target: float) -> float:
    """A common end for several lines: a whole tenth, above all that is shown."""
    highs = [tally.risky.interval[1] for tally in tallies if tally.enough and tally.risky.interval]
    return min(1.0, ceil(10 * max([1.25 * target, 0.3, *highs])) / 10)


def mix_bar(tally: Tally, techniques: Sequence[str], names: dict[str, str]) -> str:
    """One bar, as long as all lifts, in the techniques' colours."""
    x, drawn = 0.0, ""
    for technique in techniques:
        lifts = tally.technique(technique)
        if lifts:
            width = WIDTH * lifts / tally.lifts
            title = f"<title>{names[technique]}: {lifts} of {tally.lifts}</title>"
            drawn += (
                f'<rect class="part {technique}" x="{x:.1f}" y="1" width="{width:.1f}" height="20">{title}</rect>'
            )
            x += width
    told = ", ".join(f"{names[each]} {tally.technique(each)}" for each in techniques)
    return svg(WIDTH, 22, f"Of {tally.lifts} lifts: {told}", drawn)


def heat_level(heat: Heat, cell: tuple[int, int]) -> int:
    """0: no risky lifts; else 1…HEAT_LEVELS by their number, in equal steps up to the worst cell's."""
    risky = heat.cells[cell].risky.part if cell in heat.cells else 0
    return ceil(HEAT_LEVELS * risky / heat.most) if risky else 0


def _title(day: Column) -> str:
    share, unknown = day.tally.risky, day.tally.unknown
    shown = share_text(share) if day.tally.enough else f"too few for a share (under {MIN_TOLD} told)"
    return f"{share.part} risky of {share.whole} told, {shown}; {unknown.part} unknown"


def _trend_summary(columns: Sequence[Column], target: float, unit: str) -> str:
    enough = [column for column in columns if column.tally.enough]
    if not enough:
        return f"None of the {len(columns)} {unit} has lifts enough for a share; the lifts of each are in the table."
    worst = max(enough, key=lambda column: column.tally.risky.value or 0)
    return (
        f"Share of risky lifts in each of {len(columns)} {unit} against the target of {100 * target:.0f} %, and "
        f"their lifts. Highest: {' '.join(worst.words)}, {share_text(worst.tally.risky)}. All are in the table."
    )


def _share_y(value: float, top: float) -> float:
    return _SHARE_BOTTOM - min(value / top, 1.0) * (_SHARE_BOTTOM - _SHARE_TOP)


def _share_grid(top: float, target: float) -> str:
    drawn = ""
    for value in (0.0, top / 2, top):
        y = _share_y(value, top)
        drawn += f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        drawn += f'<text x="{_LEFT - 4}" y="{y + 4:.1f}" text-anchor="end">{100 * value:.0f}%</text>'
    y = _share_y(target, top)
    return drawn + f'<line class="target" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'


def _share_mark(x: float, day: Column, top: float) -> str:
    share = day.tally.risky
    if not day.tally.enough or share.value is None or share.interval is None:
        return ""
    low, high, y = (_share_y(value, top) for value in (*share.interval, share.value))
    css = "mark" if day.whole else "mark open"
    return (
        f'<g><title>{escape(_title(day))}</title><line class="whisker" x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" '
        f'y2="{high:.1f}"/><circle class="{css}" cx="{x:.1f}" cy="{y:.1f}" r="4"/></g>'
    )


def _lifts_grid(most: int) -> str:
    drawn = ""
    for value in (0, most):
        y = _LIFTS_BOTTOM - value / most * (_LIFTS_BOTTOM - _LIFTS_TOP)
        drawn += f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        drawn += f'<text x="{_LEFT - 4}" y="{y + 4:.1f}" text-anchor="end">{value}</text>'
    return drawn


def _stack(x: float, step: float, day: Column, most: int) -> str:
    share = day.tally.risky
    parts = (("risky", share.part), ("other", share.whole - share.part), ("unknown", day.tally.unknown.part))
    bottom, drawn = float(_LIFTS_BOTTOM), f"<title>{escape(_title(day))}</title>"
    for css, lifts in parts:
        if lifts:
            height = lifts / most * (_LIFTS_BOTTOM - _LIFTS_TOP)
            bottom -= height
            drawn += (
                f'<rect class="part {css}" x="{x - 0.36 * step:.1f}" y="{bottom:.1f}" width="{0.72 * step:.1f}" '
                f'height="{height:.1f}"/>'
            )
    return f"<g>{drawn}</g>"


def _round_up(value: int) -> int:
    """The next of 1, 2, 5, 10, 20, 50…"""
    size = 1
    while True:
        for step in _STEPS:
            if step * size >= value:
                return step * size
        size *= 10
