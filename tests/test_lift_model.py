"""What tells lifts from other bends: the trees that ship, held against the bends that they were trained on."""

import csv
from pathlib import Path

import numpy as np
import pytest

from edge_agent.core.bend import Bend
from edge_agent.core.lift_model import MEASURES, LiftModel, measures
from edge_agent.core.lifts import LiftDetector, LiftThresholds
from edge_agent.core.posture import measure
from edge_agent.core.records import Floats
from edge_agent.errors import RunError
from edge_agent.pose.lift_weights import lift_model
from tests.people import HINGE, STANDING, Person, motion

BENDS = sorted((Path(__file__).parents[1] / "models" / "lifts").glob("bends-*.csv"))


@pytest.fixture(scope="module")
def model() -> LiftModel:
    return lift_model()[0]


def trained_on() -> tuple[Floats, np.ndarray]:
    """(n, 8) measures of the bends that were kept, and whether each was a lift."""
    rows = [row for file in BENDS for row in csv.DictReader(file.read_text(encoding="utf-8").splitlines())]
    values = np.array([[float(row[name]) for name in MEASURES] for row in rows], np.float32)
    return values, np.array([row["happened"] == "1" for row in rows])


def test_what_ships_was_trained_on_the_bends_that_are_kept_beside_the_script(model: LiftModel) -> None:
    values, lifts = trained_on()
    likely = np.array([model.probability_of(each) for each in values]) >= LiftThresholds().least_probability
    assert len(BENDS) == 4
    assert likely[lifts].mean() > 0.9
    assert likely[~lifts].mean() < 0.2


def test_the_script_counts_with_the_products_limits() -> None:
    limits = LiftThresholds()
    script = (BENDS[0].parent / "train.py").read_text(encoding="utf-8")
    assert f"LEAST_LOWERED_M, MOST_TRAVEL_M = {limits.least_lowered_m}, {limits.most_travel_m}" in script


def test_a_tree_asks_its_second_question_by_the_answer_to_the_first() -> None:
    """Deeper than 1? If so: did the hips travel beyond 0.5 m? If not: did the shoulders sink by 0.2 m?"""
    depth, sank, travel = (MEASURES.index(name) for name in ("depth", "sank_m", "travel_m"))
    tree = LiftModel(
        np.array([[depth, sank, travel]]), np.array([[1, 0.2, 0.5]]), np.array([[-2.0, -1.0, 2.0, 1.0]]), base=0.0
    )
    logits = []
    for deep, low, far in ((0.9, 0.1, 0.9), (0.9, 0.3, 0.9), (1.1, 0.1, 0.1), (1.1, 0.1, 0.9)):
        values = np.zeros(len(MEASURES), np.float32)
        values[[depth, sank, travel]] = deep, low, far
        probability = tree.probability_of(values)
        logits.append(np.log(probability / (1 - probability)))
    assert logits == pytest.approx([-2, -1, 2, 1])


def bend_of(bottom: Person) -> Bend:
    """From standing to this bottom and back, whatever it was."""
    kept: list[Bend] = []
    detector = LiftDetector(lambda bend: kept.append(bend) or 0.0)  # type: ignore[func-returns-value]
    for time_s, body in motion((0.0, STANDING), (1.0, STANDING), (2.0, bottom), (2.6, bottom), (3.6, STANDING)):
        detector.update(measure(body.pose(outlined=False), time_s), None)
    detector.flush(ended=True)
    return kept[0]


def test_measures_are_of_the_picture_and_of_the_bend() -> None:
    told = dict(zip(MEASURES, measures(bend_of(HINGE)), strict=True))
    assert told["depth"] > 1
    assert 0.2 < told["sank_m"] < 0.6
    assert told["rose_m"] == pytest.approx(told["sank_m"], abs=0.1)
    assert told["travel_m"] < 0.3
    assert told["grew_down"] == pytest.approx(0, abs=0.05)
    assert told["began"] < 0.5 > told["ended"]


def test_a_deep_hinge_is_likelier_a_lift_than_a_bow(model: LiftModel) -> None:
    bow = Person(trunk_deg=32, knee_deg=4, shin_deg=1)
    assert model.probability(bend_of(HINGE)) > 0.8 > model.probability(bend_of(bow))


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 and no more"], ids=["missing", "empty", "cut off"])
def test_a_damaged_file_is_said_to_be_damaged(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "lift-model.npz").write_bytes(content)
    with pytest.raises(RunError, match="the lift model is missing or damaged"):
        lift_model(tmp_path)
