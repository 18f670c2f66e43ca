"""What is told of the networks that are open: their devices, what was passed over, and whether they have slowed."""

import structlog

from edge_agent.pose.eyes import Eyes
from edge_agent.pose.speed import SLOWED, SLOWED_FIX
from edge_agent.telemetry import AgentTelemetry

log = structlog.get_logger()


def tell_networks(eyes: Eyes, telemetry: AgentTelemetry) -> None:
    """On the page and in the log; those that were open before are no longer named."""
    telemetry.device_info.clear()
    telemetry.model_info.clear()
    for one in eyes.fallbacks:
        telemetry.device_fallbacks.labels(one.model, one.device).inc()
        log.warning("device not used", model=one.model, device=one.device, what=one.error.what, fix=one.error.fix)
    for model, device in eyes.devices.items():
        telemetry.device_info.labels(model, device).set(1)
        telemetry.inference_errors.labels(model)
        log.info("network ready", model=model, device=device)
    for model, digest in eyes.hashes.items():
        telemetry.model_info.labels(model, digest).set(1)


def tell_speeds(eyes: Eyes, telemetry: AgentTelemetry) -> None:
    """The landmarker is opened twice; its slower form counts."""
    try:
        speeds = eyes.speeds()
    except OSError as error:
        log.warning("first speed not kept", what=str(error), fix="set pose.cache_dir to a folder with space")
        return
    slowest = {speed.network.name: speed for speed in sorted(speeds, key=lambda speed: speed.slowdown)}
    for name, speed in slowest.items():
        telemetry.slowdown.labels(name).set(speed.slowdown)
        if speed.slowdown >= SLOWED:
            what = f"{speed.answer_ms:.0f} ms an answer, {speed.slowdown:.1f} times as long as at first"
            log.warning("network has become slower", model=name, what=what, fix=SLOWED_FIX)
