"""What a person sees of an analysis: skeleton, back, verdict, never a face.

Every function returns a new image and leaves the one it was given alone. Line widths and letters follow the
height of the picture, from 360 to 1080 lines.
"""

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Final, Self, cast

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.container import OutputContainer
from av.video.stream import VideoStream

from edge_agent.core.records import Image, Technique
from edge_agent.core.skeleton import Landmark
from edge_agent.errors import InputError

Colour = tuple[int, int, int]
Points = npt.NDArray[np.floating]

TECHNIQUE_COLOURS: Final[dict[Technique, Colour]] = {
    "hinge": (115, 158, 0),  # bluish green
    "squat": (233, 180, 86),  # sky blue
    "rounded_back": (0, 94, 213),  # vermilion
    "unknown": (170, 170, 170),  # grey
}
"""BGR. Source: Okabe and Ito, Color Universal Design (2008), told apart with every colour blindness."""

BACK_COLOUR: Final[Colour] = (66, 228, 240)  # Okabe and Ito's yellow
BONE_COLOUR: Final[Colour] = (255, 255, 255)
OUTLINE_COLOUR: Final[Colour] = (20, 20, 20)

VISIBLE: Final = 0.5
"""A landmark below this is not drawn. Source: VISIBILITY_THRESHOLD of MediaPipe's own drawing utilities."""

FACE_CELLS: Final = 6
"""A face is reduced to this many cells across before it is blurred; recognition needs more than twice that.

Source: Harmon and Julesz (Science 180, 1973) could just recognise well-known faces in 16 x 16 cells.
"""

L = Landmark
BONES: Final[tuple[tuple[Landmark, Landmark], ...]] = (
    (L.LEFT_SHOULDER, L.RIGHT_SHOULDER),
    (L.LEFT_HIP, L.RIGHT_HIP),
    (L.LEFT_SHOULDER, L.LEFT_HIP),
    (L.RIGHT_SHOULDER, L.RIGHT_HIP),
    (L.LEFT_SHOULDER, L.LEFT_ELBOW),
    (L.RIGHT_SHOULDER, L.RIGHT_ELBOW),
    (L.LEFT_ELBOW, L.LEFT_WRIST),
    (L.RIGHT_ELBOW, L.RIGHT_WRIST),
    (L.LEFT_WRIST, L.LEFT_THUMB),
    (L.RIGHT_WRIST, L.RIGHT_THUMB),
    (L.LEFT_WRIST, L.LEFT_PINKY),
    (L.RIGHT_WRIST, L.RIGHT_PINKY),
    (L.LEFT_WRIST, L.LEFT_INDEX),
    (L.RIGHT_WRIST, L.RIGHT_INDEX),
    (L.LEFT_PINKY, L.LEFT_INDEX),
    (L.RIGHT_PINKY, L.RIGHT_INDEX),
    (L.LEFT_HIP, L.LEFT_KNEE),
    (L.RIGHT_HIP, L.RIGHT_KNEE),
    (L.LEFT_KNEE, L.LEFT_ANKLE),
    (L.RIGHT_KNEE, L.RIGHT_ANKLE),
    (L.LEFT_ANKLE, L.LEFT_HEEL),
    (L.RIGHT_ANKLE, L.RIGHT_HEEL),
    (L.LEFT_HEEL, L.LEFT_FOOT_INDEX),
    (L.RIGHT_HEEL, L.RIGHT_FOOT_INDEX),
    (L.LEFT_ANKLE, L.LEFT_FOOT_INDEX),
    (L.RIGHT_ANKLE, L.RIGHT_FOOT_INDEX),
)
"""Source: POSE_CONNECTIONS of MediaPipe Pose (BlazePose, 33 landmarks), without those of the face."""

_FONT = cv2.FontFace("sans")  # OpenCV 5 carries a real typeface: degree signs and accents are drawn


def blur_face(image: Image, head_points_xy: Points, head_size_px: float) -> Image:
    """Make the head unrecognisable for good: a few coarse cells across, then blurred.

    head_points_xy: (n, 2) pixels of nose, eyes, ears, mouth; rows that are not finite are ignored, without
    any row nothing is changed. head_size_px: height of the head, crown to chin. The ellipse covers all points
    with half a head around them, hair and chin included.
    """
    points = head_points_xy[np.isfinite(head_points_xy).all(axis=1)]
    result = image.copy()
    if not len(points):
        return result
    low, high = points.min(axis=0), points.max(axis=0)
    centre = (low + high) / 2
    half = np.maximum((high - low) / 2 + 0.5 * head_size_px, 0.75 * head_size_px)
    height, width = image.shape[:2]
    left, top = (max(0, int(value)) for value in centre - half)
    right, bottom = (min(limit, int(value) + 1) for value, limit in zip(centre + half, (width, height), strict=True))
    if left >= right or top >= bottom:
        return result
    region = result[top:bottom, left:right]
    ellipse = np.zeros(region.shape[:2], np.uint8)
    middle = tuple(int(value) for value in centre - (left, top))
    axes = tuple(int(np.ceil(value)) for value in half)
    cv2.ellipse(ellipse, middle, axes, 0, 0, 360, 1, thickness=-1)
    region[ellipse > 0] = _coarse(region)[ellipse > 0]
    return result


def _coarse(region: Image) -> Image:
    height, width = region.shape[:2]
    # Never more cells than a quarter of the pixels: a distant face of 12 px must lose its detail as well.
    cells = (max(1, min(FACE_CELLS, width // 4)), max(1, min(FACE_CELLS, height // 4)))
    small = cv2.resize(region, cells, interpolation=cv2.INTER_AREA)
    large = cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)
    return cast(Image, cv2.GaussianBlur(large, (0, 0), sigmaX=max(1.0, max(width, height) / FACE_CELLS / 2)))


def draw_skeleton(image: Image, xy: Points, visibility: Points) -> Image:
    """Draw the bones whose both ends are visible. xy: (33, 2) pixels; visibility: (33,) from 0 to 1."""
    result, width_px = image.copy(), _line_px(image)
    shown = (visibility >= VISIBLE) & np.isfinite(xy).all(axis=1)
    bones = [(xy[a], xy[b]) for a, b in BONES if shown[a] and shown[b]]
    for colour, extra_px in ((OUTLINE_COLOUR, 2), (BONE_COLOUR, 0)):
        for start, end in bones:
            cv2.line(result, _pixel(start), _pixel(end), colour, width_px + extra_px, cv2.LINE_AA)
    for joint in {joint for bone in BONES for joint in bone if shown[joint]}:
        cv2.circle(result, _pixel(xy[joint]), width_px + 1, BONE_COLOUR, -1, cv2.LINE_AA)
    return result


def draw_back(image: Image, outline_xy: Points, chord: Points) -> Image:
    """Draw the back's outline, bright, and the straight pelvis–shoulder chord it is judged by, dashed.

    outline_xy: (n, 2) pixels in order along the back; chord: (2, 2) pixels, its two ends.
    """
    result, width_px = image.copy(), _line_px(image)
    if len(outline_xy) >= 2:
        line = np.round(outline_xy).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(result, [line], False, OUTLINE_COLOUR, 2 * width_px + 2, cv2.LINE_AA)
        cv2.polylines(result, [line], False, BACK_COLOUR, 2 * width_px, cv2.LINE_AA)
    length_px = float(np.hypot(*(chord[1] - chord[0])))
    dashes = max(1, round(length_px / (8 * width_px)))
    for dash in range(dashes):
        start, end = (chord[0] + (chord[1] - chord[0]) * (dash + part) / dashes for part in (0.0, 0.5))
        cv2.line(result, _pixel(start), _pixel(end), BACK_COLOUR, width_px, cv2.LINE_AA)
    return result


def draw_verdict(image: Image, lines: tuple[str, ...], technique: Technique) -> Image:
    """Write the verdict into a dark panel at the top left, the first line in the technique's colour."""
    result, (height, width) = image.copy(), image.shape[:2]
    size_px = max(13, height // 34)
    margin, bar = size_px, max(4, size_px // 3)
    left, right = margin // 2 + bar + margin, min(width - margin, max(width * 48 // 100, 300))
    styles = [(line, size_px if row else size_px * 4 // 3, 400 if row else 700) for row, line in enumerate(lines)]
    wrapped = [
        (part, size, weight) for line, size, weight in styles for part in _wrap(line, right - left, size, weight)
    ]
    bottom = margin + sum(_line_height(size) for _, size, _ in wrapped) + margin // 2
    panel = result[margin // 2 : bottom, margin // 2 : right + margin // 2]
    panel[:] = panel // 5  # what lies behind stays discernible, the letters keep a contrast above 7 : 1
    colour = TECHNIQUE_COLOURS[technique]
    panel[:, :bar] = colour
    baseline = margin // 2
    for row, (part, size, weight) in enumerate(wrapped):
        baseline += _line_height(size)
        letters = colour if row == 0 else BONE_COLOUR
        cv2.putText(result, part, (left, baseline), letters, _FONT, size, weight)
    return result


def _wrap(line: str, width_px: int, size_px: int, weight: int) -> list[str]:
    rows = [""]
    for word in line.split():
        longer = f"{rows[-1]} {word}".strip()
        fits = cv2.getTextSize((0, 0), longer, (0, 0), _FONT, size_px, weight)[2] <= width_px
        if fits or not rows[-1]:
            rows[-1] = longer
        else:
            rows.append(word)
    return rows


def _line_height(size_px: int) -> int:
    return size_px * 14 // 10


def _line_px(image: Image) -> int:
    return max(1, round(int(image.shape[0]) / 360))


def _pixel(point: Points) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))


class AnnotatedVideo:
    """Writes images to an .mp4 that plays everywhere (H.264, or MPEG-4 where no encoder for it is built in).

    The size is that of the first image, cut to even sides; later images are scaled to it. Use as a context
    manager: leaving it, even by an error, finishes the file.
    """

    TICKS_HZ: Final = 90_000

    def __init__(self, path: Path, rate_hz: float) -> None:
        self._path = path
        self._rate = Fraction(rate_hz).limit_denominator(1001)
        self._container: OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._last_tick = -1

    def write(self, image: Image, time_s: float) -> None:
        """Append one image, shown from ``time_s`` on. Raises InputError if the file cannot be written."""
        stream = self._stream or self._open(image)
        if (image.shape[1], image.shape[0]) != (stream.width, stream.height):
            image = cast(Image, cv2.resize(image[: image.shape[0] // 2 * 2], (stream.width, stream.height)))
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="bgr24")
        self._last_tick = max(self._last_tick + 1, round(time_s * self.TICKS_HZ))
        picture.pts, picture.time_base = self._last_tick, Fraction(1, self.TICKS_HZ)
        self._mux(picture)

    def _open(self, image: Image) -> VideoStream:
        try:
            self._path.open("wb").close()  # FFmpeg would only complain when it is too late
        except OSError as error:
            raise InputError(
                f"cannot write {self._path}: {error.strerror}",
                "choose a folder that exists and may be written",
            ) from None
        options = {"movflags": "+faststart"}
        self._container = av.open(str(self._path), mode="w", format="mp4", options=options)
        codec = "libx264" if "libx264" in av.codecs_available else "mpeg4"
        quality = {"preset": "veryfast", "crf": "23"} if codec == "libx264" else {"qscale": "3"}
        stream = cast(VideoStream, self._container.add_stream(codec, rate=self._rate, options=quality))
        stream.height, stream.width = (side // 2 * 2 for side in image.shape[:2])
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, self.TICKS_HZ)
        self._stream = stream
        return stream

    def _mux(self, picture: av.VideoFrame | None) -> None:
        if self._container is None or self._stream is None:
            return
        try:
            self._container.mux(self._stream.encode(picture))
        except OSError as error:
            raise self._no_room(error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._container is None:
            return
        try:
            if not isinstance(error, InputError):
                self._mux(None)
        finally:
            self._close(self._container)

    def _close(self, container: OutputContainer) -> None:
        """The index is written last, so a full disk may show only now."""
        try:
            container.close()
        except OSError as error:
            raise self._no_room(error) from None

    def _no_room(self, error: OSError) -> InputError:
        return InputError(f"cannot write {self._path}: {error.strerror}", "make room on the disk, then run again")
