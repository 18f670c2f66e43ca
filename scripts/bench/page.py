"""The whole benchmark's page: what `edge-agent bench --report` shows, and what needs other programs."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from edge_agent.bench_report import axis_to, bench_page, stage_section
from edge_agent.charts import Axis, Chart
from edge_agent.page import write_page
from edge_agent.tables import row, section, table
from scripts.bench.compare import OURS, POSE, POSE_AND_MASK, each_ms, middle
from scripts.bench.figures import MOST_LATE

Figures = Mapping[str, Any]

_HEADLINES = {
    "ratio_to_mediapipe": ("CPU time, ours / MediaPipe's", "{:.2f}"),
    "share_of_bound": ("networks' share of ours", "{:.0%}"),
    "cameras_ok": ("live cameras", "{}"),
    "latency_p99_ms": ("99% of lifts told within", "{:.0f} ms"),
    "rss_mb": ("memory", "{:.0f} MB"),
    "idle_camera_core_share": ("a still camera, of one core", "{:.1%}"),
}


def write_whole_report(path: Path, figures: Figures) -> None:
    """Draw it from the JSON. Raises InputError if the file cannot be written."""
    runs = figures["comparison"]["runs"]
    sections = (
        _headlines(figures),
        stage_section(middle(runs[OURS])),
        _rounds(figures, runs),
        _streams(figures),
        _hold(figures["streams"]["hold"]),
        _crowd(figures["people"]),
        _origin(figures),
    )
    write_page(path, bench_page(figures, figures, *sections))


def write_soak_report(path: Path, figures: Figures) -> None:
    """Draw a run of hours from its JSON. Raises InputError if the file cannot be written."""
    told = f'<p class="note"><code>{escape(figures["command"])}</code>, begun {figures["began_at"]}.</p>'
    write_page(path, bench_page(figures, figures, _hold(figures["hold"]), section("How it was run", told)))


def _origin(figures: Figures) -> str:
    load = ", ".join(map(str, figures["load_average"]))
    told = (
        f"<code>{escape(figures['command'])}</code>, begun {figures['began_at']}. Load averages at the end: {load}. "
        f"Other programs took up to {figures['most_other_cores']:.1f} cores while streams were watched."
    )
    return section("How it was run", f'<p class="note">{told}</p>')


def _headlines(figures: Figures) -> str:
    told = ((name, spelt, figures[key]) for key, (name, spelt) in _HEADLINES.items())
    items = "".join(
        f"<li><span>{name}</span><b>{'–' if value is None else spelt.format(value)}</b></li>"
        for name, spelt, value in told
    )
    return f'<ul class="tally figures" aria-label="Main figures">{items}</ul>'


def _rounds(figures: Figures, runs: Mapping[str, Sequence[Figures]]) -> str:
    costs = {name: [each_ms(run) for run in rounds] for name, rounds in runs.items()}
    count = len(runs[OURS])
    across = Axis("round", 0.5, count + 0.5, range(1, count + 1))
    chart = Chart(across, axis_to("CPU ms per person-frame", [ms for each in costs.values() for ms in each]))
    css = {OURS: "dot hinge", POSE: "dot rounded_back", POSE_AND_MASK: "dot unknown"}
    parts = [
        chart.dot((number, ms), css[name], f"{name}: {ms:.1f} ms")
        for name, each in costs.items()
        for number, ms in enumerate(each, 1)
    ]
    key = "".join(f'<span class="badge {kind.partition(" ")[2]}">{name}</span>' for name, kind in css.items())
    rows = "".join(
        row(name, (f"{ms:.1f}", " ".join(f"{ratio:.2f}" for ratio in figures["comparison"]["ratios"].get(name, []))))
        for name, ms in figures["comparison"]["cpu_ms_per_person_frame"].items()
    )
    figure = f"""<figure>{chart.drawn("Cost by round", *parts)}<figcaption><span class="key">{key}</span>In turns,
each a fresh process. MediaPipe's Pose follows one person: compare on a clip that shows one.</figcaption></figure>"""
    numbers = table(("CPU ms per person-frame, median", "ours / theirs by round"), rows)
    return section("Beside MediaPipe Pose", f'<div class="pair">{figure}{numbers}</div>')


def _streams(figures: Figures) -> str:
    streams = figures["streams"]
    steps: Sequence[Figures] = streams["steps"]
    across = axis_to("cameras", [step["cameras"] for step in steps])
    shares, memory = [100 * step["late_share"] for step in steps], [step["rss_mb"] for step in steps]
    late, rss = Chart(across, axis_to("late analyses", shares, "%")), Chart(across, axis_to("memory, MB", memory))
    limit = late.line(((across.low, 100 * MOST_LATE), (across.high, 100 * MOST_LATE)), "ideal")
    drawn = (
        late.drawn("Late analyses by number of cameras", limit, *_joined(late, steps, shares, "% late")),
        rss.drawn("Memory by number of cameras", *_joined(rss, steps, memory, " MB")),
    )
    plots = "".join(f"<figure>{each}</figure>" for each in drawn)
    named = [("1 still", streams["idle"]), *((str(step["cameras"]), step) for step in steps)]
    named.append((f"{streams['cameras_ok']} and as many still", streams["half_still"]))
    rows = "".join(row(name, _load_cells(step)) for name, step in named)
    numbers = table(("frames/s", "late", "cores", "cores of other programs", "memory, MB"), rows)
    note = (
        '<p class="note">640x360, 15 pictures a second, over RTSP; servers and broker are among the other programs '
        "of this machine.</p>"
    )
    return section("Live cameras", f'<div class="pair">{plots}</div>', numbers, note)


def _load_cells(step: Figures) -> tuple[str, ...]:
    rate, late, own, other = (step[key] for key in ("frames_per_s", "late_share", "cores", "other_cores"))
    return f"{rate:.1f}", f"{late:.1%}", f"{own:.3f}", f"{other:.2f}", f"{step['rss_mb']:.0f}"


def _joined(chart: Chart, steps: Sequence[Figures], heights: Sequence[float], unit: str) -> list[str]:
    points = [(float(step["cameras"]), height) for step, height in zip(steps, heights, strict=True)]
    dots = [chart.dot(point, "mark", f"{point[0]:.0f} cameras: {point[1]:.1f}{unit}") for point in points]
    return [chart.line(points, "curve"), *dots]


def _hold(held: Figures) -> str:
    course = [(at_s / 60, rss_mb) for at_s, rss_mb in held["rss"]]
    chart = Chart(
        axis_to("minutes", [minutes for minutes, _ in course]), axis_to("memory, MB", [mb for _, mb in course])
    )
    rows = "".join(
        row(name, (*(_ms(told[key]) for key in ("p50", "p95", "p99")), str(told["count"])))
        for name, told in (
            ("last frame to outbox", held["latency_ms"]["to_outbox"]),
            ("release to broker", held["latency_ms"]["to_broker"]),
        )
    )
    grew, error = or_dash(held["rss_slope_mb_per_h"]), or_dash(held["rss_slope_stderr_mb_per_h"])
    others = f"{held['other_cores']:.1f} cores"
    figure = f"""<figure>{chart.drawn("Memory over time", chart.line(course, "curve"))}
<figcaption>{held["cameras"]} cameras, {held["late_share"]:.1%} late; other programs took {others}.
After the first {held["warm_up_s"]} s memory grew by <b>{grew} MB an hour</b> (standard error {error}); a run
of minutes says little about hours.{_flapped(held)}</figcaption></figure>"""
    numbers = table(("50%, ms", "95%, ms", "99%, ms", "lifts"), rows)
    note = (
        '<p class="note">Not in it: the 0.7 s in which the end of a lift is waited for, the time until the privacy '
        "bucket's end, and the camera's own delay before decoding.</p>"
    )
    return section("A steady run", f'<div class="pair">{figure}<div>{numbers}{note}</div></div>')


def _flapped(held: Figures) -> str:
    if not held["reconnects_of_flapping"]:
        return ""
    came_back = f"One more camera lost its power every minute and came back {held['reconnects_of_flapping']} times"
    return f" {came_back}; the others were blind for {held['blind_s_of_others']} s in all."


def or_dash(figure: float | None) -> str:
    """A figure, or a dash where there was too little to make one of."""
    return "–" if figure is None else str(figure)


def _ms(value_ms: float | None) -> str:
    return "–" if value_ms is None else f"{value_ms:.0f}"


def _crowd(people: Sequence[Figures]) -> str:
    points = [(each["followed"], each["cpu_ms_per_frame"]) for each in people]
    chart = Chart(
        axis_to("people followed", [x for x, _ in points]), axis_to("CPU ms per frame", [y for _, y in points])
    )
    dots = [chart.dot(point, "mark", f"{point[0]:.1f} followed: {point[1]:.1f} ms") for point in points]
    rows = "".join(
        row(str(each["people"]), (f"{each['followed']:.2f}", f"{each['cpu_ms_per_frame']:.1f}")) for each in people
    )
    figure = f"""<figure>{chart.drawn("Cost by people in view", chart.line(points, "curve"), *dots)}
<figcaption>The demo clip's two people, pasted side by side into one picture of 1280x720; without the first frame,
which is searched everywhere.</figcaption></figure>"""
    return section(
        "People in view", f'<div class="pair">{figure}{table(("followed", "CPU ms per frame"), rows)}</div>'
    )
