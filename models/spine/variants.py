"""Train the spine network again with the outline or the keypoints withheld, for `ablate.py` to compare.

Usage: python models/spine/variants.py EXTRACTED.npz... --out FOLDER [--epochs 10]
(in the simulator's environment: it has torch)

One network each, the one that sees both included, all with the same seed, people and epochs. The held-out people of
`train.py` are held out here too. FOLDER gets a folder of exported weights for each variant.
"""

import argparse
from pathlib import Path

import numpy as np
from export import save
from rows import SEED, held_out
from train import load, side_by_side

WITHHELD = {"both": None, "keypoints": "outline", "outline": "keypoints"}


def main() -> None:
    """Train and export each variant."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("extracted", nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=10)
    args = parser.parse_args()
    data, rows = load(args.extracted)
    trained = np.flatnonzero(~held_out(np.unique(rows["sequence"])))
    tried = side_by_side((data, trained, args.epochs, SEED, withheld) for withheld in WITHHELD.values())
    for name, model in zip(WITHHELD, tried, strict=True):
        folder = args.out / name
        folder.mkdir(parents=True, exist_ok=True)
        save([model], folder)


if __name__ == "__main__":
    main()
