"""The spine model's card: shipped, sound, and shown where people read how well lifts are told."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from edge_agent import spine_card
from edge_agent.core.figures import Share
from edge_agent.errors import RunError
from edge_agent.evaluation_model import model_sections
from edge_agent.spine_card import AIM, NEAR_SPANS, SPANS, SpineCard, load_card
from tests.test_evaluate import page_of, text_of


@pytest.fixture
def plain() -> Any:
    """The card as JSON, to be spoilt."""
    return json.loads(spine_card.ASSET.read_text())


def test_the_shipped_card_adds_up() -> None:
    card = load_card()
    by_view = {row.view_deg: row for row in card.held_out}
    assert sum(by_view[span].lifts for span in SPANS if span != AIM) == card.data.held_out_lifts
    for field in ("coverage", "accuracy", "rounded_recall", "rounded_false_alarm"):
        near: list[Share] = [getattr(by_view[span], field) for span in NEAR_SPANS]
        total = Share(sum(share.part for share in near), sum(share.whole for share in near))
        assert getattr(by_view[AIM], field) == total, field
    assert all(cue.lifts + cue.withheld == card.data.held_out_lifts + card.data.cue_lifts for cue in card.cues)


def test_every_part_that_was_asked_for_is_compared() -> None:
    parts = {part.name: [variant.name for variant in part.variants] for part in load_card().ablations}
    assert parts == {
        "Inputs": ["Both", "Keypoints only", "Outline only"],
        "Reference": ["Seen standing", "Never seen standing"],
        "Frames": ["Whole bottom", "One frame"],
        "Landmarks": ["Lite", "Full", "Heavy"],
    }


def test_the_model_as_shipped_is_the_same_wherever_it_stands_in_the_card() -> None:
    card = load_card()
    as_shipped = [
        v.rows for part in card.ablations for v in part.variants if v.name in ("Seen standing", "Whole bottom")
    ]
    assert as_shipped == [card.held_out, card.held_out]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("held_out", 0, "lifts"), 10_000),
        (("held_out", 0, "accuracy", "whole"), 1),
        (("held_out", 0, "view_deg"), [0, 31]),
        (("held_out", 3, "accuracy", "part"), 0),
        (("ablations", 3, "variants", 0, "rows", 2, "lifts"), 0),
        (("cues", 0, "right"), 10_000),
        (("cues", 0, "withheld"), 0),
        (("data", "held_out_lifts"), 1),
        (("made_by",), "hand"),
    ],
    ids=str,
)
def test_a_card_whose_counts_do_not_add_up_is_no_card(plain: Any, path: tuple[Any, ...], value: object) -> None:
    part = plain
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    with pytest.raises(ValidationError):
        SpineCard.model_validate(plain)


def test_a_damaged_card_is_named_with_its_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spine_card, "ASSET", tmp_path / "gone.json")
    with pytest.raises(RunError, match="card is missing or damaged") as caught:
        load_card()
    assert caught.value.fix == "install Hingewatch again"


def test_every_report_says_what_the_parts_gain_and_how_good_the_cues_are(tmp_path: Path) -> None:
    page = page_of(tmp_path)
    said, card = text_of(page), load_card()
    assert "What the spine model gains, part by part" in said
    assert "Cues against rendered truth" in said
    whose = f"held out of its training: {card.data.held_out_lifts} lifts of {card.data.held_out_people} people"
    assert said.count(whose) == 2
    assert said.count("No clip of this evaluation and no real person is part of it.") == 2
    for part in card.ablations:
        for variant in part.variants:
            row = variant.row(AIM)
            assert f"{variant.name} {row.lifts} " in said
            assert f"{variant.name} </text>" in page.replace("</text>", " </text>")
    for cue in card.cues:
        assert f"{cue.name} {cue.lifts} {cue.withheld} {cue.said} {cue.true} " in said
        assert f"{cue.name}: {cue.rule}".replace("'", "&#x27;") in said.replace(" :", ":")


def test_a_cue_never_given_has_no_precision(plain: Any) -> None:
    lifts = plain["data"]["held_out_lifts"] + plain["data"]["cue_lifts"]
    silent = {"said": 0, "right": 0, "angle_deg": {"count": 0, "mean_absolute": None, "bias": None}}
    plain["cues"] = [{"name": "A <cue>", "rule": "never", "lifts": lifts, "withheld": 0, "true": 3, **silent}]
    _, cues = model_sections(SpineCard.model_validate(plain))
    assert f'<td class="number">{lifts}</td>' in cues
    assert "A &lt;cue&gt;" in cues
    assert "0.0%<small> 0/3</small>" in cues
    assert cues.count("–") == 2
