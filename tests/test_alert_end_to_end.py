"""From a lift in an agent's outbox to the words that a safety manager's pager shows; every part is the real one."""

from pathlib import Path
from typing import Any

from edge_agent.bridge import Bridge
from edge_agent.outbox import Outbox
from edge_agent.settings import BridgeSettings
from tests.alertmanager import Pager, alertmanager
from tests.lift_events import a_fresh_event, this_bucket
from tests.prometheus import Prometheus, prometheus
from tests.services import Mosquitto, page, sample, wait_for
from tests.test_delivery import agent, at

GRAFANA = Path(__file__).parents[1] / "grafana"
TARGET = 10
"""Risky lifts in an hour, from ``rules/targets.yml``."""


def at_once(url: str) -> dict[str, Any]:
    """Every alert by itself, without waiting."""
    return {
        "route": {"receiver": "pager", "group_by": ["..."], "group_wait": "0s", "group_interval": "1s"},
        "receivers": [{"name": "pager", "webhook_configs": [{"url": url}]}],
    }


def risky_lifts(outbox: Outbox, count: int, *, after_s: int) -> None:
    """Released at the end of a bucket, so long after the beginning of this one."""
    for _ in range(count):
        outbox.hold(a_fresh_event(technique="rounded_back", risk="high"))
    outbox.release(this_bucket() + after_s)


def shown(prometheus_: Prometheus, expression: str) -> float:
    return prometheus_.value(expression) or 0.0


def test_risky_lifts_that_pile_up_reach_the_pager_with_place_and_number(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    bridge = Bridge(BridgeSettings(port=0, state_path=tmp_path / "bridge.sqlite"), at(broker.port))
    files = [*(GRAFANA / "rules").glob("*.yml"), *(GRAFANA / "alerts").glob("*.yml")]
    with Pager() as pager, broker, bridge, alertmanager(tmp_path, at_once(pager.url)) as alerts_port:
        wait_for("the bridge", lambda: sample(page(bridge.port), "ergo_bridge_connected"))
        with (
            prometheus(tmp_path, bridge.port, rule_files=files, alerts_port=alerts_port) as watching,
            agent(tmp_path / "outbox.sqlite", at(broker.port)) as running,
        ):
            zone = 'ergo_lifts_total{zone="dock-1"}'
            wait_for("the zone at 0", lambda: watching.query(zone), 60)
            risky_lifts(running.outbox, TARGET - 1, after_s=301)
            running.publisher.wake()
            wait_for("nine lifts", lambda: shown(watching, f"sum({zone})") == TARGET - 1, 60)
            wait_for("the rule", lambda: shown(watching, "site_zone:ergo_lifts_risky:increase1h") >= 1, 60)
            assert [alert for alert in pager.alerts if alert["labels"]["alertname"] == "RiskyLiftsPileUp"] == []

            risky_lifts(running.outbox, 6, after_s=901)
            running.publisher.wake()
            (alert,) = wait_for("the pager", lambda: [a for a in pager.alerts if a["labels"].get("zone")], 90)[:1]
    assert alert["labels"]["alertname"] == "RiskyLiftsPileUp"
    assert alert["status"] == "firing"
    assert alert["annotations"]["summary"].endswith(" risky lifts within an hour in dock-1 (north)")
    assert alert["annotations"]["runbook_url"] == "grafana/runbooks/RiskyLiftsPileUp.md"
