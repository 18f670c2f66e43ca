#!/usr/bin/env bash
# The spine model from nothing: simulate people who lift, show them to the real pose network, train, calibrate, and
# write its card: what each part gains, and its cues against truth.
# Seeded; every step goes on where it stopped. An hour and a half on two cores. Used by `make train`.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=${TRAIN_FOLDER:-build/train}
python="$work/venv/bin/python"
mkdir -p "$work"
models/environment.sh "$work/venv"

# seed, people, frames of each lift, frames of the same person standing before it, share with arms and spine elsewhere
recipe="1 150 10 2 0
3 999 4 1 0
4 1001 4 1 0
5 2500 4 1 0.5
6 800 4 1 0.3
7 800 4 1 0.3"
while read -r seed people frames upright unusual; do
    "$python" models/people/dataset.py "$work/frames-$seed" --seed "$seed" --sequences "$people" \
        --frames "$frames" --upright "$upright" --unusual "$unusual"
    [ -f "$work/seen-$seed.npz" ] ||
        .venv/bin/python models/spine/extract.py "$work/frames-$seed" "$work/seen-$seed.npz" --mirrored
done <<<"$recipe"
"$python" models/spine/train.py "$work"/seen-*.npz --out edge_agent/assets
.venv/bin/python models/spine/calibrate.py "$work"/seen-*.npz

# Nobody to train on: whole lifts for the cues, heads that drop among them.
"$python" models/people/dataset.py "$work/frames-8" --seed 8 --sequences 300 --frames 10 --upright 2 --unusual 0.3 --dropped 0.25
[ -f "$work/across-8.npz" ] || .venv/bin/python models/spine/extract.py "$work/frames-8" "$work/across-8.npz"

# The card. Always anew, for who is held out depends on who was seen.
"$python" models/spine/variants.py "$work"/seen-*.npz --out "$work/variants"
.venv/bin/python models/spine/heldout.py "$work"/seen-*.npz >"$work/held-out.txt"
mkdir -p "$work/landmarks"
for landmarker in lite full heavy; do
    .venv/bin/edge-agent models pull --quiet "pose-landmarker-$landmarker"
    .venv/bin/python models/spine/extract.py "$work/frames-3" "$work/landmarks/$landmarker.npz" \
        --landmarker "$landmarker" --people "$work/held-out.txt"
done
.venv/bin/python models/spine/ablate.py "$work"/seen-*.npz --variants "$work/variants" \
    --landmarks "$work/landmarks" --across "$work/across-8.npz"
