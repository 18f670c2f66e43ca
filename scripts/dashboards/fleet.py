"""*Fleet and cameras*: whether everything sees, sends and counts, for the site engineer."""

from grafana_foundation_sdk.builders import dashboard, stat, table

from scripts.dashboards.fleet_days import blind_by_day, busy, latency, messages_by_day, unknown_by_day, up_by_day
from scripts.dashboards.fleet_parts import AGENT_UP, BLIND, FRAMES, NO_BRIDGE, NO_PAGE, SEEN, SILENT, SITE
from scripts.dashboards.look import (
    ANY,
    QUALITY,
    About,
    Field,
    Limits,
)
from scripts.dashboards.page import chosen, page
from scripts.dashboards.panels import number, rows
from scripts.dashboards.promql import how_many

UID = "hingewatch-fleet"
RULES_RUN = "0 * max(ergo_target:risky_share:ratio)"
"""0 where rules are recorded; else no alert fires because none could."""


def fleet() -> dashboard.Dashboard:
    """What is wrong now, which box, which camera, and since when."""
    return page(
        "fleet and cameras",
        UID,
        "Whether everything sees, sends and counts.",
        [chosen("site", "Site", "label_values(ergo_agent_up, site)", everything=True)],
        [
            "Now",
            alerts(),
            agents_now(),
            cameras_now(),
            delivery_now(),
            bridges_now(),
            "Boxes and cameras",
            agents(),
            cameras(),
            networks(),
            "Since when",
            up_by_day(),
            blind_by_day(),
            unknown_by_day(),
            messages_by_day(),
            latency(),
            busy(),
        ],
    )


def alerts() -> stat.Panel:
    """How many ring."""
    about = About(
        "Alerts that fire",
        "In Prometheus, whoever hears them. Alertmanager shows which.",
        "Prometheus has no alert rules: see grafana/README.md",
        "AgentPageGone",
        wide=4,
    )
    fields = [
        Field(
            name.title(), name, f'count(ALERTS{{alertstate="firing",severity="{name}"}}) or {RULES_RUN}', limits=ANY
        )
        for name in ("critical", "warning")
    ]
    return number(about, fields, SILENT)


def agents_now() -> stat.Panel:
    """How many are heard from."""
    about = About("Agents", "As the bridge hears them over MQTT.", NO_BRIDGE, "AgentDown", wide=5)
    fields = [
        Field("Down", "silent", how_many(AGENT_UP, "== 0"), limits=ANY),
        Field("Known", "known", f"count({AGENT_UP})"),
    ]
    return number(about, fields, Field(QUALITY, "connected", "max(ergo_bridge_connected)", "bool_yes_no"))


def cameras_now() -> stat.Panel:
    """How many deliver frames."""
    about = About("Cameras", "Down: no frames now. No lifts seen is not no lifts.", NO_PAGE, "CameraDown", wide=5)
    fields = [
        Field("Down", "down", how_many(f"edge_agent_camera_up{{{SITE}}}", "== 0"), limits=ANY),
        Field("Known", "known", f"count(edge_agent_camera_up{{{SITE}}})"),
    ]
    return number(about, fields, SILENT)


def delivery_now() -> stat.Panel:
    """Whether lifts wait or are lost."""
    about = About(
        "From the boxes to the broker",
        "Events wait while the broker is away; they are given up (here: in 24 hours) only when the outbox is full.",
        NO_PAGE,
        "OutboxWaits",
        wide=5,
    )
    dropped = f"sum(increase(edge_agent_outbox_dropped_events_total{{{SITE}}}[1d]))"
    fields = [
        Field("Oldest", "oldest waits", f"max(edge_agent_outbox_oldest_age_seconds{{{SITE}}})", "s",
              limits=Limits(300, 900)),
        Field("Lost", "given up", dropped, limits=ANY),
    ]  # fmt: skip
    return number(about, fields, SILENT)


def bridges_now() -> stat.Panel:
    """Whether lifts are counted."""
    about = About(
        "Bridge",
        "In 24 hours. rejected: messages that were not believed; most often a box's clock is wrong.",
        NO_BRIDGE,
        "MessagesRejected",
        wide=5,
    )
    fields = [
        Field("Rejected", "rejected", "sum(increase(ergo_bridge_rejected_messages_total[1d]))", limits=ANY),
        Field("Storage", "write errors", "sum(increase(ergo_bridge_storage_errors_total[1d]))", limits=ANY),
    ]
    return number(about, fields, Field(QUALITY, "connected", "max(ergo_bridge_connected)", "bool_yes_no"))


def agents() -> table.Panel:
    """Each box."""
    about = About(
        "Agents",
        "silent for: since the bridge last heard it. certificate: when it ends; edge-agent certs renew.",
        NO_BRIDGE,
        "AgentDown",
        wide=12,
        high=9,
    )
    by = "site, agent"
    expiry = f"min by ({by}) ((edge_agent_certificate_expiry_timestamp_seconds{{{SITE}}} > 0) - time())"
    fields = [
        Field("Silent", "silent for",
              f"time() - max by ({by}) ({SEEN}{{{SITE}}})", "s", limits=Limits(60, 180)),
        Field("Up", "up, 7 d", f"avg by ({by}) (avg_over_time(site_agent:ergo_agent_up:avg15m{{{SITE}}}[7d]))",
              "percentunit", 2),
        Field("Waits", "events wait", f'sum by ({by}) (edge_agent_outbox_events{{state="ready",{SITE}}})'),
        Field("Certificate", "certificate", expiry, "s"),
    ]  # fmt: skip
    page_read = Field(QUALITY, "page read", f'min by ({by}) (up{{job="hingewatch-agents",{SITE}}})', "bool_yes_no")
    return rows(about, {"site": "site", "agent": "agent"}, fields, page_read)


def cameras() -> table.Panel:
    """Each camera, the blindest first."""
    about = About(
        "Cameras, last 24 hours, the blindest first",
        "blind: the share of time without a picture. overtaken: frames that came before the box was ready; lifts may "
        "be missed.",
        NO_PAGE,
        "CameraBlind",
        wide=12,
        high=9,
    )
    by = "instance, camera"
    blind = f"{BLIND}:increase15m{{{SITE}}}"
    overtaken = f"sum by ({by}) (sum_over_time({FRAMES}_overtaken:increase15m{{{SITE}}}[1d]))"
    looked_at = f"sum by ({by}) (sum_over_time({FRAMES}:increase15m{{{SITE}}}[1d]))"
    fields = [
        Field("Blind", "blind", f"sum by ({by}) (sum_over_time({blind}[1d])) / 86400", "percentunit", 1,
              limits=Limits(0.02, 0.1)),
        Field("Up", "up now", f"max by ({by}) (edge_agent_camera_up{{{SITE}}})", "bool_yes_no"),
        Field("Overtaken", "overtaken", f"{overtaken} / ({looked_at} > 0)", "percentunit", 1,
              limits=Limits(0.1, 0.25)),
    ]  # fmt: skip
    watched = f"sum by ({by}) (count_over_time({blind}[1d])) / 96"
    return rows(
        about, {"instance": "box", "camera": "camera"}, fields, Field(QUALITY, "page read", watched, "percentunit")
    )


def networks() -> table.Panel:
    """What runs on what."""
    about = About(
        "Networks and what they run on",
        "Boxes of a site should agree in files. slower: time of an answer as a multiple of the first start's.",
        NO_PAGE,
        "ModelsDiffer",
        wide=24,
        high=8,
    )
    by = "site, instance, model"
    slower = f"max by ({by}) (edge_agent_inference_slowdown{{{SITE}}})"
    fell_back = f"sum by ({by}) (edge_agent_device_fallbacks_total{{{SITE}}}) or 0 * {slower}"
    fields = [
        Field("Slower", "slower", slower, "none", 2, limits=Limits(1.2, 1.5)),
        Field("Device", "runs", f"max by ({by}, device) (edge_agent_device_info{{{SITE}}})", "bool_yes_no"),
        Field("File", "loaded", f"max by ({by}, sha256) (edge_agent_model_info{{{SITE}}})", "bool_yes_no"),
        Field("FellBack", "devices that failed", fell_back, limits=ANY),
    ]
    read = f'0 * {slower} + on (instance) group_left () max by (instance) (up{{job="hingewatch-agents"}})'
    page_read = Field(QUALITY, "page read", read, "bool_yes_no")
    labels = {"site": "site", "instance": "box", "model": "network", "device": "device", "sha256": "file"}
    return rows(about, labels, fields, page_read)
