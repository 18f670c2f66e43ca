"""``edge-agent doctor``: everything the agent needs, looked at once; each failure with its cure.

It changes nothing: no folder is made, nothing is delivered, no session is left on the broker. (With ``--watch`` the
networks are opened as the agent opens them, and their compiled forms kept in ``pose.cache_dir``.) What a machine
cannot tell, a container say, is "not known here", and no failure.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.progress import Progress

from edge_agent.anonymity import weaknesses
from edge_agent.doctor.broker import is_bridge, look_at_broker
from edge_agent.doctor.cameras import look_at_cameras
from edge_agent.doctor.devices import look_at_devices, look_at_models
from edge_agent.doctor.finding import Finding, show, show_json
from edge_agent.doctor.machine import Machine, look_at_machine
from edge_agent.doctor.outbox import look_at_outbox
from edge_agent.doctor.prometheus import look_at_prometheus
from edge_agent.doctor.view import Watching, look_through
from edge_agent.settings import Settings

__all__ = ["Asked", "Finding", "Machine", "examine", "show", "show_json"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked at besides: each camera's view for ``watch_s``, and what the Prometheus of this address reads.

    Nothing by default: a look at a camera takes as long as somebody needs to walk by, and cores that a running agent
    needs; and where nobody is at work it tells nothing.
    """

    watch_s: float = 0.0
    prometheus: str | None = None


def examine(
    settings: Settings, asked: Asked, progress: Progress, machine: Machine | None = None
) -> Iterator[Finding]:
    """Look at everything, from the box itself outwards to cameras, broker and Prometheus.

    With a bridge's settings (no cameras, the certificate that certs made for the bridge): at what a bridge needs.
    """
    machine = machine or Machine()
    yield from look_at_machine(settings, machine)
    if not is_bridge(settings):
        yield from _what_watches(settings, asked.watch_s, progress, machine)
    yield from look_at_broker(settings)
    if asked.prometheus:
        yield from look_at_prometheus(settings, asked.prometheus)
    for weakness in weaknesses(settings):
        yield Finding("privacy", "warn", weakness.what, weakness.fix)


def _what_watches(settings: Settings, watch_s: float, progress: Progress, machine: Machine) -> Iterator[Finding]:
    """Devices, networks, outbox, cameras."""
    yield from look_at_devices(settings.pose.device, machine.root)
    yield from look_at_models(settings.pose)
    outbox = look_at_outbox(settings)
    yield outbox
    reached = []
    for camera, findings in look_at_cameras(settings.cameras, progress):
        yield from findings
        reached += [] if findings[0].failed else [camera]
    if not settings.cameras:
        yield Finding("cameras", "warn", "none configured", "add one: edge-agent discover, or configs/example.yaml")
    if watch_s and reached:
        yield from look_through(settings, reached, Watching(watch_s, not outbox.facts.get("agent")), progress)
