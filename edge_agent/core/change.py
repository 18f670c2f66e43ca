"""How a share differs from an earlier one, and whether that may be chance."""

from dataclasses import dataclass
from math import sqrt

from edge_agent.core.figures import Share
from edge_agent.core.tally import MIN_TOLD


@dataclass(frozen=True, slots=True)
class Change:
    """From ``before`` to ``after``; positive: the share grew. Both None where either is of fewer than MIN_TOLD."""

    before: Share
    after: Share

    @property
    def value(self) -> float | None:
        """Difference of the shares, −1…1."""
        if (
            min(self.before.whole, self.after.whole) < MIN_TOLD
            or self.before.value is None
            or self.after.value is None
        ):
            return None
        return self.after.value - self.before.value

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval from the two Wilson intervals (Newcombe 1998, Statistics in Medicine 17:873, method 10)."""
        value, now, before = self.value, self.after.interval, self.before.interval
        if value is None or now is None or before is None or self.after.value is None or self.before.value is None:
            return None
        down = sqrt((self.after.value - now[0]) ** 2 + (before[1] - self.before.value) ** 2)
        up = sqrt((now[1] - self.after.value) ** 2 + (self.before.value - before[0]) ** 2)
        return value - down, value + up

    @property
    def grew(self) -> bool:
        """Beyond chance."""
        return self.interval is not None and self.interval[0] > 0

    @property
    def words(self) -> str:
        """What may be said of it."""
        interval = self.interval
        if interval is None:
            return "too few to compare"
        if self.grew:
            return "more than before"
        return "less than before" if interval[1] < 0 else "no change beyond chance"
