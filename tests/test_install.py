"""A box without containers: the units say what the agent may do, it does no more; the archive needs no network."""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from tests.demo_clip import DEMO_CLIP
from tests.services import Listener, Mosquitto, program

ROOT = Path(__file__).parents[1]
UNITS = ROOT / "deploy/systemd"
EXPOSURE = {"hingewatch-agent.service": 1.6, "hingewatch-bridge.service": 1.4}
"""systemd's own scale: 0 is best, 10 what a service gets that asks for nothing."""
MDWE, REFUSE_EXEC_GAIN = 65, 1
"""prctl(2): PR_SET_MDWE. systemd does the same by a filter."""


def run(*command: str | Path, **environ: str) -> "subprocess.CompletedProcess[str]":
    words = [str(word) for word in command]
    return subprocess.run(words, capture_output=True, text=True, check=False, env=os.environ | environ)


def test_systemd_reads_the_timer_and_what_it_starts(tmp_path: Path) -> None:
    service = (UNITS / "hingewatch-judge.service").read_text().replace("/opt/hingewatch/install.sh", "/bin/true")
    (tmp_path / "hingewatch-judge.service").write_text(service)
    timer = tmp_path / "hingewatch-judge.timer"
    timer.write_text((UNITS / timer.name).read_text())
    done = run("systemd-analyze", "verify", timer, SYSTEMD_UNIT_PATH=f"{tmp_path}:")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("unit", EXPOSURE)
def test_the_units_are_as_closed_as_we_say(unit: str) -> None:
    told = run("systemd-analyze", "security", "--offline=true", "--no-pager", UNITS / unit).stdout
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", told)
    assert found, told
    assert float(found[1]) <= EXPOSURE[unit]


def members(name: str) -> set[str]:
    """The system calls of a set such as ``@system-service``, of the sets within it too."""
    lines = run("systemd-analyze", "syscall-filter", "--no-pager", name).stdout.splitlines()
    words = [line.strip() for line in lines[1:] if not line.strip().startswith("#")]
    found = [members(word) if word.startswith("@") else {word} for word in words if word]
    return set().union(*found)


def allowed() -> set[str]:
    unit = (UNITS / "hingewatch-agent.service").read_text(encoding="utf-8")
    calls: set[str] = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", unit, re.MULTILINE):
        for name in line.removeprefix("~").split():
            calls = calls - members(name) if line.startswith("~") else calls | members(name)
    return calls


def refused(command: Sequence[str | Path], calls: set[str], log: Path) -> set[str]:
    """What a program calls beside these. It runs unhindered: the kernel stops at the others only."""
    others = "!" + ",".join(f"?{call}" for call in sorted(calls))
    strace = [program("strace"), "-f", "--seccomp-bpf", "-qq", "-e", f"trace={others}", "-e", "signal=none"]
    done = run(*strace, "-o", log, *command)
    assert done.returncode == 0, done.stderr
    return set(re.findall(r"^\d+ +(?:<\.\.\. )?(\w+)", log.read_text(), re.MULTILINE))


def test_every_system_call_of_a_whole_run_is_one_that_the_unit_allows(tmp_path: Path) -> None:
    agent, calls = Path(sys.executable).with_name("edge-agent"), allowed()
    # SQLite gives its files to their folder's owner; under the unit we are not root
    as_root = {"fchown"} if os.geteuid() == 0 else set()
    with Mosquitto(tmp_path) as broker, Listener(broker.port) as listener:
        site = {
            "cameras": [{"name": "dock", "source": str(DEMO_CLIP)}],
            "privacy": {"bucket_s": 1, "min_lifts": 1},
            "outbox": {"path": str(tmp_path / "outbox.sqlite")},
            "metrics": {"port": 0},
            "mqtt": {"port": broker.port},
        }
        (tmp_path / "site.yaml").write_text(yaml.safe_dump(site))
        assert refused([agent, "run", "--config", tmp_path / "site.yaml"], calls, tmp_path / "calls") <= as_root
        assert len(listener.heard("/lift")) == 5
    assert "openat" in refused([sys.executable, "-c", ""], calls - {"openat"}, tmp_path / "calls"), "it is looked at"


def test_the_bridge_needs_no_memory_that_is_both_written_and_run(tmp_path: Path) -> None:
    settings = {"bridge": {"port": 0, "state_path": str(tmp_path / "bridge.sqlite")}, "mqtt": {"port": 9}}
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(settings))
    bridge = Path(sys.executable).with_name("edge-agent")
    begin = (
        f"import ctypes, os; assert ctypes.CDLL(None).prctl({MDWE}, {REFUSE_EXEC_GAIN}, 0, 0, 0) == 0;"
        f"os.execv({str(bridge)!r}, ['edge-agent', 'bridge', '--config', {str(tmp_path / 'site.yaml')!r}])"
    )
    with subprocess.Popen([sys.executable, "-c", begin], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if "broker connection failed" in line:
                process.terminate()
    if "AssertionError" in "".join(said):
        pytest.skip("this kernel is older than 6.3 and cannot refuse such memory")
    assert any("bridge started" in line for line in said), said
    assert process.returncode == 0, said


def without_network() -> list[str]:
    """Where the kernel lets us: a box that reaches nothing."""
    cut_off = ["unshare", "--map-root-user", "--net"]
    return cut_off if run(*cut_off, "true").returncode == 0 else []


def test_the_archive_installs_without_network_and_what_it_installed_sees_the_clips_lifts(
    archive: Path, tmp_path: Path
) -> None:
    """The self-test of its networks is part of it. How a newer one takes over: test_update.py."""
    for network in (archive / "models").iterdir():
        network.chmod(0o600)  # as a maker's cache may have it who keeps files to themselves
    done = run(*without_network(), archive / "install.sh", DESTDIR=str(tmp_path), PIP_NO_INDEX="1")
    assert done.returncode == 0, done.stderr
    assert "pose-landmarker-full: ok on CPU" in done.stdout
    assert "systemctl enable --now hingewatch-agent" in done.stdout
    home = next((tmp_path / "opt").glob("hingewatch-*"))
    assert (tmp_path / "opt/hingewatch").resolve() == home
    assert {path.stat().st_mode & 0o777 for path in (home / "models").iterdir()} == {0o644}
    here = {path.name for path in (tmp_path / "etc/systemd/system").iterdir()}
    assert here == {path.name for path in UNITS.iterdir() if path.suffix in {".service", ".timer"}}

    agent = home / "bin/edge-agent"
    for name in ("site", "bridge"):
        assert "OK" in run(agent, "config", "check", tmp_path / f"etc/hingewatch/{name}.yaml").stdout
    settings = yaml.safe_load((tmp_path / "etc/hingewatch/site.yaml").read_text())
    assert settings["pose"]["models_dir"] == "/opt/hingewatch/models"
    (tmp_path / "here.yaml").write_text(yaml.safe_dump({"pose": {"models_dir": str(home / "models")}}))
    seen = run(*without_network(), agent, "analyze", DEMO_CLIP, "--json", "-", "--config", tmp_path / "here.yaml")
    assert seen.returncode == 0, seen.stderr
    assert len(json.loads(seen.stdout)["lifts"]) == 5


def test_what_is_installed_is_what_the_bill_of_materials_lists_and_no_telemetry_or_training_is(
    archive: Path,
) -> None:
    bom = json.loads((archive / "sbom.cdx.json").read_text())
    listed = {one["name"].lower().replace("_", "-"): one for one in bom["components"]}
    wheels = {path.name.split("-")[0].lower().replace("_", "-") for path in (archive / "wheels").glob("*.whl")}
    networks = {name for name, one in listed.items() if one["type"] == "machine-learning-model"}
    assert listed.keys() - networks == wheels - {"pip", "hingewatch-edge-agent"}
    assert networks == {"pose-detector", "pose-landmarker-full", "spine-encoder", "lift-model"}
    assert {one["hashes"][0]["content"] for name, one in listed.items() if name in networks} >= {
        hashlib.sha256(path.read_bytes()).hexdigest() for path in (archive / "models").iterdir()
    }
    assert all(one.get("licenses") for one in listed.values()), "whose licence is not known?"
    assert not {"openvino-telemetry", "nncf", "torch", "scipy", "matplotlib"} & listed.keys()
    assert str(Path.home()) not in json.dumps(bom)
