"""Who hears what by day and by night, and what is not said because something worse explains it.

A real Alertmanager with the example's routes, its receivers led to two webhooks.
"""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from tests.alertmanager import Pager, alertmanager
from tests.services import wait_for

GRAFANA = Path(__file__).parents[1] / "grafana"
ALERTS: dict[str, dict[str, str]] = {
    rule["alert"]: rule["labels"]
    for file in (GRAFANA / "alerts").glob("*.yml")
    for group in yaml.safe_load(file.read_text())["groups"]
    for rule in group["rules"]
}


@dataclass(frozen=True, slots=True)
class Site:
    """A running Alertmanager and what its two receivers have heard."""

    port: int
    engineer: Pager
    manager: Pager

    def raise_alert(self, name: str, **labels: str) -> None:
        """As Prometheus does while an alert of this name fires."""
        alert = {"labels": {"alertname": name, **ALERTS[name], **labels}}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v2/alerts",
            json.dumps([alert]).encode(),
            {"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request).close()

    def heard(self, pager: Pager) -> set[str]:
        return {alert["labels"]["alertname"] for alert in pager.alerts}

    def wait_until_heard(self, pager: Pager, name: str) -> None:
        wait_for(name, lambda: name in self.heard(pager), 30)


def example(engineer_url: str, manager_url: str, night: list[dict[str, str]]) -> dict[str, Any]:
    """The example's routes, without its minutes of waiting, and with another night."""
    config: dict[str, Any] = yaml.safe_load((GRAFANA / "alertmanager.example.yml").read_text())
    for route in (config["route"], *config["route"]["routes"]):
        route |= {"group_wait": "0s", "group_interval": "1s"}
    config["time_intervals"] = [{"name": "night", "time_intervals": [{"times": night}]}]
    urls = {"engineer": engineer_url, "safety-manager": manager_url}
    config["receivers"] = [{"name": name, "webhook_configs": [{"url": url}]} for name, url in urls.items()]
    return config


@contextmanager
def site(directory: Path, night: list[dict[str, str]]) -> Iterator[Site]:
    with ExitStack() as stack:
        engineer, manager = (stack.enter_context(Pager()) for _ in range(2))
        port = stack.enter_context(alertmanager(directory, example(engineer.url, manager.url, night)))
        yield Site(port, engineer, manager)


NOW_IS_NIGHT = [{"start_time": "00:00", "end_time": "24:00"}]


def another_time() -> list[dict[str, str]]:
    """An hour of the day that is hours away."""
    start = (datetime.now(UTC) + timedelta(hours=6)).replace(minute=0)
    end = "24:00" if start.hour == 23 else f"{start.hour + 1:02}:00"
    return [{"start_time": f"{start.hour:02}:00", "end_time": end}]


def test_by_day_each_hears_what_concerns_them(tmp_path: Path) -> None:
    with site(tmp_path, another_time()) as at:
        at.raise_alert("RiskyLiftsInShift", site="leeds", zone="line")
        at.raise_alert("CameraDown", instance="box:9108", camera="dock")
        at.raise_alert("OutboxWaits", instance="box:9108")
        at.wait_until_heard(at.manager, "RiskyLiftsInShift")
        at.wait_until_heard(at.engineer, "CameraDown")
        at.wait_until_heard(at.engineer, "OutboxWaits")
    assert at.heard(at.manager) == {"RiskyLiftsInShift"}
    assert at.heard(at.engineer) == {"CameraDown", "OutboxWaits"}


def test_at_night_only_what_blinds_or_loses_rings(tmp_path: Path) -> None:
    with site(tmp_path, NOW_IS_NIGHT) as at:
        at.raise_alert("RiskyLiftsInShift", site="leeds", zone="line")
        at.raise_alert("OutboxWaits", instance="box:9108")
        at.raise_alert("CameraDown", instance="box:9108", camera="dock")
        at.wait_until_heard(at.engineer, "CameraDown")
        at.raise_alert("LiftsGivenUp", instance="box:9108")  # a second round: the first has passed everyone
        at.wait_until_heard(at.engineer, "LiftsGivenUp")
    assert at.heard(at.manager) == set()
    assert at.heard(at.engineer) == {"CameraDown", "LiftsGivenUp"}


def test_without_a_bridge_nothing_that_it_would_tell_is_said(tmp_path: Path) -> None:
    with site(tmp_path, another_time()) as at:
        at.raise_alert("BridgeDown", job="hingewatch-bridge")
        at.wait_until_heard(at.engineer, "BridgeDown")
        told_by_bridge = [name for name, labels in ALERTS.items() if labels["audience"] == "safety"]
        for name in (*told_by_bridge, "AgentDown", "TooManyLiftsUnknown"):
            at.raise_alert(name, site="leeds", zone="line", agent="dock-1")
        at.raise_alert("CameraDown", instance="box:9108", camera="dock")
        at.wait_until_heard(at.engineer, "CameraDown")
        at.raise_alert("CameraBlind", instance="box:9108", camera="dock")
        at.raise_alert("CameraBlind", instance="box:9108", camera="gate")
        at.wait_until_heard(at.engineer, "CameraBlind")
    assert at.heard(at.manager) == set()
    assert at.heard(at.engineer) == {"BridgeDown", "CameraDown", "CameraBlind"}
    blind = [
        alert["labels"]["camera"] for alert in at.engineer.alerts if alert["labels"]["alertname"] == "CameraBlind"
    ]
    assert set(blind) == {"gate"}, "a camera that is down is also blind, and said once"
