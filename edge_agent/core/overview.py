"""What the overview page shows, worked out from counts: no clock, no file, no markup."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final, Literal

from edge_agent.core.figures import Share
from edge_agent.core.fleet import AgentState
from edge_agent.core.quality import Flag, Level, fleet_found, spoken, unknown_found
from edge_agent.core.tally import HourCount, Tally, ZoneCount

TREND_DAYS: Final = 14
"""Today and the thirteen days before: each weekday twice."""
HEAT_DAYS: Final = 28
"""Whole days before today: each weekday four times, so that its hours compare."""

Verdict = Literal["above", "within", "unsure", "few"]


@dataclass(frozen=True, slots=True)
class Plan:
    """The site's own: shift_starts in hours of the day; target, a share of the told lifts, 0…1."""

    zone: tzinfo
    shift_starts: Sequence[int]
    target: float


@dataclass(frozen=True, slots=True)
class Counted:
    """From the ledger. hours: from HEAT_DAYS before today on; zones: of the trend's days; named: (site, zone)."""

    hours: Sequence[HourCount]
    zones: Sequence[ZoneCount]
    zones_today: Sequence[ZoneCount]
    named: Sequence[tuple[str, str]]
    since_s: int


@dataclass(frozen=True, slots=True)
class BridgeState:
    """connected: to the broker. readable: the ledger could be read just now. refused: messages since the start."""

    agents: Sequence[AgentState]
    connected: bool
    readable: bool
    refused: int


@dataclass(frozen=True, slots=True)
class Period:
    """``start`` in the site's own time."""

    start: datetime
    tally: Tally
    flag: Flag
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Day:
    """whole: over, and counted from its beginning."""

    day: date
    tally: Tally
    whole: bool


@dataclass(frozen=True, slots=True)
class ZoneFigures:
    """One zone over the trend's days, and today."""

    site: str
    zone: str
    tally: Tally
    today: Tally
    flag: Flag
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Heat:
    """By (hour of the day, weekday from Monday = 0) over HEAT_DAYS. hours: those from the first to the last lift."""

    cells: Mapping[tuple[int, int], Tally]
    hours: range
    flag: Flag

    @property
    def most(self) -> int:
        """Risky lifts of the worst cell."""
        return max((tally.risky.part for tally in self.cells.values()), default=0)


@dataclass(frozen=True, slots=True)
class Overview:
    """The page. since: when hours began to be counted, where that is within what is shown."""

    at: datetime
    since: datetime | None
    target: float
    today: Period
    shift: Period
    trend: Sequence[Day]
    fortnight: Period
    zones: Sequence[ZoneFigures]
    heat: Heat
    state: BridgeState


def overview(counted: Counted, state: BridgeState, plan: Plan, now: datetime) -> Overview:
    """``now`` in ``plan.zone``."""
    since = datetime.fromtimestamp(counted.since_s, plan.zone)
    view = _View(counted, state, plan, now, since)
    trend = view.trend()
    return Overview(
        at=now,
        since=since if since >= day_start(now.date() - timedelta(HEAT_DAYS), plan.zone) else None,
        target=plan.target,
        today=view.period(day_start(now.date(), plan.zone)),
        shift=view.period(shift_start(now, plan)),
        trend=trend,
        fortnight=view.period(day_start(trend[0].day, plan.zone)),
        zones=view.zones(),
        heat=view.heat(),
        state=state,
    )


def verdict(tally: Tally, target: float) -> Verdict:
    """The share of risky lifts against its target, when chance is allowed for: the whole interval must agree."""
    interval = tally.risky.interval
    if not tally.enough or interval is None:
        return "few"
    if interval[0] > target:
        return "above"
    return "within" if interval[1] <= target else "unsure"


def day_start(day: date, zone: tzinfo) -> datetime:
    """Midnight of the site's own time."""
    return datetime.combine(day, time(), zone)


def shift_start(now: datetime, plan: Plan) -> datetime:
    """When the shift that goes on ``now`` began."""
    days = (now.date(), now.date() - timedelta(1))
    starts = (
        datetime.combine(day, time(hour), plan.zone)
        for day in days
        for hour in sorted(plan.shift_starts, reverse=True)
    )
    return next(start for start in starts if start.timestamp() <= now.timestamp())


@dataclass(frozen=True, slots=True)
class _View:
    counted: Counted
    state: BridgeState
    plan: Plan
    at: datetime
    since: datetime

    def period(self, start: datetime) -> Period:
        start_s = start.timestamp()
        tally = Tally.of(row for row in self.counted.hours if row.start_s >= start_s)
        found = [*self._of_bridge(start), *unknown_found(tally), *fleet_found(self.state.agents, self.at)]
        return Period(start, tally, Flag.of(found), verdict(tally, self.plan.target))

    def trend(self) -> list[Day]:
        today = self.at.date()
        by_day: defaultdict[date, list[HourCount]] = defaultdict(list)
        for row in self.counted.hours:
            by_day[self._local(row.start_s).date()].append(row)
        days = [today - timedelta(back) for back in reversed(range(TREND_DAYS))]
        return [
            Day(day, Tally.of(by_day[day]), day != today and day_start(day, self.plan.zone) >= self.since)
            for day in days
        ]

    def heat(self) -> Heat:
        until_s = day_start(self.at.date(), self.plan.zone).timestamp()
        by_cell: defaultdict[tuple[int, int], list[HourCount]] = defaultdict(list)
        for row in self.counted.hours:
            if row.start_s < until_s:
                start = self._local(row.start_s)
                by_cell[start.hour, start.weekday()].append(row)
        cells = {cell: Tally.of(rows) for cell, rows in by_cell.items()}
        worked = [hour for hour, _ in cells]
        hours = range(min(worked), max(worked) + 1) if worked else range(0)
        found = [*self._of_bridge(day_start(self.at.date() - timedelta(HEAT_DAYS), self.plan.zone))]
        return Heat(cells, hours, Flag.of([*found, *unknown_found(Tally.sum(cells.values()))]))

    def zones(self) -> list[ZoneFigures]:
        """By the lower end of the interval, the surest first; those without a share last, the busiest first."""
        fortnight, today = _by_zone(self.counted.zones), _by_zone(self.counted.zones_today)
        names = {*self.counted.named, *fortnight, *today}
        figures = [self._zone(name, fortnight[name], today[name]) for name in names]
        return sorted(figures, key=lambda each: (-each.tally.surely, -each.tally.lifts, each.site, each.zone))

    def _zone(self, name: tuple[str, str], rows: list[ZoneCount], today: list[ZoneCount]) -> ZoneFigures:
        site, zone = name
        tally = Tally.of(rows)
        agents = [each for each in self.state.agents if each.site == site and zone in each.health.zones]
        flag = Flag.of([*unknown_found(tally), *fleet_found(agents, self.at)])
        return ZoneFigures(site, zone, tally, Tally.of(today), flag, verdict(tally, self.plan.target))

    def _of_bridge(self, start: datetime) -> list[tuple[Level, str]]:
        found: list[tuple[Level, str]] = []
        if not self.state.readable:
            found.append(("poor", "the bridge cannot read its own state: these are older figures"))
        if not self.state.connected:
            found.append(("poor", "the bridge has no broker: what happens now is not in the figures yet"))
        if self.since > start:
            found.append(("caution", f"counted since {spoken(self.since, self.at)} only"))
        return found

    def _local(self, unix_s: int) -> datetime:
        return datetime.fromtimestamp(unix_s, self.plan.zone)


def _by_zone(rows: Sequence[ZoneCount]) -> defaultdict[tuple[str, str], list[ZoneCount]]:
    by_zone: defaultdict[tuple[str, str], list[ZoneCount]] = defaultdict(list)
    for row in rows:
        by_zone[row.site, row.zone].append(row)
    return by_zone


def share_text(share: Share) -> str:
    """``16 % (12–22 %)``; – of nothing."""
    if share.value is None or share.interval is None:
        return "–"
    low, high = (100 * end for end in share.interval)
    return f"{100 * share.value:.0f} % ({low:.0f}–{high:.0f} %)"
