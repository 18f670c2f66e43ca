#!/usr/bin/env bash
# The spine model from nothing: simulate, look at it with the real pose network, train, calibrate.
# Everything is seeded, and every step goes on where it stopped. Used by `make train`.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=${TRAIN_FOLDER:-build/train}
sequences=${TRAIN_SEQUENCES:-1500} # of each seed; two seconds each on one core
venv="$work/venv"
mkdir -p "$work"

scripts/apt-install.sh libegl1 libgl1
if [ ! -x "$venv/bin/python" ]; then
    echo "installing the simulator's and the trainer's packages (once)"
    "${PYTHON:-python3}" -m venv "$venv"
    "$venv/bin/pip" install --quiet torch==2.13.0 # first and alone: the CPU build
    "$venv/bin/pip" install --quiet -r models/spine/requirements.txt
fi
for seed in 1 2; do # one process a core
    "$venv/bin/python" models/people/dataset.py "$work/frames-$seed" --sequences "$sequences" --seed "$seed" &
done
wait
for seed in 1 2; do
    [ -f "$work/seen-$seed.npz" ] ||
        .venv/bin/python models/spine/extract.py "$work/frames-$seed" "$work/seen-$seed.npz"
done
"$venv/bin/python" models/spine/train.py "$work"/seen-*.npz --out edge_agent/assets
