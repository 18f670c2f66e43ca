"""Pages and pictures that are written by scripts are as the scripts write them, and say what the program does."""

import re
from math import radians, sqrt, tan
from pathlib import Path

import pytest
import yaml

from edge_agent.settings import BridgeSettings, OutboxSettings, Settings
from scripts.docs.in_the_picture import farthest_m
from scripts.docs.measured import said
from scripts.docs.pictures import DRAWN, FOLDER
from scripts.docs.placement import FARTHEST_M, NEAREST_M, STEEPEST_DEG
from scripts.docs.reference import DOCS, PAGES
from tests.demo_day import DemoDay

ROOT = Path(__file__).parents[1]
CONFIGURATION = (DOCS / "configuration.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_the_reference_is_what_the_code_says(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), "python -m scripts.docs.reference"


@pytest.mark.parametrize("name", DRAWN)
def test_the_pictures_are_what_the_script_draws(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == DRAWN[name]().svg, "python -m scripts.docs.pictures"


def test_every_picture_is_drawn_by_the_script() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(DRAWN)


def test_every_setting_has_a_row_with_a_meaning() -> None:
    example = yaml.safe_load((ROOT / "configs/example.yaml").read_text(encoding="utf-8"))
    keys = {f"{section}.{key}" for section, part in example.items() if isinstance(part, dict) for key in part}
    keys |= {key for key in Settings.model_fields if not isinstance(example[key], dict)}
    rows = dict(re.findall(r"^\| `([\w.\[\]]+)` \| (.*?) \|", CONFIGURATION, re.MULTILINE))
    assert keys <= set(rows)
    assert [name for name, meaning in rows.items() if not meaning.strip()] == []
    assert "mqtt.password" not in rows, "it may not stand in the file"


def test_ranges_units_and_defaults_are_told() -> None:
    for row in (
        "| `privacy.bucket_s` | event times are rounded down to this many seconds | 1 to 3600 seconds | `300` |",
        "| `pose.landmarker` | lite and heavy need npm at set-up | `lite`, `full`, `heavy` | `full` |",
        "| `cameras[].rate_hz` | frames analysed per second at most | above 0, at most 60 a second | `15.0` |",
    ):
        assert row in CONFIGURATION


def test_every_metric_of_a_whole_day_has_its_row(demo_day: DemoDay) -> None:
    told = set(re.findall(r"^\| `(\w+)` \|", (DOCS / "metrics.md").read_text(encoding="utf-8"), re.MULTILINE))
    shown = set(re.findall(r"^# TYPE (\w+)", demo_day.agent_page + demo_day.bridge_page, re.MULTILINE))
    assert shown == told


def test_heights_and_distances_on_the_placement_page_are_reckoned_rightly() -> None:
    page = (DOCS / "camera-placement.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\d.]+) m \| ([\d.]+) m \| ([\d.]+) m \|", page, re.MULTILINE)
    assert len(rows) == 4
    for up, near, far in (map(float, row) for row in rows):
        above = up - 1.75 / 2
        steepest = above / tan(radians(STEEPEST_DEG))
        assert near == pytest.approx(max(steepest, sqrt(max(NEAREST_M**2 - above**2, 0))), abs=0.06)
        assert far == pytest.approx(sqrt(FARTHEST_M**2 - above**2), abs=0.06)
    assert farthest_m(90) == pytest.approx(9.33, abs=0.01)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("README.md", "Real clips seen from the side: 35 of 36 told were right; seen obliquely, 21 of 27."),
        ("README.md", "one crossing (12 simulated clips of seed 903, 6 min): 29 of 42 lifts found"),
        ("README.md", "Of the 240 clips below 18 gave no lift at all."),
        ("models/spine/README.md", "2–45° up, 2.5–10 m away"),
        ("deploy/k8s/README.md", "| mosquitto's memory with 100,000 lifts waiting for two bridges | 91 MB |"),
        ("deploy/k8s/README.md", "| its file | 50 MB;"),
    ],
)
def test_figures_that_pages_repeat_stand_where_they_were_measured(document: str, words: str) -> None:
    assert said(document, words)


def test_limits_on_the_operations_page_are_the_programs() -> None:
    page = (DOCS / "operations.md").read_text(encoding="utf-8")
    assert f"`outbox.max_events`: {OutboxSettings().max_events:,}" in page
    assert f"`bridge.max_state_mib`: {BridgeSettings().max_state_mib:,}" in page


def test_a_picture_whose_figure_is_gone_from_its_page_is_told() -> None:
    assert said("README.md", "Best within 30° of the side")
    with pytest.raises(LookupError, match="change the picture"):
        said("README.md", "Best within 31° of the side")


def test_what_rings_at_night_is_on_the_operations_page() -> None:
    alerts = [rule for file in (ROOT / "grafana/alerts").glob("*.yml")
              for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]  # fmt: skip
    page = (DOCS / "operations.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| \[(\w+)\]\(\.\./grafana/runbooks/\w+\.md\)", page, re.MULTILINE))
    assert told == {rule["alert"] for rule in alerts if rule["labels"]["severity"] == "critical"}
