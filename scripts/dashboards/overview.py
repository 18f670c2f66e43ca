"""*Safety overview*: where and when the work is hard on backs, for the safety manager."""

from grafana_foundation_sdk.builders import dashboard, stat, table
from grafana_foundation_sdk.models import dashboard as models

from scripts.dashboards.look import ANY, OF_TARGET, QUALITY, About, Field, Limits, not_told
from scripts.dashboards.page import chosen, clock, page
from scripts.dashboards.panels import number, rows
from scripts.dashboards.parts import (
    NO_LIFTS,
    TARGET_SHARE,
    TOO_FEW,
    changes,
    hours_of_the_week,
    share_by_day,
    share_fields,
    shifts,
    techniques_by_day,
)
from scripts.dashboards.promql import Change, Place, before_and_after, blind_share, how_many
from scripts.dashboards.zone import UID as ZONE_UID

UID = "hingewatch-safety"
SITE = 'site=~"$site"'
WHOLE = Place("site", SITE)
ZONES = Place("site_zone", SITE)
EIGHT_HOURS_UNKNOWN = (
    f"1 - sum(site_zone:ergo_lifts_told:increase8h{{{SITE}}}) / (sum(site_zone:ergo_lifts:increase8h{{{SITE}}}) > 0)"
)


def overview() -> dashboard.Dashboard:
    """Today, the trend, where, when, and before and after."""
    by = "site, zone"
    return page(
        "safety overview",
        UID,
        "Where and when the work is hard on backs. It speaks of places and of work, never of people.",
        [chosen("site", "Site", "label_values(site:ergo_lifts:increase15m, site)", everything=True), clock()],
        [
            "Today, against the target",
            risky_today(),
            share_today(),
            busiest_zone(),
            seen(),
            "Trend",
            share_by_day(WHOLE, "Share of risky lifts, day by day"),
            techniques_by_day(WHOLE, "site_technique", "Technique mix, day by day"),
            "Where",
            zones_ranked(),
            "When",
            *hours_of_the_week(WHOLE),
            shifts(WHOLE),
            changes(before_and_after(SITE, by), ZONES.unknown("28d", by), {"site": "site", "zone": "zone"}),
        ],
    )


def risky_today() -> stat.Panel:
    """Counts since midnight."""
    about = About(
        "Risky lifts today",
        "Lifts of high posture exposure since midnight, and all lifts. Lifts that could not be told count among all, "
        "and never as risky.",
        NO_LIFTS,
        "RiskyLiftsInShift",
        time_from="now/d",
    )
    fields = [
        Field("Risky", "risky", WHOLE.lifts("risky", "$__range")),
        Field("All", "all", WHOLE.lifts("all", "$__range")),
    ]
    return number(about, fields, not_told(WHOLE.unknown("$__range")))


def share_today() -> stat.Panel:
    """The share since midnight with its doubt, against the target."""
    about = About(
        "Share of risky lifts today",
        "Of the told lifts since midnight. With 95 % certainty it lies between from and to: above target only when "
        "even from is.",
        TOO_FEW,
        "RiskyShareAboveTarget",
        wide=8,
        time_from="now/d",
    )
    target = Field("Target", "target", TARGET_SHARE, "percentunit")
    fields = [*share_fields(WHOLE.share("$__range")), target]
    return number(about, fields, not_told(WHOLE.unknown("$__range")))


def busiest_zone() -> stat.Panel:
    """The last eight hours of the zone with most risky lifts."""
    about = About(
        "Last eight hours, the zones",
        "The most risky lifts of any zone, as a share of the target for a shift, and how many zones are above it.",
        NO_LIFTS,
        "RiskyLiftsInShift",
        wide=5,
    )
    risky = f"site_zone:ergo_lifts_risky:increase8h{{{SITE}}}"
    target = "on () group_left () ergo_target:risky_lifts:per_shift"
    fields = [
        Field("Most", "most in one", f"max({risky})"),
        Field("OfTarget", "of target", f"max({risky} / {target})", "percentunit", limits=OF_TARGET),
        Field("Above", "zones above", how_many(risky, f"> {target}"), limits=ANY),
    ]
    return number(about, fields, not_told(EIGHT_HOURS_UNKNOWN))


def seen() -> stat.Panel:
    """Whether anything was there to see lifts."""
    about = About(
        "Was everything seen?",
        "No lifts seen is not no lifts. blind: the share of today's camera time without a picture.",
        "No agent's page is read: see grafana/README.md",
        "CameraDown",
        wide=5,
        time_from="now/d",
    )
    fields = [
        Field(
            "Agents", "agents silent", how_many(f"max by (site, agent) (ergo_agent_up{{{SITE}}})", "== 0"), limits=ANY
        ),
        Field("Cameras", "cameras down", how_many(f"edge_agent_camera_up{{{SITE}}}", "== 0"), limits=ANY),
    ]
    share = blind_share(SITE, "[$__range]")
    return number(about, fields, Field(QUALITY, "blind", share, "percentunit", 1, limits=Limits(0.02, 0.1)))


def zones_ranked() -> table.Panel:
    """All zones, the surely worst first."""
    about = About(
        "Zones, last seven days, the surely worst first",
        "Ranked by the lower end of the interval, so that a zone of few lifts does not come first by chance. change: "
        "against the seven days before, in points of a hundred. Zones of fewer than 30 told lifts have no share, and "
        "stand last.",
        NO_LIFTS,
        "RiskyShareAboveTarget",
        wide=24,
        high=11,
    )
    by = "site, zone"
    share, before = ZONES.share("7d", by), ZONES.share("7d", by, ago="1w")
    middle, low, high = share_fields(share)
    fields = [
        low,
        middle,
        high,
        Field("Change", "change, points", Change(before, share).value, "percentunit", 1),
        Field("Risky", "risky", share.risky),
        Field("Told", "told", share.told),
    ]
    panel = rows(about, {"site": "site", "zone": "zone"}, fields, not_told(ZONES.unknown("7d", by)))
    detail = {
        "title": "Zone detail",
        "url": f"/d/{ZONE_UID}?var-site=${{__data.fields.site}}&var-zone=${{__value.text}}",
    }
    return panel.override_by_name("zone", [models.DynamicConfigValue("links", [detail])])
