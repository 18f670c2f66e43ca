"""The spine model at its best, for tests of what is made of it: it tells the plain truth of people made of angles."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from edge_agent.core.bend import Bend
from edge_agent.core.kinematics import Back, Estimate, Kinematics
from edge_agent.core.lifts import LiftDetector
from edge_agent.core.posture import measure
from edge_agent.core.records import Floats
from edge_agent.core.skeleton import Landmark
from edge_agent.core.spine import back_profile
from edge_agent.pose.lift_weights import lift_model
from tests.people import HINGE, STANDING, Person

Keys = tuple[tuple[float, Person], ...]
Story = Iterable[tuple[float, Person]]

ONE_LIFT = ((0.0, STANDING), (1.0, STANDING), (2.0, HINGE), (2.6, HINGE), (3.6, STANDING), (5.0, STANDING))


def lift(bottom: Person) -> Keys:
    """Down to this bottom and up again."""
    up = replace(bottom, trunk_deg=0, knee_deg=0, shin_deg=0, rounding_deg=0)
    return (0.0, up), (1.0, up), (2.0, bottom), (2.6, bottom), (3.6, up), (5.0, up)


def lift_detector(*, from_start: bool = True) -> LiftDetector:
    """As the agent makes one, with the lift model that ships."""
    return LiftDetector(lift_model()[0].probability, from_start=from_start)


def bends(story: Story) -> list[Bend]:
    """All lifts of a clip that shows this and nothing more."""
    detector = lift_detector()
    found = [detector.update(measure(body.pose(outlined=False), time_s), None) for time_s, body in story]
    found.append(detector.flush(ended=True))
    return [bend for bend in found if bend]


def back(body: Person) -> Back | None:
    """The back as the agent keeps it; its code is the plain truth, which `told` reads."""
    profile = back_profile(body.pose())
    angles_deg = (body.rounding_deg, body.trunk_deg, body.knee_deg, body.shin_deg, body.view_deg)
    truth = (
        *angles_deg,
        body.stoop_squat_index,
        float(Landmark.LEFT_KNEE in body.hidden),
        body.twist_deg,
        body.neck_deg,
    )
    return None if profile is None else Back(profile, np.array([truth], np.float32))


def told(code: Floats, _upright: Floats | None) -> Kinematics:
    """What the spine model says: from the end of the body it hardly knows the spine, without legs not the index."""
    spine, trunk, knee, shin, view, index, legless, twist, neck = (float(value) for value in code[0])
    return Kinematics(
        spine_flexion_deg=Estimate(spine, 5) if view < 60 else Estimate(25, 25),
        trunk_inclination_deg=Estimate(trunk, 3),
        knee_flexion_deg=Estimate(knee, 6),
        shin_inclination_deg=Estimate(shin, 3),
        view_from_side_deg=Estimate(view, 5),
        stoop_squat_index=Estimate(42, 30) if legless else Estimate(index, 6),
        twist_deg=Estimate(twist, 3),
        head_from_trunk_deg=Estimate(neck, 6),
    )
