"""Show whole clips of simulated people to the product and keep how every bend went, and whether it was a lift.

Usage: python models/lifts/bends.py LABELS.json CLIPS_DIR OUT.csv
(in the product's own environment)
LABELS.json and CLIPS_DIR are made by ``models/people/clips.py``.
"""

import argparse
import csv
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path

from rich.progress import track

from edge_agent.agent import Look, Watch
from edge_agent.analyze import analyze
from edge_agent.core.bend import Bend
from edge_agent.core.lift_model import MEASURES, measures
from edge_agent.core.records import Frame
from edge_agent.core.scoring import ToldLift, match
from edge_agent.labels import LabelledClip, read_labels
from edge_agent.pose.eyes import Eyes
from edge_agent.pose.network import cores
from edge_agent.settings import CameraSettings, Settings
from edge_agent.video import video_info

CLIP, PEAK, HAPPENED = COLUMNS = ("clip", "peak_s", "happened")


@dataclass
class Recorder:
    """Stands where the lift model does, believes every bend, and keeps it."""

    bends: list[Bend] = field(default_factory=list)
    width_px: int = 1

    def __call__(self, bend: Bend) -> float:
        """In place of ``LiftModel.probability``."""
        self.bends.append(bend)
        return 1.0

    def saw(self, frame: Frame, _look: Look) -> None:
        """How wide the pictures are."""
        self.width_px = frame.image.shape[1]

    def told(self) -> list[ToldLift]:
        """Every bend as if it had been told to be a lift."""
        return [
            ToldLift(
                bend.start_s,
                bend.peak.time_s,
                bend.end_s,
                bend.peak.posture.hip_xy[0] / self.width_px,
                technique="unknown",
                confidence=0.0,
            )
            for bend in self.bends
        ]


def watched(clip: LabelledClip, eyes: Eyes, settings: Settings) -> list[dict[str, object]]:
    """A row for each bend of one clip that the lift model would have been asked about."""
    recorder, own = Recorder(), copy(eyes)
    own.lift_probability = recorder
    watch = Watch(CameraSettings(name="clip", source=str(clip.video)), own, settings.technique.thresholds)
    analyze(clip.video, video_info(clip.video), watch, recorder.saw)
    happened = {index for _, index in match(clip.truth.lifts, recorder.told())}
    return [
        {CLIP: clip.truth.name, PEAK: round(bend.peak.time_s, 2), HAPPENED: int(index in happened)}
        | dict(zip(MEASURES, (f"{value:.4f}" for value in measures(bend)), strict=True))
        for index, bend in enumerate(recorder.bends)
    ]


def main() -> None:
    """Watch as many clips side by side as there are cores."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("labels", "clips", "out"):
        parser.add_argument(name, type=Path)
    args = parser.parse_args()
    clips, settings = read_labels(args.labels, args.clips), Settings()
    eyes = Eyes(settings.pose)
    with ThreadPoolExecutor(cores()) as pool, args.out.open("w", newline="") as file:
        writer = csv.DictWriter(file, (*COLUMNS, *MEASURES), lineterminator="\n")
        writer.writeheader()
        for rows in track(pool.map(lambda clip: watched(clip, eyes, settings), clips), total=len(clips)):
            writer.writerows(rows)


if __name__ == "__main__":
    main()
