"""What is lifted, bucket by bucket, and when the bridge hears of it."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_agent.fleet.layout import Fleet, Zone, chance
from edge_agent.fleet.outages import Outage, outages
from edge_agent.fleet.postures import LABELS, label_shares
from edge_agent.fleet.shifts import HOUR_S, WEEK_S, Factors, Times, activity, tiredness, week_of, week_start

Counts = npt.NDArray[np.int64]
"""(buckets, 12): lifts by postures.LABELS."""

_WEEKLY_PACE: Final = 0.12
_WEEKLY_RISK: Final = 0.15
"""Sigmas of what a week multiplies a zone's pace and its odds of a risky posture by: orders, weather, who is ill."""


@dataclass(frozen=True, slots=True)
class Span:
    """Buckets from ``first_s`` up to, not including, ``end_s`` (unix times, multiples of ``bucket_s``)."""

    first_s: int
    end_s: int
    bucket_s: int = 300

    @property
    def starts_s(self) -> Times:
        """The unix time at which each bucket begins: (n,)."""
        return np.arange(self.first_s, self.end_s, self.bucket_s, dtype=np.int64)


def lifts_seen(fleet: Fleet, zone: Zone, span: Span) -> Counts:
    """(n, 12) lifts that the zone's camera saw in each bucket; none while it or its agent is without power.

    Spans that overlap agree where they do. Raises ValueError where ``bucket_s`` does not divide a week.
    """
    if WEEK_S % span.bucket_s:
        raise ValueError("a week must hold whole buckets")
    weeks = [_week(fleet, zone, week, span.bucket_s) for week in _weeks(span)]
    skipped = (span.first_s - week_start(int(_weeks(span)[0]))) // span.bucket_s
    counts = np.concatenate(weeks)[skipped : skipped + len(span.starts_s)]
    dark = blind(fleet, zone.place.site, zone.agent, span) | camera_down(fleet, zone, span)
    counts[dark] = 0
    return counts


def lifts_shown(fleet: Fleet, zone: Zone, span: Span, min_lifts: int) -> Counts:
    """(n, 12) lifts that the bridge learns of when each bucket ends; what is held back at the span's end is left out.

    A bucket's lifts leave when the zone's pool holds ``min_lifts``, as ``core.release`` has it, and arrive when the
    agent is connected.
    """
    seen = lifts_seen(fleet, zone, span)
    shown = np.zeros((len(seen) + 1, len(LABELS)), np.int64)
    connected = ~away(fleet, zone.place.site, zone.agent, span)
    np.add.at(shown, _arrivals(seen.sum(axis=1), connected, min_lifts), seen)
    return shown[:-1]


def away(fleet: Fleet, site: str, agent: str, span: Span) -> npt.NDArray[np.bool_]:
    """(n,) whether the agent has no connection, for want of power or of a network, when a bucket ends."""
    gone = np.zeros(len(span.starts_s), bool)
    for outage in _outages(fleet, site, agent, span):
        gone |= outage.covers(span.starts_s + span.bucket_s)
    return gone


def blind(fleet: Fleet, site: str, agent: str, span: Span) -> npt.NDArray[np.bool_]:
    """(n,) whether the agent has no power when a bucket begins."""
    dark = np.zeros(len(span.starts_s), bool)
    for outage in _outages(fleet, site, agent, span):
        dark |= outage.covers(span.starts_s) & outage.blind
    return dark


def camera_down(fleet: Fleet, zone: Zone, span: Span) -> npt.NDArray[np.bool_]:
    """(n,) whether the zone's camera delivers nothing when a bucket begins."""
    down = np.zeros(len(span.starts_s), bool)
    for outage in _outages(fleet, zone.place.site, f"camera {zone.place.zone}", span):
        down |= outage.covers(span.starts_s)
    return down


def _arrivals(totals: Counts, connected: npt.NDArray[np.bool_], min_lifts: int) -> Counts:
    """For each bucket, at the end of which one its lifts arrive; len(totals): not within the span."""
    arrivals = np.full(len(totals), len(totals), np.int64)
    pooled, since = 0, 0
    for bucket in np.flatnonzero(totals).tolist():
        pooled += int(totals[bucket])
        if pooled >= min_lifts:
            arrivals[since : bucket + 1] = bucket
            pooled, since = 0, bucket + 1
    heard = np.flatnonzero(connected)
    next_heard = np.append(heard, len(totals))[np.searchsorted(heard, np.arange(len(totals) + 1))]
    arrived: Counts = next_heard[arrivals]
    return arrived


def _week(fleet: Fleet, zone: Zone, week: int, bucket_s: int) -> Counts:
    starts_s = week_start(week) + np.arange(0, WEEK_S, bucket_s, dtype=np.int64)
    rng = chance(fleet.seed, zone.place.site, zone.place.zone, week)
    pace, odds = np.exp(rng.normal(0.0, (_WEEKLY_PACE, _WEEKLY_RISK)))
    (site,) = (site for site in fleet.sites if site.name == zone.place.site)
    expected = pace * zone.lifts_per_h * bucket_s / HOUR_S * activity(starts_s, site.staffing)
    risky = _risky_share(fleet, zone, starts_s, float(odds))
    counts: Counts = rng.poisson(expected[:, None] * label_shares(risky, zone.unknown_share, zone.squat_share))
    return counts


def _risky_share(fleet: Fleet, zone: Zone, starts_s: Times, odds_factor: float) -> Factors:
    odds = zone.risky_share / (1 - zone.risky_share) * odds_factor * tiredness(starts_s)
    share = odds / (1 + odds)
    for intervention in fleet.interventions:
        if intervention.place == zone.place:
            share = np.where(starts_s >= intervention.from_s, share * intervention.factor, share)
    return share


def _weeks(span: Span) -> range:
    return range(week_of(span.first_s), week_of(span.end_s - 1) + 1)


def _outages(fleet: Fleet, site: str, what: str, span: Span) -> list[Outage]:
    """Those of the week before too: one may last beyond its end."""
    weeks = range(_weeks(span)[0] - 1, _weeks(span)[-1] + 1)
    return [outage for week in weeks for outage in outages(fleet.seed, site, what, week)]
