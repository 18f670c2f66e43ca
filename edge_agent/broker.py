"""The broker of the zero-setup demo: rumqttd, from the iotcore wheel, in a child process on loopback.

It speaks MQTT 5 with QoS 1, retained messages, wills and sessions that outlive a connection, but keeps
everything in memory and asks nobody for a password. A site uses mosquitto (see ``mqtt`` in the settings).
"""

import socket
import tempfile
from pathlib import Path
from types import TracebackType

from iotcore import Broker

from edge_agent.errors import RunError

# iotcore's own options open 0.0.0.0 and MQTT 3.1.1 only; loopback and version 5 need rumqttd's file.
_CONFIG = """
id = 0
[router]
id = 0
max_connections = 64
max_outgoing_packet_count = 200
max_segment_size = 1048576
max_segment_count = 10
[v5.1]
name = "v5"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = 20480
max_inflight_count = 100
"""


class EmbeddedBroker:
    """``with EmbeddedBroker() as broker: ... broker.port``. It ends with the block, or with this process."""

    def __init__(self) -> None:
        self.host = "127.0.0.1"
        self.port = 0

    def __enter__(self) -> "EmbeddedBroker":
        """Raises RunError when the broker does not come up."""
        self._directory = tempfile.TemporaryDirectory(prefix="hingewatch-broker-")
        self.port = _free_port()
        config = Path(self._directory.name, "rumqttd.toml")
        config.write_text(_CONFIG.format(port=self.port))
        self._broker = Broker(config_path=str(config))
        try:
            self._broker.start()
        except (OSError, RuntimeError) as error:
            self._directory.cleanup()
            raise RunError(
                f"the embedded broker did not start: {error}",
                "try again, or set mqtt.host to a broker of your own",
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._broker.stop()
        self._directory.cleanup()


def _free_port() -> int:
    """A port that was free just now; rumqttd cannot be asked to choose one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
