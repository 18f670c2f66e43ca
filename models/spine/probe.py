"""What outline and landmarks do not tell: whether somebody twists, drops the head, and which part of the back bends.

    python probe.py EXTRACTED.npz...        (in the simulator's environment)

A network is trained for each question alone, on all that the spine model is given of the bent and of the standing
body. If even that cannot rank held-out lifts, the answer is not in there, and no cue can be made of it. Shin
inclination goes through the same mill to show that the mill works.
"""

import sys
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from rows import LEAST_DROP_M, Rows, by_person, held_out, rows_of
from torch import nn

PARTS = 40  # principal components of the outline, of the bent and of the standing body each
EPOCHS, BATCH, LEARNING_RATE = 40, 256, 3e-3
BENT = 0.6  # share of the deepest drop of the shoulders


@dataclass(frozen=True)
class Question:
    """of: rows that it is asked of; true: of which of them it holds."""

    name: str
    of: np.ndarray
    true: np.ndarray


def inputs_of(rows: Rows, person: np.ndarray, train: np.ndarray) -> np.ndarray:
    """(n, features): landmarks and outline of each row, and those of the same person at their most upright."""
    mask = rows["mask"].reshape(len(person), -1).astype(np.float32) / 255
    mean = mask[train].mean(0)
    axes = np.linalg.svd(mask[train][::7] - mean, full_matrices=False)[2][:PARTS]
    seen = np.concatenate([rows["values"], (mask - mean) @ axes.T], 1)
    bentness = np.abs(rows["trunk_inclination_deg"]) + 50 * np.abs(rows["shoulder_drop_m"])
    upright = np.array([here[np.argmin(bentness[here])] for here in by_person(rows)])
    both = np.concatenate([seen, seen[upright][person]], 1).astype(np.float32)
    return (both - both[train].mean(0)) / (both[train].std(0) + 1e-6)


def questions(rows: Rows, person: np.ndarray) -> list[Question]:
    """Each about the frames in which somebody is bent."""
    deepest = np.array([rows["shoulder_drop_m"][here].max() for here in by_person(rows)])[person]
    bent = (rows["shoulder_drop_m"] >= BENT * deepest) & (rows["shoulder_drop_m"] > LEAST_DROP_M)
    rounded, side = bent & (rows["spine_flexion_deg"] >= 33), bent & (rows["view_from_side_deg"] <= 45)
    return [
        Question("shins inclined by 15° or more", bent, rows["shin_inclination_deg"] >= 15),
        Question("shoulders twisted by 20° or more against the hips", bent, rows["twist_deg"] >= 20),
        Question("a rounded back bends more in its upper half", rounded, rows["upper_back_share"] >= 0.47),
        Question("the head 20° or more below the line of the back", side, rows["head_from_trunk_deg"] >= 20),
    ]


def ranked(question: Question, inputs: np.ndarray, train: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Held-out rows, and how much the network believes each."""
    rows, held = np.flatnonzero(question.of & train), np.flatnonzero(question.of & ~train)
    widths = (inputs.shape[1], 128, 48)
    layers = [layer for a, b in pairwise(widths) for layer in (nn.Linear(a, b), nn.SiLU(), nn.Dropout(0.3))]
    network = nn.Sequential(*layers, nn.Linear(widths[-1], 1))
    optimiser = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=0.03)
    steps = EPOCHS * -(-len(rows) // BATCH)
    pace = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps)
    x, y = torch.from_numpy(inputs), torch.from_numpy(question.true.astype(np.float32))
    for epoch in range(EPOCHS):
        order = np.random.default_rng(epoch).permutation(rows)
        for at in range(0, len(rows), BATCH):
            batch = order[at : at + BATCH]
            optimiser.zero_grad()
            nn.functional.binary_cross_entropy_with_logits(network(x[batch])[:, 0], y[batch]).backward()
            optimiser.step()
            pace.step()
    with torch.no_grad():
        return held, network.eval()(x[held])[:, 0].numpy()


def area(belief: np.ndarray, true: np.ndarray) -> float:
    """Under the receiver operating curve: 0.5 is guessing, 1 ranks every true one above every other."""
    rank = np.empty(len(belief))
    rank[np.argsort(belief)] = np.arange(1, len(belief) + 1)
    positive = true.sum()
    return float((rank[true].sum() - positive * (positive + 1) / 2) / (positive * (len(true) - positive)))


def main() -> None:
    """Print each question's area, lift by lift."""
    torch.manual_seed(0)
    rows = rows_of(sys.argv[1:])
    names, person = np.unique(rows["sequence"], return_inverse=True)
    train = ~held_out(names)[person]
    inputs = inputs_of(rows, person, train)
    for question in questions(rows, person):
        held, belief = ranked(question, inputs, train)
        lifts = np.unique(person[held])
        by_lift = np.array([belief[person[held] == lift].mean() for lift in lifts])
        true = np.array([question.true[held][person[held] == lift].mean() > 0.5 for lift in lifts])
        surest = true[np.argsort(-by_lift)[: max(true.sum() // 2, 1)]]
        print(
            f"{question.name}: {true.sum()} of {len(lifts)} held-out lifts, area {area(by_lift, true):.2f}, "
            f"of the {len(surest)} that it believes most {surest.sum()}",
            flush=True,
        )


if __name__ == "__main__":
    main()
