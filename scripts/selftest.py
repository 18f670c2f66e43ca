"""Write the picture and the answers of the self-test: `.venv/bin/python scripts/selftest.py`.

Needs all landmarkers: `edge-agent models pull pose-landmarker-lite pose-landmarker-heavy`. Run it again when a model
in `models/` is replaced; the answers are CPU's in FP32.
"""

from pathlib import Path
from typing import get_args

import cv2
import numpy as np

from edge_agent.core import crop
from edge_agent.frames import read_video
from edge_agent.pose.detector import Detector, Window
from edge_agent.pose.eyes import FINDER, graphs_of, marker_of
from edge_agent.pose.landmarker import cut
from edge_agent.pose.network import Network, new_core
from edge_agent.pose.selftest import answer_of
from edge_agent.settings import PoseSettings

ASSETS = Path("edge_agent/assets")
SIZE_PX = 256


def main() -> None:
    """The person found in the left half of the demo clip's first frame, as the landmarker is shown them."""
    core = new_core()
    frame = next(read_video(ASSETS / "demo.mp4", 720, 15.0)).image
    finder = Detector(Network(core, *graphs_of(FINDER, PoseSettings()), "CPU"))
    person = finder.detect(frame, [Window(0, 0, frame.shape[0])])[0]
    hip, shoulder = (np.array(xy, np.float32) for xy in (person.hip_xy, person.shoulder_xy))
    picture = cut(frame, crop.around(hip, shoulder, person.reach_px), SIZE_PX)
    cv2.imwrite(str(ASSETS / "selftest.png"), picture)
    known = {}
    landmarkers = get_args(PoseSettings.model_fields["landmarker"].annotation)
    for model in (FINDER, *(marker_of(PoseSettings(landmarker=name)) for name in landmarkers)):
        for graph in graphs_of(model, PoseSettings()):
            known |= answer_of(Network(core, graph, "CPU"), picture)
    np.savez_compressed(ASSETS / "selftest.npz", **known)


if __name__ == "__main__":
    main()
