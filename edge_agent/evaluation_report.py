"""An evaluation as one self-contained HTML page: figures with their doubt, by condition, and their limits."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Final

from edge_agent import __version__
from edge_agent.core.conditions import Group
from edge_agent.core.figures import MISSED, NO_LIFT, TOLD, ClassFigures, Figures, confusion, figures
from edge_agent.core.scoring import SCORED
from edge_agent.evaluation import TECHNIQUE, Evaluation, counted, duration, headlines, number, percent, spelt
from edge_agent.evaluation_limits import limits
from edge_agent.evaluation_model import model_sections
from edge_agent.evaluation_plots import calibration_figures, estimate_figures
from edge_agent.page import Page, clock, write_page
from edge_agent.spine_card import load_card
from edge_agent.tables import plain, row, section, table, whiskered

MOST_ROWS: Final = 50
"""So many lifts to look at are listed; the JSON holds them all."""

_UNITS: Final = {"_deg": "°", "_m": "m", "_px": "px", "_s": "s", "_hz": "Hz", "_lux": "lux"}


def write_evaluation_report(path: Path, evaluation: Evaluation) -> None:
    """Write it. Raises InputError if the file cannot be written, RunError for a damaged installation."""
    write_page(path, _page(evaluation))


def _page(evaluation: Evaluation) -> Page:
    by_condition = (_group_table(name, groups) for name, groups in evaluation.groups.items() if name != TECHNIQUE)
    sections = (
        _headlines(evaluation.figures),
        _confusion(evaluation),
        calibration_figures(evaluation.matches),
        estimate_figures(evaluation.matches),
        _technique_table(evaluation),
        *by_condition,
        limits(evaluation),
        _worth_a_look(evaluation),
        *model_sections(load_card()),
    )
    return Page(
        title=f"How well lifts were told: {evaluation.labels}",
        eyebrow="Hingewatch evaluation",
        heading=evaluation.labels,
        facts=_facts(evaluation),
        main="\n".join(sections),
        footer=_FOOTER,
        styles=("report.css", "evaluation.css"),
    )


_FOOTER: Final = """<p>A lift is one bend-and-return of the body; the weight that is moved cannot be seen. A told lift
and a labelled one are the same if the bottom told lies between 0.4 s before the labelled start and 0.4 s after
the labelled end and, where the label knows several people, at the right person's place. Intervals of shares are
Wilson's, of rates Byar's, both 95%.</p>
<p>This page holds no picture of anyone.</p>"""


def _facts(evaluation: Evaluation) -> str:
    clips, lifts = counted(len(evaluation.clips), "clip"), counted(evaluation.figures.lifts, "labelled lift")
    watched = f"{clips} · {duration(evaluation.watched_s)} · {lifts}"
    return f"{watched} · hingewatch {__version__}, landmarks {escape(evaluation.landmarker)}"


def _headlines(of: Figures) -> str:
    items = "".join(
        f"<li><span>{line.name}</span><b>{line.value}</b><small>{line.of}</small>"
        f"<small>{line.interval or '&#160;'}</small></li>"
        for line in headlines(of)
    )
    return f'<ul class="tally figures" aria-label="Main figures">{items}</ul>'


def _confusion(evaluation: Evaluation) -> str:
    heads = "".join(f'<th scope="col" class="number">{spelt(told)}</th>' for told in TOLD)
    rows = "\n".join(
        f'<tr><th scope="row">{escape(spelt(true))}</th>{_confusion_cells(true, counts)}</tr>'
        for true, counts in confusion(evaluation.clips).items()
    )
    return f"""<section>
<h2>What was done, and what was told</h2>
<div class="sheet"><table class="confusion">
<thead><tr><th scope="col">Done</th>{heads}</tr></thead>
<tbody>{rows}</tbody>
</table></div>
<p class="note">Each row: lifts done that way, by what was told of them. Lifts that the clip's start or end cuts off
need not be found and do not count as “not found”.</p>
</section>"""


_CLEAR: Final = (*SCORED, NO_LIFT)
"""Rows in which any other technique told is a mistake."""


def _confusion_cells(true: str, counts: dict[str, int]) -> str:
    total = sum(counts.values())
    cells = ""
    for told, count in counts.items():
        kind = "right" if true == told else "wrong" if told == MISSED or true in _CLEAR else "other"
        kind = "other" if told == "unknown" else kind
        shade = f' style="--share:{count / total:.3f}"' if count else ""
        cells += f'<td class="number {kind}"{shade}>{count or "·"}</td>'
    return cells


def _technique_table(evaluation: Evaluation) -> str:
    columns = (
        "Lifts", "Found", "Technique told", "Told right", "Right when told so", "F1", "Spine error", "Timing error",
    )  # fmt: skip
    classes = evaluation.figures.by_technique
    rows = ""
    for group in evaluation.groups[TECHNIQUE]:
        of, kind = figures(group.clips), classes.get(group.name, ClassFigures(0, 0, 0))
        cells = (
            str(of.lifts),
            whiskered(of.recall),
            plain(of.coverage),
            whiskered(kind.recall),
            whiskered(kind.precision),
            number(kind.f1),
            *_errors(of),
        )
        rows += row(spelt(group.name), cells)
    return section("By technique", table(columns, rows))


def _group_table(name: str, groups: Sequence[Group]) -> str:
    columns = (
        "Lifts", "Found", "Technique told", "Told right", "Rounded as such", "Others as rounded", "Spine error",
        "Timing error", "False per hour",
    )  # fmt: skip
    rows = "".join(_group_row(spelt(group.name), figures(group.clips)) for group in groups)
    return section(f"By {_condition(name)}", table(columns, rows))


def _group_row(name: str, of: Figures) -> str:
    cells = (
        str(of.lifts),
        whiskered(of.recall),
        plain(of.coverage),
        whiskered(of.accuracy),
        plain(of.rounded_recall),
        plain(of.rounded_false_alarm),
        *_errors(of),
        number(of.false_lifts.per_hour, "", 1),
    )
    return row(name, cells)


def _errors(of: Figures) -> tuple[str, str]:
    return number(of.spine.mean_absolute, "°", 1), number(of.timing_mae_s, " s")


def _condition(name: str) -> str:
    """``elevation_deg`` → elevation (°)."""
    stem, unit = next(
        ((name.removesuffix(end), unit) for end, unit in _UNITS.items() if name.endswith(end)), (name, "")
    )
    return escape(stem.replace("_", " ") + (f" ({unit})" if unit else ""))


def _mistakes(evaluation: Evaluation) -> list[tuple[str, float, str, str, float]]:
    """Clip, seconds, done, told and confidence of every wrong, missed and false lift, in the clips' order."""
    rows = []
    for clip in evaluation.clips:
        name = clip.clip.name
        wrong = (
            (match.truth, match.told) for match in clip.matches if match.scored and match.covered and not match.right
        )
        rows += [(name, true.peak_s, true.technique, said.technique, said.confidence) for true, said in wrong]
        rows += [(name, lift.peak_s, lift.technique, MISSED, 0.0) for lift in clip.missed if not lift.partial]
        rows += [(name, lift.peak_s, NO_LIFT, lift.technique, lift.confidence) for lift in clip.false or ()]
    return sorted(rows)


def _worth_a_look(evaluation: Evaluation) -> str:
    """Every answer that was wrong, for people to look at the clips."""
    rows = _mistakes(evaluation)
    if not rows:
        return ""
    drawn = "\n".join(
        f"<tr><td>{escape(clip)}</td><td>{clock(peak_s)}</td><td>{escape(spelt(done))}</td>"
        f'<td><span class="badge {told}">{spelt(told)}</span></td>'
        f'<td class="number">{percent(sure) if sure else "–"}</td></tr>'
        for clip, peak_s, done, told, sure in rows[:MOST_ROWS]
    )
    more = f'<p class="note">{len(rows) - MOST_ROWS} more are in the JSON.</p>' if len(rows) > MOST_ROWS else ""
    return f"""<section>
<h2>Worth a look: wrong, missed and false</h2>
<div class="sheet"><table>
<thead><tr><th scope="col">Clip</th><th scope="col">At</th><th scope="col">Done</th><th scope="col">Told</th>
<th scope="col" class="number">Confidence</th></tr></thead>
<tbody>{drawn}</tbody>
</table></div>{more}
</section>"""
