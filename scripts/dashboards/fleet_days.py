"""The fleet over time: since when something is not seen, not told or not counted."""

from grafana_foundation_sdk.builders import timeseries

from scripts.dashboards.ask import DAY_S
from scripts.dashboards.fleet_parts import BLIND, NO_BRIDGE, NO_PAGE, SILENT, SITE
from scripts.dashboards.look import BLUE, GREEN, GREY, ORANGE, PURPLE, QUALITY, SKY, VERMILLION, About, Field
from scripts.dashboards.panels import by_day, stacked_by_day
from scripts.dashboards.promql import A_DAY, blind_share


def up_by_day() -> timeseries.Panel:
    """Agents over time."""
    about = About(
        "Agents up, day by day",
        "The share of the day in which they were heard, on average and the worst one. Of today only what is over "
        "is read.",
        NO_BRIDGE,
        "AgentDown",
        wide=12,
        high=8,
    )
    up = f"avg_over_time(site_agent:ergo_agent_up:avg15m{{{SITE}}}{A_DAY})"
    fields = [
        Field("Mean", "mean", f"avg({up})", "percentunit", 1, colour=BLUE),
        Field("Worst", "worst", f"min({up})", "percentunit", 1, colour=VERMILLION),
    ]
    counted = f"max(count_over_time(result:ergo_bridge_messages:increase15m{A_DAY})) / 96"
    return by_day(
        about, fields, Field(QUALITY, "bridge's page read", counted, "percentunit", colour=GREY, dashed=True)
    )


def blind_by_day() -> timeseries.Panel:
    """Camera time without a picture."""
    about = About(
        "Camera time without a picture, day by day",
        "Of all cameras, and of the worst one (not of today). Counts of these days are too low by about as much.",
        NO_PAGE,
        "CameraBlind",
        wide=12,
        high=8,
    )
    cameras = f"site:edge_agent_camera_blind_seconds:count15m{{{SITE}}}{A_DAY}"
    worst = f"max(last_over_time({BLIND}:sum1d{{{SITE}}}[30m] offset -1d)) / {DAY_S}"
    fields = [
        Field("All", "all cameras", blind_share(SITE, A_DAY), "percentunit", 1, colour=BLUE),
        Field("Worst", "the worst", worst, "percentunit", 1, colour=VERMILLION),
    ]
    read = f"sum(sum_over_time({cameras})) / (96 * sum(max_over_time({cameras})))"
    return by_day(about, fields, Field(QUALITY, "pages read", read, "percentunit", colour=GREY, dashed=True))


REASON_COLOURS = (BLUE, SKY, GREEN, ORANGE, VERMILLION, PURPLE)


def unknown_by_day() -> timeseries.Panel:
    """Why lifts could not be told."""
    about = About(
        "Why lifts could not be told, day by day",
        "Before anything is held back for privacy. view: seen from the front or behind; mostly the camera's place.",
        NO_PAGE,
        "TooManyLiftsUnknown",
        wide=12,
        high=8,
    )
    lifts = f"sum by (reason) (sum_over_time(site_reason:edge_agent_lifts_unknown:increase15m{{{SITE}}}{A_DAY}))"
    share = (
        f'sum(sum_over_time(site_technique:ergo_lifts:increase15m{{{SITE},technique="unknown"}}{A_DAY}))'
        f" / sum(sum_over_time(site:ergo_lifts:increase15m{{{SITE}}}{A_DAY}))"
    )
    return stacked_by_day(
        about,
        [Field("Reason", "{{reason}}", lifts)],
        Field(QUALITY, "share of all", share, "percentunit", colour=GREY),
    )


def messages_by_day() -> timeseries.Panel:
    """What the bridge made of messages."""
    about = About(
        "Messages at the bridge, day by day",
        "duplicate: sent again after a lost connection, counted once. rejected: not believed.",
        NO_BRIDGE,
        "MessagesRejected",
        wide=12,
        high=8,
    )
    messages = 'result:ergo_bridge_messages:increase15m{result=~"counted|duplicate|rejected"}'
    counted = f"max(count_over_time(result:ergo_bridge_messages:increase15m{A_DAY})) / 96"
    return stacked_by_day(
        about,
        [Field("Result", "{{result}}", f"sum by (result) (sum_over_time({messages}{A_DAY}))")],
        Field(QUALITY, "page read", counted, "percentunit", colour=GREY),
    )


def latency() -> timeseries.Panel:
    """From frame to event, and from event to broker."""
    about = About(
        "How long a lift takes, last 24 hours (95 of 100 are faster)",
        "judged: from the frame that let a lift be judged to its event in the outbox. delivered: from its release, "
        "when its time bucket has ended, to the broker's acknowledgement.",
        NO_PAGE,
        "BoxTooSlow",
        wide=12,
        high=8,
        time_from="24h",
    )
    fields = [
        Field(ref, name, _slowest_of_20(f"{metric}_seconds_bucket"), "s", 3, colour=colour)
        for ref, name, metric, colour in (
            ("Judged", "judged", "edge_agent_lift_latency", BLUE),
            ("Delivered", "delivered", "edge_agent_delivery", ORANGE),
        )
    ]
    return by_day(about, fields, SILENT).interval("1h")


def _slowest_of_20(buckets: str) -> str:
    return f"histogram_quantile(0.95, sum by (le) (increase({buckets}{{{SITE}}}[2h])))"


def busy() -> timeseries.Panel:
    """Time of one request by stage."""
    about = About(
        "Mean time of one answer by stage, last 24 hours",
        "A box that becomes slower (heat, a power profile, another program) watches fewer frames.",
        NO_PAGE,
        "NetworkSlower",
        wide=12,
        high=8,
        time_from="24h",
    )
    mean = (
        f"sum by (stage) (increase(edge_agent_inference_seconds_sum{{{SITE}}}[2h]))"
        f" / (sum by (stage) (increase(edge_agent_inference_seconds_count{{{SITE}}}[2h])) > 0)"
    )
    return by_day(about, [Field("Mean", "{{stage}}", mean, "s", 4)], SILENT).interval("1h")
