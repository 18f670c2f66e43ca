"""What a frame costs with more and more people in view: the demo clip's two people, pasted side by side.

Every picture is 1280x720 of eight equal places; a place shows one half of the demo clip with its person, each from
another moment on, or the empty middle of the scene. Nothing but the number of people differs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from rich.console import Console

from edge_agent.bench import measure_frames
from edge_agent.bound import CountedEyes
from edge_agent.core.records import Frame, Image
from edge_agent.frames import read_video

CLIP: Final = Path(__file__).parents[2] / "edge_agent" / "assets" / "demo.mp4"
PEOPLE: Final = (0, 1, 2, 4, 8)
_RATE_HZ = 15.0
FRAMES, STEP_FRAMES = 120, 30
_COLUMNS, _ROWS = 4, 2
_PLACE_SIZE = (320, 360)
_HALVES: Final = (slice(0, 640), slice(640, 1280))
_EMPTY: Final = slice(490, 750)


def crowd(eyes: CountedEyes, console: Console) -> list[dict[str, Any]]:
    """One entry for each of PEOPLE: CPU milliseconds a frame, and how many people were followed."""
    needed = islice(read_video(CLIP, 720, _RATE_HZ), FRAMES + PEOPLE[-1] * STEP_FRAMES)
    scenes = [Scene.of(frame.image) for frame in needed]
    return [_cost(list(pasted(scenes, people)), people, eyes, console) for people in PEOPLE]


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One frame of the demo clip cut into places, (360, 320, 3) each."""

    people: tuple[Image, Image]
    empty: Image

    @classmethod
    def of(cls, image: Image) -> "Scene":
        """image: (720, 1280, 3)."""
        left, right, empty = (
            np.asarray(cv2.resize(image[:, part], _PLACE_SIZE, interpolation=cv2.INTER_AREA), np.uint8)
            for part in (*_HALVES, _EMPTY)
        )
        return cls((left, right), empty)


def pasted(scenes: Sequence[Scene], people: int) -> Iterator[Frame]:
    """The frames with so many people, eight at most, each as late as FRAMES and its place's STEP_FRAMES ask."""
    for number in range(FRAMES):
        places = [_place(scenes, number, place, place < people) for place in range(_COLUMNS * _ROWS)]
        rows = [np.hstack(places[row::_ROWS]) for row in range(_ROWS)]
        yield Frame("crowd", np.vstack(rows), number / _RATE_HZ)


def _place(scenes: Sequence[Scene], number: int, place: int, taken: bool) -> Image:
    return scenes[number + place * STEP_FRAMES].people[place % 2] if taken else scenes[0].empty


def _cost(frames: Sequence[Frame], people: int, eyes: CountedEyes, console: Console) -> dict[str, Any]:
    cost = measure_frames(frames, eyes, console)
    after_first_s = cost.after_decode_s - cost.first_frame_s
    return {
        "people": people,
        "followed": round(cost.person_frames / cost.frames, 2),
        "cpu_ms_per_frame": round(after_first_s * 1000 / (cost.frames - 1), 2),
        "cpu_ms_first_frame": round(cost.first_frame_s * 1000, 1),
        "share_of_bound": round(cost.share_of_bound, 4),
    }
