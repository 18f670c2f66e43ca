"""`make stack`, as somebody uses it who has just cloned the project: from the demo clip to an alert's rule."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from scripts.stack.run import CAMERA_PORT, PAGES, PORTS
from tests.prometheus import Prometheus
from tests.services import RtspServer, accepts_connections, answers, wait_for

ROOT = Path(__file__).parents[1]
PATIENCE_S = 90.0
HINGES = 'sum(ergo_lifts_total{technique="hinge"})'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The project, but for what earlier stacks have left in it."""
    for name in ("Makefile", ".venv", "deploy", "edge_agent", "grafana", "scripts", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


@contextmanager
def stack(folder: Path, *command: str) -> Iterator["subprocess.Popen[str]"]:
    command = command or (sys.executable, "-m", "scripts.stack.run")
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, cwd=folder, stdout=pipe, stderr=pipe, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def children(pid: int) -> dict[str, int]:
    """Process ids, by the program's name."""
    pids = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {Path(f"/proc/{pid}/comm").read_text().strip(): int(pid) for pid in pids}


def test_lifts_of_the_clip_are_seen_in_prometheus_and_ctrl_c_ends_everything_in_order(folder: Path) -> None:
    with stack(folder) as running:
        shown = Prometheus(f"http://127.0.0.1:{PORTS['prometheus']}")
        wait_for("prometheus", lambda: answers(f"http://127.0.0.1:{PORTS['prometheus']}/-/ready"), PATIENCE_S)
        wait_for("a lift", lambda: (shown.value("sum(ergo_lifts_total)") or 0) >= 1, PATIENCE_S)
        wait_for("both pages", lambda: shown.value("count(up == 1)") == 2, PATIENCE_S)
        assert shown.value('count(ALERTS{alertname="BridgeDown"})') is None
        running.send_signal(signal.SIGINT)
        said, errors = running.communicate(timeout=60)
    assert (running.returncode, errors) == (0, "")
    assert all(page in said for page in PAGES.values())
    assert not any(accepts_connections(port) for port in (*PORTS.values(), CAMERA_PORT))
    last = (folder / "build/stack/agent.log").read_text().splitlines()[-1]
    assert "agent stopped" in last, "it could tell the broker, which ended after it"


@pytest.mark.parametrize("kind", ["file", "rtsp"])
def test_make_stack_shows_the_lifts_of_ones_own_video_and_ends_with_make(
    folder: Path, first_lift_clip: Path, kind: str
) -> None:
    """A hinge and nothing else; the demo clip would go on to other lifts."""
    with ExitStack() as camera:
        video = str(first_lift_clip)
        if kind == "rtsp":
            server = RtspServer(video)
            camera.callback(server.kill)
            video = server.url
        with stack(folder, "make", "--old-file=setup-test", "stack", f"VIDEO={video}") as running:
            shown = Prometheus(f"http://127.0.0.1:{PORTS['prometheus']}")
            wait_for("prometheus", lambda: answers(f"http://127.0.0.1:{PORTS['prometheus']}/-/ready"), PATIENCE_S)
            wait_for("a hinge", lambda: (shown.value(HINGES) or 0) >= 1, PATIENCE_S)
            (ours,) = children(running.pid).values()
            assert ("python3" in children(ours)) == (kind == "file"), "an address needs no camera of ours"
            assert shown.value(f"sum(ergo_lifts_total) - {HINGES}") == 0
            running.terminate()  # make, and through it all
            said, _ = running.communicate(timeout=60)
    assert "ending, the agent first" in said
    assert not any(accepts_connections(port) for port in (*PORTS.values(), CAMERA_PORT))


def test_when_one_ends_all_end_and_it_is_named_with_its_last_words(folder: Path) -> None:
    with stack(folder) as running:
        wait_for("the broker", lambda: accepts_connections(PORTS["broker"]), PATIENCE_S)
        wait_for("the agent's page", lambda: accepts_connections(PORTS["agent"]), PATIENCE_S)
        os.kill(children(running.pid)["mosquitto"], signal.SIGTERM)
        _, errors = running.communicate(timeout=60)
    assert running.returncode == 1
    assert errors.startswith("error: the broker has ended")
    assert "terminating" in errors
    assert "fix: see build/stack/broker.log" in errors


def test_a_port_that_is_taken_is_told_with_the_cure_and_nothing_is_started(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", PORTS["bridge"])), stack(folder) as running:
        _, errors = running.communicate(timeout=60)
    assert running.returncode == 2
    assert f"error: the bridge needs port {PORTS['bridge']}" in errors
    assert "fix: stop it" in errors
    assert not (folder / "build").exists()
