"""Whether a device really computes what a network says: one known picture in, the known answer out.

A driver may compile a network without an error and answer nonsense; that would read as "nobody there" for ever. The
known answers are OpenVINO's own on CPU in FP32 (`scripts/selftest.py` writes them), one in so many numbers of each.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Protocol

import cv2
import numpy as np

from edge_agent.core.records import Floats, Image
from edge_agent.errors import RunError

LARGEST_ERROR = 0.1
"""Root mean square of the error, as a share of the answer's own spread. The same picture a tenth darker errs by up to
0.10, mirrored by 0.48 at least, black by 0.71 (lite, full and heavy landmarker, detector)."""

_MOST_NUMBERS = 512
_ASSETS = files("edge_agent") / "assets"


class Answers(Protocol):
    """What is tested: a compiled graph."""

    name: str
    height: int
    width: int

    @property
    def device(self) -> str: ...  # noqa: D102
    def infer(self, pictures: Sequence[Image]) -> list[dict[str, Floats]]: ...  # noqa: D102


class SelfTestError(RunError):
    """A device runs a network, and answers wrongly."""


@cache
def picture() -> Image:
    """(256, 256, 3) uint8 BGR: a simulated person, torso upright."""
    packed = np.frombuffer((_ASSETS / "selftest.png").read_bytes(), np.uint8)
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)


@cache
def golden() -> Mapping[str, Floats]:
    """The known answers, by ``model/output``."""
    with np.load(BytesIO((_ASSETS / "selftest.npz").read_bytes())) as arrays:
        return dict(arrays)


def answer_of(network: Answers, shown: Image | None = None) -> dict[str, Floats]:
    """What the network says of the picture, thinned, by ``model/output``. Raises InferenceError."""
    shown = picture() if shown is None else shown
    (answer,) = network.infer([np.asarray(cv2.resize(shown, (network.width, network.height)), np.uint8)])
    return {f"{network.name}/{output}": _thinned(values) for output, values in answer.items()}


def error_of(answer: Mapping[str, Floats]) -> float:
    """The worst output's error as a share of its spread; infinite where it holds something that is no number.

    An output of a single number is set beside 1: it is a score.
    """
    return max(_error(values, golden()[name]) for name, values in answer.items())


def check(network: Answers) -> None:
    """Raises SelfTestError where the device answers wrongly, InferenceError where it does not answer at all."""
    error = error_of(answer_of(network))
    if error > LARGEST_ERROR:
        raise SelfTestError(
            f"{network.name} answers wrongly on {network.device}: off by {error:.0%} of its range, "
            f"{LARGEST_ERROR:.0%} is allowed",
            "update the device's driver, or set pose.device to CPU and pose.precision to fp32",
        )


def _error(values: Floats, known: Floats) -> float:
    if not np.isfinite(values).all():
        return float("inf")
    spread = float(known.std()) if known.size > 1 else 1.0
    return float(np.sqrt(np.mean((values - known) ** 2))) / spread


def _thinned(values: Floats) -> Floats:
    flat = values.ravel()
    return flat[:: max(1, flat.size // _MOST_NUMBERS)]
