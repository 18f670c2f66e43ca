"""How likely a bend was a lift: a few measures of how it went, and small decision trees over them.

A limit on the depth told lifts from curtseys and from a walk behind a shelf, and gave up lifts whose depth was told
too small to do so. What tells them apart is how the measures go together. Trained on simulated people:
``models/lifts/README.md``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import exp, log
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from edge_agent.core.bend import BOTTOM, Bend, px_per_m
from edge_agent.core.records import Floats

LiftProbability = Callable[[Bend], float]
"""0…1 that a bend was a lift."""

MEASURES: Final = ("depth", "sank_m", "rose_m", "travel_m", "grew_down", "grew_up", "began", "ended")
"""Of a bend: how deep it went (1 is a full bend or squat); how far on the picture the shoulders sank from its start,
rose to its end, and the hips moved across; the logarithms by which the person is larger at the bottom than before and
after; the depths at its start and end as shares of the deepest. Not how long it took: simulated people hold a lift
for a second and a half at most, real ones for four."""


def measures(bend: Bend) -> Floats:
    """(8,) the MEASURES of a bend."""
    depths = [moment.depth for moment in bend.moments]
    before, after = bend.ends
    before_px, low_px, after_px = (px_per_m(part) for part in (before, bend.bottom(BOTTOM), after))
    peak = max(depths)
    grew = log(low_px / before_px), log(low_px / after_px)
    return np.array((peak, *bend.lowered_m, bend.travel_m, *grew, depths[0] / peak, depths[-1] / peak), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class LiftModel:
    """Boosted decision trees of three questions, of which each bend is asked two.

    measure, limit: (trees, 3) which of the MEASURES a question is about, and the greatest value that answers no;
    the first question, and the second after a no and after a yes. value: (trees, 4) what the answers no-no, no-yes,
    yes-no and yes-yes add to the logit. base: the logit to begin with.
    """

    measure: npt.NDArray[np.int64]
    limit: Floats
    value: Floats
    base: float

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Floats]) -> Self:
        """From the arrays that the training script saved."""
        return cls(arrays["measure"].astype(np.int64), arrays["limit"], arrays["value"], float(arrays["base"]))

    def probability(self, bend: Bend) -> float:
        """0…1 that this bend was a lift."""
        return self.probability_of(measures(bend))

    def probability_of(self, values: Floats) -> float:
        """The same from the (8,) MEASURES."""
        asked, tree = values[self.measure] > self.limit, np.arange(len(self.value))
        first = asked[:, 0].astype(np.int64)
        second = asked[tree, 1 + first].astype(np.int64)
        return 1 / (1 + exp(-self.base - float(self.value[tree, 2 * first + second].sum())))
