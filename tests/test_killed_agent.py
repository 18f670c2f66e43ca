"""The whole program, killed at any moment: what its outbox held is counted, and once."""

import sqlite3
import uuid
from pathlib import Path

import yaml

from tests.demo_clip import DEMO_CLIP
from tests.demo_day import edge_agent, site_file
from tests.services import Mosquitto, RtspServer, page, sample, wait_for

KILLS = 3
PATIENCE_S = 120.0


def recorded_ids(outbox: Path) -> set[str]:
    with sqlite3.connect(outbox) as database:
        return {event_id for (event_id,) in database.execute("SELECT event_id FROM events")}


def counted_ids(ledger: Path) -> set[str]:
    with sqlite3.connect(ledger) as database:
        return {str(uuid.UUID(bytes=kept)) for (kept,) in database.execute("SELECT id FROM ids")}


def test_an_agent_killed_again_and_again_loses_no_lift_and_repeats_none(tmp_path: Path) -> None:
    """An acknowledged event stays in the outbox for half an hour, so the file holds all that was ever recorded."""
    server = RtspServer(str(DEMO_CLIP))
    with Mosquitto(tmp_path) as broker:
        site = site_file(tmp_path, {"dock": server.url}, broker.port)
        port = yaml.safe_load(site.read_text())["bridge"]["port"]

        with edge_agent(tmp_path / "bridge.log", "bridge", "--config", site) as bridge:
            wait_for("the bridge", lambda: bridge.poll() is None and answers(port), PATIENCE_S)
            for kill in range(KILLS):
                before = counted_by(port)
                with edge_agent(tmp_path / f"agent-{kill}.log", "run", "--config", site) as agent:
                    wait_until_counted(port, before + 1)
                    agent.kill()
            recorded = recorded_ids(tmp_path / "outbox.sqlite")
            with edge_agent(tmp_path / "agent-last.log", "run", "--config", site) as agent:
                wait_until_counted(port, len(recorded))
                agent.terminate()
                agent.wait(30)
            recorded |= recorded_ids(tmp_path / "outbox.sqlite")
            wait_until_counted(port, len(recorded))
            assert counted_by(port) == len(recorded)
            bridge.terminate()
            bridge.wait(30)
    server.kill()
    assert counted_ids(tmp_path / "bridge.sqlite") == recorded
    assert len(recorded) >= KILLS


def counted_by(port: int) -> float:
    return sample(page(port), 'ergo_bridge_messages_total{result="counted"}') or 0.0


def wait_until_counted(port: int, lifts: float) -> None:
    wait_for(f"{lifts:.0f} lifts", lambda: counted_by(port) >= lifts, PATIENCE_S)


def answers(port: int) -> bool:
    try:
        return bool(sample(page(port), "ergo_bridge_connected"))
    except OSError:
        return False
