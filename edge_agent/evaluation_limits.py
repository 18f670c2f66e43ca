"""How far an evaluation's figures reach, spelt out from the data itself."""

from collections import Counter
from collections.abc import Iterator
from html import escape

from edge_agent.core.scoring import SCORED
from edge_agent.evaluation import Evaluation, counted, duration, spelt

_HOUR_S = 3600.0


def limits(evaluation: Evaluation) -> str:
    """A section of the page: one line for each limit."""
    lines = (_clips, _people, _independence, _techniques, _partial, _spine, _times, _rest, _left_out)
    said = "\n".join(f"<li>{sentence}</li>" for line in lines for sentence in line(evaluation))
    return f'<section class="limits">\n<h2>How far these figures reach</h2>\n<ul>\n{said}\n</ul>\n</section>'


def _clips(evaluation: Evaluation) -> Iterator[str]:
    rendered, real = evaluation.rendered, len(evaluation.clips) - evaluation.rendered
    yield f"Clips of simulated people: <b>{rendered}</b>. Clips of real people: <b>{real}</b>."
    if rendered and real:
        yield "Both kinds are mixed in every figure here: evaluate them apart to tell what holds for real people."
    elif rendered:
        yield (
            "Nothing here was measured on a real person: cloth, light and movement are simpler in a simulation. "
            "People, clothes and rooms that nothing was trained on are still other draws of the same simulation."
        )


def _people(evaluation: Evaluation) -> Iterator[str]:
    silent = sum(not clip.clip.subjects for clip in evaluation.clips)
    if evaluation.subjects:
        yield f"Different people named by the labels (<code>subject</code>): <b>{evaluation.subjects}</b>."
    if silent:
        yield (
            f"Whom they show is not said of {silent} of {counted(len(evaluation.clips), 'clip')}: for how many "
            "people these figures speak is not known."
        )


def _independence(evaluation: Evaluation) -> Iterator[str]:
    if evaluation.matches:
        yield (
            "The intervals take every lift for a chance of its own. Lifts of one person in one clip resemble each "
            "other, so the real doubt is larger."
        )


def _techniques(evaluation: Evaluation) -> Iterator[str]:
    others = Counter(match.truth.technique for match in evaluation.matches if not match.scored)
    if others:
        listed = ", ".join(f"{count} {escape(spelt(name).lower())}" for name, count in sorted(others.items()))
        yield (
            f"Found lifts whose labelled technique is none of {', '.join(SCORED)}: {listed}. They count as lifts and "
            "for the spine's error, not for technique."
        )
    unknown = sum(match.scored and not match.covered for match in evaluation.matches)
    if unknown:
        told = counted(unknown, "found lift")
        yield f"Told as “unknown”: {told}. That lowers “technique told”, not the share of them that is right."


def _partial(evaluation: Evaluation) -> Iterator[str]:
    partial = sum(lift.partial for clip in evaluation.clips for lift in clip.clip.lifts)
    missed = sum(lift.partial for clip in evaluation.clips for lift in clip.missed)
    if partial:
        yield (
            f"Cut off by their clip's start or end: {counted(partial, 'labelled lift')}. They need not be found; "
            f"{partial - missed} of them were, and the technique told of those counts."
        )


def _spine(evaluation: Evaluation) -> Iterator[str]:
    unlabelled = [match for match in evaluation.matches if match.truth.spine_flexion_deg is None]
    labelled = [match for match in evaluation.matches if match.truth.spine_flexion_deg is not None]
    unseen = sum(match.told.spine_flexion_deg is None for match in labelled)
    if unlabelled:
        yield f"True spine flexion not labelled, so angles not compared: {counted(len(unlabelled), 'found lift')}."
    if unseen:
        yield f"Back not seen well enough to tell an angle, so no error counted: {counted(unseen, 'found lift')}."


def _times(evaluation: Evaluation) -> Iterator[str]:
    rough = sum(not match.truth.exact for match in evaluation.matches)
    if rough:
        found = counted(rough, "found lift")
        yield f"Times marked by hand, good enough to match by, too coarse to time by: {found}."


def _rest(evaluation: Evaluation) -> Iterator[str]:
    still = [clip for clip in evaluation.clips if not clip.clip.lifts]
    still_s = sum(clip.watched_s for clip in still)
    if not still:
        yield "No clip shows ordinary movement alone: false lifts were only looked for around real ones."
        return
    yield f"Movement without any lift: {duration(still_s)} in {counted(len(still), 'clip')}."
    if still_s < _HOUR_S:
        yield "That is less than an hour: how little it says about false lifts per hour is in their interval."


def _left_out(evaluation: Evaluation) -> Iterator[str]:
    for clip in evaluation.left_out:
        yield f"Left out: <b>{escape(clip.clip)}</b>: {escape(clip.what)}."
