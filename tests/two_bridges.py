"""Two bridges beside each other, as the centre on Kubernetes has them, and the lifts that both count."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from edge_agent.bridge import Bridge
from edge_agent.core.events import to_json, topic
from edge_agent.settings import BridgeSettings, MqttSettings
from tests.lift_events import a_fresh_event
from tests.services import Listener, Mosquitto, page, wait_for


@contextmanager
def two_bridges(directory: Path, lifts: int) -> Iterator[dict[str, Bridge]]:
    """By the names of their pods. So many lifts have been published once both were listening."""
    with ExitStack() as stack:
        broker = stack.enter_context(Mosquitto(directory))
        files = {f"bridge-{number}": directory / f"{number}.sqlite" for number in range(2)}
        bridges = {name: stack.enter_context(_bridge_to(broker, file)) for name, file in files.items()}
        for bridge in bridges.values():
            wait_for("a bridge", lambda port=bridge.port: "ergo_bridge_connected 1.0" in page(port))  # type: ignore[misc]
        listener = stack.enter_context(Listener(broker.port))
        for _ in range(lifts):
            event = a_fresh_event()
            listener.publish(topic(event.site, event.zone), to_json(event))
        yield bridges


def _bridge_to(broker: Mosquitto, file: Path) -> Bridge:
    return Bridge(BridgeSettings(port=0, state_path=file), MqttSettings(port=broker.port))
