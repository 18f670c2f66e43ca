"""Train the lift model on what `bends.py` kept, and say what each probability would find and falsely tell.

Usage: python models/lifts/train.py BENDS.csv... --out FOLDER
(in the simulator's environment: it has scikit-learn)
"""

import argparse
import csv
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.tree._tree import Tree

# Deeper trees, more of them and other rates found no more. The rest keeps 150 trees from learning bends by heart.
RECIPE = {
    "n_estimators": 150, "max_depth": 2, "learning_rate": 0.06, "subsample": 0.6, "min_samples_leaf": 8,
    "max_features": 5, "random_state": 0,
}  # fmt: skip
FOLDS = 6
PROBABILITIES = (0.3, 0.4, 0.5, 0.6, 0.7)
# The product believes no bend beyond these, however likely: `edge_agent.core.lifts.LiftThresholds`.
LEAST_LOWERED_M, MOST_TRAVEL_M = 0.1, 0.6
ROOT = 0


def rows_of(files: list[Path]) -> list[dict[str, str]]:
    """Every bend of every file."""
    return [row for file in files for row in csv.DictReader(file.open(newline=""))]


def after(tree: Tree, node: int) -> tuple[int, int]:
    """The nodes that follow a no and a yes; the node itself where nothing is asked any more."""
    return (tree.children_left[node], tree.children_right[node]) if tree.feature[node] >= 0 else (node, node)


def arrays_of(model: GradientBoostingClassifier) -> dict[str, Any]:
    """As ``edge_agent.core.lift_model.LiftModel`` reads them. Where a tree asks less, both answers say the same."""
    trees = [estimator.tree_ for (estimator,) in model.estimators_]
    measure, limit = np.zeros((len(trees), 3), np.int8), np.zeros((len(trees), 3))
    value = np.zeros((len(trees), 4), np.float32)
    for number, tree in enumerate(trees):
        sides = after(tree, ROOT)
        for question, node in enumerate((ROOT, *sides)):
            if tree.feature[node] >= 0:
                measure[number, question], limit[number, question] = tree.feature[node], tree.threshold[node]
        value[number] = [tree.value[leaf, 0, 0] for side in sides for leaf in after(tree, side)]
    prior = model.init_.class_prior_[1]
    return {
        "measure": measure, "limit": limit, "value": np.float32(model.learning_rate) * value,
        "base": np.float32(np.log(prior / (1 - prior))),
    }  # fmt: skip


def logit_of(arrays: dict[str, np.ndarray], values: np.ndarray) -> np.ndarray:
    """(n,) what the shipped form says of (n, 8) measures."""
    asked, tree = values[:, arrays["measure"]] > arrays["limit"], np.arange(len(arrays["value"]))
    first = asked[:, :, 0].astype(int)
    second = np.take_along_axis(asked, 1 + first[:, :, None], 2)[:, :, 0].astype(int)
    return arrays["base"] + arrays["value"][tree, 2 * first + second].sum(1)


def believable(measure: dict[str, np.ndarray]) -> np.ndarray:
    """(n,) whether the shoulders went down and up far enough, and the hips not far across."""
    sank, rose = measure["sank_m"], measure["rose_m"]
    low = (np.minimum(sank, rose) > 0) & (np.maximum(sank, rose) >= LEAST_LOWERED_M)
    return low & (measure["travel_m"] <= MOST_TRAVEL_M)


def main() -> None:
    """Train on all, for the figures in folds of clips."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bends", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    rows = rows_of(args.bends)
    names = [name for name in rows[0] if name not in {"clip", "peak_s", "happened"}]
    values = np.array([[row[name] for name in names] for row in rows], np.float32)
    lift, clips = np.array([row["happened"] == "1" for row in rows]), np.array([row["clip"] for row in rows])
    moving = np.char.startswith(clips, "movement")
    model = GradientBoostingClassifier(**RECIPE).fit(values, lift)
    arrays = arrays_of(model)
    np.testing.assert_allclose(logit_of(arrays, values), model.decision_function(values), atol=1e-3)
    np.savez_compressed(args.out / "lift-model.npz", **arrays)
    told = cross_val_predict(model, values, lift, groups=clips, cv=GroupKFold(FOLDS), method="predict_proba")[:, 1]
    measure = dict(zip(names, values.T, strict=True))
    deep, possible = measure["depth"] >= 1, believable(measure)
    print(f"{len(lift)} bends, {lift.sum()} of them lifts")
    print("told to be lifts | of the lifts | of others in clips with lifts | of others in movement")
    for label, likely in (
        ("depth of 1", deep),
        *((f"probability {least}", told >= least) for least in PROBABILITIES),
    ):
        yes = likely & possible
        print(label, *((yes & whose).sum() for whose in (lift, ~lift & ~moving, ~lift & moving)), sep=" | ")


if __name__ == "__main__":
    main()
