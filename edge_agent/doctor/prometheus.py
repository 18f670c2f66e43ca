"""Does a Prometheus read this agent's page and the bridge's, and is its clock ours?"""

import time
import urllib.request
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Final

from edge_agent.doctor.broker import is_bridge
from edge_agent.doctor.finding import Finding
from edge_agent.errors import HingewatchError
from edge_agent.prometheus_api import PrometheusApi, Series
from edge_agent.settings import Settings

_TIMEOUT_S: Final = 5.0
FAR_OFF_S: Final = 5.0
"""An HTTP date is a whole second, and is read a little later: what is beyond that is no rounding."""


def look_at_prometheus(settings: Settings, url: str) -> Iterator[Finding]:
    """One line for itself and its clock, one for the agent's page, one for the bridge's."""
    try:
        api = PrometheusApi(url, _TIMEOUT_S)
        now_s = time.time()
        pages = api.at(f'up{{site="{settings.site}",agent="{settings.agent}"}}', now_s)
        unlabelled = api.at("edge_agent_mqtt_connected", now_s)
        bridges = api.at("ergo_bridge_connected", now_s)
        heard = api.at(f'ergo_agent_up{{site="{settings.site}",agent="{settings.agent}"}}', now_s)
    except HingewatchError as error:
        yield Finding("prometheus", "fail", error.what, error.fix)
        return
    yield _itself(api.name)
    if not is_bridge(settings):
        yield _agents_page(settings, pages, unlabelled)
    yield _bridges_page(settings, bridges, None if is_bridge(settings) else heard)


def _itself(name: str) -> Finding:
    """By its HTTP date; half of the time that the answer took is the way back."""
    asked_s = time.time()
    try:
        with urllib.request.urlopen(f"{name}/-/ready", timeout=_TIMEOUT_S) as reply:  # noqa: S310 - checked
            date = parsedate_to_datetime(reply.headers.get("Date", "")).timestamp() + 0.5
    except (OSError, HTTPException, ValueError):
        return Finding("prometheus", "ok", f"{name} answers; its clock is not known here")
    offset_s = (asked_s + time.time()) / 2 - date
    facts = {"clock_offset_s": round(offset_s, 1)}
    if abs(offset_s) <= FAR_OFF_S:
        return Finding("prometheus", "ok", f"{name} answers; its clock and ours agree to the second", "", facts)
    what = f"{name} answers; our clock is {abs(offset_s):.0f} s {'ahead of' if offset_s > 0 else 'behind'} its own"
    return Finding("prometheus", "warn", what, "switch NTP on, on both machines: timedatectl set-ntp true", facts)


def _agents_page(settings: Settings, pages: list[Series], unlabelled: list[Series]) -> Finding:
    check, values = "prometheus: agent", [series.points[0][1] for series in pages]
    if 1.0 in values:
        return Finding(check, "ok", "reads this agent's page")
    page = f"{settings.metrics.host}:{settings.metrics.port}"
    if values:
        fix = f"start the agent; its page is at {page} (metrics.host 0.0.0.0 for a Prometheus on another machine)"
        return Finding(check, "fail", "finds this agent's page silent", fix)
    labels = f"labels: {{site: {settings.site}, agent: {settings.agent}}}"
    if unlabelled:
        return Finding(check, "warn", "reads an agent's page, but not as this one's", f"add to its target {labels}")
    job = f'- {{job_name: hingewatch-agents, static_configs: [{{targets: ["{page}"], {labels}}}]}}'
    return Finding(check, "fail", "does not read this agent's page", f"add to its scrape_configs: {job}")


def _bridges_page(settings: Settings, bridges: list[Series], heard: list[Series] | None) -> Finding:
    check = "prometheus: bridge"
    if not bridges:
        page = f"{settings.bridge.host}:{settings.bridge.port}"
        job = f'- {{job_name: hingewatch-bridge, static_configs: [{{targets: ["{page}"]}}]}}'
        fix = f"start edge-agent bridge, and add to its scrape_configs: {job}"
        return Finding(check, "fail", "does not read a bridge's page", fix)
    if not any(series.points[0][1] for series in bridges):
        return Finding(check, "fail", "reads a bridge's page, which has no broker", "see the bridge's log")
    if heard is None:
        return Finding(check, "ok", "reads a bridge's page")
    if any(series.points[0][1] for series in heard):
        return Finding(check, "ok", "reads a bridge's page, and the bridge hears this agent")
    fix = "start the agent; if it runs, see the broker's lines above, and that both use the same broker"
    return Finding(check, "warn", "reads a bridge's page, but the bridge does not hear this agent", fix)
