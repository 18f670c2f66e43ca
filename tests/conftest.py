"""Shared by all tests."""

import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from edge_agent import registry
from edge_agent.pose.eyes import Eyes
from edge_agent.settings import PoseSettings
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
