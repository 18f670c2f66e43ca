"""Hingewatch edge agent: sees lifts on ordinary cameras and publishes anonymous posture-exposure events.

    $ edge-agent analyze clip.mp4 --json -        # one clip, offline
    $ edge-agent run --config site.yaml           # cameras -> lifts -> MQTT
    $ edge-agent bridge --config site.yaml        # MQTT -> Prometheus

Read ``edge_agent/agent.py`` first: it is one frame's whole journey, top to bottom.
"""

import sys

__version__ = "0.1.0"

# `import openvino` tells Google Analytics that it was imported, under an identity that it keeps in the user's home.
# Where its telemetry package cannot be imported it uses a stub of its own that sends nothing.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
