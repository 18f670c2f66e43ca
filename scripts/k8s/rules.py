"""Write grafana's rules and alerts as PrometheusRules: all of them, and the alerts of the agents' own pages apart.

.venv/bin/python -m scripts.k8s.rules

The latter are for the edge. A Prometheus of the centre reaches no agent behind a site's firewall, so the edge's own
must ring when a camera dies; alerts of the bridge there would ring for ever, for there is none.

kustomize cannot do it: a file of rules is no object that it could take in, and the operator wants its groups as such.
A test makes it again and compares, so the two do not drift apart.
"""

from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
BASE: Final = ROOT / "deploy/k8s/base"
FILES: Final = ("rules/targets.yml", "rules/lifts.yml", "rules/history.yml", "alerts/safety.yml", "alerts/fleet.yml")


def groups(name: str) -> list[dict[str, Any]]:
    """Of one file of grafana/."""
    found: list[dict[str, Any]] = yaml.safe_load((ROOT / "grafana" / name).read_text(encoding="utf-8"))["groups"]
    return found


def prometheus_rule(name: str, content: list[dict[str, Any]]) -> dict[str, Any]:
    """As the operator takes it."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": f"hingewatch-{name}"},
        "spec": {"groups": content},
    }


def asks_agents(rule: dict[str, Any]) -> bool:
    """Whether an alert needs the agents' own pages; the others ask those of the bridges."""
    return "edge_agent_" in rule["expr"] or 'job="hingewatch-agents"' in rule["expr"]


def everything() -> list[dict[str, Any]]:
    """One for each file; ``hingewatch-rules-lifts`` from rules/lifts.yml."""
    return [prometheus_rule(name.removesuffix(".yml").replace("/", "-"), groups(name)) for name in FILES]


def of_agents() -> list[dict[str, Any]]:
    """The alerts that an edge can ring by itself."""
    alerts = [rule for name in FILES for group in groups(name) for rule in group["rules"] if "alert" in rule]
    mine = [rule for rule in alerts if asks_agents(rule)]
    return [prometheus_rule("alerts-agents", [{"name": "hingewatch_agents", "rules": mine}])]


def document(rules: list[dict[str, Any]]) -> str:
    """The whole file."""
    text = yaml.safe_dump_all(rules, sort_keys=False, width=1000, allow_unicode=True)
    return f"# Made from grafana/ by scripts/k8s/rules.py; change it there.\n---\n{text}"


def written() -> dict[Path, str]:
    """Each file, with what belongs in it."""
    files = {"rules/rules.yaml": everything(), "agent-alerts/alerts.yaml": of_agents()}
    return {BASE / name: document(rules) for name, rules in files.items()}


if __name__ == "__main__":
    for path, text in written().items():
        path.write_text(text, encoding="utf-8")
