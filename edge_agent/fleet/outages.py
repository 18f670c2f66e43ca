"""When an agent or a camera is gone.

Without power an agent sees nothing; without a network its lifts arrive later, all at once. A camera only ever loses
its power.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_agent.fleet.layout import chance
from edge_agent.fleet.shifts import DAY_S, HOUR_S, WEEK_S, Times, week_start

PER_WEEK: Final = 0.25
_LENGTH_H: Final = (1.0, 1.0)  # median and sigma of a log-normal
_LONGEST_S: Final = 2 * DAY_S


@dataclass(frozen=True, slots=True)
class Outage:
    """From ``begin_s`` up to ``end_s`` (unix times). blind: without power, else only without a network."""

    begin_s: float
    end_s: float
    blind: bool

    def covers(self, times_s: Times) -> npt.NDArray[np.bool_]:
        """(n,) -> (n,)."""
        return (self.begin_s <= times_s) & (times_s < self.end_s)


def outages(seed: int, site: str, what: str, week: int) -> tuple[Outage, ...]:
    """Those of an agent or a camera that begin in this week (shifts.week_of); some last into the next."""
    rng = chance(seed, site, what, "outages", week)
    median_h, sigma = _LENGTH_H
    found = []
    for _ in range(int(rng.poisson(PER_WEEK))):
        begin_s = week_start(week) + float(rng.uniform(0, WEEK_S))
        length_s = min(HOUR_S * median_h * float(np.exp(rng.normal(0.0, sigma))), _LONGEST_S)
        found.append(Outage(begin_s, begin_s + length_s, bool(rng.random() < 0.5)))
    return tuple(found)
