"""A shift or a week beside the one before: what the report says, worked out from counts."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from edge_agent.core.change import Change
from edge_agent.core.counting import Counts
from edge_agent.core.overview import Verdict, verdict
from edge_agent.core.quality import Flag, Level, unknown_found
from edge_agent.core.tally import Tally, ZoneCount

WEEK: Final = timedelta(7)
_HOUR_S: Final = 3600
UNSEEN_CAUTION: Final = 0.01
UNSEEN_POOR: Final = 0.1
"""Of the time: 5 minutes of a shift are worth a word; with a tenth missing, counts are too low to compare. The alert
CameraBlind draws the same line, at 6 minutes of an hour."""

Series = tuple[str, str, str, str]
"""site, zone, technique, risk"""


@dataclass(frozen=True, slots=True)
class Window:
    """From ``start`` to ``end``, both in the site's own time zone."""

    start: datetime
    end: datetime

    @property
    def edges(self) -> list[datetime]:
        """Every hour from the start on, and the end. In real hours, also when clocks change in between."""
        from_s, to_s = self.start.timestamp(), self.end.timestamp()
        whole = int((to_s - from_s) // _HOUR_S)
        moments = [from_s + hour * _HOUR_S for hour in range(whole + 1)]
        if moments[-1] < to_s:
            moments.append(to_s)
        return [datetime.fromtimestamp(moment, self.start.tzinfo) for moment in moments]

    @property
    def before(self) -> "Window":
        """As long on the wall, and ending where this one begins."""
        return Window(self.start - (self.end - self.start), self.start)

    @property
    def week_ago(self) -> "Window":
        """The same weekdays and times of day."""
        return Window(self.start - WEEK, self.end - WEEK)


@dataclass(frozen=True, slots=True)
class Counted:
    """Lifts of a window by series and hour."""

    window: Window
    series: Mapping[Series, Counts]

    @property
    def tally(self) -> Tally:
        """All zones."""
        return Tally.of(self._rows())

    @property
    def by_zone(self) -> dict[tuple[str, str], Tally]:
        """By (site, zone); a zone without lifts is there too."""
        rows: defaultdict[tuple[str, str], list[ZoneCount]] = defaultdict(list)
        for row in self._rows():
            rows[row.site, row.zone].append(row)
        return {name: Tally.of(each) for name, each in rows.items()}

    @property
    def by_hour(self) -> list[tuple[datetime, Tally]]:
        """Each hour's beginning, and its lifts."""
        return [(start, Tally.of(self._rows(hour))) for hour, start in enumerate(self.window.edges[:-1])]

    @property
    def falls(self) -> int:
        """How many counters lost what they had counted."""
        return sum(counts.falls > 0 for counts in self.series.values())

    def _rows(self, hour: int | None = None) -> list[ZoneCount]:
        return [
            ZoneCount(*name, sum(counts.hours) if hour is None else counts.hours[hour])
            for name, counts in self.series.items()
        ]


@dataclass(frozen=True, slots=True)
class Down:
    """``who`` was down for down_s, and unheard of for unknown_s, seconds."""

    who: tuple[str, ...]
    down_s: float
    unknown_s: float


@dataclass(frozen=True, slots=True)
class Quality:
    """What is known of the data of a period. None: Prometheus has no such series, so nothing is known.

    bridge: down while it had no broker, unknown while Prometheus could not read it. agents: (site, agent). cameras:
    (instance, camera). blind_s: by (instance, camera). reasons, given_up, refused: counts by reason, risk and reason.
    """

    bridge: Down | None
    agents: Sequence[Down] | None
    cameras: Sequence[Down] | None
    blind_s: Mapping[tuple[str, ...], int] | None
    reasons: Mapping[str, int] | None
    given_up: Mapping[str, int] | None
    refused: Mapping[str, int] | None


@dataclass(frozen=True, slots=True)
class ZoneReport:
    """One zone now, before, and a week ago."""

    site: str
    zone: str
    tally: Tally
    verdict: Verdict
    before: Change
    week_ago: Change
    flag: Flag


@dataclass(frozen=True, slots=True)
class PeriodReport:
    """week_ago is ``before`` where the period is a week."""

    counted: Counted
    before: Counted
    week_ago: Counted
    target: float
    verdict: Verdict
    flag: Flag
    zones: Sequence[ZoneReport]
    quality: Quality


def period_report(
    counted: Counted, before: Counted, week_ago: Counted, target: float, quality: Quality
) -> PeriodReport:
    """Zones: the surest first, by the lower end of the interval; those with too few lifts last."""
    tally = counted.tally
    found = [*unknown_found(tally), *_quality_found(quality, counted)]
    earlier, last_week = before.by_zone, week_ago.by_zone
    zones = [
        ZoneReport(
            *name,
            of_zone,
            verdict(of_zone, target),
            Change(earlier.get(name, Tally()).risky, of_zone.risky),
            Change(last_week.get(name, Tally()).risky, of_zone.risky),
            Flag.of(unknown_found(of_zone)),
        )
        for name, of_zone in counted.by_zone.items()
    ]
    zones.sort(key=lambda zone: (-zone.tally.surely, -zone.tally.lifts, zone.site, zone.zone))
    return PeriodReport(counted, before, week_ago, target, verdict(tally, target), Flag.of(found), zones, quality)


def span(seconds: float) -> str:
    """``2 h 05 min``, ``7 min``."""
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def _quality_found(quality: Quality, counted: Counted) -> list[tuple[Level, str]]:
    window_s = counted.window.end.timestamp() - counted.window.start.timestamp()
    found: list[tuple[Level, str]] = []

    def missed(seconds: float, what: str) -> None:
        if seconds / window_s >= UNSEEN_CAUTION:
            level: Level = "poor" if seconds / window_s >= UNSEEN_POOR else "caution"
            found.append((level, f"{what} for {span(seconds)}"))

    if quality.bridge is not None:
        missed(quality.bridge.unknown_s, "Prometheus could not read the bridge")
        missed(quality.bridge.down_s, "the bridge had no broker")
    for agent in quality.agents or ():
        missed(agent.down_s, f"agent {agent.who[1]} of {agent.who[0]} was down")
    for camera in quality.cameras or ():
        missed(camera.down_s, f"camera {camera.who[1]} of {camera.who[0]} was down")
    if quality.agents is None:
        found.append(("caution", "whether agents were up is not known"))
    if quality.cameras is None:
        found.append(("caution", "whether cameras were up is not known: Prometheus reads no agent's page"))
    lost = sum((quality.given_up or {}).values())
    if lost:
        found.append(("poor", f"{lost} lifts were given up by agents whose outbox was full"))
    if counted.falls:
        found.append(
            ("poor", f"{counted.falls} counters began anew: the bridge lost its file, its counts may be wrong")
        )
    return found
