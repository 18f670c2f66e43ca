"""Lifts counted by technique and risk, and what may be said of them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from edge_agent.core.figures import Share

MIN_TOLD: Final = 30
"""No share of fewer told lifts: its interval would span a third of the scale and more. The alerts use the same."""


@dataclass(frozen=True, slots=True)
class HourCount:
    """Lifts of all zones in the hour that began at ``start_s``, unix seconds."""

    start_s: int
    technique: str
    risk: str
    lifts: int


@dataclass(frozen=True, slots=True)
class ZoneCount:
    """Lifts of one zone."""

    site: str
    zone: str
    technique: str
    risk: str
    lifts: int


@dataclass(frozen=True, slots=True)
class Tally:
    """``counts``: lifts by (technique, risk).

    Told lifts are those whose technique is not ``unknown``; risky ones are told lifts of high posture exposure. What
    could not be told counts neither as risky nor as safe, so its share is shown beside every other.
    """

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    @classmethod
    def of(cls, rows: Iterable[HourCount | ZoneCount]) -> "Tally":
        """What comes twice is added."""
        counts: Counter[tuple[str, str]] = Counter()
        for row in rows:
            counts[row.technique, row.risk] += row.lifts
        return cls(counts)

    @classmethod
    def sum(cls, tallies: Iterable["Tally"]) -> "Tally":
        """All together."""
        counts: Counter[tuple[str, str]] = Counter()
        for tally in tallies:
            counts.update(tally.counts)
        return cls(counts)

    @property
    def lifts(self) -> int:
        """All."""
        return sum(self.counts.values())

    @property
    def risky(self) -> Share:
        """Of the told ones."""
        told = risky = 0
        for (technique, risk), lifts in self.counts.items():
            if technique != "unknown":
                told += lifts
                risky += lifts * (risk == "high")
        return Share(risky, told)

    @property
    def unknown(self) -> Share:
        """Of all."""
        return Share(self.technique("unknown"), self.lifts)

    @property
    def enough(self) -> bool:
        """Whether a share of the told ones may be shown."""
        return self.risky.whole >= MIN_TOLD

    @property
    def surely(self) -> float:
        """The least share of risky lifts that chance allows for, which ranks zones; -1 where none is shown."""
        interval = self.risky.interval
        return interval[0] if self.enough and interval is not None else -1.0

    def technique(self, name: str) -> int:
        """How many were told to be this, ``unknown`` included."""
        return sum(lifts for (technique, _), lifts in self.counts.items() if technique == name)
