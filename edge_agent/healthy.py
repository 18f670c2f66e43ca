"""What a running agent or bridge says of itself: whether it is healthy, once or for a while; how many lifts it told.

It imports little, for a container asks every minute.
"""

import time
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Final

from edge_agent.core.probation import Glance, Probation
from edge_agent.errors import RunError

if TYPE_CHECKING:
    from prometheus_client.samples import Sample

    from edge_agent.core.figures import Share

Address = tuple[str, int]
"""Host and port of a page."""

USUAL_PAGES: Final[tuple[Address, ...]] = (("127.0.0.1", 9108), ("127.0.0.1", 9109))
"""The agent's and the bridge's where no settings say otherwise."""
_ANSWER_S: Final = 5.0
_PAUSE_S: Final = 0.5


def prove(pages: Sequence[Address], probation: Probation) -> frozenset[str]:
    """Look at the first page that answers until the probation is over; the cameras seen at its end.

    Raises RunError where it is not passed.
    """
    began_s, healthy_since_s = time.monotonic(), None
    while True:
        glance = _glance(pages, time.monotonic() - began_s)
        if glance.trouble is None and healthy_since_s is None:
            healthy_since_s = glance.time_s
        outcome = probation.outcome(glance, healthy_since_s)
        if outcome is None:
            time.sleep(_PAUSE_S)
            continue
        if outcome.passed:
            return glance.cameras_up
        raise RunError(outcome.why, "see its log: journalctl -u 'hingewatch-*', or the container's")


def unknown_lifts(page: Address) -> "Share":
    """Of the lifts that have left since the agent started, those whose technique could not be told.

    Raises RunError where no page answers.
    """
    from edge_agent.core.figures import Share  # noqa: PLC0415 - brings NumPy, which a health check does without

    try:
        status, said = _get(page, "/metrics")
    except (OSError, HTTPException):
        status, said = 0, ""
    if status != 200:
        host, port = page
        raise RunError(f"no agent answers at {host}:{port}", "start it: its lifts are asked of it while it runs")
    lifts = {sample.labels["technique"]: int(sample.value) for sample in _samples(said, "edge_agent_lifts_total")}
    return Share(lifts.get("unknown", 0), sum(lifts.values()))


def _glance(pages: Sequence[Address], time_s: float) -> Glance:
    silent = " and ".join(f"{host}:{port}" for host, port in pages)
    for page in pages:
        try:
            status, said = _get(page, "/healthy")
            if status != 200:
                return Glance(time_s, said.strip() or f"it answers {status}")
            return Glance(time_s, None, _cameras_up(_get(page, "/metrics")[1]))
        except (OSError, HTTPException):
            continue
    return Glance(time_s, f"nothing answers at {silent}")


def _get(page: Address, path: str) -> tuple[int, str]:
    """Not by urllib, which would ask a proxy."""
    connection = HTTPConnection(*page, timeout=_ANSWER_S)
    try:
        connection.request("GET", path)
        reply = connection.getresponse()
        return reply.status, reply.read().decode()
    finally:
        connection.close()


def _cameras_up(metrics: str) -> frozenset[str]:
    """None on a bridge's page."""
    up = _samples(metrics, "edge_agent_camera_up")
    return frozenset(sample.labels["camera"] for sample in up if sample.value == 1)


def _samples(metrics: str, name: str) -> "Iterator[Sample]":
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415 - half of the start-up

    for family in text_string_to_metric_families(metrics):
        yield from (sample for sample in family.samples if sample.name == name)
