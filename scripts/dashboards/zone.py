"""*Zone detail*: one zone, for whoever is going to change something in it."""

from grafana_foundation_sdk.builders import dashboard, stat, timeseries

from scripts.dashboards.look import GREY, OF_TARGET, QUALITY, VERMILLION, About, Field, Limits, not_told
from scripts.dashboards.page import chosen, clock, page
from scripts.dashboards.panels import by_day, number
from scripts.dashboards.parts import (
    NO_LIFTS,
    TARGET_SHARE,
    TOO_FEW,
    changes,
    hours_of_the_week,
    risks_by_day,
    share_by_day,
    shifts,
    techniques_by_day,
)
from scripts.dashboards.promql import MIN_TOLD, Place, before_and_after, blind_share

UID = "hingewatch-zone"
HERE = 'site=~"$site",zone="$zone"'
ZONE = Place("site_zone", HERE)
UNKNOWN_8H = f"max(site_zone:ergo_lifts_unknown:ratio8h{{{HERE}}})"
ENOUGH_8H = f"sum(site_zone:ergo_lifts:increase8h{{{HERE}}}) >= {MIN_TOLD}"


def zone_detail() -> dashboard.Dashboard:
    """Now, the trend, when, and before and after."""
    zones = 'label_values(ergo_lifts_total{site=~"$site"}, zone)'
    return page(
        "zone detail",
        UID,
        "One zone: how people bend there, when, and whether a change helped. It speaks of the place, not of people.",
        [
            chosen("site", "Site", "label_values(ergo_lifts_total, site)", everything=False),
            chosen("zone", "Zone", zones, everything=False),
            clock(),
        ],
        [
            "Now, against the target",
            this_hour(),
            this_shift(),
            share_now(),
            today_seen(),
            "Trend",
            share_by_day(ZONE, "Share of risky lifts, day by day"),
            techniques_by_day(ZONE, "site_zone_technique_risk", "Technique mix, day by day"),
            this_week_and_last(),
            risks_by_day(ZONE, "Posture exposure, day by day"),
            "When",
            *hours_of_the_week(ZONE),
            shifts(ZONE),
            changes(before_and_after(HERE, "zone"), ZONE.unknown("28d", "zone"), {"zone": "zone"}),
        ],
    )


def this_hour() -> stat.Panel:
    """What RiskyLiftsPileUp looks at."""
    about = About("Risky lifts of the last hour", "Against the target for an hour.", NO_LIFTS, "RiskyLiftsPileUp")
    return number(about, _against("increase1h", "per_hour"), not_told(UNKNOWN_8H, "not told, 8 h"))


def this_shift() -> stat.Panel:
    """What RiskyLiftsInShift looks at."""
    about = About(
        "Risky lifts of the last eight hours", "Against the target for a shift.", NO_LIFTS, "RiskyLiftsInShift"
    )
    return number(about, _against("increase8h", "per_shift"), not_told(UNKNOWN_8H))


def _against(window: str, target: str) -> list[Field]:
    risky = f"sum(site_zone:ergo_lifts_risky:{window}{{{HERE}}})"
    of_target = f"{risky} / max(ergo_target:risky_lifts:{target})"
    return [
        Field("Risky", "risky", risky),
        Field("OfTarget", "of target", of_target, "percentunit", limits=OF_TARGET),
    ]


def share_now() -> stat.Panel:
    """What RiskyShareAboveTarget looks at."""
    about = About(
        "Share of risky lifts, last eight hours",
        "Of the told lifts. With 95 % certainty it lies between from and to. change: against the same hours a week "
        "ago, in points of a hundred.",
        TOO_FEW,
        "RiskyShareAboveTarget",
        wide=8,
    )
    series = "site_zone:ergo_lifts_risky"
    fields = [
        Field("Share", "share", f"max({series}:ratio8h{{{HERE}}})", "percentunit", 1),
        Field("From", "from", f"max({series}_lower:ratio8h{{{HERE}}})", "percentunit", 1),
        Field("To", "to", f"max({series}_upper:ratio8h{{{HERE}}})", "percentunit", 1),
        Field("Target", "target", TARGET_SHARE, "percentunit"),
        Field("Change", "change, points", f"max({series}:ratio8h_minus_week_ago{{{HERE}}})", "percentunit", 1),
    ]
    return number(about, fields, not_told(UNKNOWN_8H))


def today_seen() -> stat.Panel:
    """Whether there are enough lifts to say anything."""
    about = About(
        "Enough to say something?",
        "Lifts of the last 24 hours. Below 30 told ones no share is shown. blind: of the site's camera time.",
        NO_LIFTS,
        "TooManyLiftsUnknown",
        wide=4,
    )
    share = blind_share('site=~"$site"', "[1d]")
    fields = [Field("Told", "told", ZONE.lifts("told", "1d")), Field("All", "all", ZONE.lifts("all", "1d"))]
    return number(about, fields, Field(QUALITY, "blind", share, "percentunit", 1, limits=Limits(0.02, 0.1)))


def this_week_and_last() -> timeseries.Panel:
    """The same shift a week before."""
    about = About(
        "The last eight hours, and the same hours a week before",
        "The share of risky lifts of each eight hours of the last week; dashed, the same shift a week earlier.",
        TOO_FEW,
        "RiskyShareAboveTarget",
        wide=12,
        high=9,
        time_from="7d",
    )
    risky, told = (
        f"sum(site_zone:ergo_lifts_risky:increase8h{{{HERE}}}",
        f"sum(site_zone:ergo_lifts_told:increase8h{{{HERE}}}",
    )
    fields = [
        Field("Now", "share", f"{risky}) / ({told}) >= 30)", "percentunit", 1, colour=VERMILLION),
        Field("Then", "a week before", f"{risky} offset 1w) / ({told} offset 1w) >= 30)", "percentunit", 1,
              colour=GREY, dashed=True),
    ]  # fmt: skip
    panel = by_day(about, fields, not_told(f"{UNKNOWN_8H} and {ENOUGH_8H}"))
    return panel.interval("30m")
