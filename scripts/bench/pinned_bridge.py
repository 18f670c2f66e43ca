"""`edge-agent bridge` on one core: python -m scripts.bench.pinned_bridge CORE BRIDGE MQTT (settings as JSON)."""

import logging
import os
import sys

os.sched_setaffinity(0, {int(sys.argv[1])})

import structlog  # noqa: E402 - on the core from the first import on

from edge_agent.bridge import run  # noqa: E402
from edge_agent.settings import BridgeSettings, MqttSettings  # noqa: E402

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
run(BridgeSettings.model_validate_json(sys.argv[2]), MqttSettings.model_validate_json(sys.argv[3]))
