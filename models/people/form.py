"""Two coaching cues beside the truth: feet that are staggered, leaning back at the top.

    .venv/bin/python models/people/form.py CLIPS_FOLDER     # of `clips.py --kind form`

Both are read from keypoints, in whole clips, so the spine model's card cannot tell how good they are.
"""

import json
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_agent.analyze import analyze, watcher
from edge_agent.core.cues import CueThresholds
from edge_agent.core.records import Lift
from edge_agent.labels import LabelledClip, read_labels
from edge_agent.pose.network import cores
from edge_agent.settings import Settings
from edge_agent.video import video_info

LIMITS = CueThresholds()


@dataclass(frozen=True)
class Question:
    """One cue: how its sentence reads, what is true, and from where on that deserves a word."""

    name: str
    sentence: re.Pattern[str]
    truth: str
    limit: float
    per_said: float  # the sentence's number in the truth's unit


QUESTIONS = (
    Question("feet staggered", re.compile(r"staggered by (\d+) cm"), "stagger_m", LIMITS.stagger_m, 0.01),
    Question("leans back", re.compile(r"leans back (\d+)°"), "lean_back_deg", LIMITS.lean_back_deg, 1.0),
)


def found(clip: LabelledClip, lifts: list[Lift]) -> list[tuple[Lift, dict]]:
    """Each lift that was found, with what is true of it; the clips hold one person each."""
    pairs = [
        (told, dict(true.conditions))
        for true in clip.truth.lifts
        for told in lifts
        if true.start_s <= told.peak_s <= true.end_s
    ]
    return [(told, true) for told, true in pairs if _near_side(told)]


def _near_side(told: Lift) -> bool:
    return told.view_from_side_deg is not None and told.view_from_side_deg <= LIMITS.max_view_deg


def row(question: Question, pairs: list[tuple[Lift, dict]]) -> str:
    """How often it is said, deserved and both, and how wrong its number is."""
    said = [(matched, true) for told, true in pairs for matched in [question.sentence.search(" ".join(told.reasons))]]
    truth = [true[question.truth] for _, true in said]
    heard = {i: int(matched[1]) for i, (matched, _) in enumerate(said) if matched}
    right = sum(truth[i] >= question.limit for i in heard)
    near = sum(truth[i] >= 0.6 * question.limit for i in heard)
    errors = [number * question.per_said - truth[i] for i, number in heard.items()]
    mae = f"{np.mean(np.abs(errors)):.2f}" if errors else "-"
    deserved = sum(value >= question.limit for value in truth)
    return f"| {question.name} | {len(said)} | {deserved} | {len(heard)} | {right} | {near} | {mae} |"


def main(folder: Path) -> None:
    """Watch every clip and print a table."""
    clips = [clip for clip in read_labels(folder / "labels.json", folder) if clip.truth.name.startswith("form")]
    watch_on = watcher(Settings())

    def lifts_of(clip: LabelledClip) -> list[Lift]:
        return analyze(clip.video, video_info(clip.video), watch_on(clip.video), lambda _frame, _look: None).lifts

    with ThreadPoolExecutor(cores()) as pool:
        pairs = [
            pair for clip, lifts in zip(clips, pool.map(lifts_of, clips), strict=True) for pair in found(clip, lifts)
        ]
    dump = [(told.reasons, told.view_from_side_deg, true) for told, true in pairs]
    (folder / "form.json").write_text(json.dumps(dump, indent=1))
    print(f"{len(clips)} clips, lifts found within {LIMITS.max_view_deg:g}° of the side: {len(pairs)}")
    print("| cue | lifts | deserved | said | right | at least 0.6 of the limit | mean error of the number |")
    print("|---|---|---|---|---|---|---|")
    for question in QUESTIONS:
        print(row(question, pairs))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
