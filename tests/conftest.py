"""Shared by all tests."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from edge_agent import registry
from edge_agent.pose.eyes import Eyes
from edge_agent.settings import PoseSettings
from tests.boxes import ROOT, SOUND, Box, Maker, answers_as, at_work
from tests.demo_clip import FIRST_LIFT_S, demo_frames, write_clip
from tests.demo_day import DemoDay, live_through
from tests.history import History, Past, prometheus_of

# A busy machine must not fail a test: no deadlines. Derandomised, so that a red run is red for everyone.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def eyes() -> Eyes:
    """The real networks, opened once. Fails with what to do where the models were not fetched."""
    return Eyes(PoseSettings())


@pytest.fixture(scope="session")
def copied_models() -> Callable[[Path], Path]:
    """Copies the fetched models into a folder of the test's own, to be spoilt there."""

    def copy(folder: Path) -> Path:
        folder.mkdir(parents=True)
        for name in registry.DEFAULT_MODELS:
            shutil.copy(registry.load(name, PoseSettings().models_dir), folder)
        return folder

    return copy


@pytest.fixture(scope="session")
def first_lift_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The beginning of the demo clip: two people, one hinge."""
    path = tmp_path_factory.mktemp("clips") / "first-lift.mp4"
    return write_clip(path, [frame.image for frame in demo_frames(FIRST_LIFT_S)])


@pytest.fixture(scope="session")
def demo_day(tmp_path_factory: pytest.TempPathFactory) -> DemoDay:
    """The whole chain, run once for every test that asks what came of it."""
    return live_through(tmp_path_factory.mktemp("demo-day"))


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """A Prometheus with eight weeks of two simulated sites, rules included; read it, change nothing."""
    with prometheus_of(tmp_path_factory.mktemp("history"), Past()) as past:
        yield past


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port that another program listens on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


@pytest.fixture(scope="session")
def pip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the pip that an archive brings along."""
    folder = tmp_path_factory.mktemp("pip")
    download = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download", "--no-deps"]
    lock = ROOT / "scripts/archive/requirements.lock"
    subprocess.run([*download, "--require-hashes", "-r", lock, "-d", folder], check=True)
    (wheel,) = folder.glob("pip-*.whl")
    return wheel


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real one, unpacked as on the box."""
    folder = tmp_path_factory.mktemp("archive")
    made = subprocess.run([ROOT / "scripts/archive/make.sh", folder], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    (packed,) = folder.glob("hingewatch-*.tar")
    subprocess.run(["tar", "-xf", packed, "-C", folder], check=True)
    packed.unlink()
    (unpacked,) = folder.glob("hingewatch-*")
    return unpacked


@pytest.fixture
def maker(tmp_path: Path, pip: Path) -> Maker:
    """Who makes archives."""
    (tmp_path / "maker").mkdir()
    return Maker(tmp_path / "maker", pip)


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory, pip: Path) -> Box:
    """A box on which 1.0 was installed, by the archive's own installer."""
    maker, box = Maker(tmp_path_factory.mktemp("maker"), pip), Box(tmp_path_factory.mktemp("installed"))
    box.settle()
    done = box.install(maker.archive("1.0", **SOUND))
    assert done.returncode == 0, done.stderr
    assert "systemctl enable --now hingewatch-agent" in done.stdout
    return box


@pytest.fixture
def running(installed: Box, tmp_path: Path) -> Iterator[Box]:
    """A box on which 1.0 runs and sees dock, while gate has been down for long."""
    with at_work(installed, tmp_path / "box", lambda box: answers_as(box, "dock")) as box:
        yield box
