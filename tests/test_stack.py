"""`make stack`, as somebody uses it who has just cloned the project: from the demo clip to an alert's rule."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scripts.stack.run import CAMERA_PORT, PAGES, PORTS
from tests.services import Prometheus, accepts_connections, answers, wait_for

ROOT = Path(__file__).parents[1]
PATIENCE_S = 90.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The project, but for what earlier stacks have left in it."""
    for name in (".venv", "deploy", "edge_agent", "grafana", "scripts", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


@contextmanager
def stack(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "scripts.stack.run"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, cwd=folder, stdout=pipe, stderr=pipe, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def children(process: "subprocess.Popen[str]") -> dict[str, int]:
    """Process ids, by the program's name."""
    pids = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
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


def test_when_one_ends_all_end_and_it_is_named_with_its_last_words(folder: Path) -> None:
    with stack(folder) as running:
        wait_for("the broker", lambda: accepts_connections(PORTS["broker"]), PATIENCE_S)
        wait_for("the agent's page", lambda: accepts_connections(PORTS["agent"]), PATIENCE_S)
        os.kill(children(running)["mosquitto"], signal.SIGTERM)
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
