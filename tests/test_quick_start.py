"""The quick start, as it is written, with a camera, a broker and the two programs."""

import re
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.demo_clip import DEMO_CLIP
from tests.demo_day import edge_agent
from tests.services import Mosquitto, RtspServer, free_port, page, sample, wait_for

PAGE = Path(__file__).parents[1] / "docs/quick-start.md"
FILE = re.compile(r'```yaml title="my-site.yaml"\n(.*?)```', re.DOTALL)
ADDRESS = "192.0.2.10/stream1"
PATIENCE_S = 90.0


def lifts(text: str) -> float:
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith("ergo_lifts_total{"))


def test_the_file_on_the_page_leads_from_a_camera_to_a_lift_on_the_overview_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only addresses, ports and places are ours."""
    (written,) = FILE.findall(PAGE.read_text(encoding="utf-8"))
    assert ADDRESS in written
    monkeypatch.setenv("DOCK_3_PASSWORD", "secret")
    bridge_port = free_port()
    with ExitStack() as stack:
        broker = stack.enter_context(Mosquitto(tmp_path))
        camera = RtspServer(str(DEMO_CLIP))
        stack.callback(camera.kill)
        site = tmp_path / "my-site.yaml"
        site.write_text(
            written.replace(ADDRESS, camera.url.partition("://")[2])
            + f"mqtt: {{port: {broker.port}}}\nmetrics: {{port: 0}}\noutbox: {{path: {tmp_path}/outbox.sqlite}}\n"
            + f"bridge: {{port: {bridge_port}, state_path: {tmp_path}/bridge.sqlite}}\n"
        )
        stack.enter_context(edge_agent(tmp_path / "bridge.log", "bridge", "--config", site))
        stack.enter_context(edge_agent(tmp_path / "agent.log", "run", "--config", site))
        wait_for("the bridge", lambda: "broker" if _connected(bridge_port) else None, PATIENCE_S)
        wait_for("a lift", lambda: lifts(page(bridge_port)) >= 1, PATIENCE_S)
        with urllib.request.urlopen(f"http://127.0.0.1:{bridge_port}/") as shown:
            overview = shown.read().decode()
    assert "leeds" in overview
    assert "dock-3" in overview, "a camera without zones is one zone of its name"


def _connected(port: int) -> bool:
    try:
        return sample(page(port), "ergo_bridge_connected") == 1
    except OSError:
        return False
