"""The project's own clip, what is true of it, and shorter pieces of it."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import av
import cv2
import numpy as np

from edge_agent.core.records import Frame, Image
from edge_agent.frames import read_video

DEMO_CLIP = Path(__file__).parents[1] / "edge_agent" / "assets" / "demo.mp4"
FIRST_LIFT_S = 5.4
"""The first hinge is over by then, and the next lift has not begun."""


@dataclass(frozen=True)
class TrueLift:
    """What one simulated person really did. ``x`` is a fraction of the picture's width."""

    x: float
    start_s: float
    peak_s: float
    end_s: float
    technique: str


def true_lifts() -> list[TrueLift]:
    """In the order of their peaks."""
    truth = json.loads(DEMO_CLIP.with_suffix(".truth.json").read_text())["demo"]
    lifts = [
        TrueLift(person["x"], lift["start"], lift["peak"], lift["end"], lift["technique"])
        for person in truth["people"]
        for lift in person["lifts"]
    ]
    return sorted(lifts, key=lambda lift: lift.peak_s)


def by_side(lifts: Sequence[TrueLift]) -> Counter[tuple[str, str]]:
    """How often which technique was used in the left and in the right half of the picture."""
    return Counter(("left" if lift.x < 0.5 else "right", lift.technique) for lift in lifts)


def demo_frames(until_s: float = float("inf")) -> Iterator[Frame]:
    return takewhile(lambda frame: frame.time_s < until_s, read_video(DEMO_CLIP, 720, 15.0))


def shrunk(frame: Frame, corner_xy: tuple[int, int], scale: float = 0.3) -> Frame:
    """The scene as a camera far away would show it: people 120 px tall in a 1280x720 picture."""
    small = cv2.resize(frame.image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    image = np.full_like(frame.image, 150)
    x, y = corner_xy
    image[y : y + small.shape[0], x : x + small.shape[1]] = small
    return Frame(frame.camera, image, frame.time_s)


def write_clip(path: Path, pictures: Iterable[Image], rate_hz: int = 15, keyframe_every: int = 250) -> Path:
    """An H.264 video of these pictures, its index in front, so that a cut-off file can still be opened."""
    with av.open(str(path), mode="w", options={"movflags": "+faststart"}) as container:
        options = {"preset": "veryfast", "crf": "20", "g": str(keyframe_every)}
        stream = container.add_stream("libx264", rate=rate_hz, options=options)
        stream.pix_fmt = "yuv420p"
        for number, picture in enumerate(pictures):
            if not number:
                stream.height, stream.width = picture.shape[:2]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode())
    return path
