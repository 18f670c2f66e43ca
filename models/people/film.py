"""How a camera turns light into a picture: blur, motion, tone, noise, compression."""

import subprocess
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Film:
    """How this sequence's camera turns light into a picture."""

    blur: float
    gain: float
    offset: float
    noise: float
    grey: bool
    jpeg_quality: int
    smear: float  # length of the motion blur as a share of the picture
    smear_deg: float

    @staticmethod
    def sample(rng: np.random.Generator) -> "Film":
        """Anything from a good camera to a poor one."""
        blur = rng.uniform(0.4, 1.8) if rng.random() < 0.5 else 0.0
        dim = rng.random() < 0.15
        gain, noise = (
            (rng.uniform(0.3, 0.6), rng.uniform(4, 14)) if dim else (rng.uniform(0.7, 1.2), rng.uniform(0, 7))
        )
        smear = rng.uniform(0.005, 0.025) if rng.random() < 0.25 else 0.0
        return Film(
            blur,
            gain,
            rng.uniform(-12, 12),
            noise,
            bool(rng.random() < 0.1),
            int(rng.integers(30, 96)),
            smear,
            rng.uniform(0, 180),
        )

    @property
    def open_share(self) -> float:
        """How long the shutter stays open, as a share of the time between two pictures of 15/s."""
        return 30 * self.smear

    def photographed(self, image: np.ndarray, side_px: float, rng: np.random.Generator) -> np.ndarray:
        """The square rendering at the size, sharpness and tone of this camera."""
        size, drawn_px = int(side_px), len(image)
        image = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
        if self.blur:
            image = cv2.GaussianBlur(image, (0, 0), self.blur * size / drawn_px)
        if self.smear * size >= 2:
            image = cv2.filter2D(image, -1, _streak(int(self.smear * size), self.smear_deg))
        pixels = image.astype(np.float32) * self.gain + self.offset
        pixels += rng.normal(0, self.noise, pixels.shape).astype(np.float32)
        if self.grey:
            pixels[:] = pixels.mean(axis=2, keepdims=True)
        return np.clip(pixels, 0, 255).astype(np.uint8)


def _streak(length_px: int, angle_deg: float) -> np.ndarray:
    """The kernel of a picture that moves while the shutter is open."""
    side = length_px | 1
    kernel = np.zeros((side, side), np.float32)
    kernel[side // 2] = 1
    turn = cv2.getRotationMatrix2D((side // 2, side // 2), angle_deg, 1)
    turned = np.asarray(cv2.warpAffine(kernel, turn, (side, side)))
    return turned / turned.sum()


def encode(command: list[str], pictures: Iterable[np.ndarray]) -> None:
    """Pipe pictures to this FFmpeg. Raises SystemExit where it fails."""
    # One that ends early breaks the pipe; what it was, it has said itself.
    with suppress(BrokenPipeError), subprocess.Popen(command, stdin=subprocess.PIPE) as encoder:
        assert encoder.stdin is not None
        for picture in pictures:
            encoder.stdin.write(picture.tobytes())
    if encoder.returncode:
        raise SystemExit(f"ffmpeg failed on {command[-1]}")
