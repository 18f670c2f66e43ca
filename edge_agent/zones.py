"""Which part of the floor a lift belongs to."""

from edge_agent.core import polygon
from edge_agent.core.polygon import Point
from edge_agent.core.records import Lift
from edge_agent.settings import CameraSettings


def zone_names(camera: CameraSettings) -> list[str]:
    """The zones whose lifts this camera reports."""
    return [zone.name for zone in camera.zones] or [camera.name]


def zone_of(lift: Lift, camera: CameraSettings) -> str | None:
    """The zone in which the person's feet stood; the camera itself when it has no zones, None outside them all."""
    return zone_at(lift.feet_xy, camera)


def zone_at(feet_xy: Point, camera: CameraSettings) -> str | None:
    """The zone that this part of the floor belongs to. feet_xy: fractions of the frame."""
    if not camera.zones:
        return camera.name
    standing = (zone.name for zone in camera.zones if polygon.contains(zone.polygon, feet_xy))
    return next(standing, None)
