"""The picture that ``analyze --video`` writes and ``peek`` shows: skeleton, back and verdict, faces made coarse.

Faces are blurred after inference, for a blurred face makes the network mistake front for back. Everyone the
agent follows is blurred, those it does not believe in yet included; somebody it never found is not. Frames that were
not looked at are left out: nobody knows where in them the faces are.
"""

from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from edge_agent.agent import Look, Person
from edge_agent.core.records import Floats, Frame, Image, Lift, Pose, Technique
from edge_agent.core.skeleton import HEAD, HIPS, SHOULDERS
from edge_agent.draw import AnnotatedVideo, blur_face, draw_back, draw_skeleton, draw_verdict

# How long the last verdict stays on the picture.
_SHOWN_S = 2.5
# Crown to chin as a share of a person's reach (mid-hip to farthest toe): 0.13 of 0.55 of the body height.
_HEAD = 0.24
_TITLES: dict[Technique, str] = {
    "hinge": "Hinge",
    "squat": "Squat",
    "rounded_back": "Rounded back",
    "unknown": "Unknown",
}


class Drawing:
    """Draws what was seen, and the last verdict for a while after it."""

    def __init__(self) -> None:
        self._recent: deque[tuple[float, Lift]] = deque(maxlen=1)

    def draw(self, image: Image, look: Look) -> Image:
        """A new picture, with no face of anybody who is followed."""
        self._recent.extend((look.time_s, lift) for lift in look.lifts)
        for pose in look.heads:
            image = blur_face(image, pose.xy[list(HEAD)], _head_px(pose))
        for person in look.people:
            image = _with_body(image, person)
        for seen_s, lift in self._recent:
            if look.time_s - seen_s <= _SHOWN_S:
                title = (
                    f"{_TITLES[lift.technique]}  {lift.confidence:.0%}"
                    if lift.confidence
                    else _TITLES[lift.technique]
                )
                image = draw_verdict(image, (f"Person {lift.person}: {title}", *lift.reasons), lift.technique)
        return image


class Overlay:
    """Writes the annotated clip. Use as a context manager."""

    def __init__(self, path: Path, rate_hz: float) -> None:
        self._video = AnnotatedVideo(path, rate_hz)
        self._drawing = Drawing()

    def add(self, frame: Frame, look: Look) -> None:
        """Draw what one look saw on its frame. Raises InputError if the file cannot be written."""
        self._video.write(self._drawing.draw(frame.image, look), frame.time_s)

    def __enter__(self) -> Self:
        self._video.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._video.__exit__(kind, error, trace)


def _with_body(image: Image, person: Person) -> Image:
    image = draw_skeleton(image, person.pose.xy, person.pose.visibility)
    back = person.moment.back
    if back is None:
        return image
    to_frame = person.pose.crop.to_frame
    return draw_back(image, to_frame(back.profile.seen_xy), to_frame(back.profile.chord_xy))


def _head_px(pose: Pose) -> float:
    """Height of the head; from the torso's length where the legs are out of the picture."""
    hip: Floats = pose.xy[list(HIPS)].mean(0)
    shoulder: Floats = pose.xy[list(SHOULDERS)].mean(0)
    reach_px = float(np.hypot(*(pose.xy - hip).T).max())
    return max(_HEAD * reach_px, 0.4 * float(np.hypot(*(shoulder - hip))))
