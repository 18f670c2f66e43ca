"""Hingewatch edge agent: sees lifts on ordinary cameras and publishes anonymous posture-exposure events.

    $ edge-agent analyze clip.mp4 --json -        # one clip, offline
    $ edge-agent run --config site.yaml           # cameras -> lifts -> MQTT
    $ edge-agent bridge --config site.yaml        # MQTT -> Prometheus

Read ``edge_agent/agent.py`` first: it is one frame's whole journey, top to bottom.
"""

__version__ = "0.1.0"
