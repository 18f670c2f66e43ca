"""Training runs apart from the product and repeats some of its constants. Here they are held equal."""

import ast
import runpy
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_agent.core import bodyview, kinematics
from edge_agent.core.kinematics import Kinematics

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "models" / "spine"


def constants(script: str) -> dict[str, Any]:
    """Top-level names bound to literals, in it and in the scripts it imports; it is not run, for it needs torch."""
    found: dict[str, Any] = {}
    for node in ast.parse((SCRIPTS / script).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and (SCRIPTS / f"{node.module}.py").exists():
            found |= constants(f"{node.module}.py")
        if not isinstance(node, ast.Assign):
            continue
        try:
            value = ast.literal_eval(node.value)
        except ValueError:
            continue
        for target in node.targets:
            names = target.elts if isinstance(target, ast.Tuple) else [target]
            values = value if isinstance(target, ast.Tuple) else [value]
            found |= {ast.unparse(name): each for name, each in zip(names, values, strict=True)}
    return found


@pytest.fixture(scope="module")
def network() -> dict[str, Any]:
    return constants("network.py")


def test_the_network_is_shown_what_the_product_shows(network: dict[str, Any]) -> None:
    assert network["VALUES"] == bodyview.VALUES
    assert (bodyview.ROWS, bodyview.COLUMNS) == (64, 48)  # spelt out in network.py and export.py


def test_the_network_tells_the_products_angles_in_their_order(network: dict[str, Any]) -> None:
    assert list(network["TARGETS"]) == [field.name for field in fields(Kinematics)]


def test_uncertainty_is_bounded_alike(network: dict[str, Any]) -> None:
    assert network["LOG_SPREAD"] == kinematics._LOG_SPREAD


def test_the_shipped_head_is_of_the_networks_size(network: dict[str, Any]) -> None:
    with np.load(ROOT / "edge_agent" / "assets" / "spine-head.npz") as head:
        assert head["weight0"].shape[1] == 2 * network["CODE"] + 1
        assert head["weight1"].shape[2] == 2 * len(network["TARGETS"])
        np.testing.assert_allclose(head["scale"], list(network["TARGETS"].values()))


@pytest.mark.parametrize("name", ["SEED", "HELD_OUT", "LEAST_VISIBILITY", "LEAST_DROP_M"])
def test_who_is_held_out_of_training_is_who_is_measured(name: str) -> None:
    assert constants("train.py")[name] == constants("heldout.py")[name]


ROWS: dict[str, Any] = runpy.run_path(str(SCRIPTS / "rows.py"))
PERSON: dict[str, Any] = runpy.run_path(str(ROOT / "models" / "people" / "person.py"))


def test_who_is_held_out_stays_so_whoever_else_is_seen() -> None:
    names = np.array([f"s3-{number:05d}" for number in range(1000)])
    held = ROWS["held_out"](names)
    assert 150 < held.sum() < 250
    assert (ROWS["held_out"](names[500:]) == held[500:]).all()


def test_a_person_in_the_mirror_is_never_trained_on_where_the_person_is_held_out(tmp_path: Path) -> None:
    seen = tmp_path / "seen.npz"
    names = np.array([f"s3-{number:05d}" for number in range(40)] * 2)
    ones = np.ones(80)
    angles = {"twist_deg": ones, "head_pitch_deg": ones, "trunk_inclination_deg": ones}
    np.savez(seen, allow_pickle=False, sequence=names, mirrored=np.arange(80) >= 40, visibility=ones, **angles)
    plain, both = (ROWS["rows_of"]([str(seen)], mirrored=mirrored)["sequence"] for mirrored in (False, True))
    assert len(set(plain.tolist())) == 40
    assert len(set(both.tolist())) == 80
    held = {name for name, out in zip(both.tolist(), ROWS["held_out"](both), strict=True) if out}
    assert held == {name for one in held for name in (one.removesuffix("m"), one.removesuffix("m") + "m")}


def test_no_joint_of_a_simulated_spine_bends_further_than_a_spine_can() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        stance = PERSON["Stance"].sample(rng).bending_elsewhere(rng)
        joints = stance.most_flexion_deg * np.array(stance.spine_shares)
        assert (joints <= np.array(PERSON["JOINT_LIMITS_DEG"]) + 1e-9).all()
