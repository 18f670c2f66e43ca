"""Train the spine network on what `extract.py` kept, and say how well it does on bodies that it never saw.

Usage: python models/spine/train.py EXTRACTED.npz... --out FOLDER
(in the simulator's environment: it has torch)
"""

import argparse
import json
import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from export import save
from network import LOG_SPREAD, TARGETS, Encoder, Head
from rows import LEAST_DROP_M, SEED, Rows, held_out, rows_of
from torch import nn
from torch.nn.functional import affine_grid, grid_sample, smooth_l1_loss

SEQUENCES_PER_BATCH, RATE, DECAY = 20, 2e-3, 1e-2
UNKNOWN_UPRIGHT = 0.3  # share of lifts trained as if the person had never been seen standing
VIEWS = ((0, 30), (30, 60), (60, 91))
ARMS = slice(5 * 4, 9 * 4)  # elbows and wrists among the values: see core.bodyview
WEIGHTS = torch.tensor([2.0, 1.0, 1.0, 0.5, 0.7, 1.0, 0.3, 0.3])


@dataclass(frozen=True)
class Data:
    """Frames of many sequences, those of one sequence side by side."""

    mask: torch.Tensor  # (n, 1, 64, 48)
    values: torch.Tensor  # (n, 90)
    truth: torch.Tensor  # (n, targets), scaled; NaN where it has no meaning
    upright: torch.Tensor  # (n,) bool
    sequence: np.ndarray  # (n,) number of the sequence, never falling

    def rows(self, sequences: np.ndarray) -> np.ndarray:
        """Where the frames of these sequences are."""
        first, end = (np.searchsorted(self.sequence, sequences, side) for side in ("left", "right"))
        return np.concatenate([np.arange(a, b) for a, b in zip(first, end, strict=True)])

    def of(self, sequences: np.ndarray) -> "Data":
        """The frames of these sequences, which are numbered anew."""
        rows = self.rows(sequences)
        first, end = (np.searchsorted(self.sequence, sequences, side) for side in ("left", "right"))
        numbers = np.repeat(np.arange(len(sequences)), end - first)
        return Data(self.mask[rows], self.values[rows], self.truth[rows], self.upright[rows], numbers)


def load(paths: list[str]) -> tuple[Data, Rows]:
    """The usable frames, and what else is known of them."""
    rows = rows_of(paths, mirrored=True)
    drop = rows["shoulder_drop_m"]
    index = 100 * (1 - rows["hip_drop_m"] / np.maximum(drop, LEAST_DROP_M))
    rows["stoop_squat_index"] = np.where(drop >= LEAST_DROP_M, np.clip(index, 0, 100), np.nan)
    truth = np.stack([rows[name] / scale for name, scale in TARGETS.items()], 1)
    numbers = np.unique(rows["sequence"], return_inverse=True)[1]
    data = Data(
        torch.tensor(rows["mask"][:, None].astype(np.float32) / 255),
        torch.tensor(rows["values"], dtype=torch.float32),
        torch.tensor(truth, dtype=torch.float32),
        torch.tensor(rows["phase"] == "upright"),
        numbers,
    )
    return data, rows


def disturbed(mask: torch.Tensor) -> torch.Tensor:
    """Masks a little shifted, turned and scaled, some with a hole or an extra lump."""
    n = len(mask)
    turn, grow = 0.06 * torch.randn(n), 1 + 0.05 * torch.randn(n)
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = grow
    theta[:, 0, 1], theta[:, 1, 0] = -turn, turn
    theta[:, :, 2] = 0.04 * torch.randn(n, 2)
    mask = grid_sample(mask, affine_grid(theta, list(mask.shape), align_corners=False), align_corners=False)
    for i in torch.nonzero(torch.rand(n) < 0.35).flatten().tolist():
        tall, wide = (int(torch.randint(3, size // 3, (1,))) for size in mask.shape[2:])
        y, x = (
            int(torch.randint(0, size - part, (1,))) for size, part in zip(mask.shape[2:], (tall, wide), strict=True)
        )
        mask[i, :, y : y + tall, x : x + wide] = float(torch.rand(1) < 0.35)
    return mask


def misplaced(values: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
    """Joints a little off; arms, in some, anywhere: simulated people reach down, real ones do all sorts of things."""
    values = values + 0.03 * torch.randn_like(values)
    anywhere = torch.rand(len(values), 1) < 0.4
    arms = mean[ARMS] + torch.randn(len(values), ARMS.stop - ARMS.start)
    values[:, ARMS] = torch.where(anywhere, arms, values[:, ARMS])
    hidden = torch.rand(len(values), 1) < 0.1  # then the outline alone must do
    return torch.where(hidden, mean, values)


def standing(codes: torch.Tensor, data: Data, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """For each sequence the mean code of its upright frames, and whether there was any."""
    where = torch.tensor(data.sequence)[data.upright]
    total = torch.zeros(count, codes.shape[1]).index_add(0, where, codes[data.upright])
    seen = torch.zeros(count).index_add(0, where, torch.ones(len(where)))
    return total / seen.clamp(min=1)[:, None], (seen > 0).float()[:, None]


class Model(nn.Module):
    """Encoder and head, trained together."""

    def __init__(self, data: Data, withheld: str | None = None) -> None:
        super().__init__()
        self.encoder = Encoder(data.values.mean(0), data.values.std(0) + 0.05, withheld)
        self.head = Head()

    def forward(self, data: Data, known_share: float) -> torch.Tensor:
        """(n, targets, 2); ``known_share`` of the people have been seen standing."""
        codes = self.encoder(data.mask, data.values)
        count = int(data.sequence.max()) + 1
        upright, seen = standing(codes, data, count)
        known = seen * (torch.rand(count, 1) < known_share)
        at = torch.tensor(data.sequence)
        return self.head(codes, upright[at], known[at])


def loss_of(answer: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Of the value, and of how far it may be off.

    The spread is learned beside the value, not together with it (Laplace likelihood with the error held fixed):
    else hard lifts, the rounded ones above all, are excused with a wide spread and pulled towards the middle.
    """
    log_spread = answer[..., 1].clamp(*LOG_SPREAD)
    value, target = answer[..., 0], torch.nan_to_num(truth)
    error = smooth_l1_loss(value, target, reduction="none", beta=0.3)
    spread = (value - target).abs().detach() * torch.exp(-log_spread) + log_spread
    given = torch.isfinite(truth).float() * WEIGHTS
    return ((2 * error + 0.5 * spread) * given).sum() / given.sum()


def fit(data: Data, sequences: np.ndarray, epochs: int, seed: int, withheld: str | None = None) -> Model:
    """One network, trained on these sequences; without the outline or the keypoints, to tell what they gain."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = Model(data.of(sequences), withheld).train()
    model.encoder.outline.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), RATE, weight_decay=DECAY)
    name = f"network {seed} without {withheld}" if withheld else f"network {seed}"
    steps = -(-len(sequences) // SEQUENCES_PER_BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=epochs * steps)
    for epoch in range(epochs):
        losses = []
        for batch in np.array_split(rng.permutation(sequences), steps):
            some = data.of(batch)
            values = misplaced(some.values, model.encoder.mean)
            shown = Data(disturbed(some.mask), values, some.truth, some.upright, some.sequence)
            loss = loss_of(model(shown, 1 - UNKNOWN_UPRIGHT), shown.truth)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(float(loss.detach()))
        print(f"{name}: epoch {epoch + 1}/{epochs} loss {np.mean(losses):.3f}", flush=True)
    return model.eval()


def side_by_side(fits: Iterable[tuple]) -> list[Model]:
    """The network of each of these arguments of `fit`, one process on each core."""
    torch.set_num_threads(1)  # so small a network only loses by more
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), mp_context=get_context("fork")) as pool:
        return list(pool.map(fit, *zip(*fits, strict=True)))


def answers(model: Model, data: Data, sequences: np.ndarray, known_share: float) -> np.ndarray:
    """(n, targets, 2) in degrees: value and spread."""
    with torch.no_grad():
        out = torch.cat(
            [model(data.of(some), known_share) for some in np.array_split(sequences, max(len(sequences) // 64, 1))]
        )
    scale = np.array(list(TARGETS.values()))
    value, spread = out[..., 0].numpy() * scale, np.exp(out[..., 1].numpy().clip(*LOG_SPREAD)) * scale
    return np.stack([value, spread], -1)


def errors(rows: dict, data: Data, sequences: np.ndarray, answer: np.ndarray) -> dict:
    """Mean absolute errors by view of all frames but the upright ones, degrees."""
    order = data.rows(sequences)
    view, bent = rows["view_from_side_deg"][order], rows["phase"][order] != "upright"
    table = {}
    for i, (name, scale) in enumerate(TARGETS.items()):
        off = np.abs(answer[:, i, 0] - data.truth[order][:, i].numpy() * scale)
        spans = {f"{low}-{high}": bent & (view >= low) & (view < high) for low, high in VIEWS}
        table[name] = {span: round(float(np.nanmean(off[here])), 1) for span, here in spans.items()}
    return table


def main() -> None:
    """Cross-validate by body, then train on all of them and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("extracted", nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=22)
    parser.add_argument("--networks", type=int, default=2)
    args = parser.parse_args()
    data, rows = load(args.extracted)
    held = held_out(np.unique(rows["sequence"]))
    sequences = np.arange(len(held))
    tried = side_by_side((data, sequences[~held], args.epochs, SEED + i) for i in range(args.networks))
    for title, share in (("seen standing before", 1.0), ("never seen standing", 0.0)):
        answer = np.mean([answers(model, data, sequences[held], share) for model in tried], 0)
        print(title, json.dumps(errors(rows, data, sequences[held], answer), indent=1))
    save(tried, args.out)


if __name__ == "__main__":
    main()
