"""Numbers sent to a store elsewhere, as deploy/k8s has it: a real Prometheus that only sends, and one that takes.

Played with the cluster's own settings file; only addresses, and how often, are this machine's.
"""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import yaml

from edge_agent.bridge import Bridge
from edge_agent.core.events import to_json, topic
from edge_agent.settings import BridgeSettings, MqttSettings
from tests.lift_events import a_fresh_event
from tests.services import Listener, Mosquitto, answers, free_port, page, program, prometheus, wait_for

ROOT = Path(__file__).parents[1]
SETTINGS = ROOT / "deploy/k8s/components/remote-write/prometheus.yml"


def settings(pages: dict[str, int], store: str) -> dict[str, Any]:
    """The component's own, with pages and a store that are here."""
    told: dict[str, Any] = yaml.safe_load(SETTINGS.read_text())
    told["global"]["scrape_interval"] = "1s"
    (job,) = told["scrape_configs"]
    for target in job["static_configs"]:
        target["targets"] = [f"127.0.0.1:{pages[target['labels']['instance']]}"]
    (remote,) = told["remote_write"]
    remote["url"] = f"{store}/api/v1/write"
    return told


@contextmanager
def sender(directory: Path, told: dict[str, Any]) -> Iterator[None]:
    """``--agent`` is what Debian's older one calls a feature."""
    port = free_port()
    (directory / "sender.yml").write_text(yaml.safe_dump(told))
    command = [program("prometheus"), "--enable-feature=agent", f"--config.file={directory / 'sender.yml'}"]
    command += [f"--storage.agent.path={directory / 'unsent'}", f"--web.listen-address=127.0.0.1:{port}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for("the sender", lambda: answers(f"http://127.0.0.1:{port}/-/ready"), 60)
        yield
    finally:
        process.terminate()
        process.wait(20)


def bridge_to(broker: Mosquitto, file: Path) -> Bridge:
    return Bridge(BridgeSettings(port=0, state_path=file), MqttSettings(port=broker.port))


def test_lifts_that_two_bridges_counted_arrive_elsewhere_and_the_rules_there_take_each_once(tmp_path: Path) -> None:
    rules = sorted((ROOT / "grafana/rules").glob("*.yml"))
    with ExitStack() as stack:
        broker = stack.enter_context(Mosquitto(tmp_path))
        files = {f"bridge-{number}": tmp_path / f"{number}.sqlite" for number in range(2)}
        bridges = {name: stack.enter_context(bridge_to(broker, file)) for name, file in files.items()}
        for bridge in bridges.values():
            wait_for("a bridge", lambda port=bridge.port: "ergo_bridge_connected 1.0" in page(port))  # type: ignore[misc]
        listener = stack.enter_context(Listener(broker.port))
        for _ in range(3):
            event = a_fresh_event()
            listener.publish(topic(event.site, event.zone), to_json(event))
        store = stack.enter_context(prometheus(tmp_path, rule_files=rules, receives=True))
        told = settings({name: bridge.port for name, bridge in bridges.items()}, store.url)
        stack.enter_context(sender(tmp_path, told))
        both = 'sum(ergo_lifts_total{job="hingewatch-bridge", cluster="centre"})'
        wait_for("both to arrive", lambda: store.value(both) == 6, 60)
        wait_for("the rules", lambda: store.value("sum(site_zone_technique_risk:ergo_lifts:max)") == 3, 60)
