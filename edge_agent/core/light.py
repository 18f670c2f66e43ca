"""How much of a camera's picture light and noise leave, and what a site engineer can do about it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

NOISY: Final = 1.0
"""Grey levels, standard deviation. Compression takes most noise away: 26 of 120 clips of simulated cameras have
1 to 6, nearly all others less than 0.3; 33 real ones, some filmed by hand, at most 0.84."""
DIM: Final = 85
"""Fewer grey levels than this, a third of all. Of simulated lifts in such clips 64 % are found, in clear ones 87 %,
in noisy ones 95 % (docs/camera-placement.md)."""

BLANK: Final = 12
"""Fewer than this are the sensor's noise and no picture; the dimmest of 382 simulated clips has 25."""


@dataclass(frozen=True, slots=True)
class Light:
    """``levels``: from the darkest to the brightest of 256, None before a picture was seen. ``noise``: the standard
    deviation of a place that does not change, in such levels.
    """

    levels: float | None = None
    noise: float = 0.0

    @property
    def noisy(self) -> bool:
        """Whether noise hides who is there; it can be taken out."""
        return self.noise >= NOISY


def advice(light: Light) -> Iterator[tuple[str, str]]:
    """What is wrong, and what to do. Noise is told as a number only: taken out, it costs time and no lifts."""
    if light.levels is None or light.levels >= DIM:
        return
    if light.levels < BLANK:
        yield (
            f"the picture shows nothing ({light.levels:.0f} of 256 grey levels)",
            "uncover the lens, or bring light to where people work",
        )
    else:
        yield (
            f"the picture is dim ({light.levels:.0f} of 256 grey levels; {DIM} are needed)",
            "bring more light to where people work, for in the dark many are not found",
        )
