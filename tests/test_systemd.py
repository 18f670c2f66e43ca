"""The units under the systemd of a Debian that was really booted: a camera, a broker, an update and the way back."""

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.demo_clip import DEMO_CLIP
from tests.real_box import CannotBootError, RealBox, booted
from tests.services import Listener, Mosquitto, RtspServer, free_port, wait_for
from tests.site_commands import commands, pages
from tests.test_install import EXPOSURE

AGENT, JUDGE = "hingewatch-agent", "hingewatch-judge"
TYPED = ("systemctl ", "journalctl ", "setpriv ")
UP_S = 60.0
"""A busy machine compiles networks slowly."""


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory, archive: Path) -> Iterator[RealBox]:
    """Booted, and the archive installed on it by its own installer."""
    try:
        with booted(tmp_path_factory.mktemp("box") / "root", archive) as box:
            done = box.run("/archive/install.sh")
            assert done.returncode == 0, done.stderr
            yield box
    except CannotBootError as error:
        pytest.skip(str(error))


@dataclass(frozen=True)
class Site:
    """A box at work: its camera, what the broker heard of it, and its settings."""

    box: RealBox
    heard: Listener
    settings: Mapping[str, object]

    def settle(self, **changes: object) -> None:
        """The file keeps its owner and mode."""
        (self.box.root / "etc/hingewatch/site.yaml").write_text(yaml.safe_dump({**self.settings, **changes}))

    def healthy(self) -> bool:
        asked = self.box.run(
            "/opt/hingewatch/bin/edge-agent", "healthy", "agent", "--config", "/etc/hingewatch/site.yaml"
        )
        return "cameras seen: dock" in asked.stdout

    def process(self) -> str:
        return self.box.shows(AGENT, "MainPID")["MainPID"]


@pytest.fixture(scope="module")
def site(box: RealBox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    camera = RtspServer(str(DEMO_CLIP))
    with Mosquitto(tmp_path_factory.mktemp("broker")) as broker, Listener(broker.port) as heard:
        settings = {
            "cameras": [{"name": "dock", "source": camera.url}],
            "pose": {"models_dir": "/opt/hingewatch/models"},
            "privacy": {"bucket_s": 1, "min_lifts": 1},
            "metrics": {"port": free_port()},
            "mqtt": {"port": broker.port},
        }
        site = Site(box, heard, settings)
        site.settle()
        enabled = box.run("systemctl", "enable", "--now", AGENT)
        assert enabled.returncode == 0, enabled.stderr
        wait_for("the agent", site.healthy, UP_S)
        yield site
    camera.kill()


def test_under_its_unit_the_agent_sees_a_camera_and_tells_its_lifts(site: Site) -> None:
    wait_for("lifts", lambda: len(site.heard.heard("/lift")) >= 3, UP_S)
    shown = site.box.shows(AGENT, "User", "NRestarts", "ActiveState")
    assert shown == {"User": "hingewatch", "NRestarts": "0", "ActiveState": "active"}
    assert site.box.said("stat", "-c", "%U %a", "/var/lib/hingewatch") == "hingewatch 700"
    status = site.box.said("cat", f"/proc/{site.process()}/status")
    assert re.search(r"^CapEff:\t0+$", status, re.MULTILINE)
    assert re.search(r"^NoNewPrivs:\t1$", status, re.MULTILINE)
    assert re.search(r"^Seccomp:\t2$", status, re.MULTILINE), "a filter holds"


@pytest.mark.parametrize("unit", EXPOSURE)
def test_the_systemd_that_runs_them_finds_the_units_as_closed_as_we_say(site: Site, unit: str) -> None:
    told = site.box.said("systemd-analyze", "security", "--no-pager", unit)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", told)
    assert found, told
    assert float(found[1]) <= EXPOSURE[unit]


def test_a_killed_agent_is_started_again_and_sees_its_camera(site: Site) -> None:
    before = site.process()
    site.box.run("systemctl", "kill", "--signal=KILL", AGENT)
    wait_for("another process", lambda: site.process() not in {before, "0"}, UP_S)
    wait_for("the agent", site.healthy, UP_S)


def test_wrong_settings_are_said_once_and_not_tried_for_ever(site: Site) -> None:
    site.settle(camera=[])
    site.box.run("systemctl", "restart", AGENT)
    wait_for("the end of it", lambda: site.box.shows(AGENT, "ActiveState")["ActiveState"] == "failed", UP_S)
    assert site.box.shows(AGENT, "ExecMainStatus") == {"ExecMainStatus": "2"}
    assert "camera" in site.box.said("journalctl", "--unit", AGENT, "--lines", "20", "--no-pager")
    site.settle()
    assert site.box.run("systemctl", "restart", AGENT).returncode == 0
    wait_for("the agent", site.healthy, UP_S)


def test_a_reload_reads_the_settings_again_in_the_same_process(site: Site) -> None:
    before = site.process()
    site.settle(technique={"min_confidence": 0.7})
    assert site.box.run("systemctl", "reload", AGENT).returncode == 0
    log = ("journalctl", "--unit", AGENT, "--no-pager")
    wait_for("the settings", lambda: "settings read again" in site.box.said(*log), UP_S)
    assert site.process() == before


def test_the_bridge_runs_under_its_unit(site: Site) -> None:
    bridge = {"bridge": {"port": free_port()}, "mqtt": site.settings["mqtt"]}
    (site.box.root / "etc/hingewatch/bridge.yaml").write_text(yaml.safe_dump(bridge))
    site.box.run("systemctl", "start", "hingewatch-bridge")
    ask = ("/opt/hingewatch/bin/edge-agent", "healthy", "bridge", "--config", "/etc/hingewatch/bridge.yaml")
    wait_for("the bridge", lambda: site.box.run(*ask).returncode == 0, UP_S)
    site.box.run("systemctl", "stop", "hingewatch-bridge")


def typed_on_a_box() -> list[str]:
    """The documentation's commands about our own units."""
    lines = {command.text for page in pages() for command in commands(page)}
    return sorted(line for line in lines if line.startswith(TYPED) and "hingewatch" in line)


@pytest.mark.parametrize("line", typed_on_a_box())
def test_what_the_documentation_types_on_a_box_works_there(site: Site, line: str) -> None:
    done = site.box.run("sh", "-c", line)
    assert done.returncode == 0, done.stdout + done.stderr
    wait_for("the agent", site.healthy, UP_S)


@pytest.fixture(scope="module")
def newer(archive: Path, site: Site) -> str:
    """The same program under a higher version, packed on the box by somebody whose folders are for themselves."""
    folder = site.box.root / "srv/hingewatch-9.9"
    subprocess.run(["cp", "-r", str(archive), str(folder)], check=True)
    (folder / "VERSION").write_text("9.9.0\n")
    (folder / "SHA256SUMS").unlink()
    folder.chmod(0o700)
    seal = Path(__file__).parents[1] / "scripts/archive/seal.sh"
    subprocess.run([str(seal), str(folder)], check=True, capture_output=True)
    return "/srv/hingewatch-9.9.tar"


def test_an_update_takes_over_is_judged_by_the_timer_and_goes_back_by_hand(site: Site, newer: str) -> None:
    box, first = site.box, site.box.said("readlink", "/opt/hingewatch")
    done = box.run("env", "WATCH_S=2", "/opt/hingewatch/install.sh", newer)
    assert done.returncode == 0, done.stderr
    assert box.said("readlink", "/opt/hingewatch").startswith("hingewatch-9.9.0-")
    assert site.healthy()

    # as if the version before had told more lifts than a test has time for
    (box.root / "opt" / box.said("readlink", "/opt/hingewatch") / "lifts.before").write_text(f"{first} 12/60\n")
    box.run("systemctl", "enable", "--now", f"{JUDGE}.timer")
    assert box.run("systemctl", "start", JUDGE).returncode == 0
    assert "waits: 12 of 60 lifts unknown before" in box.said("journalctl", "--unit", JUDGE, "--no-pager")
    assert box.said("systemctl", "is-active", f"{JUDGE}.timer") == "active"

    back = box.run("env", "WATCH_S=2", "/opt/hingewatch/install.sh", "--rollback")
    assert back.returncode == 0, back.stderr
    assert box.said("readlink", "/opt/hingewatch") == first
    assert site.healthy()
    assert box.said("systemctl", "is-active", f"{JUDGE}.timer") == "inactive"
