"""``edge-agent run``: the box, its page, and the settings that change meanwhile, until it is asked to stop."""

import signal
import threading
from collections.abc import Callable

import structlog
from prometheus_client import CollectorRegistry

from edge_agent import standing as stood
from edge_agent.anonymity import weaknesses
from edge_agent.box import Box
from edge_agent.core.health import Ordered
from edge_agent.errors import HingewatchError
from edge_agent.metrics_server import Exposition, health, serve
from edge_agent.order_keys import public_key
from edge_agent.orders import RefusedOrderError, changed
from edge_agent.rollout import Rollout
from edge_agent.settings import Settings
from edge_agent.standing import Standing

log = structlog.get_logger()


def run(settings: Settings, read: Callable[[], Settings], stop: threading.Event) -> None:
    """Watch the settings' cameras until ``stop`` is set; SIGHUP has ``read`` read the settings again.

    Call it from the main thread. Raises InputError or RunError as Box does.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # or it would end us while the networks are being opened
    registry, standing = CollectorRegistry(), _standing(settings)
    box = _box_with_order(settings, standing, registry) if standing.in_force else None
    if box is None:
        registry = CollectorRegistry()
        box = Box(settings, registry)
        standing = standing if standing.in_force is None else Standing(Ordered(0, "refused", "cannot_run"))
    rollout, page = Rollout(box, settings, read, standing), settings.metrics
    port, stop_serving = serve(
        Exposition(registry), page.host, page.port, prefix="edge_agent", pages=health(box.why_stuck)
    )
    signal.signal(signal.SIGHUP, lambda *_: rollout.reload())
    for weakness in weaknesses(box.settings):
        log.warning("counts may tell about one person", what=weakness.what, fix=weakness.fix)
    log.info("agent started", site=settings.site, agent=settings.agent, metrics_port=port)
    rollout.start()
    try:
        box.run(stop, rollout.saw)
    finally:
        rollout.stop()
        stop_serving()
    log.info("agent stopped", site=settings.site, agent=settings.agent)


def _standing(settings: Settings) -> Standing:
    """Of who trusts nobody, none."""
    return stood.read(settings.orders.state_path) if settings.orders.trusted_key else Standing()


def _box_with_order(settings: Settings, standing: Standing, registry: CollectorRegistry) -> Box | None:
    """With the order that was in force before the restart; None where that is no longer possible."""
    assert settings.orders.trusted_key is not None
    try:
        order = standing.order(public_key(settings.orders.trusted_key))
        assert order is not None
        return Box(changed(settings, order.changes), registry)
    except RefusedOrderError as error:
        what = error.what
    except HingewatchError as error:
        what = error.what
    log.error("what was ordered is left out", what=what, fix="order it again once that is mended")
    return None
