"""Whether new settings tell fewer lifts than the present ones: one camera tries them out before the others."""

from dataclasses import dataclass, field
from typing import Literal

from edge_agent.core.change import Change
from edge_agent.core.figures import Share
from edge_agent.core.tally import MIN_TOLD

Phase = Literal["before", "trying", "passed", "failed"]


@dataclass(slots=True)
class _Lifts:
    count: int = 0
    unknown: int = 0

    @property
    def unknown_share(self) -> Share:
        return Share(self.unknown, self.count)


@dataclass(slots=True)
class Trial:
    """First the camera's next lifts as it is, then as many with the new settings.

    Failed where more lifts are unknown than before beyond chance (``Change``: Newcombe's 95 % interval lies above 0).
    With 30 lifts each that sees a rise from 20 % to 60 % in 9 of 10 trials, and one from 20 % to 40 % in 2 of 5 (with
    100 in 9 of 10); where nothing has changed it fails in 1 of 40 (counted out in ``tests/test_trial.py``).
    """

    lifts: int = MIN_TOLD
    failure: bool = False
    """Set where a network failed with the new settings: then no count is waited for."""
    _before: _Lifts = field(default_factory=_Lifts)
    _after: _Lifts = field(default_factory=_Lifts)

    @property
    def phase(self) -> Phase:
        """``before``: the new settings are not to be used yet."""
        if self.failure:
            return "failed"
        if self._before.count < self.lifts:
            return "before"
        if self._after.count < self.lifts:
            return "trying"
        return "failed" if self.change.grew else "passed"

    @property
    def change(self) -> Change:
        """Of the share of lifts that could not be told."""
        return Change(self._before.unknown_share, self._after.unknown_share)

    def saw(self, *, unknown: bool, with_new: bool) -> None:
        """One lift on the camera that tries, judged with the new settings or the old."""
        lifts = self._after if with_new else self._before
        if lifts.count < self.lifts:
            lifts.count += 1
            lifts.unknown += unknown
