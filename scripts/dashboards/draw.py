"""Draws panels with matplotlib, so that dashboards can be looked at where there is no Grafana."""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from scripts.dashboards.ask import DAY_S, Series
from scripts.dashboards.look import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION
from scripts.dashboards.told import PLAIN, Answers, Style, fields, is_matrix, matrix, style, table

COLUMNS: Final = 24
WIDE_IN: Final = 17.0
ROW_IN: Final = 0.31
"""Height of one step of Grafana's grid."""
UNNAMED: Final = (BLUE, SKY, GREEN, ORANGE, VERMILLION, PURPLE)
"""For series whose colour nobody chose."""
SMALL: Final = 8.5


def drawn(dashboard: Mapping[str, Any], answers: Mapping[int, Answers]) -> Figure:
    """A whole dashboard. answers: by a panel's id."""
    steps = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in dashboard["panels"])
    figure = Figure(figsize=(WIDE_IN, steps * ROW_IN + 0.6), facecolor="#F4F5F5")
    figure.text(0.01, 1 - 0.2 / figure.get_figheight(), dashboard["title"], fontsize=15, weight="bold", va="center")
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            at = 1 - (0.6 + (panel["gridPos"]["y"] + 0.5) * ROW_IN) / figure.get_figheight()
            figure.text(0.01, at, panel["title"], fontsize=11, weight="bold", color="#444444", va="center")
        else:
            _KINDS[panel["type"]](_place(figure, panel), panel, answers[panel["id"]])
    return figure


def _place(figure: Figure, panel: Mapping[str, Any]) -> Axes:
    at, high = panel["gridPos"], figure.get_figheight()
    left, wide = at["x"] / COLUMNS + 0.003, at["w"] / COLUMNS - 0.006
    bottom = 1 - (0.6 + (at["y"] + at["h"]) * ROW_IN) / high + 0.04 / high
    tall = (at["h"] * ROW_IN - 0.08) / high
    frame = figure.add_axes((left, bottom, wide, tall), facecolor="white")
    frame.set_xticks([])
    frame.set_yticks([])
    frame.spines[:].set_color("#DDDDDD")
    frame.set_title(panel["title"], loc="left", fontsize=9.5, y=1.0, pad=-12, x=0.01 if at["w"] > 8 else 0.02)
    return frame


def _inside(frame: Axes, place: tuple[float, float, float, float]) -> Axes:
    """Axes within a panel. place: left, bottom, width and height, 0…1 of the panel."""
    outer, figure = frame.get_position(), frame.figure
    left, bottom, wide, tall = place
    box = (outer.x0 + left * outer.width, outer.y0 + bottom * outer.height, wide * outer.width, tall * outer.height)
    return figure.add_axes(box)


def _nothing(frame: Axes, panel: Mapping[str, Any]) -> None:
    words = textwrap.fill(panel["fieldConfig"]["defaults"]["noValue"], 9 * panel["gridPos"]["w"])
    frame.text(0.5, 0.45, words, ha="center", va="center", fontsize=10, color=GREY, transform=frame.transAxes)


def _numbers(frame: Axes, panel: Mapping[str, Any], answers: Answers) -> None:
    told = list(fields(panel, answers))
    if not told:
        _nothing(frame, panel)
    for place, (shown, series) in enumerate(told):
        x, value = (place + 0.5) / len(told), series.points[-1][1]
        size = min(20, 8.5 * panel["gridPos"]["w"] / len(told))
        frame.text(x, 0.47, shown.words(value), fontsize=size, color=shown.colour(value), ha="center", va="center")
        name = textwrap.fill(shown.name, max(9, int(3.4 * panel["gridPos"]["w"] / len(told))))
        frame.text(x, 0.17, name, fontsize=SMALL - 1, color="#444444", ha="center", va="center")


def _table(frame: Axes, panel: Mapping[str, Any], answers: Answers) -> None:
    if not any(answers.values()):
        _nothing(frame, panel)
    elif is_matrix(panel):
        _hours(frame, panel, answers)
    else:
        _rows(frame, panel, answers)


def _rows(frame: Axes, panel: Mapping[str, Any], answers: Answers) -> None:
    told = table(panel, answers)
    lines = panel["gridPos"]["h"] - 2
    starts = _columns(told.columns, told.rows)
    for number, row in enumerate([[(name, "#666666") for name in told.columns], *told.rows[: lines - 1]]):
        y = 1 - (number + 1.6) / (lines + 1.2)
        for x, (words, colour) in zip(starts, row, strict=True):
            frame.text(x, y, words, fontsize=SMALL, color=colour, va="center", weight="bold" if number == 0 else None)
    if len(told.rows) >= lines:
        frame.text(0.99, 0.02, f"… {len(told.rows)} rows in all", fontsize=SMALL, ha="right", color=GREY)


def _columns(names: Sequence[str], rows: Sequence[Sequence[tuple[str, str]]]) -> list[float]:
    """Where each column begins, 0…1, by its longest words."""
    widths = [
        2 + max(len(name), *(len(row[place][0]) for row in rows)) for place, name in enumerate(names)
    ]  # fmt: skip
    return [0.01 + 0.98 * sum(widths[:place]) / sum(widths) for place in range(len(widths))]


def _hours(frame: Axes, panel: Mapping[str, Any], answers: Answers) -> None:
    names, rows = matrix(panel, answers)
    values = np.array([[np.nan if value is None else value for value in row] for row in rows])
    shown = style(panel, "", "")
    inside = _inside(frame, (0.04, 0.02, 0.95, 0.88))
    limits = shown.settings.get("color", {}).get("mode") == "thresholds"
    inside.imshow(np.zeros_like(values) if limits else values, cmap="Blues", aspect="auto", vmin=0)
    half = np.nanmax(values) * 0.55
    for (hour, day), value in np.ndenumerate(values):
        if not np.isnan(value):
            colour = shown.colour(value) if limits else ("white" if value > half else PLAIN)
            inside.text(day, hour, shown.words(value), ha="center", va="center", fontsize=7.5, color=colour)
    inside.set_xticks(range(len(names)), names, fontsize=SMALL)
    inside.set_yticks(range(0, 24, 2), [str(hour) for hour in range(0, 24, 2)], fontsize=SMALL)
    inside.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    inside.spines[:].set_visible(False)


def _lines(frame: Axes, panel: Mapping[str, Any], answers: Answers) -> None:
    told = list(fields(panel, answers))
    if not told:
        _nothing(frame, panel)
        return
    inside = _inside(frame, (0.07, 0.17, 0.86, 0.70))
    right = (
        inside.twinx() if any(shown.settings.get("custom.axisPlacement") == "right" for shown, _ in told) else None
    )
    bars = [(shown, series) for shown, series in told if _kind(shown) == "bars"]
    _bars(inside, bars)
    _bands(inside, told)
    for number, (shown, series) in enumerate(told):
        if _kind(shown) == "line" and shown.settings.get("custom.lineWidth") != 0:
            axes = right if right is not None and shown.settings.get("custom.axisPlacement") == "right" else inside
            dash = "--" if "custom.lineStyle" in shown.settings else "-"
            times, values = _points(series)
            colour = _line_colour(shown, number)
            axes.plot(times, values, dash, color=colour, marker=".", ms=3, lw=1.4, label=shown.name)
    _finish(inside, right, told)


def _kind(shown: Style) -> str:
    return str(shown.settings.get("custom.drawStyle", "line"))


def _line_colour(shown: Style, number: int) -> str:
    colour = shown.settings.get("color", {})
    if colour.get("mode") == "fixed":
        return str(colour["fixedColor"])
    return GREY if colour.get("mode") == "thresholds" else UNNAMED[number % len(UNNAMED)]


def _points(series: Series) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times as matplotlib's days, and values: not a number where something is missing, so that the line breaks."""
    at, values = np.array(series.points).T
    step = np.diff(at).min(initial=np.inf)
    gaps = np.flatnonzero(np.diff(at) > 1.5 * step) + 1
    return np.insert(at, gaps, at[gaps - 1] + 1) / DAY_S, np.insert(values, gaps, np.nan)


def _bars(axes: Axes, told: Sequence[tuple[Style, Series]]) -> None:
    days = sorted({at for _, series in told for at, _ in series.points})
    below = np.zeros(len(days))
    for number, (shown, series) in enumerate(told):
        values = dict(series.points)
        heights = np.array([values.get(day, 0.0) for day in days])
        colour = _line_colour(shown, number)
        axes.bar(np.array(days) / DAY_S, heights, 0.8, below, color=colour, label=shown.name)
        below = below + heights


def _bands(axes: Axes, told: Sequence[tuple[Style, Series]]) -> None:
    ends = {shown.name: series for shown, series in told}
    for shown, series in told:
        lower = shown.settings.get("custom.fillBelowTo")
        if lower in ends:
            times, high = _points(series)
            axes.fill_between(times, _points(ends[lower])[1], high, color=_line_colour(shown, 0), alpha=0.2, lw=0)


def _finish(axes: Axes, right: Axes | None, told: Sequence[tuple[Style, Series]]) -> None:
    locator = dates.AutoDateLocator(maxticks=8)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    first = told[0][0]
    for one, shown in ((axes, first), (right, told[-1][0])):
        if one is not None:
            one.set_ylim(bottom=0)
            one.yaxis.set_major_formatter(FuncFormatter(partial(_tick, shown)))
            one.tick_params(labelsize=SMALL)
            one.spines[["top"]].set_visible(False)
    if right is not None:
        right.set_ylim(0, 1)
    axes.grid(axis="y", color="#EEEEEE")
    axes.set_axisbelow(True)
    handles, names = axes.get_legend_handles_labels()
    more, more_names = right.get_legend_handles_labels() if right is not None else ([], [])
    axes.legend(
        handles + more, names + more_names, loc="upper center", bbox_to_anchor=(0.5, -0.09), ncols=7, fontsize=SMALL,
        frameon=False,
    )  # fmt: skip


def _tick(shown: Style, value: float, _place: int) -> str:
    return shown.words(value) if shown.settings.get("unit") != "percentunit" else f"{100 * value:.0f} %"


_KINDS: Final[Mapping[str, Callable[[Axes, Mapping[str, Any], Answers], None]]] = {
    "stat": _numbers,
    "table": _table,
    "timeseries": _lines,
}
