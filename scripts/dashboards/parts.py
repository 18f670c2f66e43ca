"""Panels that more than one dashboard has."""

from grafana_foundation_sdk.builders import table, timeseries

from scripts.dashboards.look import PURPLE, RISKS, SHIFTS, TECHNIQUES, VERMILLION, About, Field, mapped, not_told
from scripts.dashboards.panels import by_day, hours, rows, stacked_by_day
from scripts.dashboards.promql import A_DAY, HOUR_OF_WEEK, SHIFT, Change, Place, Share

TOO_FEW = "Fewer than 30 lifts told: too few for a share"
NO_LIFTS = "No lifts here in this time. Were the cameras up? See Fleet and cameras"
NO_BASELINE = "No baseline: grafana/rules/targets.yml says how to set it; it needs 28 days of lifts on either side"
TARGET_SHARE = "max(ergo_target:risky_share:ratio)"


def share_fields(share: Share, colour: str | None = None) -> list[Field]:
    """A share and the ends of its interval. colour: of lines."""
    return [
        Field(ref, ref.lower(), expr, "percentunit", 1, colour=colour)
        for ref, expr in (("Share", share.value), ("From", share.lower), ("To", share.upper))
    ]


def share_by_day(place: Place, title: str) -> timeseries.Panel:
    """The trend."""
    about = About(
        title,
        "Of the lifts whose technique could be told, those of high posture exposure. The band is the 95 % interval: "
        "days whose bands overlap widely may differ by chance alone. Days of fewer than 30 told lifts have no point.",
        TOO_FEW,
        "RiskyShareAboveTarget",
        wide=12,
        high=9,
    )
    target = Field("Target", "target", TARGET_SHARE, "percentunit", 1, colour=PURPLE, dashed=True)
    return by_day(
        about,
        [*share_fields(place.days_share(), VERMILLION), target],
        not_told(place.days_unknown()),
    )


def techniques_by_day(place: Place, series: str, title: str) -> timeseries.Panel:
    """The mix."""
    about = About(
        title,
        "How people bent, day by day, counted. unknown could not be told: it is neither safe nor risky.",
        NO_LIFTS,
        "TooManyLiftsUnknown",
        wide=12,
        high=9,
    )
    fields = [
        _counted(name, _days_lifts(series, place, f'technique="{name}"'), TECHNIQUES[name]) for name in TECHNIQUES
    ]
    return stacked_by_day(about, fields, not_told(place.days_unknown()))


def risks_by_day(place: Place, title: str) -> timeseries.Panel:
    """Posture exposure of the told lifts."""
    about = About(
        title,
        "Posture exposure of the lifts that could be told. It ranks postures for attention; nobody's injury risk.",
        NO_LIFTS,
        "RiskyLiftsInShift",
        wide=12,
        high=9,
    )
    series, told = "site_zone_technique_risk", 'technique!="unknown",risk='
    fields = [_counted(name, _days_lifts(series, place, f'{told}"{name}"'), RISKS[name]) for name in RISKS]
    return stacked_by_day(about, fields, not_told(place.days_unknown()))


def _counted(name: str, expr: str, colour: str) -> Field:
    return Field(name.title().replace("_", ""), name.replace("_", " "), expr, colour=colour)


def _days_lifts(series: str, place: Place, which: str) -> str:
    return f"sum(sum_over_time({series}:ergo_lifts:increase15m{{{place.selector},{which}}}{A_DAY}))"


def hours_of_the_week(place: Place) -> tuple[table.Panel, table.Panel]:
    """Risky lifts, and beside them how much could not be told."""
    by = "hour, weekday"
    risky = About(
        "Risky lifts by hour and weekday",
        "Mean of the last four weeks, in the hour that begins at this number, on the clock chosen above. One dark "
        "hour is a delivery or a habit; a dark shift is how the place is laid out.",
        NO_LIFTS,
        "RiskyLiftsPileUp",
        wide=14,
        high=17,
    )
    quality = About(
        "Not told by hour and weekday",
        "The share of lifts that could not be told. Where it is high (low sun, a parked lorry), the numbers on the "
        "left are too low.",
        NO_LIFTS,
        "TooManyLiftsUnknown",
        wide=10,
        high=17,
    )
    lifts = Field("Risky", "risky", f"{place.clocked('risky', HOUR_OF_WEEK, by)} / 4", decimals=1)
    return hours(risky, lifts), hours(quality, not_told(place.clocked_unknown(HOUR_OF_WEEK, by)))


def shifts(place: Place) -> table.Panel:
    """The three shifts side by side."""
    about = About(
        "Shifts, last 28 days",
        "Night 22 to 6, early 6 to 14, late 14 to 22, on the clock chosen above. Where the intervals do not meet, "
        "the shifts differ by more than chance.",
        TOO_FEW,
        "RiskyLiftsInShift",
        wide=12,
        high=6,
    )
    share = place.clocked_share(SHIFT, "shift")
    counts = [
        Field("Risky", "risky", place.clocked("risky", SHIFT, "shift")),
        Field("Told", "told", place.clocked("told", SHIFT, "shift")),
    ]
    panel = rows(about, {"shift": "shift"}, [*share_fields(share), *counts],
                 not_told(place.clocked_unknown(SHIFT, "shift")))  # fmt: skip
    return panel.override_by_name("shift", [mapped(SHIFTS)])


def changes(change: Change, unknown: str, labels: dict[str, str]) -> table.Panel:
    """Before and after, a row for each place."""
    about = About(
        "Before and after the change",
        "The 28 days before the moment in grafana/rules/targets.yml, and the last 28 days: read it from 28 days "
        "after that moment on. A change is in points of a hundred (24 % to 20 %: -4); below 0 it got better. "
        "One whose interval holds 0 may be chance.",
        NO_BASELINE,
        "RiskyLiftsInShift",
        wide=12,
        high=9,
    )
    fields = [
        Field("Change", "change, points", change.value, "percentunit", 1),
        Field("ChangeFrom", "from", change.lower, "percentunit", 1),
        Field("ChangeTo", "to", change.upper, "percentunit", 1),
        Field("Before", "before", change.before.value, "percentunit", 1),
        Field("BeforeTold", "told before", change.before.told),
        Field("After", "after", change.after.value, "percentunit", 1),
        Field("AfterTold", "told after", change.after.told),
    ]
    return rows(about, labels, fields, not_told(unknown, "not told, last 28 days"))
