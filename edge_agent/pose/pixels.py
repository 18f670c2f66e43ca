"""What is done to and read from a picture before and beside the networks."""

import cv2
import numpy as np

from edge_agent.core.records import Floats, Image, Pose
from edge_agent.core.skeleton import Landmark

_TORSO = (Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER, Landmark.RIGHT_HIP, Landmark.LEFT_HIP)


def blank(image: Image, masks: tuple[tuple[tuple[float, float], ...], ...]) -> Image:
    """Masked areas never reach a network."""
    if not masks:
        return image
    blanked, size = image.copy(), np.array([image.shape[1], image.shape[0]])
    for mask in masks:  # one by one: given together, OpenCV leaves open what two of them share
        cv2.fillPoly(blanked, [np.rint(np.array(mask) * size).astype(np.int32)], (0, 0, 0))
    return blanked


def halved(image: Image) -> Image:
    """At half the size. An odd last row or column is left out: with it, it would be ten times dearer."""
    rows, columns = image.shape[0] // 2, image.shape[1] // 2
    half = cv2.resize(image[: 2 * rows, : 2 * columns], (columns, rows), interpolation=cv2.INTER_AREA)
    return np.asarray(half, np.uint8)


def warped(image: Image, to_frame: Floats, size_px: int) -> Image:
    """(size_px, size_px, 3) what of the picture a window shows; what lies outside of the picture is black.

    to_frame: (2, 3) from the window's pixels to the picture's; of a window that is nowhere (NaN) all is black. With a
    fourth channel it takes half the time, for the same pixels within a grey level: OpenCV has no fast way for three.
    """
    if not np.isfinite(to_frame).all():
        return np.zeros((size_px, size_px, 3), np.uint8)
    corners = to_frame @ np.array([[-1, size_px, -1, size_px], [-1, -1, size_px, size_px], [1, 1, 1, 1]])
    limit = np.array([image.shape[1], image.shape[0]])
    low = np.clip(np.floor(corners.min(1)), 0, limit - 1).astype(int)
    high = np.clip(np.ceil(corners.max(1)) + 1, low + 1, limit).astype(int)
    part = cv2.cvtColor(image[low[1] : high[1], low[0] : high[0]], cv2.COLOR_BGR2BGRA)
    there = np.column_stack([to_frame[:, :2], to_frame[:, 2] - low])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    seen = cv2.warpAffine(part, there, (size_px, size_px), flags=flags)
    return np.asarray(cv2.cvtColor(seen, cv2.COLOR_BGRA2BGR), np.uint8)


def torso_colour(image: Image, pose: Pose) -> Floats:
    """(3,) mean Lab colour of five points inside the torso: enough to tell two people's clothes apart."""
    corners = pose.xy[list(_TORSO)]
    middle = corners.mean(0)
    points = np.rint(np.vstack([middle + 0.6 * (corners - middle), middle])).astype(int)
    x = np.clip(points[:, 0], 0, image.shape[1] - 1)
    y = np.clip(points[:, 1], 0, image.shape[0] - 1)
    lab = cv2.cvtColor(image[y, x][np.newaxis], cv2.COLOR_BGR2LAB)
    return np.asarray(lab[0].mean(0), np.float32)
