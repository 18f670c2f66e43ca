"""A benchmark as one self-contained HTML page, drawn from its JSON."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

from edge_agent.charts import Axis, Chart, Column
from edge_agent.core.conditions import readable_edges
from edge_agent.page import Page, write_page
from edge_agent.tables import row, section, table

Figures = Mapping[str, Any]
"""What `edge-agent bench --json` writes, as it is."""

STYLES: Final = ("report.css", "evaluation.css")


def write_bench_report(path: Path, figures: Figures) -> None:
    """Write it. Raises InputError if the file cannot be written."""
    write_page(path, bench_page(figures, figures, stage_section(figures)))


def bench_page(of: Figures, machine: Figures, *sections: str) -> Page:
    """The page around ``sections`` (HTML); ``machine`` has its name, ``of`` the video's."""
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    return Page(
        title=f"What it costs: {of['video']}",
        eyebrow="Hingewatch benchmark",
        heading=str(of["video"]),
        facts=f"{escape(machine['machine'])} · {escape(versions)}",
        main="\n".join(sections),
        footer=_FOOTER,
        styles=STYLES,
    )


_FOOTER: Final = """<p>CPU time of all threads, not elapsed time. A person-frame is one followed person in one
analysed frame; decoding is counted apart. This page holds no picture of anyone.</p>"""


def stage_section(figures: Figures) -> str:
    """Where the time goes, and what the networks alone would take."""
    people = figures["person_frames"]
    if not people:
        return section(
            "Where the time goes", '<p class="note">Nobody was followed, so nothing is told by person.</p>'
        )
    spent, alone = ({stage: ms / people for stage, ms in figures[key].items()} for key in ("cpu_ms", "cpu_ms_bound"))
    rows = "".join(
        row(stage, (f"{ms:.2f}", f"{alone[stage]:.2f}" if stage in alone else "–")) for stage, ms in spent.items()
    )
    total = figures["cpu_ms_per_person_frame"], sum(alone.values())
    rows += row("total after decode", (f"{each:.2f}" for each in total))
    figure = f"""<figure>{_stages(spent, alone)}
<figcaption>CPU milliseconds per person-frame. Dots: the network alone, for just as many answers. Together they are
<b>{figures["share_of_bound"]:.0%}</b> of all that follows decoding ({figures["frames"]} frames, {people}
person-frames).</figcaption></figure>"""
    numbers = table(("CPU ms per person-frame", "network alone"), rows)
    return section("Where the time goes", f'<div class="pair">{figure}{numbers}</div>')


def _stages(spent: Mapping[str, float], alone: Mapping[str, float]) -> str:
    chart = columns_chart("CPU ms per person-frame", list(spent.values()))
    parts = columns(chart, {stage: (ms, f"{stage}: {ms:.2f} ms") for stage, ms in spent.items()})
    for place, stage in enumerate(spent):
        if stage in alone:
            title = f"{stage}, the network alone: {alone[stage]:.2f} ms"
            parts.append(chart.dot((place + 0.8, alone[stage]), "mark", title))
    return chart.drawn("CPU milliseconds per person-frame by stage", *parts)


def columns_chart(up: str, heights: Sequence[float]) -> Chart:
    """For one column beside the other, from 0 up."""
    return Chart(Axis("", 0, len(heights), ()), axis_to(up, heights))


def columns(chart: Chart, bars: Mapping[str, tuple[float, str]]) -> list[str]:
    """Each by its name: height and what shows when it is pointed at."""
    return [
        chart.column(Column(place + 0.15, place + 0.85, height, name, title))
        for place, (name, (height, title)) in enumerate(bars.items())
    ]


def axis_to(name: str, values: Sequence[float], unit: str = "") -> Axis:
    """From 0 to beyond the largest of ``values``, with round numbers."""
    edges = readable_edges(0.0, max([*values, 1e-6]))
    return Axis(name, edges[0], edges[-1], edges, unit)
