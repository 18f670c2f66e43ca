"""Labels as people and renderers write them, and what is said to those who mistype."""

import json
from pathlib import Path
from typing import Any

import pytest

from edge_agent.errors import InputError
from edge_agent.labels import LabelledClip, read_labels

EXACT_LIFT = {"start": 1.0, "peak": 2.0, "end": 3.0, "technique": "squat", "spine_flexion_deg": 6}


def read(folder: Path, labels: object) -> list[LabelledClip]:
    path = folder / "labels.json"
    path.write_text(labels if isinstance(labels, str) else json.dumps(labels))
    return read_labels(path, folder)


def by_hand(**fields: Any) -> dict[str, Any]:
    return {"technique": "hinge", "view": "side", "lifts": [{"bottom": 4.0}]} | fields


def exactly(*people: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"view": "oblique", "duration_s": 26.0, "people": list(people)} | fields


def test_footage_labelled_by_hand(tmp_path: Path) -> None:
    lifts = [{"start": 0.0, "end": 1.0, "partial": True}, {"start": 2.0, "bottom": 3.2, "end": 4.0}, {"bottom": 6.0}]
    (found,) = read(tmp_path, {"dock": by_hand(technique="rounded", lifts=lifts, subject="one", confidence="H")})
    assert found.video == tmp_path / "dock.mp4"
    times = [(lift.start_s, lift.peak_s, lift.end_s) for lift in found.truth.lifts]
    assert times == [(0.0, 0.5, 1.0), (2.0, 3.2, 4.0), (pytest.approx(5.2), 6.0, pytest.approx(6.8))]
    assert [lift.partial for lift in found.truth.lifts] == [True, False, False]
    assert {lift.technique for lift in found.truth.lifts} == {"rounded_back"}
    assert not any(lift.exact for lift in found.truth.lifts)
    assert not found.truth.rendered
    assert found.truth.subjects == {"one"}


def test_two_people_are_told_apart_by_their_place_one_needs_none(tmp_path: Path) -> None:
    left, right = {"x": 0.2, "lifts": [EXACT_LIFT]}, {"x": 0.8, "lifts": []}
    two, one = read(tmp_path, {"two": exactly(left, right), "one": exactly(left, file="one.mkv", rendered=False)})
    assert [lift.x for lift in two.truth.lifts] == [0.2]
    assert [lift.x for lift in one.truth.lifts] == [None]
    assert (two.truth.rendered, one.truth.rendered) == (True, False)
    assert one.video == tmp_path / "one.mkv"
    (lift,) = two.truth.lifts
    assert (lift.exact, lift.spine_flexion_deg) == (True, 6)


def test_movement_without_a_lift_in_either_form(tmp_path: Path) -> None:
    quiet = {"hand": by_hand(technique=None, lifts=[]), "exact": exactly({"x": 0.5, "lifts": []})}
    assert [clip.truth.lifts for clip in read(tmp_path, quiet)] == [(), ()]


def test_the_nearer_condition_wins(tmp_path: Path) -> None:
    lift = EXACT_LIFT | {"conditions": {"occlusion": "box"}, "view_from_side_deg": 25}
    person = {"x": 0.5, "lifts": [lift, EXACT_LIFT], "conditions": {"occlusion": "none", "height_px": 180}}
    label = exactly(person, {"x": 0.9, "lifts": []}, conditions={"elevation_deg": 20, "occlusion": "shelf"})
    (found,) = read(tmp_path, {"clip": label})
    first, second = (lift.conditions for lift in found.truth.lifts)
    assert first == {
        "view": "oblique", "elevation_deg": 20, "occlusion": "box", "height_px": 180, "view_from_side_deg": 25,
    }  # fmt: skip
    assert second["occlusion"] == "none"
    assert found.truth.conditions == {"view": "oblique", "elevation_deg": 20, "occlusion": "shelf"}


def test_what_holds_for_the_only_person_holds_for_the_clip(tmp_path: Path) -> None:
    (found,) = read(tmp_path, {"clip": exactly({"x": 0.5, "lifts": [], "conditions": {"height_px": 180}})})
    assert found.truth.conditions == {"view": "oblique", "height_px": 180}


WRONG: dict[str, tuple[object, str, str]] = {
    "no JSON": ('{"a": }', "labels.json:1: not JSON", "commas"),
    "no object": ([1], "holds no labels", "one JSON object"),
    "empty": ({}, "holds no labels", "one JSON object"),
    "no label": ({"a": 3}, "clip a: ", "docs/evaluating.md"),
    "clip twice": ('{"a": {}, "a": {}}', "`a` is given twice", "keep one"),
    "no view": ({"a": {"technique": "hinge", "lifts": []}}, "clip a: view: missing", "add it"),
    "mistyped": (
        {"a": by_hand(lifts=[{"botom": 3}])},
        "clip a: lifts[0].botom: unknown field",
        "did you mean `bottom`?",
    ),
    "unheard of": ({"a": by_hand(weather="rain")}, "clip a: weather: unknown field", "`conditions`"),
    "no time": ({"a": by_hand(lifts=[{"start": 3}])}, "clip a: lifts[0]: needs `bottom`", "docs/evaluating.md"),
    "out of order": (
        {"a": exactly({"x": 0.5, "lifts": [EXACT_LIFT | {"end": 1.5}]})},
        "clip a: people[0].lifts[0]: start, bottom and end are not in order",
        "docs/evaluating.md",
    ),
    "no technique": ({"a": by_hand(technique=None)}, "clip a: `technique` is null", "docs/evaluating.md"),
    "not a number": ('{"a": {"view": "side", "technique": "hinge", "lifts": [{"bottom": NaN}]}}', "finite", "docs"),
    "condition list": ({"a": by_hand(conditions={"light": [1]})}, "clip a: conditions.light", "docs"),
    "hidden view": ({"a": by_hand(conditions={"view": "end"})}, "`view` stands beside `conditions`", "docs"),
    "two flaws": ({"a": by_hand(view=3, lifts=3)}, "(and 1 more)", "docs"),
}


@pytest.mark.parametrize(("labels", "what", "fix"), WRONG.values(), ids=WRONG.keys())
def test_a_label_that_cannot_be_right_is_named_with_its_clip(
    tmp_path: Path, labels: object, what: str, fix: str
) -> None:
    with pytest.raises(InputError) as raised:
        read(tmp_path, labels)
    assert what in raised.value.what
    assert fix in raised.value.fix
    assert "\n" not in raised.value.what + raised.value.fix


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read the labels"):
        read_labels(tmp_path / "none.json", tmp_path)
