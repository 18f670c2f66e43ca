"""The image as it was really built, run as a container would: its own root, read-only, its own user, no network.

`make image-test`, with which `make test` ends, builds it with buildah and gives its root; without, these are skipped.
"""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from edge_agent import __version__

GIVEN = os.environ.get("IMAGE_ROOT")
WHY = "no image is given: make image-test, with which make test ends, builds one"
pytestmark = pytest.mark.skipif(GIVEN is None, reason=WHY)
IMAGE = Path(GIVEN or "/nowhere")
USER = "10001:10001"
SETTINGS = "pose: {models_dir: /opt/hingewatch/models}\n"

ENTER = """
set -eu
mount --rbind "$IMAGE_ROOT" "$IMAGE_ROOT"
mount -o remount,bind,ro "$IMAGE_ROOT"
mount -t tmpfs tmpfs "$IMAGE_ROOT/tmp"
mount -t proc proc "$IMAGE_ROOT/proc"
mount --rbind /dev "$IMAGE_ROOT/dev"
mount --bind "$STATE" "$IMAGE_ROOT/var/lib/hingewatch"
mount --bind "$SETTINGS" "$IMAGE_ROOT/mnt"
ip link set lo up || true
exec chroot --userspec=10001:10001 "$IMAGE_ROOT" env -i PATH=/opt/hingewatch/bin:/usr/bin:/bin \\
    HOME=/var/lib/hingewatch PYTHONDONTWRITEBYTECODE=1 "$@"
"""


@pytest.fixture
def inspected() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(os.environ["IMAGE_INSPECT"]).read_text())["Docker"]
    return found


class Container:
    """What `podman run --read-only --network none` would do, as far as the kernel's own tools go."""

    def __init__(self, folder: Path) -> None:
        self.state, self.settings = folder / "state", folder / "settings"
        for path in (self.state, self.settings):
            path.mkdir()
        os.chown(self.state, 10001, 10001)

    def begun(self, *command: str, **options: Any) -> "subprocess.Popen[str]":
        environ = os.environ | {"STATE": str(self.state), "SETTINGS": str(self.settings)}
        enter = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--net", "sh", "-c", ENTER, "sh"]
        return subprocess.Popen([*enter, *command], env=environ, text=True, **options)

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        with self.begun(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            stdout, stderr = process.communicate(timeout=300)
        return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)


@pytest.fixture
def container(tmp_path: Path) -> Container:
    return Container(tmp_path)


def test_it_says_what_it_is_runs_as_nobody_and_has_a_health_check(inspected: dict[str, Any]) -> None:
    config = inspected["config"]
    labels = {name.rpartition(".")[2]: value for name, value in config["Labels"].items()}
    assert (labels["title"], labels["version"], labels["licenses"]) == ("Hingewatch", __version__, "Apache-2.0")
    assert len(labels["revision"]) == 40
    assert (config["User"], config["Entrypoint"]) == (USER, ["edge-agent"])
    assert config["Healthcheck"]["Test"] == ["CMD", "edge-agent", "healthy"]


def test_it_holds_no_compiler_no_installer_no_telemetry_and_nothing_of_training() -> None:
    programs = {path.name for folder in ("bin", "usr/bin", "usr/local/bin") for path in (IMAGE / folder).glob("*")}
    assert not programs & {"gcc", "cc", "g++", "c++", "clang", "ld", "as", "make", "cmake", "rustc", "go"}
    packages = {path.name for path in IMAGE.glob("opt/hingewatch/lib/python3*/site-packages/*")}
    assert "openvino" in packages
    assert not packages & {
        "openvino_telemetry",
        "nncf",
        "torch",
        "scipy",
        "matplotlib",
        "pip",
        "setuptools",
        "pytest",
    }


def test_nothing_in_it_may_be_written_by_its_user_but_its_own_folder(container: Container) -> None:
    found = container.run("sh", "-c", "find / -xdev -writable -not -type l 2>/dev/null; touch /opt/x; id -u")
    assert found.stdout.splitlines() == ["/tmp", "/var/lib/hingewatch", "10001"]
    assert "Read-only file system" in found.stderr or "Permission denied" in found.stderr


def test_the_bill_of_materials_names_its_networks_packages_and_debian() -> None:
    bom = json.loads((IMAGE / "opt/hingewatch/sbom.cdx.json").read_text())
    kinds = {one.get("purl", "").partition("/")[0] for one in bom["components"]}
    assert {"pkg:pypi", "pkg:deb"} <= kinds
    packages = {path.name for path in IMAGE.glob("opt/hingewatch/lib/python3*/site-packages/*.dist-info")}
    named = {one["name"].replace("-", "_").lower() for one in bom["components"] if "pkg:pypi" in one.get("purl", "")}
    missing = {name for name in packages if name.split("-")[0].lower() not in named | {"hingewatch_edge_agent"}}
    assert not missing


def test_doctor_finds_its_networks_and_they_answer_rightly(container: Container) -> None:
    (container.settings / "site.yaml").write_text(SETTINGS)
    done = container.run("edge-agent", "doctor", "--json", "--config", "/mnt/site.yaml")
    states = {one["check"]: one["state"] for one in json.loads(done.stdout)}
    assert {states[f"model {name}"] for name in ("pose-detector", "pose-landmarker-full")} == {"ok"}
    assert states["outbox.path"] == "ok"
    assert states["broker"] == "fail", "there is no network"


DEMO = "/opt/hingewatch/lib/python3.11/site-packages/edge_agent/assets/demo.mp4"


def test_it_finds_the_lifts_of_the_demo_clip(container: Container) -> None:
    (container.settings / "site.yaml").write_text(SETTINGS)
    done = container.run("edge-agent", "analyze", DEMO, "--json", "-", "--config", "/mnt/site.yaml")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["lifts"]) == 5


def test_it_becomes_healthy_by_its_own_check(container: Container, capsys: pytest.CaptureFixture[str]) -> None:
    """In one container, as the check is run; the figures stand in deploy/README.md."""
    camera = "[{name: dock, source: 'rtsp://192.0.2.1/live'}]"
    (container.settings / "site.yaml").write_text(f"{SETTINGS}cameras: {camera}\n")
    script = (
        "edge-agent run --config /mnt/site.yaml 2>/var/lib/hingewatch/log & agent=$!; "
        "edge-agent healthy --within-s 120 && date +%s.%N && grep VmHWM /proc/$agent/status; kill $agent; wait $agent"
    )
    for start in ("first", "next"):
        began = time.time()
        done = container.run("sh", "-c", script)
        word, ready, memory = done.stdout.splitlines()
        assert word == "healthy", done.stderr
        with capsys.disabled():
            print(f"\n{start} start: healthy after {float(ready) - began:.1f} s; {' '.join(memory.split())}")


def test_the_bridge_becomes_healthy_by_the_same_check(container: Container) -> None:
    (container.settings / "site.yaml").write_text("mqtt: {host: 127.0.0.1}\n")
    script = (
        "edge-agent bridge --config /mnt/site.yaml 2>/var/lib/hingewatch/log & bridge=$!; "
        "edge-agent healthy --within-s 60; kill $bridge; wait $bridge"
    )
    assert container.run("sh", "-c", script).stdout.splitlines() == ["healthy"]
