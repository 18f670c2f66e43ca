"""How the error of one frame falls with the number of people trained on: whether more of the same people would help.

Usage: python models/spine/learning_curve.py EXTRACTED.npz... [--epochs 8]
(in the simulator's environment: it has torch)

One network for each share, trained for as many steps as `--epochs` over all people take, so that only who is seen
differs. The held-out people of `train.py` are held out here too.
"""

import argparse
import json

import numpy as np
import torch
from rows import SEED, held_out
from train import answers, errors, fit, load

SHARES = (1 / 8, 1 / 4, 1 / 2, 1.0)


def main() -> None:
    """Print the errors by view for each share of the people."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("extracted", nargs="+")
    parser.add_argument("--epochs", type=int, default=8)
    args = parser.parse_args()
    torch.set_num_threads(1)
    data, rows = load(args.extracted)
    names = np.unique(rows["sequence"])
    held = held_out(names)
    trained = np.random.default_rng(SEED).permutation(np.flatnonzero(~held))
    for share in SHARES:
        some = np.sort(trained[: round(share * len(trained))])
        model = fit(data, some, round(args.epochs / share), SEED)
        told = answers(model, data, np.flatnonzero(held), 1.0)
        off = errors(rows, data, np.flatnonzero(held), told)["spine_flexion_deg"]
        print(f"{len(some)} sequences, mirror images among them: {json.dumps(off)}", flush=True)


if __name__ == "__main__":
    main()
