"""Numbers sent to a store elsewhere, as deploy/k8s has it: a real Prometheus that only sends, and one that takes.

Played with the cluster's own settings file; only addresses, and how often, are this machine's.
"""

from pathlib import Path
from typing import Any

import yaml

from tests.prometheus import prometheus, running_prometheus
from tests.services import wait_for
from tests.two_bridges import two_bridges

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


def test_lifts_that_two_bridges_counted_arrive_elsewhere_and_the_rules_there_take_each_once(tmp_path: Path) -> None:
    rules = sorted((ROOT / "grafana/rules").glob("*.yml"))
    config = tmp_path / "sender.yml"
    # `--agent` is what Debian's older one calls a feature
    only_sends = ("--enable-feature=agent", f"--storage.agent.path={tmp_path / 'unsent'}")
    with (
        two_bridges(tmp_path, lifts=3) as bridges,
        prometheus(tmp_path, rule_files=rules, receives=True) as store,
    ):
        told = settings({name: bridge.port for name, bridge in bridges.items()}, store.url)
        config.write_text(yaml.safe_dump(told))
        with running_prometheus(config, *only_sends):
            both = 'sum(ergo_lifts_total{job="hingewatch-bridge", cluster="centre"})'
            wait_for("both to arrive", lambda: store.value(both) == 6, 60)
            wait_for("the rules", lambda: store.value("sum(site_zone_technique_risk:ergo_lifts:max)") == 3, 60)
