"""The plots of an evaluation's page."""

from collections.abc import Sequence

from edge_agent.charts import PERCENT, Axis, Chart
from edge_agent.core.calibration import BINS, expected_calibration_error, reliability, risk_coverage
from edge_agent.core.conditions import readable_edges
from edge_agent.core.figures import Errors, spine_pairs
from edge_agent.core.scoring import SCORED, Match
from edge_agent.evaluation import interval, number, percent, spelt

_MOST_DOTS = 2000


def calibration_figures(matches: Sequence[Match]) -> str:
    """Reliability and risk-coverage, side by side."""
    if not any(match.scored and match.covered for match in matches):
        return ""
    return f"""<section>
<h2>Does the confidence mean what it says?</h2>
<div class="pair">
<figure>{_reliability(matches)}
<figcaption>{_reliability_in_words(matches)}</figcaption></figure>
<figure>{_risk_coverage(matches)}
<figcaption>How many of the told techniques are right (line, with 95% interval) when only answers of at least some
confidence are told. The right end tells all that was told; the rest of the 100% was “unknown”.</figcaption></figure>
</div>
</section>"""


def estimate_figures(matches: Sequence[Match]) -> str:
    """Spine flexion against truth, and the errors of start and end; nothing where no label knows either."""
    drawn = [figure for figure in (_spine(matches), _timing(matches)) if figure]
    if not drawn:
        return ""
    return f'<section>\n<h2>Angles and times</h2>\n<div class="pair">\n{"".join(drawn)}\n</div>\n</section>'


def _reliability(matches: Sequence[Match]) -> str:
    chart = Chart(Axis("confidence told", 0, 100, PERCENT, "%"), Axis("techniques right", 0, 100, PERCENT, "%"))
    parts = [chart.line(((0, 0), (100, 100)), "ideal")]
    bins = reliability(matches)
    parts.append(chart.line(((100 * each.confidence, 100 * (each.right.value or 0)) for each in bins), "curve"))
    for each in bins:
        low, high = each.right.interval or (0.0, 0.0)
        title = f"confidence {percent(each.confidence)}: {each.right.part} of {each.right.whole} right"
        parts.append(chart.bar(100 * each.confidence, 100 * low, 100 * high))
        parts.append(chart.dot((100 * each.confidence, 100 * (each.right.value or 0)), "mark", title))
    return chart.drawn("Share of right techniques against the confidence told", *parts)


def _reliability_in_words(matches: Sequence[Match]) -> str:
    bins = reliability(matches)
    error, count = expected_calibration_error(bins), sum(each.right.whole for each in bins)
    shared = "" if len(bins) == BINS else ", for equal confidences share a bin"
    return (
        f"Expected calibration error <b>{number(error, '', 3)}</b> over {count} lifts in {len(bins)} bins of "
        f"(nearly) equal count{shared}. On the dashed line "
        "the confidence is exactly the share that is right; above it, the program is too modest."
    )


def _risk_coverage(matches: Sequence[Match]) -> str:
    points = risk_coverage(matches)
    ends = [(100 * (point.coverage.value or 0), point) for point in points]
    lowest = min(point.accuracy.value or 0.0 for point in points)
    floor = min(20 * int(5 * lowest), 80)
    ticks = range(floor, 101, 20 if floor < 60 else 10)
    chart = Chart(Axis("coverage", 0, 100, PERCENT, "%"), Axis("told techniques right", floor, 100, ticks, "%"))
    band = [(x, 100 * (point.accuracy.interval or (0, 0))[0]) for x, point in ends]
    band += [(x, 100 * (point.accuracy.interval or (0, 0))[1]) for x, point in reversed(ends)]
    parts = [
        chart.line(band, "band"),
        chart.line(((x, 100 * (point.accuracy.value or 0)) for x, point in ends), "curve"),
    ]
    for x, point in ends if len(ends) <= 40 else ends[-1:]:
        title = (
            f"at least {percent(point.min_confidence)} sure: {percent(point.coverage.value)} told, "
            f"{point.accuracy.part} of {point.accuracy.whole} right ({interval(point.accuracy)})"
        )
        parts.append(chart.dot((x, 100 * (point.accuracy.value or 0)), "mark", title, 3))
    return chart.drawn("Share of right techniques against the share of lifts whose technique is told", *parts)


def _spine(matches: Sequence[Match]) -> str:
    pairs = spine_pairs(matches)
    if not pairs:
        return ""
    edges = readable_edges(min(0.0, *map(min, pairs)), max(60.0, *map(max, pairs)))
    axis = edges[0], edges[-1], edges, "°"
    chart = Chart(Axis("true spine flexion", *axis), Axis("told spine flexion", *axis))
    parts = [chart.line(((edges[0], edges[0]), (edges[-1], edges[-1])), "ideal")]
    both = [m for m in matches if m.truth.spine_flexion_deg is not None and m.told.spine_flexion_deg is not None]
    for match in both[:: -(-len(both) // _MOST_DOTS)]:
        true, told = match.truth.spine_flexion_deg or 0.0, match.told.spine_flexion_deg or 0.0
        kind = match.truth.technique if match.truth.technique in SCORED else "unknown"
        title = f"{spelt(match.truth.technique)}: true {true:.0f}°, told {told:.0f}°"
        parts.append(chart.dot((true, told), f"dot {kind}", title))
    errors = [told - true for true, told in pairs]
    close = sum(abs(error) <= 10 for error in errors)
    measured = Errors.of(errors)
    return f"""<figure>{chart.drawn("Told against true spine flexion", *parts)}
<figcaption>{_key()} Spine flexion of {len(pairs)} lifts: mean absolute error
<b>{number(measured.mean_absolute, "°", 1)}</b>, bias {measured.bias:+.1f}°,
{close} within 10° of the truth (dashed).</figcaption></figure>"""


def _key() -> str:
    names = (*((name, spelt(name)) for name in SCORED), ("unknown", "Other"))
    badges = "".join(f'<span class="badge {css}">{name}</span>' for css, name in names)
    return f'<span class="key">{badges}</span>'


def _timing(matches: Sequence[Match]) -> str:
    timed = [match for match in matches if match.truth.exact]
    if not timed:
        return ""
    errors = [(m.told.start_s - m.truth.start_s, m.told.end_s - m.truth.end_s) for m in timed]
    reach = max(0.5, *(abs(error) for pair in errors for error in pair))
    edges = readable_edges(-reach, reach)
    axis = edges[0], edges[-1], edges, " s"
    chart = Chart(Axis("start told minus true", *axis), Axis("end told minus true", *axis))
    parts = [
        chart.line(((0, edges[0]), (0, edges[-1])), "ideal"),
        chart.line(((edges[0], 0), (edges[-1], 0)), "ideal"),
    ]
    for (start_s, end_s), match in list(zip(errors, timed, strict=True))[:: -(-len(timed) // _MOST_DOTS)]:
        kind = match.truth.technique if match.truth.technique in SCORED else "unknown"
        title = f"{spelt(match.truth.technique)}: start {start_s:+.2f} s, end {end_s:+.2f} s"
        parts.append(chart.dot((start_s, end_s), f"dot {kind}", title))
    start, end = (number(Errors.of(pair[side] for pair in errors).mean_absolute, " s") for side in (0, 1))
    return f"""<figure>{chart.drawn("Errors of start and end", *parts)}
<figcaption>{_key()} Start and end of {len(timed)} lifts whose label knows both: mean absolute error
<b>{start}</b> at the start and <b>{end}</b> at the end. Left: begun too early; below: ended too
early.</figcaption></figure>"""
