"""What each part of the spine model gains, and how far its cues can be trusted, on the people held out of training.

Usage: python models/spine/ablate.py EXTRACTED.npz... --variants FOLDER --landmarks FOLDER --across EXTRACTED.npz
    [--card CARD.json]
(in the product's own environment)

--variants: made by ``variants.py``. --landmarks: lite.npz, full.npz and heavy.npz, made by ``extract.py`` from the
same frames of held-out people. --across: people whose lifts were seen from beginning to end and of whom nobody was
trained on, for the cues. Writes the card that ``edge_agent.spine_card`` reads.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

from cue_truth import QUESTIONS, cue_of
from heldout import HeldOutLift, held_out_people, lifts_of, rows_by_view
from rich.progress import track
from rows import rows_of

from edge_agent.core.kinematics import Kinematics
from edge_agent.pose.network import new_core
from edge_agent.pose.spine_encoder import SpineEncoder
from edge_agent.spine_card import Ablation, Data, SpineCard, Variant

ROOT = Path(__file__).parents[2]
SHOWN = {"both": "Both", "keypoints": "Keypoints only", "outline": "Outline only"}
LANDMARKERS = ("lite", "full", "heavy")


def told_by(encoder: SpineEncoder) -> Callable[[HeldOutLift], Kinematics]:
    """The whole bottom, by who has seen the person standing: as shipped."""
    return lambda lift: lift.told(encoder.head)


def inputs(paths: list[str], folder: Path) -> Ablation:
    """Keypoints, outline, both: each told by its own network."""
    rows = rows_of(paths)
    people, variants = held_out_people(rows), []
    for name, title in SHOWN.items():
        encoder = SpineEncoder(new_core(), folder / name)
        lifts = list(track(lifts_of(rows, people, encoder), title, total=len(people)))
        variants.append(Variant(name=title, rows=rows_by_view(lifts, told_by(encoder))))
    how = (
        "One network each, trained alike (the shipped model is made of more, trained for longer); the outline stands "
        "in the frame that shoulders and hips give it."
    )
    return Ablation(name="Inputs", how=how, variants=tuple(variants))


def reference(lifts: list[HeldOutLift], encoder: SpineEncoder) -> Ablation:
    """With and without the person's own upright posture."""
    blind = rows_by_view(lifts, lambda lift: lift.told(encoder.head, standing=False))
    variants = (
        Variant(name="Seen standing", rows=rows_by_view(lifts, told_by(encoder))),
        Variant(name="Never seen standing", rows=blind),
    )
    how = "The shipped model, knowing how the person stands upright, or not."
    return Ablation(name="Reference", how=how, variants=variants)


def frames(lifts: list[HeldOutLift], encoder: SpineEncoder) -> Ablation:
    """The whole bottom against the one frame nearest to it."""
    one = rows_by_view(lifts, lambda lift: lift.told(encoder.head, lift.deepest))
    variants = (
        Variant(name="Whole bottom", rows=rows_by_view(lifts, told_by(encoder))),
        Variant(name="One frame", rows=one),
    )
    how = "The shipped model: median of two to ten frames at the bottom, or the deepest frame alone."
    return Ablation(name="Frames", how=how, variants=variants)


def landmarks(people: set[str], folder: Path, encoder: SpineEncoder) -> Ablation:
    """Lite, full and heavy landmarks of the same frames; lifts which one of them did not see are left out of all."""
    seen = {}
    for name in LANDMARKERS:
        rows = rows_of([str(folder / f"{name}.npz")])
        lifts = track(lifts_of(rows, people, encoder), f"{name} landmarks", total=len(set(rows["sequence"])))
        seen[name] = {lift.word("sequence"): lift for lift in lifts}
    everyone, each = set().union(*seen.values()), [set(lifts) for lifts in seen.values()]
    common = sorted(set.intersection(*each))
    variants = tuple(
        Variant(
            name=name.capitalize(),
            unseen_lifts=len(everyone) - len(lifts),
            rows=rows_by_view([lifts[person] for person in common], told_by(encoder)),
        )
        for name, lifts in seen.items()
    )
    how = "The shipped model, trained on what full landmarks gave, shown the same frames of some held-out people."
    return Ablation(name="Landmarks", how=how, variants=variants)


def lifts_across(path: str, encoder: SpineEncoder) -> list[HeldOutLift]:
    """Every lift in it."""
    rows = rows_of([path])
    people = set(rows["sequence"].tolist())
    return list(track(lifts_of(rows, people, encoder), "Lifts across", total=len(people)))


def main() -> None:
    """Measure all of it and write the card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("extracted", nargs="+")
    parser.add_argument("--variants", type=Path, required=True)
    parser.add_argument("--landmarks", type=Path, required=True)
    parser.add_argument("--across", required=True)
    parser.add_argument("--card", type=Path, default=ROOT / "edge_agent" / "assets" / "spine-card.json")
    args = parser.parse_args()
    rows, encoder = rows_of(args.extracted), SpineEncoder(new_core())
    people = held_out_people(rows)
    lifts = list(track(lifts_of(rows, people, encoder), "As shipped", total=len(people)))
    across = lifts_across(args.across, encoder)
    card = SpineCard(
        data=Data(
            people=len(set(rows["sequence"])),
            held_out_people=len(people),
            frames=len(rows["sequence"]),
            held_out_lifts=len(lifts),
            cue_lifts=len(across),
        ),
        held_out=rows_by_view(lifts, told_by(encoder)),
        ablations=(
            inputs(args.extracted, args.variants),
            reference(lifts, encoder),
            frames(lifts, encoder),
            landmarks(people, args.landmarks, encoder),
        ),
        cues=tuple(cue_of(question, [*lifts, *across], encoder.head) for question in QUESTIONS),
    )
    args.card.write_text(card.model_dump_json(indent=1) + "\n")
    print(f"wrote {args.card}")


if __name__ == "__main__":
    main()
