"""Writes ``grafana/dashboards/*.json``: ``python -m scripts.dashboards.generate``."""

import json
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from scripts.dashboards.fleet import fleet
from scripts.dashboards.overview import overview
from scripts.dashboards.runbooks import runbooks_dashboard
from scripts.dashboards.zone import zone_detail

FOLDER: Final = Path(__file__).parents[2] / "grafana" / "dashboards"
DASHBOARDS: Final = {
    "safety-overview": overview,
    "zone-detail": zone_detail,
    "fleet-and-cameras": fleet,
    "runbooks": runbooks_dashboard,
}


def as_json(made: dashboard.Dashboard) -> str:
    """As Grafana reads it, in an order that never changes."""
    return json.dumps(made.build(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


def main() -> None:
    """Write them all."""
    FOLDER.mkdir(exist_ok=True)
    for name, make in DASHBOARDS.items():
        (FOLDER / f"{name}.json").write_text(as_json(make()), encoding="utf-8")


if __name__ == "__main__":
    main()
