"""The clocks of box and bridge jump both ways under the running program: no lift is lost, none counted twice."""

import time
from pathlib import Path

import pytest
import yaml

from edge_agent.core.events import from_json
from tests.demo_clip import DEMO_CLIP
from tests.demo_day import edge_agent, site_file
from tests.services import Listener, Mosquitto, RtspServer, wait_for
from tests.test_killed_agent import answers, counted_by, counted_ids, recorded_ids, wait_until_counted

PATIENCE_S = 120.0
DAY_S = 86_400
LIBRARY = next(iter(Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), None)


class Clock:
    """The wall clock of programs that are started under it; they see a jump at once. Elapsed time is left alone."""

    def __init__(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._file = file
        self.jump(0)
        assert LIBRARY is not None, "libfaketime is not installed: run `make setup-test`"
        monkeypatch.setenv("LD_PRELOAD", str(LIBRARY))
        monkeypatch.setenv("FAKETIME_TIMESTAMP_FILE", str(file))
        monkeypatch.setenv("FAKETIME_NO_CACHE", "1")
        monkeypatch.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")

    def jump(self, off_s: int) -> None:
        """From now on, off by so many seconds."""
        self._off_s = off_s
        self._file.write_text(f"{off_s:+d}\n")

    def day(self) -> int:
        """The day that those programs believe in, counted from 1970."""
        return int(time.time() + self._off_s) // DAY_S


def test_clocks_that_jump_both_ways_lose_no_lift_and_repeat_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = RtspServer(str(DEMO_CLIP))
    with Mosquitto(tmp_path) as broker, Listener(broker.port) as listener:
        site = site_file(tmp_path, {"dock": server.url}, broker.port)
        port = yaml.safe_load(site.read_text())["bridge"]["port"]
        clock = Clock(tmp_path / "clock", monkeypatch)
        with (
            edge_agent(tmp_path / "bridge.log", "bridge", "--config", site) as bridge,
            edge_agent(tmp_path / "agent.log", "run", "--config", site) as agent,
        ):
            wait_for("the bridge", lambda: answers(port), PATIENCE_S)
            wait_until_counted(port, 1)
            for off_s in (3 * DAY_S, -2 * DAY_S, 3600):
                clock.jump(off_s)
                # A lift that is counted now may have been recorded before the jump: of which day it is tells.
                wait_for("a lift of that day", lambda: clock.day() in days_told(listener), PATIENCE_S)
                wait_until_counted(port, counted_by(port) + 1)
            agent.terminate()
            assert agent.wait(60) == 0
            recorded = recorded_ids(tmp_path / "outbox.sqlite")
            wait_until_counted(port, len(recorded))
            assert counted_by(port) == len(recorded)
            bridge.terminate()
            bridge.wait(30)
    server.kill()
    assert counted_ids(tmp_path / "bridge.sqlite") == recorded


def days_told(listener: Listener) -> set[int]:
    """Of which days lifts were told so far, counted from 1970."""
    return {from_json(event).bucket_start // DAY_S for event in listener.heard("/lift")}
