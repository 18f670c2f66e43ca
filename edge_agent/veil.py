"""What moves with the people in view is shown only when a time bucket ends.

Whoever reads the page every second would otherwise see somebody bend, whatever the events leave out: the outline is
asked for while a back is bent, frames are passed over while nobody moves, motion is searched while somebody comes. So
these figures are counted in a registry of their own, and the page shows how they stood when the last bucket ended.
"""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.registry import Collector


class Veil(Collector):
    """A part of ``page`` that stands still until ``lift``; declare metrics on ``behind``."""

    def __init__(self, page: CollectorRegistry) -> None:
        self.behind = CollectorRegistry()
        self._shown: tuple[Metric, ...] = ()
        page.register(self)

    def lift(self) -> None:
        """Show every figure as it is now."""
        self._shown = tuple(self.behind.collect())

    def collect(self) -> Iterable[Metric]:
        """How they stood when the veil was last lifted."""
        return self._shown
