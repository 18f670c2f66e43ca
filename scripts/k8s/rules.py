"""Write deploy/k8s/base/rules/rules.yaml: grafana's rules and alerts as PrometheusRules, one for each file.

.venv/bin/python -m scripts.k8s.rules

kustomize cannot do it: a file of rules is no object that it could take in, and the operator wants its groups as such.
A test makes it again and compares, so the two do not drift apart.
"""

from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
WRITTEN: Final = ROOT / "deploy/k8s/base/rules/rules.yaml"
FILES: Final = ("rules/targets.yml", "rules/lifts.yml", "rules/history.yml", "alerts/safety.yml", "alerts/fleet.yml")


def prometheus_rule(file: Path) -> dict[str, Any]:
    """One file of rules as the operator takes it; ``hingewatch-rules-lifts`` from rules/lifts.yml."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": f"hingewatch-{file.parent.name}-{file.stem}"},
        "spec": yaml.safe_load(file.read_text(encoding="utf-8")),
    }


def document() -> str:
    """The whole file."""
    rules = [prometheus_rule(ROOT / "grafana" / name) for name in FILES]
    text = yaml.safe_dump_all(rules, sort_keys=False, width=1000, allow_unicode=True)
    return f"# Made from grafana/ by scripts/k8s/rules.py; change it there.\n---\n{text}"


if __name__ == "__main__":
    WRITTEN.write_text(document(), encoding="utf-8")
