"""A site is told where its counts would be one person's."""

import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent.anonymity import weaknesses
from edge_agent.settings import CameraSettings, PrivacySettings, Settings, ZoneSettings

FLOOR = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))


def site(*zones: ZoneSettings, privacy: PrivacySettings | None = None) -> Settings:
    return Settings(
        cameras=(CameraSettings(name="dock", source="0", zones=zones),), privacy=privacy or PrivacySettings()
    )


def zone(name: str, workers: int | None) -> ZoneSettings:
    return ZoneSettings(name=name, polygon=FLOOR, workers=workers)


def test_a_busy_zone_under_the_defaults_is_not_warned_of() -> None:
    assert list(weaknesses(site(zone("line", 6), zone("ramp", 3)))) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_a_station_of_one_or_two_is_warned_of_by_name(workers: int) -> None:
    (told,) = weaknesses(site(zone("line", 6), zone("bench", workers)))
    assert "zone bench" in told.what
    assert "larger zone" in told.fix


def test_where_nobody_has_counted_the_people_that_is_said() -> None:
    (told,) = weaknesses(site(zone("line", None), zone("ramp", 4)))
    assert "line" in told.what
    assert "ramp" not in told.what
    (told,) = weaknesses(site())
    assert "dock" in told.what, "without zones a camera is its own zone"


def test_smaller_pools_and_finer_times_than_the_defaults_are_warned_of() -> None:
    told = list(weaknesses(site(zone("line", 6), privacy=PrivacySettings(bucket_s=10, min_lifts=1))))
    assert [weakness.fix for weakness in told] == [
        "set privacy.min_lifts to 5 or more",
        "set privacy.bucket_s to 300 or more",
    ]


def test_config_check_says_it_and_still_says_ok(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(
        "cameras: [{name: dock, source: 0, zones: [{name: bench, workers: 1, polygon: [[0, 0], [1, 0], [1, 1]]}]}]"
    )
    command = [sys.executable, "-c", "from edge_agent.cli import main; main()", "config", "check", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("OK")
    assert done.stderr.splitlines()[0].startswith("warning: zone bench has 1 at work")
