"""An analysis as one self-contained HTML page: how people bent over time, each lift, and why."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final

from edge_agent.core.records import TECHNIQUES
from edge_agent.page import LABELS, Page, clock, degrees, svg, write_page

Angles = Sequence[float | None]
Lift = Mapping[str, Any]

WIDTH, LEFT, RIGHT = 960, 40, 10
BANDS, TOP = 20, 44
STRIP, STRIP_GAP, FOOT = 92, 40, 20
MAX_BINS: Final = 450
"""A curve keeps the lowest and highest angle of at most so many bins: finer than its pixels, and small."""
TIME_STEPS_S: Final = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)


@dataclass(frozen=True, slots=True)
class PersonSeries:
    """One person's angles in degrees over media seconds, all of one length; None where they were not seen."""

    time_s: list[float]
    trunk_inclination_deg: list[float | None]
    knee_flexion_deg: list[float | None]
    spine_flexion_deg: list[float | None]


def write_report(path: Path, analysis: Mapping[str, Any], series: Mapping[int, PersonSeries]) -> None:
    """Write it. ``analysis`` is the ``hingewatch.analysis/1`` object, ``series`` goes by its person numbers.

    Raises InputError if the file cannot be written.
    """
    write_page(path, _page(analysis, series))


def _page(analysis: Mapping[str, Any], series: Mapping[int, PersonSeries]) -> Page:
    lifts: list[Lift] = analysis["lifts"]
    persons = "".join(
        _person(
            number,
            curves,
            [(i, lift) for i, lift in enumerate(lifts, 1) if lift["person"] == number],
            float(analysis["duration_s"]),
        )
        for number, curves in sorted(series.items())
    )
    return Page(
        title=f"How people lifted in {analysis['video']}",
        eyebrow="Hingewatch analysis",
        heading=str(analysis["video"]),
        facts=_facts(analysis),
        main=f"{_tally(lifts)}\n{persons}{_table(lifts)}",
        footer=_FOOTER,
    )


_FOOTER: Final = """<p>A lift is one bend-and-return of the body; the weight that is moved cannot be
seen. Angles are estimates from one camera: trunk 0° is upright, knee 0° is straight, spine flexion 0° is the
person's own back when standing. A gap in a curve means that the angle could not be seen. “Unknown” means that an
honest answer was not possible.</p>
<p>People are numbered within this clip only. This page holds no picture of anyone.</p>"""


def _facts(analysis: Mapping[str, Any]) -> str:
    lifts, people = len(analysis["lifts"]), analysis["people"]
    who = "1 person" if people == 1 else f"{people} people"
    what = "1 lift" if lifts == 1 else f"{lifts} lifts"
    return f"{what} · {who} · {clock(analysis['duration_s'])} · {analysis['fps']:g} frames per second"


def _tally(lifts: Sequence[Lift]) -> str:
    counts = {name: sum(lift["technique"] == name for lift in lifts) for name in TECHNIQUES}
    items = (f'<li class="{name}"><b>{counts[name]}</b><span>{LABELS[name]}</span></li>' for name in TECHNIQUES)
    return f'<ul class="tally" aria-label="Lifts by technique">{"".join(items)}</ul>'


def _person(number: int, curves: PersonSeries, lifts: Sequence[tuple[int, Lift]], duration_s: float) -> str:
    strips = (
        ("Trunk inclination", curves.trunk_inclination_deg),
        ("Knee flexion", curves.knee_flexion_deg),
        ("Spine flexion", curves.spine_flexion_deg),
    )
    height = TOP + len(strips) * (STRIP + STRIP_GAP) - STRIP_GAP + FOOT
    plot = _Plot(max(duration_s, *curves.time_s[-1:], 0.1))
    drawn = [plot.lifts(lifts, height - FOOT), plot.time_axis(height)]
    for row, (name, angles) in enumerate(strips):
        drawn.append(plot.strip(name, TOP + row * (STRIP + STRIP_GAP), curves.time_s, angles))
    summary = f"Trunk, knee and spine angles of person {number} over time; the lifts are listed in the table."
    return f"""<section>
<h2>Person {number}</h2>
<div class="plot">{svg(WIDTH, height, summary, "".join(drawn))}</div>
</section>
"""


class _Plot:
    """The drawing of one person: stacked strips over one time axis."""

    def __init__(self, duration_s: float) -> None:
        self._duration_s = duration_s

    def _x(self, time_s: float) -> float:
        inside_s = min(max(time_s, 0.0), self._duration_s)
        return round(LEFT + inside_s / self._duration_s * (WIDTH - LEFT - RIGHT), 1)

    def lifts(self, lifts: Sequence[tuple[int, Lift]], bottom: int) -> str:
        drawn, free_x = "", 0.0
        for number, lift in lifts:
            start, peak, end = (self._x(lift[key]) for key in ("start_s", "peak_s", "end_s"))
            width, name = max(2.0, round(end - start, 1)), LABELS[lift["technique"]]
            drawn += (
                f'<g class="{lift["technique"]}"><title>Lift {number}: {name}, {_span(lift)}</title>'
                f'<rect class="wash" x="{start}" y="{BANDS}" width="{width}" height="{bottom - BANDS}"/>'
                f'<rect class="cap" x="{start}" y="{BANDS - 4}" width="{width}" height="4"/>'
                f'<line class="peak" x1="{peak}" x2="{peak}" y1="{BANDS}" y2="{bottom}"/></g>'
            )
            # Letters are about 6.5 units wide; what has no room keeps its number, or at least its tooltip.
            for label in (f"{number} {name}", str(number)):
                if start >= free_x and (len(label) * 6.5 <= width + 14 or label == str(number)):
                    drawn += f'<text class="lift" x="{start}" y="{BANDS - 9}">{label}</text>'
                    free_x = start + len(label) * 6.5 + 6
        return drawn

    def time_axis(self, height: int) -> str:
        step_s = next((step for step in TIME_STEPS_S if self._duration_s / step <= 12), TIME_STEPS_S[-1])
        ticks = (tick * step_s for tick in range(int(self._duration_s / step_s) + 1))
        labels = ((self._x(tick_s), f"{tick_s:g} s" if step_s < 30 else clock(tick_s)) for tick_s in ticks)
        anchored = ((x, "end" if x > WIDTH - 24 else "middle", label) for x, label in labels)
        return "".join(
            f'<text x="{x}" y="{height - 4}" text-anchor="{anchor}">{label}</text>' for x, anchor, label in anchored
        )

    def strip(self, name: str, top: int, time_s: Sequence[float], angles: Angles) -> str:
        seen = [angle for angle in angles if angle is not None]
        limit_deg = 30 * max(3, -(-int(max(seen, default=0.0)) // 30))
        bottom, drawn = top + STRIP, ""
        for level_deg in range(0, limit_deg + 1, 30 if limit_deg <= 120 else 60):
            y = round(bottom - level_deg / limit_deg * STRIP, 1)
            drawn += f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>'
            drawn += f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{level_deg}°</text>'
        for run in _runs(time_s, angles):
            points = " ".join(
                f"{self._x(at_s)},{bottom - min(max(angle, 0.0), limit_deg) / limit_deg * STRIP:.1f}"
                for at_s, angle in run
            )
            drawn += f'<polyline class="curve" points="{points}"/>'
        note = "" if seen else " – not seen"
        return drawn + f'<text class="name" x="{LEFT}" y="{top - 8}">{name}{note}</text>'


def _runs(time_s: Sequence[float], angles: Angles) -> Iterator[list[tuple[float, float]]]:
    """Split a curve where it was not seen and thin each piece out to the extremes of its bins."""
    size = max(1, len(angles) // MAX_BINS)
    run: list[tuple[float, float]] = []
    for at_s, angle in zip(time_s, angles, strict=True):
        if angle is not None:
            run.append((at_s, angle))
        elif run:
            yield _extremes(run, size)
            run = []
    if run:
        yield _extremes(run, size)


def _extremes(run: list[tuple[float, float]], size: int) -> list[tuple[float, float]]:
    if size == 1:
        return run
    kept: list[tuple[float, float]] = []
    for first in range(0, len(run), size):
        points = run[first : first + size]
        kept += sorted({min(points, key=lambda point: point[1]), max(points, key=lambda point: point[1])})
    return kept


_HEADINGS: Final = "".join(
    f'<th scope="col"{css}>{heading}</th>'
    for css, headings in (
        ("", ("Lift", "Person", "Time", "Technique")),
        (' class="number"', ("Confidence", "Trunk", "Knee", "Spine")),
        ("", ("View",)),
    )
    for heading in headings
)


def _table(lifts: Sequence[Lift]) -> str:
    if not lifts:
        return (
            "<section><h2>Lifts</h2><p>No lift was found. Glancing down, walking, sitting and kneeling "
            "down to stay are not lifts.</p></section>"
        )
    rows = "\n".join(_row(number, lift) for number, lift in enumerate(lifts, 1))
    return f"""<section class="lifts">
<h2>Lifts</h2>
<div class="sheet"><table>
<thead><tr>{_HEADINGS}</tr></thead>
{rows}
</table></div>
</section>"""


def _row(number: int, lift: Lift) -> str:
    reasons = "".join(f"<li>{escape(str(reason))}</li>" for reason in lift["reasons"])
    angles = ("trunk_inclination_deg", "knee_flexion_deg", "spine_flexion_deg")
    cells = "".join(f'<td class="number">{degrees(lift[angle])}</td>' for angle in angles)
    off_side = lift["view_from_side_deg"]
    view = escape(str(lift["view"])) + ("" if off_side is None else f", {off_side:.0f}°")
    return (
        f"<tbody><tr><td>{number}</td><td>{lift['person']}</td><td>{_span(lift)}</td>"
        f'<td><span class="badge {lift["technique"]}">{LABELS[lift["technique"]]}</span></td>'
        f'<td class="number">{lift["confidence"]:.0%}</td>{cells}<td>{view}</td></tr>'
        f'<tr class="why"><td></td><td colspan="8"><ul>{reasons}</ul></td></tr></tbody>'
    )


def _span(lift: Lift) -> str:
    return f"{clock(lift['start_s'])} – {clock(lift['end_s'])}"
