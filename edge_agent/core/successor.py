"""Whether a new version tells no fewer lifts than the one before it: what a minute after an update cannot show."""

from dataclasses import dataclass
from typing import Literal

from edge_agent.core.change import Change
from edge_agent.core.figures import Share
from edge_agent.core.tally import MIN_TOLD

Verdict = Literal["incomparable", "waits", "stays", "worse"]


@dataclass(frozen=True, slots=True)
class Successor:
    """Of all lifts, those that were unknown: ``before``, and since the agent last started.

    Worse where more are unknown than before beyond chance, as in an order's trial (``core.trial``). Once 30 lifts are
    there, they decide. Where 20 % of very many were unknown before, 30 see a rise to 40 % in 7 of 10 updates and one
    to 50 % in 19 of 20; where nothing has changed 1 of 40 goes back (counted out in ``tests/test_successor.py``).
    """

    before: Share
    since: Share

    @property
    def verdict(self) -> Verdict:
        """``incomparable``: too few lifts before, so that no later one can be held against them."""
        if self.before.whole < MIN_TOLD:
            return "incomparable"
        if self.since.whole < MIN_TOLD:
            return "waits"
        return "worse" if Change(self.before, self.since).grew else "stays"

    @property
    def words(self) -> str:
        """The verdict's word first: a program reads it."""
        before = f"{self.before.part} of {self.before.whole} lifts unknown before"
        since = f"{self.since.part} of {self.since.whole} since the agent started"
        return f"{self.verdict}: {before}, {since}{self._why}"

    @property
    def _why(self) -> str:
        match self.verdict:
            case "incomparable":
                return f"; fewer than {MIN_TOLD} before"
            case "waits":
                return f"; {MIN_TOLD} decide"
            case _:
                return f": {Change(self.before, self.since).words}"
