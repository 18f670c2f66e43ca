"""What is asked of a service that has just been started, and how a running one is asked."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml

from edge_agent.core.probation import Glance, Outcome, Probation
from edge_agent.errors import RunError
from edge_agent.healthy import USUAL_PAGES, prove
from edge_agent.settings import Settings
from tests.services import free_port

BOTH = frozenset({"dock", "gate"})


def judged(probation: Probation, *glances: Glance) -> Outcome | None:
    """What the probation says once it says something."""
    healthy_since_s = None
    for glance in glances:
        if glance.trouble is None and healthy_since_s is None:
            healthy_since_s = glance.time_s
        outcome = probation.outcome(glance, healthy_since_s)
        if outcome is not None:
            return outcome
    return None


def test_one_healthy_glance_is_enough_where_nothing_else_is_asked() -> None:
    assert judged(Probation(), Glance(0.0)) == Outcome()
    assert judged(Probation(), Glance(0.0, "it hangs")) == Outcome("not healthy within 0 s: it hangs")


def test_a_service_has_time_to_start_and_not_for_ever() -> None:
    starting = [Glance(float(second), "nothing answers") for second in range(10)]
    assert judged(Probation(within_s=10), *starting) is None
    assert judged(Probation(within_s=10), *starting, Glance(10.0)) == Outcome()
    assert judged(Probation(within_s=9), *starting) == Outcome("not healthy within 9 s: nothing answers")


def test_one_that_falls_silent_or_starts_again_and_again_does_not_pass() -> None:
    probation = Probation(within_s=10, hold_s=60)
    assert judged(probation, Glance(5.0), Glance(64.0)) is None
    assert judged(probation, Glance(5.0), Glance(64.0), Glance(65.0)) == Outcome()
    ended = judged(probation, Glance(5.0), Glance(20.0, "nothing answers"), Glance(25.0))
    assert ended == Outcome("no longer healthy after 15 s: nothing answers")


def test_a_camera_has_the_whole_watch_to_come_back_and_one_not_seen_before_is_not_asked_for() -> None:
    probation = Probation(hold_s=60, cameras=BOTH)
    assert judged(probation, Glance(0.0), Glance(60.0, None, BOTH)) == Outcome()
    assert judged(probation, Glance(0.0, None, BOTH), Glance(60.0, None, frozenset({"dock"}))) == Outcome(
        "not seen: gate"
    )


@contextmanager
def serving(said: dict[str, str | None]) -> Iterator[tuple[str, int]]:
    """A page; None is answered 503."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = said[self.path]
            self.send_response(HTTPStatus.OK if text else HTTPStatus.SERVICE_UNAVAILABLE)
            self.end_headers()
            self.wfile.write((text or "the loop has not turned for 75 s\n").encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield "127.0.0.1", server.server_port
    finally:
        server.shutdown()
        server.server_close()


METRICS = 'edge_agent_camera_up{camera="dock"} 1.0\nedge_agent_camera_up{camera="gate"} 0.0\nother 1.0\n'


def test_the_first_page_that_answers_is_believed_and_its_cameras_are_told() -> None:
    with serving({"/healthy": "healthy\n", "/metrics": METRICS}) as page:
        assert prove([("127.0.0.1", free_port()), page], Probation()) == {"dock"}


def test_what_it_says_of_itself_is_what_we_are_told() -> None:
    with serving({"/healthy": None}) as page, pytest.raises(RunError) as error:
        prove([page], Probation())
    assert "the loop has not turned for 75 s" in error.value.what


def test_a_container_asks_where_the_page_is_unless_the_settings_say_otherwise() -> None:
    usual = Settings()
    assert ((usual.metrics.host, usual.metrics.port), (usual.bridge.host, usual.bridge.port)) == USUAL_PAGES


def healthy(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", "from edge_agent.cli import main; main()", "healthy", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_the_command_says_it_in_words_and_in_its_exit_code(tmp_path: Path) -> None:
    with serving({"/healthy": "healthy\n", "/metrics": METRICS}) as (host, port):
        cameras = [{"name": name, "source": "rtsp://192.0.2.1/live"} for name in ("dock", "gate")]
        site = tmp_path / "site.yaml"
        site.write_text(yaml.safe_dump({"metrics": {"host": host, "port": port}, "cameras": cameras}))
        assert healthy("agent", "--config", site).stdout == "healthy, cameras seen: dock\n"
        assert healthy("agent", "--config", site, "--cameras", "dock").returncode == 0
        every = healthy("agent", "--config", site, "--cameras", "*")
        assert (every.returncode, every.stderr.splitlines()[0]) == (
            1,
            "error: not seen: gate",
        )
