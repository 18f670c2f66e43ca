"""What a site takes from deploy/: each file is read by the tool it is for, or by that tool's own schema."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge_agent import __version__, settings_file
from scripts.image import platforms
from tests.services import program

DEPLOY = Path(__file__).parents[1] / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


def run(*command: str | Path) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_image_is_built_as_hadolint_would_have_it() -> None:
    assert run(Path(sys.executable).with_name("hadolint"), DEPLOY / "Dockerfile") == ""


@pytest.mark.parametrize(
    ("words", "code", "stdout", "stderr"),
    [
        (["--where-possible"], 0, "tests/test_image.py skipped: {why}\n", ""),
        ([], 2, "", "error: {why}\nfix: {fix}\n"),
    ],
)
def test_a_machine_that_can_build_no_image_says_why_and_fails_only_where_one_was_asked_for(
    tmp_path: Path, words: list[str], code: int, stdout: str, stderr: str
) -> None:
    (tmp_path / "unshare").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "unshare").chmod(0o755)
    told = {"why": "only root may look into an image", "fix": "sudo make image-test"}
    if os.geteuid() == 0:
        told = {"why": "the kernel gives no namespaces here", "fix": "run it on a machine of its own"}
    environ = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    command = [str(DEPLOY.parent / "scripts/image/try.sh"), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    assert (done.returncode, done.stdout, done.stderr) == (code, stdout.format(**told), stderr.format(**told))


def test_the_image_says_its_version_and_the_archive_is_of_the_same() -> None:
    (version,) = re.findall(r"^ARG VERSION=(.*)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    assert version == __version__


def test_compose_follows_its_specification() -> None:
    check = Path(sys.executable).with_name("check-jsonschema")
    run(check, "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml")


def test_every_file_that_a_container_is_given_exists() -> None:
    for service in COMPOSE["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or (DEPLOY / source).exists(), source


def test_nothing_is_open_to_other_machines() -> None:
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


@pytest.mark.parametrize("name", ["agent", "bridge"])
def test_what_sees_people_and_what_counts_may_write_nowhere_else_and_gain_nothing(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "user" not in service, "the image's own, which is not root"
    writable = [volume for volume in service["volumes"] if not volume.endswith(":ro")]
    assert writable == [f"{name}:/var/lib/hingewatch"]


@pytest.mark.parametrize("folder", ["stack", "compose"])
def test_prometheus_and_alertmanager_read_their_settings(folder: str) -> None:
    run(program("promtool"), "check", "config", DEPLOY / folder / "prometheus.yml")
    run(program("amtool"), "check-config", DEPLOY / "stack/alertmanager.yml")


@pytest.mark.parametrize("name", ["stack/site", "compose/agent", "compose/bridge"])
def test_the_agents_settings_hold(name: str) -> None:
    camera = "rtsp://192.0.2.1/live"
    settings = settings_file.load(DEPLOY / f"{name}.yaml", {"CAMERA": camera, "STACK_CAMERA": camera})
    assert settings.mqtt.tls == name.startswith("compose"), (
        "between machines, or what may become some, TLS is the rule"
    )


def test_grafana_of_compose_asks_as_the_provisioned_one_but_at_another_address() -> None:
    provisioned = DEPLOY.parent / "grafana/provisioning/datasources/hingewatch.yml"
    (theirs,) = yaml.safe_load(provisioned.read_text(encoding="utf-8"))["datasources"]
    (ours,) = yaml.safe_load((DEPLOY / "compose/datasource.yml").read_text(encoding="utf-8"))["datasources"]
    assert ours == theirs | {"url": "http://prometheus:9090"}


def test_the_table_of_machines_is_what_the_lock_has_wheels_for() -> None:
    assert platforms.table() in platforms.README.read_text(), "run: .venv/bin/python -m scripts.image.platforms"


def test_no_lock_for_a_box_names_telemetry_or_training() -> None:
    lock = (DEPLOY.parent / "requirements.lock").read_text()
    names = set(re.findall(r"(?m)^([a-z0-9.-]+)==", lock))
    assert "openvino" in names
    assert not names & {"openvino-telemetry", "nncf", "torch", "scipy", "matplotlib", "scikit-learn"}
