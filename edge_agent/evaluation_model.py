"""What the spine model's card says, for the page of an evaluation: part by part, and cue by cue."""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import accumulate
from typing import Final

from edge_agent.charts import Axis, Chart, Column
from edge_agent.core.conditions import readable_edges
from edge_agent.core.figures import Errors
from edge_agent.evaluation import counted, number
from edge_agent.spine_card import AIM, SPANS, Ablation, Cue, Row, Span, SpineCard
from edge_agent.tables import plain, row, section, table, whiskered

_GROUP_GAP: Final = 0.8
"""Between two groups of bars, in bars."""


def model_sections(card: SpineCard) -> tuple[str, str]:
    """Both sections. They are of simulated people whom the model never saw, whatever clips the page is about."""
    return _parts(card), _cues(card)


def _origin(card: SpineCard) -> str:
    data = card.data
    return (
        "Measured when the model was made, on simulated people held out of its training: "
        f"{data.held_out_lifts} lifts of {data.held_out_people} people among {data.people} ({data.frames} frames). "
        "<b>No clip of this evaluation and no real person is part of it.</b>"
    )


def _parts(card: SpineCard) -> str:
    columns = (
        "Lifts", "Technique told", "Told right", "Rounded as such", "Others as rounded", "Spine error", "Index error",
    )  # fmt: skip
    rows = "".join(row(_span(of.view_deg), _cells(of)) for of in card.held_out)
    how = "".join(
        f"<li><b>{escape(part.name)}.</b> {escape(part.how)}{_unseen(part)}</li>" for part in card.ablations
    )
    return section(
        "What the spine model gains, part by part",
        f'<p class="note">{_origin(card)} Lifts between two techniques count for the errors alone. The index is the '
        "stoop-squat index, 0 to 100. First the model as shipped, by view from the side:</p>",
        table(columns, rows),
        f'<p class="note">Then with one part of it taken away or changed:</p><ul class="note">{how}</ul>',
        _ablation_table(card.ablations),
        _ablation_figures(card.ablations),
    )


def _cells(of: Row) -> tuple[str, ...]:
    return (
        str(of.lifts),
        plain(of.coverage),
        whiskered(of.accuracy),
        plain(of.rounded_recall),
        plain(of.rounded_false_alarm),
        _mean(of.spine_flexion_deg, "°"),
        _mean(of.stoop_squat_index),
    )


def _mean(errors: Errors, unit: str = "") -> str:
    return number(errors.mean_absolute, unit, 1)


def _span(span: Span) -> str:
    return f"{span[0]}–{span[1]}°"


def _unseen(part: Ablation) -> str:
    lost = ", ".join(f"{escape(v.name.lower())} {v.unseen_lifts}" for v in part.variants if v.unseen_lifts)
    return f" Left out of all because not seen well enough by one: {lost}." if lost else ""


def _ablation_table(parts: Sequence[Ablation]) -> str:
    views = [span for span in SPANS if span != AIM]
    columns = (
        f"Lifts within {AIM[1]}°", "Technique told", "Told right", "Rounded as such", "Others as rounded",
        "Spine error", "Index error", f"Spine error by view: {' / '.join(map(_span, views))}",
    )  # fmt: skip
    rows = ""
    for part in parts:
        rows += f'<tr><th scope="rowgroup" colspan="{len(columns) + 1}">{escape(part.name)}</th></tr>\n'
        for variant in part.variants:
            by_view = " / ".join(_mean(variant.row(span).spine_flexion_deg) for span in views)
            rows += row(variant.name, (*_cells(variant.row(AIM)), f"{by_view}°"))
    return table(columns, rows)


def _ablation_figures(parts: Sequence[Ablation]) -> str:
    spine = _bars(parts, "spine flexion error", "°", [_errors(part, "spine_flexion_deg") for part in parts])
    index = _bars(parts, "stoop-squat index error", "", [_errors(part, "stoop_squat_index") for part in parts])
    within = f"of lifts seen within {AIM[1]}° of the side"
    return f"""<div class="pair">
<figure>{spine}<figcaption>Mean absolute error of spine flexion {within}. Bars that stand together were told the same
lifts; different groups are not to be compared.</figcaption></figure>
<figure>{index}<figcaption>The same of the stoop-squat index {within}.</figcaption></figure>
</div>"""


def _errors(part: Ablation, name: str) -> list[float]:
    found: list[Errors] = [getattr(variant.row(AIM), name) for variant in part.variants]
    return [error.mean_absolute or 0.0 for error in found]


def _bars(parts: Sequence[Ablation], name: str, unit: str, heights: Sequence[Sequence[float]]) -> str:
    columns = list(_columns(parts, unit, heights))
    edges = readable_edges(0.0, max(column.height for column in columns))
    lefts = _lefts(parts)
    middles = [left + len(part.variants) / 2 for left, part in zip(lefts, parts, strict=True)]
    right = lefts[-1] + len(parts[-1].variants) + _GROUP_GAP / 2
    across = Axis("", 0, right, middles, names=[part.name for part in parts])
    chart = Chart(across, Axis(name, edges[0], edges[-1], edges, unit))
    return chart.drawn(f"{name.capitalize()} with and without each part", *(chart.column(c) for c in columns))


def _columns(parts: Sequence[Ablation], unit: str, heights: Sequence[Sequence[float]]) -> Iterator[Column]:
    for left, part, values in zip(_lefts(parts), parts, heights, strict=True):
        for i, (variant, height) in enumerate(zip(part.variants, values, strict=True)):
            told = f"{height:.1f}{unit} over {counted(variant.row(AIM).lifts, 'lift')}"
            title = f"{part.name}, {variant.name.lower()}: {told}"
            yield Column(left + i, left + i + 0.86, height, variant.name, title)


def _lefts(parts: Sequence[Ablation]) -> list[float]:
    """Where each group of bars begins, in bars."""
    widths = [len(part.variants) + _GROUP_GAP for part in parts]
    return list(accumulate(widths[:-1], initial=_GROUP_GAP / 2))


def _cues(card: SpineCard) -> str:
    columns = "Lifts", "Not told", "Given", "Deserved", "Given rightly", "Given of deserved", "Angle error"
    rows = "".join(row(cue.name, _cue_cells(cue)) for cue in card.cues)
    rules = "".join(f"<li><b>{escape(cue.name)}:</b> {escape(cue.rule)}.</li>" for cue in card.cues)
    return section(
        "Cues against rendered truth",
        f'<p class="note">{_origin(card)} Besides, {card.data.cue_lifts} lifts drawn for the cues alone, seen from '
        "beginning to end, a quarter of them with dropped heads. Each cue as the program gives it, against what the "
        "simulation knows; a lift just short of a limit that gets the cue counts as wrong. “Not told”: the view or "
        "the certainty of the angle does not allow the cue, or too few frames show it.</p>",
        table(columns, rows),
        f'<ul class="note">{rules}</ul>',
        '<p class="note">Staggered feet and leaning back come from landmarks. Of 81 other simulated lifts, within '
        "45° of the side, leaning back was said of 17 of 29 that did, staggered feet of 4 of 33, and neither of any "
        "lift that did not. No cue tells of a twist, of a head that drops, or of which part of the back "
        "rounds: neither landmarks nor outline show them.</p>",
    )


def _cue_cells(cue: Cue) -> tuple[str, ...]:
    error = "–" if not cue.angle_deg.count else f"{_mean(cue.angle_deg, '°')}<small> of {cue.angle_deg.count}</small>"
    counts = (str(count) for count in (cue.lifts, cue.withheld, cue.said, cue.true))
    return *counts, whiskered(cue.precision), whiskered(cue.recall), error
