"""The body landmarks of one person, and on request the outline of the body: BlazePose GHUM.

Source of layout: MediaPipe ``pose_landmark`` graph and its model card.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edge_agent.core.crop import Crop
from edge_agent.core.records import Floats, Image, Pose
from edge_agent.core.skeleton import LANDMARKS
from edge_agent.pose.network import Network
from edge_agent.pose.pixels import warped

_POINTS, _SCORE, _MASK, _WORLD = "Identity", "Identity_1", "Identity_2", "Identity_4"
KEYPOINT_OUTPUTS = (_POINTS, _SCORE, _WORLD)
MASK_OUTPUTS = (*KEYPOINT_OUTPUTS, _MASK)


def cut(image: Image, crop: Crop, size_px: int) -> Image:
    """The crop as a (size_px, size_px, 3) picture; what lies outside the frame is black."""
    right, down = crop.axes()
    step = crop.side_px / size_px
    center = np.array([crop.center_x, crop.center_y], np.float32)
    origin = center - (right + down) * (crop.side_px - step) / 2
    to_frame = np.column_stack([right * step, down * step, origin])
    return warped(image, to_frame, size_px)


def _sigmoid(values: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -60, 60))), np.float32)


def decode(answer: dict[str, Floats], crop: Crop, size_px: int) -> Pose:
    """The network's raw outputs for one crop as a Pose."""
    points = answer[_POINTS].reshape(-1, 5)[:LANDMARKS]
    crop_xy = np.asarray(points[:, :2] / size_px, np.float32)
    mask = answer.get(_MASK)
    return Pose(
        crop=crop,
        xy=crop.to_frame(crop_xy),
        crop_xy=crop_xy,
        visibility=_sigmoid(np.minimum(points[:, 3], points[:, 4])),
        world_m=crop.turn(answer[_WORLD].reshape(-1, 3)[:LANDMARKS]),
        score=float(answer[_SCORE].ravel()[0]),
        mask=None if mask is None else _sigmoid(mask[:, :, 0]),
    )


def within(pose: Pose, image: Image) -> Pose:
    """The pose with every landmark outside of the picture unseen: the network guesses them, often boldly."""
    height, width = image.shape[:2]
    inside = ((pose.xy >= 0) & (pose.xy < (width, height))).all(axis=1)
    return replace(pose, visibility=np.where(inside, pose.visibility, np.float32(0)))


class Landmarker:
    """Two compiled forms of one network: landmarks alone, and landmarks with the outline (dearer)."""

    def __init__(self, plain: Network, with_mask: Network) -> None:
        self._plain = plain
        self._with_mask = with_mask

    @property
    def size_px(self) -> int:
        """The side of its pictures."""
        return self._plain.width

    def locate(self, image: Image, crops: Sequence[Crop], *, mask: bool) -> list[Pose]:
        """One Pose for each crop, in order. Raises InferenceError."""
        network = self._with_mask if mask else self._plain
        answers = network.infer([cut(image, crop, network.width) for crop in crops])
        poses = [decode(answer, crop, network.width) for answer, crop in zip(answers, crops, strict=True)]
        return [within(pose, image) for pose in poses]
